//! Several keys for one database: mirrors, replicas that follow at once, and replicas that lag.

use insta::assert_snapshot;
use multibind::binds::{Lag, Storage};
use multibind::faults::Operation;
use multibind::rusqlite::{Connection, ErrorCode};
use multibind::{row, Bind, BindKey, Config, Error, Harness, Keep};
use rstest::rstest;

use crate::failure::failure;
use crate::frame::unframed;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";

fn replica(of: &str) -> Bind {
    Bind::mirror(of).read_only(true)
}

fn lagging(of: &str) -> Bind {
    replica(of).lag(Lag::Manual)
}

/// `auth` with the replica `now`, which follows at once, and `late`, which lags.
fn start(storage: Storage) -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
        .bind("now", replica("auth"))
        .bind("late", lagging("auth"))
        .bind("auth", Bind::memory().storage(storage).schema(USER))
        .start()
        .unwrap()
}

fn names(conn: &Connection) -> Vec<String> {
    let mut select = conn.prepare("SELECT name FROM user ORDER BY id").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn names_in(db: &Harness, key: &str) -> Vec<String> {
    names(&db.connection(key).unwrap())
}

#[test]
fn a_mirror_is_a_second_key_for_a_database() {
    let config = r#"
        [binds.second]
        mirror = "default"

        [default]
        schema_sql = "CREATE TABLE post (title TEXT)"
    "#;
    let db = Harness::from_config(Config::from_toml(config, ".").unwrap()).unwrap();
    assert_eq!(db.binds(), [BindKey::DEFAULT, "second".into()]);
    assert_eq!(db.uri(None).unwrap(), db.uri("second").unwrap());
    db.connection("second").unwrap().execute("INSERT INTO post VALUES ('hello')", []).unwrap();
    db.assert_landed(None, "post", row! { title: "hello" }).assert_landed("second", "post", row! { title: "hello" });
    let mut session = db.session();
    session.execute("INSERT INTO second.post VALUES ('again')", []).unwrap();
    assert_eq!(session.query_row("SELECT count(*) FROM main.post", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
}

#[test]
fn the_default_bind_is_mirrored_by_its_name_and_by_none() {
    for bind in [Bind::mirror("default"), Bind::mirror(None)] {
        let db = Harness::builder().default_bind(Bind::memory()).bind("second", bind).start().unwrap();
        assert_eq!(db.uri(None).unwrap(), db.uri("second").unwrap());
    }
}

#[test]
fn the_default_bind_may_mirror_another() {
    let db = Harness::builder()
        .bind("main db", Bind::memory().schema(USER))
        .default_bind(Bind::mirror("main db").read_only(true))
        .start()
        .unwrap();
    assert_eq!(db.binds()[0], BindKey::DEFAULT);
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(names(&db.connection(None).unwrap()), ["ann", "bob"]);
    assert!(db.connection(None).unwrap().execute("DELETE FROM user", []).is_err());
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn a_replica_sees_what_is_committed_and_cannot_write(#[case] storage: Storage) {
    let db = start(storage);
    let (auth, now) = (db.connection("auth").unwrap(), db.connection("now").unwrap());
    auth.execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    assert_eq!(names(&now), ["ann", "bob"]);
    let refused = now.execute("DELETE FROM user", []).unwrap_err();
    assert_eq!(refused.sqlite_error_code(), Some(ErrorCode::ReadOnly));
    let by_uri = Connection::open(db.uri("now").unwrap()).unwrap();
    assert_eq!(names(&by_uri), ["ann", "bob"]);
    assert!(by_uri.execute("DELETE FROM user", []).is_err());
    auth.execute_batch("CREATE TABLE log (line TEXT); INSERT INTO log VALUES ('made later')").unwrap();
    assert_eq!(now.query_row("SELECT line FROM log", [], |row| row.get::<_, String>(0)).unwrap(), "made later");
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn a_lagging_replica_is_stale_until_replicated(#[case] storage: Storage) {
    let db = start(storage);
    let late = db.connection("late").unwrap();
    let by_uri = Connection::open(db.uri("late").unwrap()).unwrap();
    assert_eq!(names(&late), ["ann"]);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    assert_eq!(names(&late), ["ann"]);
    assert_eq!(names_in(&db, "now"), ["ann", "bob"]);

    db.replicate("late").unwrap();

    assert_eq!(names(&late), ["ann", "bob"]);
    assert_eq!(names(&by_uri), ["ann", "bob"]);
    assert_eq!(late.execute("DELETE FROM user", []).unwrap_err().sqlite_error_code(), Some(ErrorCode::ReadOnly));
    assert!(by_uri.execute("DELETE FROM user", []).is_err());
    // Tables follow too.
    db.connection("auth").unwrap().execute("CREATE TABLE log (line TEXT)", []).unwrap();
    assert!(late.prepare("SELECT * FROM log").is_err());
    db.replicate("late").unwrap();
    assert!(late.query_row("SELECT count(*) FROM log", [], |_| Ok(())).is_ok());
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_transaction_on_a_replica_keeps_its_snapshot(#[case] storage: Storage) {
    let db = start(storage);
    let (reading, other) = (db.connection("late").unwrap(), db.connection("late").unwrap());
    reading.execute_batch("BEGIN").unwrap();
    assert_eq!(names(&reading), ["ann"]);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    db.replicate("late").unwrap();
    assert_eq!((names(&reading), names(&other)), (vec!["ann".to_string()], vec!["ann".to_string(), "bob".to_string()]));
    reading.execute_batch("COMMIT").unwrap();
    assert_eq!(names(&reading), ["ann", "bob"]);
}

#[test]
fn a_memdb_replica_being_read_cannot_replicate() {
    let db = start(Storage::MemDb);
    let reading = db.connection("late").unwrap();
    reading.execute_batch("BEGIN").unwrap();
    assert_eq!(names(&reading), ["ann"]);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    let error = db.replicate("late").unwrap_err();
    assert!(matches!(&error, Error::Locked { bind, .. } if bind.as_str() == Some("late")), "{error}");
    reading.execute_batch("COMMIT").unwrap();
    db.replicate("late").unwrap();
    assert_eq!(names(&reading), ["ann", "bob"]);
}

#[test]
fn a_replica_does_not_follow_open_transactions() {
    let db = start(Storage::Memory);
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    db.replicate("late").unwrap();
    assert_eq!(names_in(&db, "late"), ["ann"]);
    session.commit().unwrap();
    db.replicate("late").unwrap();
    assert_eq!(names_in(&db, "late"), ["ann", "bob"]);
}

#[test]
fn replicate_does_nothing_without_lag_and_fails_on_other_binds() {
    let db = start(Storage::Memory);
    db.replicate("now").unwrap();
    let error = db.replicate("auth").unwrap_err();
    assert!(matches!(&error, Error::NotAReplica { bind, .. } if bind.as_str() == Some("auth")));
    assert_snapshot!(error, @"bind `auth` is not a replica; configured are late, now");
    assert_snapshot!(db.replicate("audit").unwrap_err(), @"no bind `audit`: configured are default, auth, late, now");
}

#[test]
fn replicate_without_any_replica_says_how_to_configure_one() {
    let db = Harness::builder().bind("auth", Bind::memory()).start().unwrap();
    let error = db.replicate("auth").unwrap_err();
    assert_snapshot!(error, @"bind `auth` is not a replica; none is configured: set `mirror` and `read_only` on a bind to make it one");
}

#[test]
fn a_name_without_a_key_is_the_sources() {
    let db = start(Storage::Memory);
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    session.table("user").unwrap().insert(row! { name: "cleo" }).unwrap();
    assert_eq!(session.route("DELETE FROM user").unwrap().writes(), ["auth".into()]);
    assert_eq!(session.route("SELECT count(*) FROM user").unwrap().reads(), ["auth".into()]);
    assert_eq!(session.route("PRAGMA table_info(user)").unwrap().reads(), ["auth".into()]);
    assert_eq!(session.route("CREATE INDEX by_name ON user (name)").unwrap().writes(), ["auth".into()]);
    session.execute("CREATE INDEX by_name ON user (name)", []).unwrap();
    assert_eq!(session.route("REINDEX user").unwrap().writes(), ["auth".into()]);
    session.commit().unwrap();
    assert_eq!(names_in(&db, "auth"), ["ann", "bob", "cleo"]);
    let columns = "SELECT count(*) FROM pragma_table_info('user')";
    assert_eq!(session.query_row(columns, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    session.execute_batch("ANALYZE; REINDEX").unwrap();
}

#[test]
fn a_replicas_key_reads_the_replica() {
    let db = start(Storage::Memory);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    let mut session = db.session();
    let mut count = |table: &str| -> i64 {
        session.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("user"), count("auth.user"), count("now.user"), count("late.user")), (2, 2, 2, 1));
    assert_eq!(count("user JOIN late.user AS before USING (id)"), 1);
    assert_eq!(count("user JOIN now.user AS same USING (id)"), 2);
    assert_eq!(session.table("late.user").unwrap().count(row! {}).unwrap(), 1);
    let on_late = session.on("late").unwrap().query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0));
    assert_eq!(on_late.unwrap(), 1);
    assert_eq!(session.route("SELECT name FROM late.user").unwrap().reads(), ["late".into()]);

    for key in ["now", "late"] {
        let error = session.execute(&format!("DELETE FROM {key}.user"), []).unwrap_err();
        assert!(matches!(&error, Error::Sql { bind, .. } if bind.as_str() == Some(key)), "{error}");
        assert!(error.to_string().contains("attempt to write a readonly database"));
        assert!(session.table(&format!("{key}.user")).unwrap().insert(row! { id: 9 }).is_err());
    }
}

#[test]
fn a_session_reads_through_a_replica_what_is_committed() {
    let db = start(Storage::Memory);
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    let mut count =
        || -> i64 { session.on("now").unwrap().query_row("SELECT count(*) FROM user", [], |row| row.get(0)).unwrap() };
    assert_eq!(count(), 1);
    session.commit().unwrap();
    let mut count =
        || -> i64 { session.on("now").unwrap().query_row("SELECT count(*) FROM user", [], |row| row.get(0)).unwrap() };
    assert_eq!(count(), 2);
}

#[test]
fn a_name_that_two_binds_have_stays_ambiguous_beside_replicas() {
    let db = Harness::builder()
        .bind("auth", Bind::memory().schema(USER))
        .bind("meta", Bind::memory().schema(USER))
        .bind("late", lagging("auth"))
        .bind("now", replica("meta"))
        .start()
        .unwrap();
    assert_snapshot!(db.session().execute("DELETE FROM user", []).unwrap_err(), @"table `user` is in the binds auth, meta: say which, with `auth.user` in the SQL or with `on(\"auth\")`");
    assert_snapshot!(db.session().table("user").unwrap_err(), @"table `user` is in the binds auth, meta: say which, with `auth.user` in the SQL or with `on(\"auth\")`");
}

#[test]
fn a_stale_replicas_table_needs_its_key() {
    let db = start(Storage::Memory);
    db.connection("auth").unwrap().execute("DROP TABLE user", []).unwrap();
    let mut session = db.session();
    assert_snapshot!(session.query("SELECT name FROM user", [], |_| Ok(())).unwrap_err(), @"no table `user` in any bind");
    assert_snapshot!(session.table("user").unwrap_err(), @"no table `user` in any bind");
    assert_eq!(session.query_row("SELECT name FROM late.user", [], |row| row.get::<_, String>(0)).unwrap(), "ann");
}

#[test]
fn beside_more_binds_than_sqlite_attaches_names_mean_the_same() {
    let mut builder = Harness::builder();
    for number in 0..9 {
        let schema = format!("CREATE TABLE t{number} (x)");
        let (key, now, late) = (format!("b{number}"), format!("now{number}"), format!("late{number}"));
        builder = builder.bind(now, replica(&key)).bind(late, lagging(&key)).bind(key, Bind::memory().schema(schema));
    }
    let db = builder.start().unwrap();
    let mut session = db.session();
    for number in (0..9).chain((0..9).rev()) {
        let mut count = |sql: &str| -> i64 {
            session.query_row(&sql.replace('#', &number.to_string()), [], |row| row.get(0)).unwrap()
        };
        count("SELECT count(*) FROM late#.t#");
        count("SELECT count(*) FROM now#.t#, t#, late#.t# AS l");
        let insert = format!("INSERT INTO t{number} VALUES (1)");
        assert_eq!(session.route(&insert).unwrap().writes(), [format!("b{number}").into()]);
        session.execute(&insert, []).unwrap();
    }
    session.commit().unwrap();
    assert_eq!(session.query_row("SELECT count(*) FROM now8.t8", [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    assert_eq!(session.query_row("SELECT count(*) FROM late8.t8", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn a_replica_is_no_other_bind_for_landings() {
    let db = start(Storage::Memory);
    db.keep(Keep::Never);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    let bob = || row! { name: "bob" };
    db.assert_landed("auth", "user", bob()).assert_landed("now", "user", bob()).assert_not_landed(
        "late",
        "user",
        bob(),
    );
    assert_snapshot!(failure(|| _ = db.assert_landed("late", "user", bob())), @r#"
    the row is in `auth`, and not yet in its replica `late`

      look at  … it used a connection to `auth`, not to `late`
      looked for  user: name = 'bob'
      expected    in `late`, committed, and in no other bind

     bind                      rows   found
     default                          no such table
    ─
     auth = now (read only)    2      the row:
                                        id = 2, name = 'bob'
    ─
     late (lags behind auth)   1      no row matches; nearest:
                                        id = 1, name = 'ann'

    The row in `auth` was written by
      INSERT INTO user VALUES (2, 'bob')
      at storage::mirrors::a_replica_is_no_other_bind_for_landings
      on the test's thread, connection 1, committed

    `late` has what `auth` had at its last replication: `db.replicate("late")`
    first?
    "#);
    assert_snapshot!(failure(|| _ = db.assert_not_landed("now", "user", bob())), @r#"
    the row is in `now`

      look at  … it wrote the row
      looked for  user: name = 'bob'
      expected    not in `now`

     bind                     rows   found
     default                         no such table
    ─
     auth = now (read only)   2      the row:
                                       id = 2, name = 'bob'

    The row in `auth` was written by
      INSERT INTO user VALUES (2, 'bob')
      at storage::mirrors::a_replica_is_no_other_bind_for_landings
      on the test's thread, connection 1, committed
    "#);

    db.replicate("late").unwrap();

    db.assert_landed("auth", "user", bob()).assert_landed("late", "user", bob());
    let found = db.locate("user", bob()).unwrap();
    assert_eq!(found.iter().map(|landing| landing.bind().to_string()).collect::<Vec<_>>(), ["auth", "late"]);

    db.connection("auth").unwrap().execute("DELETE FROM user WHERE id = 2", []).unwrap();
    db.assert_not_landed("auth", "user", bob()).assert_landed("late", "user", bob());
}

#[test]
fn a_row_in_another_bind_is_still_one_too_many() {
    let db = Harness::builder()
        .bind("auth", Bind::memory().schema(USER))
        .bind("meta", Bind::memory().schema(USER))
        .bind("late", lagging("auth"))
        .start()
        .unwrap();
    db.keep(Keep::Never);
    for key in ["auth", "late"] {
        let message = failure(|| _ = db.assert_landed(key, "user", row! { name: "ann" }));
        assert_eq!(message.lines().next().unwrap(), format!("the row landed in `{key}`, but also in `meta`"));
    }
}

#[test]
fn a_replica_counts_no_changes_of_its_own() {
    let db = start(Storage::Memory);
    let before = db.snapshot().unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    db.replicate("late").unwrap();
    let changes = db.changes_since(&before).unwrap();
    changes.assert_only("auth");
    assert_eq!(changes.changes().len(), 1);
    assert_eq!(changes.in_bind("now").unwrap().changes().len(), 1);
    assert!(changes.in_bind("late").unwrap().is_empty());

    db.restore(&before).unwrap();
    assert_eq!((names_in(&db, "auth"), names_in(&db, "late")), (vec!["ann".to_string()], vec!["ann".to_string()]));
}

#[test]
fn snapshots_keep_a_replicas_lag_and_reset_clears_it() {
    let db = start(Storage::Memory);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    db.replicate("late").unwrap();
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (3, 'cleo')", []).unwrap();
    let lagged = db.snapshot().unwrap();
    db.replicate("late").unwrap();
    db.restore(&lagged).unwrap();
    assert_eq!((names_in(&db, "auth").len(), names_in(&db, "late").len()), (3, 2));
    db.reset().unwrap();
    assert_eq!((names_in(&db, "auth").len(), names_in(&db, "now").len(), names_in(&db, "late").len()), (1, 1, 1));
}

#[test]
fn replicas_are_described_with_what_they_are_of() {
    let db = start(Storage::Memory);
    db.connection("auth").unwrap().execute("INSERT INTO user VALUES (2, 'bob')", []).unwrap();
    assert_snapshot!(unframed(db.describe()), @r"
     bind                      storage   table   rows
     default                   memory    post    0
    ─
     auth = now (read only)    memory    user    2
    ─
     late (lags behind auth)   memory    user    1
    ");
    assert!(!db.diagram().unwrap().contains("late"));
}

#[test]
fn all_tables_are_those_of_the_sources() {
    let db = start(Storage::Memory);
    db.drop_all(..).unwrap();
    assert_eq!(names_in(&db, "late"), ["ann"]);
    db.create_all(..).unwrap();
    assert!(names_in(&db, "auth").is_empty());
    db.replicate("late").unwrap();
    assert!(names_in(&db, "late").is_empty());
    for key in ["auth", "now", "late"] {
        assert!(db.metadata(key).unwrap().table("user").is_some());
    }
}

#[test]
fn data_is_loaded_into_the_source_alone() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "name\nbob\n").unwrap();
        path
    };
    let db = start(Storage::Memory);
    db.load_data(write("user.csv")).unwrap();
    db.load_data(write("now.user.csv")).unwrap();
    assert_eq!((names_in(&db, "auth").len(), names_in(&db, "late").len()), (3, 1));
    assert!(db.load_data(write("late.user.csv")).is_err());
}

#[test]
fn guards_and_records_tell_a_replica_from_its_source() {
    let db = start(Storage::Memory);
    let log = db.record();
    names_in(&db, "now");
    names_in(&db, "late");
    assert_eq!((log.on("auth").unwrap().len(), log.on("now").unwrap().len(), log.on("late").unwrap().len()), (0, 1, 1));

    let guard = db.allow_only("now");
    names_in(&db, "now");
    assert!(db.connection("auth").unwrap().prepare("SELECT * FROM user").is_err());
    assert_eq!(guard.refused().len(), 1);
}

#[test]
fn a_replica_inherits_its_sources_options() {
    let db = Harness::builder()
        .bind("auth", Bind::memory().schema(USER).pool_size(3).pragma("cache_size", 77))
        .bind("now", replica("auth").pool_size(5))
        .bind("late", lagging("auth").pragma("cache_size", 78))
        .start()
        .unwrap();
    let cache = |key: &str| -> i64 {
        db.connection(key).unwrap().pragma_query_value(None, "cache_size", |row| row.get(0)).unwrap()
    };
    let size = |key: &str| db.pool(key).unwrap().max_size();
    assert_eq!((size("auth"), size("now"), size("late")), (3, 5, 3));
    assert_eq!((cache("auth"), cache("now"), cache("late")), (77, 77, 78));
}

#[test]
fn an_environment_makes_productions_replica_a_mirror() {
    let config = r#"
        [default]
        url = "postgresql://db.example/app"
        schema_sql = "CREATE TABLE post (title TEXT)"

        [binds.replica]
        url = "postgresql://replica.example/app"
        read_only = true

        [env.test.binds.replica]
        mirror = "default"
        lag = "manual"
    "#;
    let config = Config::from_toml(config, ".").unwrap();
    // A variable of production is not about it.
    let config = config.with_vars([("DATABASE_URL_REPLICA", "postgresql://other.example/app")]);
    let db = Harness::from_config(config).unwrap();
    db.connection(None).unwrap().execute("INSERT INTO post VALUES ('hello')", []).unwrap();
    db.assert_not_landed("replica", "post", row! { title: "hello" });
    db.replicate("replica").unwrap();
    db.assert_landed("replica", "post", row! { title: "hello" });
}

/// What is wrong with a text, whether it shows when it is read or at start.
fn wrong(toml: &str) -> String {
    let error = match Config::from_toml(toml, ".") {
        Ok(config) => Harness::from_config(config).unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(&error, Error::Config { line: Some(_), .. }));
    error.to_string()
}

#[test]
fn an_invalid_mirror_is_reported_with_its_line() {
    assert_snapshot!(wrong("[default]\n[binds.second]\nmirror = 'auht'\n[binds.auth]"), @"line 3: bind `second`: it mirrors bind `auht`, which is not configured: there are default, auth; the nearest is `auth`");
    assert_snapshot!(wrong("[binds.second]\nmirror = 'second'"), @"line 2: bind `second`: it mirrors itself: `mirror` names another bind");
    assert_snapshot!(wrong("[binds.second]\nmirror = 'default'"), @"line 2: bind `second`: it mirrors bind `default`, which is not configured: there are none");
    assert_snapshot!(wrong("[binds.a]\nmirror = 'b'\n[binds.b]\nmirror = 'a'"), @"line 2: bind `a`: it mirrors bind `b`, which mirrors `a`, and so on in a circle");
    assert_snapshot!(wrong("[binds.a]\nmirror = 'b'\n[binds.b]\nmirror = 'c'\n[binds.c]"), @"line 2: bind `a`: it mirrors bind `b`, which is a mirror itself: name `c`, whose database both then have");
    assert_snapshot!(wrong("[default]\n[binds.a]\nurl = 'sqlite://'\nmirror = 'default'"), @"line 4: bind `a`: it mirrors bind `default`, whose database it has, so it cannot have `url`: set that in bind `default`, or take `mirror` out");
    assert_snapshot!(wrong("[default]\n[binds.a]\nstorage = 'memdb'\nmirror = 'default'"), @"line 4: bind `a`: it mirrors bind `default`, whose database it has, so it cannot have `storage`: set that in bind `default`, or take `mirror` out");
    assert_snapshot!(wrong("[default]\n[binds.a]\nschema_sql = ''\nmirror = 'default'"), @"line 4: bind `a`: it mirrors bind `default`, whose database it has, so it cannot have `schema`: set that in bind `default`, or take `mirror` out");
    assert_snapshot!(wrong("[default]\n[binds.a]\ndata = 'a.csv'\nmirror = 'default'"), @"line 4: bind `a`: it mirrors bind `default`, whose database it has, so it cannot have `data`: set that in bind `default`, or take `mirror` out");
    assert_snapshot!(wrong("[default]\n[binds.a]\ncopy_of = 'a.db'\nmirror = 'default'"), @"line 4: bind `a`: it mirrors bind `default`, whose database it has, so it cannot have `copy_of`: set that in bind `default`, or take `mirror` out");
    assert_snapshot!(wrong("[default]\n[binds.a]\nmirror = ''"), @"line 3: bind `a`: `mirror` has an empty key; the default bind is named `default`");
    assert_snapshot!(wrong("[default]\n[binds.a]\nmirror = true"), @"line 3: bind `a`: `mirror` must be a string, not true");
    assert_snapshot!(wrong("[default]\npool_size = 3\n[binds.a]\nmirror = 'default'\npool_size = 4"), @"line 4: bind `a`: it mirrors bind `default`, so both have one database, but `pool_size` differs: set it in one of them, or alike in both");
}

#[test]
fn an_invalid_lag_is_reported_with_its_line() {
    assert_snapshot!(wrong("[default]\nlag = 'manual'"), @"line 2: bind `default`: `lag` is for a replica: name the bind that it is of with `mirror`, and set `read_only` too");
    assert_snapshot!(wrong("[default]\nread_only = true\nlag = 'manual'"), @"line 3: bind `default`: `lag` is for a replica: name the bind that it is of with `mirror`, and set `read_only` too");
    assert_snapshot!(wrong("[default]\n[binds.a]\nmirror = 'default'\nlag = 'manual'"), @"line 4: bind `a`: a replica that lags is only read: set `read_only` too");
    assert_snapshot!(wrong("[default]\n[binds.a]\nmirror = 'default'\nread_only = true\nlag = 'manuel'"), @"line 5: bind `a`: `lag` cannot be `manuel`; the nearest known one is `manual`");
    assert_snapshot!(wrong("[default]\n[binds.a]\nmirror = 'default'\nread_only = 'yes'"), @"line 4: bind `a`: `read_only` must be true or false, not a string");
    assert_snapshot!(wrong("[binds.a]\n[default]\nmirror = 'a'\nread_only = true\nlag = 'manual'"), @"line 2: bind `default`: the default bind cannot lag behind another: a statement that names no bind is for it. Make the other bind the default one, and this one its replica");
    assert_snapshot!(wrong("[default]\nstorage = 'shared_cache'\n[binds.a]\nmirror = 'default'\nread_only = true"), @"line 3: bind `a`: a shared cache cannot be read only: its connections share one handle, of which SQLite opens none read-only. Take `memory`, `memdb` or `temp_file` for its storage");
}

#[rstest]
#[case(Storage::Memory)]
#[case(Storage::MemDb)]
#[case(Storage::TempFile)]
fn faults_of_replica_and_source_are_separate(#[case] storage: Storage) {
    let db = start(storage);
    let count = |key: &str| {
        let conn = db.connection(key).unwrap();
        conn.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)).map_err(|error| error.to_string())
    };
    for (faulty, well) in [("now", "auth"), ("auth", "now"), ("late", "auth"), ("auth", "late")] {
        let fault = db.fault(faulty).fail_statement("user", Operation::Read).unwrap();

        assert!(count(faulty).is_err(), "{faulty}");
        let mut session = db.session();
        let sql = |key: &str| format!("SELECT name FROM {key}.user");
        assert!(session.query_row(&sql(faulty), [], |row| row.get::<_, String>(0)).is_err(), "{faulty}");
        let name: String = session.query_row(&sql(well), [], |row| row.get(0)).unwrap();
        assert_eq!(name, "ann", "{faulty}");
        assert_eq!(count(well), Ok(1), "{faulty}");
        assert!(fault.triggered() > 0, "{faulty}");
    }
}

#[rstest]
#[case(Storage::Memory)]
#[case(Storage::MemDb)]
#[case(Storage::TempFile)]
fn a_driver_s_url_of_a_replica_only_reads(#[case] storage: Storage) {
    let db = start(storage);
    for key in ["now", "late"] {
        let path = |uri: String| uri.trim_start_matches("file:").to_string();
        assert_eq!(db.sqlx_url(key).unwrap(), format!("sqlite://{}", path(db.uri(key).unwrap())));
        let conn = Connection::open(db.uri(key).unwrap()).unwrap();
        assert_eq!(names(&conn), ["ann"]);
        let refused = conn.execute("DELETE FROM user", []).unwrap_err();
        assert_eq!(refused.to_string(), "attempt to write a readonly database");
    }
}
