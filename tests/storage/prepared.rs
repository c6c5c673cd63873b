//! A state that a test's own code makes once, and every harness of it starts with.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

use multibind::binds::{Prepared, Storage};
use multibind::rusqlite::{Connection, OpenFlags};
use multibind::{context, row, Bind, BindKey, Config, Error, Harness, Session};
use rstest::rstest;

type Done = Result<(), Box<dyn StdError + Send + Sync>>;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)";

fn config(storage: Storage) -> Config {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (title TEXT)"))
        .bind("auth", Bind::memory().storage(storage).schema(USER))
}

fn execute(db: &Harness, key: impl Into<BindKey>, sql: &str) -> Done {
    db.connection(key)?.execute_batch(sql)?;
    Ok(())
}

/// A connection as a driver opens one that knows the URI alone.
fn driver(db: &Harness, key: impl Into<BindKey>) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(db.uri(key).unwrap(), flags).unwrap()
}

fn names(db: &Harness, key: impl Into<BindKey>) -> String {
    let sql = "SELECT ifnull(group_concat(name, ', '), '') FROM (SELECT name FROM user ORDER BY id)";
    db.connection(key).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn problem(prepared: Prepared) -> String {
    let error = prepared.start().unwrap_err();
    assert!(matches!(error, Error::Prepared { .. }), "{error}");
    error.to_string()
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn its_code_runs_once_for_many_harnesses(#[case] storage: Storage) {
    static RUNS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    let place = storage as usize;
    // A closure of no captures for each storage.
    let signed_up = || match place {
        0 => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[0])),
        1 => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[1])),
        2 => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[2])),
        _ => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[3])),
    };
    fn sign_up(db: &Harness, runs: &AtomicUsize) -> Done {
        runs.fetch_add(1, Ordering::Relaxed);
        execute(db, "auth", "INSERT INTO user (name) VALUES ('ann')")?;
        let driver = driver(db, None);
        driver.execute("INSERT INTO post VALUES ('hello')", [])?;
        let mut session = db.session();
        session.execute("INSERT INTO user (name) VALUES ('bob')", [])?;
        session.commit()?;
        Ok(())
    }
    for _ in 0..3 {
        let db = signed_up().start().unwrap();
        assert_eq!(names(&db, "auth"), "ann, bob");
        db.assert_landed(None, "post", row! { title: "hello" });
        let before = db.snapshot().unwrap();
        execute(&db, "auth", "INSERT INTO user (name) VALUES ('cleo')").unwrap();
        db.assert_landed("auth", "user", row! { id: 3, name: "cleo" });
        db.changes_since(&before).unwrap().assert_only("auth");
        db.reset().unwrap();
        assert_eq!(names(&db, "auth"), "ann, bob");
        db.changes_since(&before).unwrap().assert_none();
        execute(&db, "auth", "DELETE FROM user").unwrap();
        db.restore(&before).unwrap();
        assert_eq!(names(&db, "auth"), "ann, bob");
    }
    assert_eq!(RUNS[place].load(Ordering::Relaxed), 1);
}

#[test]
fn harnesses_that_start_at_once_share_one_run() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let start = || {
        let prepared = config(Storage::Memory).without_images().prepared("at once", |db| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            execute(db, "auth", "INSERT INTO user (name) VALUES ('ann')")
        });
        names(&prepared.start().unwrap(), "auth")
    };
    thread::scope(|scope| {
        let started = (0..8).map(|_| scope.spawn(start)).collect::<Vec<_>>();
        for started in started {
            assert_eq!(started.join().unwrap(), "ann");
        }
    });
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}

#[test]
fn a_state_begins_with_the_one_before_it() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let signed_up = || {
        config(Storage::Memory).without_images().prepared("signed-up", |db| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            execute(db, "auth", "INSERT INTO user (name) VALUES ('ann')")
        })
    };
    let renamed = || signed_up().prepared("renamed", |db| execute(db, "auth", "UPDATE user SET name = 'bob'"));
    assert_eq!(names(&renamed().start().unwrap(), "auth"), "bob");
    assert_eq!(names(&signed_up().start().unwrap(), "auth"), "ann");
    assert_eq!(names(&renamed().start().unwrap(), "auth"), "bob");
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}

