//! A part of the binds put back, tables left alone, and rows written out as data: `Harness::part`.

use multibind::binds::{Lag, Storage};
use multibind::rusqlite::types::{Value, ValueRef};
use multibind::rusqlite::{self, Row};
use multibind::{changes, context, row, Bind, Error, Harness};
use rstest::rstest;

const TABLES: &str = "
    CREATE TABLE role (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);
    CREATE TABLE user (name TEXT PRIMARY KEY, role INTEGER REFERENCES role) WITHOUT ROWID;
    CREATE TABLE log (event TEXT);
    CREATE INDEX by_event ON log (event);
    CREATE TRIGGER logged AFTER INSERT ON role BEGIN INSERT INTO log VALUES (NEW.name); END;
    INSERT INTO role (name) VALUES ('admin');
";

fn start(storage: Storage) -> Harness {
    let bind = || Bind::default().storage(storage).schema(TABLES);
    Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap()
}

fn write(db: &Harness, key: Option<&str>) {
    let sql =
        "INSERT INTO role (name) VALUES ('guest'); INSERT INTO user VALUES ('ann', 2); DELETE FROM role WHERE id = 1";
    db.connection(key).unwrap().execute_batch(sql).unwrap();
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn one_bind_goes_back_and_the_others_stay(#[case] storage: Storage) -> multibind::Result<()> {
    let db = start(storage);
    let before = db.snapshot()?;
    for put_back in [&(|| db.part("auth").reset()) as &dyn Fn() -> _, &|| db.part("auth").restore(&before)] {
        db.reset()?;
        write(&db, None);
        write(&db, Some("auth"));
        put_back()?;
        db.changes_since(&before)?.assert_only(None);
        db.assert_landed("auth", "role", row! { name: "admin" });
    }
    db.part([None, Some("auth")]).restore(&before)?;
    db.changes_since(&before)?.assert_none();
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_table_that_is_left_alone_keeps_all_it_has(#[case] storage: Storage) -> multibind::Result<()> {
    let db = start(storage);
    let before = db.snapshot()?;
    for key in [None, Some("auth")] {
        write(&db, key);
    }
    db.part(..).except(["auth.role"]).reset()?;
    db.changes_since(&before)?.assert(changes! { "auth.role" => +1 -1 });
    db.assert_rows("auth", "log", [row! { event: "admin" }]);
    let auth = db.connection("auth")?;
    auth.execute("INSERT INTO role (name) VALUES ('late')", []).unwrap();
    db.assert_landed("auth", "role", row! { id: 3, name: "late" });
    db.assert_landed("auth", "log", row! { event: "late" });
    assert!(auth.execute("INSERT INTO role (name) VALUES ('late')", []).is_err(), "it is unique still");

    db.part("auth").only(["user"]).restore(&before)?;
    assert_eq!(db.locate("role", row! { name: "late" })?.len(), 1);
    db.restore(&before)?;
    db.changes_since(&before)?.assert_none();
    Ok(())
}

#[rstest]
fn tables_that_came_or_went_since_are_left_as_they_are() -> multibind::Result<()> {
    let db = start(Storage::Memory);
    let auth = db.connection("auth")?;
    let changed = "DROP TABLE log; CREATE TABLE \"odd .\"\"name\" (rowid TEXT, oid, twice AS (oid || oid));
        INSERT INTO \"odd .\"\"name\" VALUES ('r', 1); CREATE INDEX odd ON \"odd .\"\"name\" (twice);
        ALTER TABLE user ADD COLUMN email TEXT; INSERT INTO user VALUES ('ann', NULL, 'a@x');";
    auth.execute_batch(changed).unwrap();
    db.part("auth").except(["log", "odd .\"name", "user"]).reset()?;
    db.assert_rows("auth", "odd .\"name", [row! { rowid: "r", oid: 1, twice: "11" }]);
    db.assert_rows("auth", "user", [row! { name: "ann", email: "a@x" }]);
    assert!(auth.prepare("SELECT * FROM log").is_err());
    assert_eq!(auth.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
    db.reset()?;
    db.assert_rows("auth", "log", [row! { event: "admin" }]);
    Ok(())
}

#[rstest]
fn rows_keep_their_rowids() -> multibind::Result<()> {
    let db = start(Storage::Memory);
    let auth = db.connection("auth")?;
    auth.execute_batch(
        "INSERT INTO log (rowid, event) VALUES (77, 'a'); INSERT INTO log (rowid, event) VALUES (-5, 'b')",
    )
    .unwrap();
    db.part("auth").except(["log"]).reset()?;
    let ids = "SELECT group_concat(rowid ORDER BY rowid) FROM log WHERE event <> 'admin'";
    assert_eq!(auth.query_row(ids, [], |row| row.get::<_, String>(0)).unwrap(), "-5,77");
    Ok(())
}

#[rstest]
fn a_dynamic_bind_and_a_replica_are_parts_too() -> multibind::Result<()> {
    let db = Harness::builder()
        .bind("auth", Bind::memory().schema(TABLES))
        .bind("late", Bind::mirror("auth").read_only(true).lag(Lag::Manual))
        .bind("tenant", Bind::dynamic(|context| Ok(context.get("name")?.to_string())).schema(TABLES))
        .start()?;
    let acme = db.key_for("tenant", context! { name: "acme" })?;
    let other = db.key_for("tenant", context! { name: "other" })?;
    let before = db.snapshot()?;
    for key in [&acme, &other] {
        db.connection(key)?.execute("INSERT INTO log VALUES ('x')", []).unwrap();
    }
    write(&db, Some("auth"));
    db.replicate("late")?;
    db.part(&acme).reset()?;
    assert!(db.locate("log", row! { event: "x" })?.iter().all(|landing| *landing.bind() == other));
    db.part("tenant").restore(&before)?;
    assert!(db.locate("log", row! { event: "x" })?.is_empty());
    db.part("auth").reset()?;
    db.assert_landed("late", "log", row! { event: "guest" });
    Ok(())
}

#[rstest]
fn names_that_are_not_there_are_errors_and_nothing_changes() {
    let db = start(Storage::Memory);
    write(&db, Some("auth"));
    let before = db.snapshot().unwrap();
    let error = |result: multibind::Result<()>| result.unwrap_err().to_string();
    insta::assert_snapshot!(error(db.part("auht").reset()), @"no bind `auht`: configured are default, auth; the nearest is `auth`");
    insta::assert_snapshot!(error(db.part("auth").except(["rolle"]).reset()), @"no table `rolle` in bind `auth`");
    insta::assert_snapshot!(error(db.part(..).only(["rolle"]).restore(&before)), @"no table `rolle` in any bind");
    insta::assert_snapshot!(error(db.part(..).only(["auth.log.event"]).reset()), @"no table `auth.log.event` in any bind");
    db.connection("auth").unwrap().execute_batch("CREATE VIRTUAL TABLE page USING fts5(text)").unwrap();
    insta::assert_snapshot!(error(db.part("auth").except(["page"]).reset()), @"`page` in bind `auth` is a virtual table, whose rows are in tables of its own: it cannot be left alone. Put it back too, and fill it again");
    let open = db.connection("auth").unwrap();
    open.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(db.part("auth").restore(&before), Err(Error::Restore { .. })));
    db.part(None).restore(&before).unwrap();
    let other = start(Storage::Memory);
    assert!(matches!(other.part("auth").restore(&before), Err(Error::ForeignSnapshot { .. })));
}

/// Every value that is stored otherwise than it is written, or that SQL has no letters for.
fn values() -> Vec<Value> {
    let mut values = vec![Value::Null];
    values.extend([0, 1, -1, i64::MAX, i64::MIN, 9_007_199_254_740_993].map(Value::Integer));
    let reals = [0.0, -0.0, 0.1, 0.3, 1.0 / 3.0, 1e300, -1e-300, f64::MAX, f64::MIN_POSITIVE, 5e-324, f64::INFINITY];
    values.extend(reals.map(Value::Real));
    values.extend([9_223_372_036_854_775_808.0, f64::NEG_INFINITY, 123_456_789.123_456_79].map(Value::Real));
    let texts = [
        "",
        "it's",
        "''",
        "\"",
        "a\0b",
        "\0",
        "\0\0x\0",
        "é日本\u{1F600}",
        "1",
        "1e5",
        " 1 ",
        "NULL",
        "a\r\nb;--",
        "${X}",
    ];
    values.extend(texts.map(|text| Value::Text(text.to_string())));
    values.extend([&b""[..], b"\0", b"text", b"\xff\xfe", b"'"].map(|blob| Value::Blob(blob.to_vec())));
    values
}

fn bits(value: Value) -> String {
    match value {
        Value::Real(number) => format!("real {:x}", number.to_bits()),
        value => format!("{value:?}"),
    }
}

#[rstest]
#[case::utf_8("UTF-8")]
#[case::utf_16("UTF-16le")]
fn every_value_is_written_as_data_that_reads_back(#[case] encoding: &str) -> multibind::Result<()> {
    let schema = format!(
        "PRAGMA encoding = '{encoding}';
         CREATE TABLE v (n INTEGER PRIMARY KEY, plain, text TEXT, number NUMERIC, whole INTEGER, real REAL, blob BLOB, also AS (n));
         CREATE TABLE node (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES node);
         CREATE TABLE \"it's a \"\"t\"\"\" (\"a b\" TEXT)"
    );
    let bind = || Bind::memory().schema(schema.as_str());
    let from = Harness::builder().bind("auth", bind()).start()?;
    let conn = from.connection("auth")?;
    for (n, value) in values().into_iter().enumerate() {
        conn.execute("INSERT INTO v VALUES (?1, ?2, ?2, ?2, ?2, ?2, ?2)", (n as i64, value)).unwrap();
    }
    conn.execute_batch("INSERT INTO node VALUES (1, NULL), (2, 1); UPDATE node SET parent = 2 WHERE id = 1").unwrap();
    conn.execute_batch("INSERT INTO \"it's a \"\"t\"\"\" VALUES ('x')").unwrap();
    if encoding == "UTF-8" {
        conn.execute_batch("INSERT INTO v (n, plain) VALUES (-1, CAST(x'61ff00' AS TEXT))").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let files = from.part("auth").save_data(folder.path())?;
    assert_eq!(files, [folder.path().join("auth.sql")]);

    let read = |db: &Harness| {
        let conn = db.connection("auth").unwrap();
        let sql =
            "SELECT n, plain, text, number, whole, real, blob, CAST(plain AS BLOB), typeof(plain) FROM v ORDER BY n";
        let mut select = conn.prepare(sql).unwrap();
        let row = |row: &Row<'_>| -> rusqlite::Result<Vec<String>> {
            // Text that is no UTF-8 is compared as its bytes, by the last columns.
            let one = |at| match row.get_ref(at)? {
                ValueRef::Text(text) if std::str::from_utf8(text).is_err() => Ok("no UTF-8".to_string()),
                _ => row.get(at).map(bits),
            };
            (0..9).map(one).collect()
        };
        select.query_map([], row).unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let started = Harness::builder().bind("auth", bind().data(folder.path())).start()?;
    assert_eq!(read(&started), read(&from));
    started.assert_rows("auth", "node", [row! { id: 1, parent: 2 }, row! { id: 2, parent: 1 }]);
    let loaded = Harness::builder().bind("auth", bind()).bind("other", bind()).start()?;
    loaded.load_data(folder.path())?;
    assert_eq!(read(&loaded), read(&from));
    Ok(())
}

#[rstest]
fn tables_and_binds_are_written_one_by_one() -> multibind::Result<()> {
    let db = start(Storage::Memory);
    write(&db, Some("auth"));
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("new/data");
    assert_eq!(
        db.part(..).only(["auth.user", "default.role"]).save_data(&at)?,
        [at.join("default.sql"), at.join("auth.sql")]
    );
    let text = |name: &str| std::fs::read_to_string(at.join(name)).unwrap();
    insta::assert_snapshot!(text("auth.sql"), @r#"INSERT INTO "user" ("name", "role") VALUES ('ann', 2);"#);
    insta::assert_snapshot!(text("default.sql"), @r#"INSERT INTO "role" ("id", "name") VALUES (1, 'admin');"#);
    assert!(db.part("auth").only(["usr"]).save_data(&at).is_err());

    let odd = Harness::builder().bind("a/b", Bind::memory()).start()?;
    let said = odd.part(..).save_data(&at).unwrap_err().to_string();
    insta::assert_snapshot!(said.replace(&at.display().to_string(), "[folder]"), @"cannot write the data `[folder]/a/b.sql`: the bind's key is no file's name");
    Ok(())
}

/// Writes the rows of a bind as data, and starts one with them.
fn written_and_read(schema: &str, rows: &str) -> multibind::Result<(Harness, Harness, String)> {
    let bind = || Bind::memory().schema(schema);
    let from = Harness::builder().bind("auth", bind()).start()?;
    from.connection("auth")?.execute_batch(rows).unwrap();
    let folder = tempfile::tempdir().unwrap();
    from.part("auth").save_data(folder.path())?;
    let text = std::fs::read_to_string(folder.path().join("auth.sql")).unwrap();
    let read = Harness::builder().bind("auth", bind().data(folder.path())).start()?;
    Ok((from, read, text))
}

#[rstest]
#[case::no_key("CREATE TABLE t (x)", "rowid, x")]
#[case::a_key_that_is_none("CREATE TABLE t (x INT PRIMARY KEY)", "rowid, x")]
#[case::a_key_that_descends("CREATE TABLE t (x INTEGER PRIMARY KEY DESC)", "rowid, x")]
#[case::a_column_of_that_name("CREATE TABLE t (rowid, x)", "_rowid_, rowid, x")]
#[case::two_columns_of_its_names("CREATE TABLE t (rowid, OID, x)", "_rowid_, x")]
#[case::the_key_itself("CREATE TABLE t (id INTEGER PRIMARY KEY, x)", "rowid, id, x")]
#[case::without("CREATE TABLE t (x PRIMARY KEY) WITHOUT ROWID", "x")]
#[case::generated("CREATE TABLE t (x, twice AS (x * 2), stored AS (x + 1) STORED)", "rowid, x, twice, stored")]
#[case::strict("CREATE TABLE t (x ANY) STRICT", "rowid, x")]
fn rowids_are_the_same_when_the_rows_are_read_back(
    #[case] schema: &str,
    #[case] columns: &str,
) -> multibind::Result<()> {
    let rows = "INSERT INTO t (x) VALUES (10), (20), (30); DELETE FROM t WHERE x = 20";
    let (from, read, _) = written_and_read(schema, rows)?;
    let all = |db: &Harness| -> Vec<Vec<Value>> {
        let conn = db.connection("auth").unwrap();
        let mut select = conn.prepare(&format!("SELECT {columns} FROM t ORDER BY x")).unwrap();
        let count = select.column_count();
        let row = |row: &Row<'_>| (0..count).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>();
        select.query_map([], row).unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert_eq!(all(&read), all(&from));
    Ok(())
}

#[rstest]
fn a_rowid_is_written_only_where_the_rows_alone_would_not_give_it() -> multibind::Result<()> {
    let (_, _, text) = written_and_read("CREATE TABLE t (x)", "INSERT INTO t VALUES ('a'), ('b')")?;
    insta::assert_snapshot!(text, @r#"
    INSERT INTO "t" ("x") VALUES ('a');
    INSERT INTO "t" ("x") VALUES ('b');
    "#);
    let (_, _, text) = written_and_read("CREATE TABLE t (x)", "INSERT INTO t (rowid, x) VALUES (7, 'a')")?;
    insta::assert_snapshot!(text, @r#"INSERT INTO "t" ("rowid", "x") VALUES (7, 'a');"#);
    Ok(())
}

#[rstest]
#[case::of_full_text(
    "CREATE VIRTUAL TABLE found USING fts5 (body)",
    "INSERT INTO found VALUES ('hello')",
    "the rows of `found` in bind `auth` cannot be written as data: it is a virtual table, whose module alone knows what its rows are made \
     of. Leave it out with `except([\"auth.found\"])`"
)]
#[case::by_a_trigger(
    "CREATE TABLE user (name); CREATE TABLE log (event);
     CREATE TRIGGER logs AFTER INSERT ON user BEGIN INSERT INTO log VALUES (new.name); END",
    "INSERT INTO user VALUES ('ann')",
    "the rows of `log` in bind `auth` cannot be written as data: it has other rows once those of all tables are inserted, as a trigger \
     makes them. Leave it out with `except([\"auth.log\"])`"
)]
#[case::that_a_trigger_refuses(
    "CREATE TABLE user (name, state);
     CREATE TRIGGER new_ones BEFORE INSERT ON user WHEN new.state = 'gone' BEGIN SELECT raise(ABORT, 'no user begins as gone'); END",
    "INSERT INTO user VALUES ('ann', 'here'); UPDATE user SET state = 'gone'",
    "the rows of `user` in bind `auth` cannot be written as data: it refuses its own rows: no user begins as gone. Leave it out with \
     `except([\"auth.user\"])`"
)]
fn rows_that_would_not_read_back_are_an_error_that_names_their_table(
    #[case] schema: &str,
    #[case] rows: &str,
    #[case] expected: &str,
) {
    assert_eq!(written_and_read(schema, rows).err().unwrap().to_string(), expected);
}

#[rstest]
fn what_cannot_be_written_can_be_left_out() -> multibind::Result<()> {
    let schema = "CREATE VIRTUAL TABLE found USING fts5 (body); CREATE TABLE user (name)";
    let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    let folder = tempfile::tempdir().unwrap();
    // Without rows, there is nothing to lose.
    db.part("auth").save_data(folder.path())?;
    db.connection("auth")?
        .execute_batch("INSERT INTO found VALUES ('hello'); INSERT INTO user VALUES ('ann')")
        .unwrap();
    assert!(db.part(..).only(["found"]).save_data(folder.path()).is_err());
    db.part("auth").except(["auth.found"]).save_data(folder.path())?;
    let text = std::fs::read_to_string(folder.path().join("auth.sql")).unwrap();
    insta::assert_snapshot!(text, @r#"INSERT INTO "user" ("name") VALUES ('ann');"#);
    Ok(())
}