#[test]
fn other_tables_and_another_name_are_another_state() {
    let start = |config: Config, name: &str| {
        let db = config.without_images().prepared(name, |db| execute(db, None, "INSERT INTO t (a) VALUES (1)")).start();
        db.unwrap().connection(None).unwrap().query_row("SELECT * FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let of = |schema: &str| Harness::builder().default_bind(Bind::memory().schema(schema));
    assert_eq!(start(of("CREATE TABLE t (a, b)"), "one"), 1);
    assert_eq!(start(of("CREATE TABLE t (b DEFAULT 2, a)"), "one"), 2);
    assert_eq!(start(of("CREATE TABLE t (a, b)"), "two"), 1);
}

#[rstest]
#[case::the_clock("INSERT INTO user (name) VALUES (strftime('%f', 'now') || hex(randomblob(4)))")]
#[case::chance("INSERT INTO user (name) VALUES (hex(randomblob(8)))")]
#[case::a_default(
    "CREATE TABLE user2 (id INTEGER PRIMARY KEY, name TEXT DEFAULT (random())); \
    INSERT INTO user2 DEFAULT VALUES; INSERT INTO user (name) SELECT name FROM user2"
)]
#[case::a_trigger(
    "CREATE TRIGGER t AFTER INSERT ON user BEGIN UPDATE user SET name = hex(randomblob(8)); END; \
    INSERT INTO user (name) VALUES ('x')"
)]
#[case::a_query("CREATE TEMP TABLE x AS SELECT hex(randomblob(8)) AS name; INSERT INTO user (name) SELECT name FROM x")]
fn what_sqlite_says_is_not_the_same_twice_runs_at_each_start(
    #[case] sql: &'static str,
    #[values(Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile)] storage: Storage,
    #[values("pool", "driver", "session")] by: &'static str,
) {
    static SQL: Mutex<()> = Mutex::new(());
    thread_local! { static RUN: std::cell::Cell<(&'static str, &'static str)> = const { std::cell::Cell::new(("", "")) } }
    let _one = SQL.lock();
    RUN.set((sql, by));
    let start = || {
        let prepared = config(storage).without_images().prepared(format!("{by} {sql}"), |db| {
            let (sql, by) = RUN.get();
            match by {
                "pool" => execute(db, "auth", sql),
                "driver" => driver(db, "auth").execute_batch(sql).map_err(Into::into),
                _ => {
                    let mut session = db.session();
                    session.on("auth")?.execute_batch(sql)?;
                    session.commit().map_err(Into::into)
                }
            }
        });
        names(&prepared.start().unwrap(), "auth")
    };
    if by == "session" && sql.contains("TEMP") {
        return;
    }
    let (first, second) = (start(), start());
    assert!(!first.is_empty());
    assert_ne!(first, second);
}

#[test]
fn a_closure_that_captures_something_runs_at_each_start() {
    for name in ["ann", "bob"] {
        let name = name.to_string();
        let prepared = config(Storage::Memory).prepared("signed-up", move |db| {
            execute(db, "auth", &format!("INSERT INTO user (name) VALUES ('{name}')"))
        });
        let db = prepared.start().unwrap();
        assert!(["ann", "bob"].contains(&names(&db, "auth").as_str()));
        db.assert_landed("auth", "user", row! { id: 1 });
    }
}

#[test]
fn tenants_and_replicas_are_there_from_the_start() {
    let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema(USER);
    let prepared = Harness::builder()
        .bind("users", users)
        .bind("auth", Bind::memory().schema(USER))
        .bind("replica", Bind::mirror("auth").read_only(true))
        .prepared("tenants", |db| {
            db.connection_for("users", context! { tenant: "acme" })?
                .execute("INSERT INTO user (name) VALUES ('ann')", [])?;
            execute(db, "auth", "INSERT INTO user (name) VALUES ('bob')")
        });
    let db = prepared.start().unwrap();
    assert_eq!(db.database_keys("users").unwrap(), [BindKey::from("users[acme]")]);
    assert_eq!(names(&db, "users[acme]"), "ann");
    assert_eq!(names(&db, "replica"), "bob");
    let before = db.snapshot().unwrap();
    db.connection_for("users", context! { tenant: "bee" }).unwrap();
    assert_eq!(names(&db, "users[bee]"), "");
    execute(&db, "users[acme]", "DELETE FROM user").unwrap();
    db.reset().unwrap();
    assert_eq!(names(&db, "users[acme]"), "ann");
    // Closed and used again, it is what it started as.
    db.close_database("users[acme]").unwrap();
    db.changes_since(&before).unwrap().assert_none();
    db.connection_for("users", context! { tenant: "acme" }).unwrap();
    assert_eq!(names(&db, "users[acme]"), "ann");
}

#[test]
fn tables_that_its_code_makes_and_migrations_that_it_runs_are_part_of_it() {
    let prepared =
        Harness::builder().bind("auth", Bind::memory().schema_up_to("fixtures/auth", 3)).prepared("later", |db| {
            execute(db, "auth", "CREATE TABLE made (x); INSERT INTO made VALUES (1)")?;
            db.migrate_to("auth", 4)?;
            Ok::<(), Box<dyn StdError + Send + Sync>>(())
        });
    let db = prepared.start().unwrap();
    assert!(db.metadata("auth").unwrap().table("made").is_some());
    db.assert_landed("auth", "made", row! { x: 1 });
    db.assert_not_landed("auth", "user", row! { email: None });
    // Nothing is left to run up to there: the column would be there twice.
    db.migrate_to("auth", 4).unwrap();
}

#[test]
fn its_failure_is_the_error_of_the_start() {
    let on_auth = |db: &Harness| db.session().execute("INSERT INTO user VALUES ('x', 'ann')", []).map(drop);
    insta::assert_snapshot!(problem(config(Storage::Memory).prepared("signed-up", on_auth)), @r"
    prepared state `signed-up`: its code failed: bind `auth`: datatype mismatch
      in: INSERT INTO user VALUES ('x', 'ann'): datatype mismatch
    ");
    insta::assert_snapshot!(problem(config(Storage::Memory).prepared("signed-up", |_| panic!("no mail server") as Done)), @"prepared state `signed-up`: its code panicked: no mail server");
}

#[test]
fn what_its_code_leaves_open_is_an_error() {
    static LEFT: Mutex<Vec<Box<dyn std::any::Any + Send>>> = Mutex::new(Vec::new());
    fn leave(left: impl std::any::Any + Send) -> Done {
        LEFT.lock().unwrap().push(Box::new(left));
        Ok(())
    }
    let opened = config(Storage::Memory).prepared("left", |db| leave(driver(db, "auth")));
    let in_transaction = config(Storage::Memory).prepared("left", |db| {
        let conn = driver(db, "auth");
        conn.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('ann')")?;
        leave(conn)
    });
    let pooled = config(Storage::Memory).prepared("left", |db| leave(db.connection("auth")?));
    let session = config(Storage::Memory).prepared("left", |db| {
        let mut session: Session = db.session();
        session.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
        leave(session)
    });
    let unused = config(Storage::Memory).prepared("left", |db| leave(db.session()));
    let texts = [opened, in_transaction, pooled, session, unused].map(problem);
    insta::assert_snapshot!(texts.join("\n"), @"
    prepared state `left`: its code left a connection to bind `auth` open (opened at tests/storage/prepared.rs:31, storage::prepared::driver): close it, for the database ends with the preparation
    prepared state `left`: its code left a transaction open on a connection to bind `auth` (opened at tests/storage/prepared.rs:31, storage::prepared::driver): commit it, and close the connection
    prepared state `left`: its code left a connection of the pool of bind `auth` in use: drop it
    prepared state `left`: its code left a session alive that uses bind `auth`: commit and drop it
    prepared state `left`: its code left a session alive: commit and drop it
    ");
    LEFT.lock().unwrap().clear();
}

#[test]
fn a_connection_that_closes_a_moment_later_is_waited_for() {
    let prepared = config(Storage::Memory).prepared("late", |db| {
        let conn = driver(db, "auth");
        conn.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
        // As an async driver closes it on a thread of its own.
        thread::spawn(move || {
            conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
            drop(conn);
        });
        Ok::<(), Box<dyn StdError + Send + Sync>>(())
    });
    assert_eq!(names(&prepared.start().unwrap(), "auth"), "ann, bob");
}

#[test]
fn a_state_within_itself_is_an_error_and_not_a_wait() {
    fn within(_: &Harness) -> Done {
        config(Storage::Memory).prepared("within", within).start().map(drop).map_err(Into::into)
    }
    insta::assert_snapshot!(problem(config(Storage::Memory).prepared("within", within)), @"prepared state `within`: its code failed: prepared state `within`: its code starts a harness with this state, which would wait for itself: leave `prepared` out of the harness that it starts");
}
