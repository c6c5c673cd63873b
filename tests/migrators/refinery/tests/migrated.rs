//! The application's binds, made by its own migrator, and by the files of its migrations.

use migrated_by_refinery::{migrate_auth, migrate_default};
use multibind::binds::Storage;
use multibind::{row, rusqlite, Bind, Harness};

fn harness(storage: Storage) -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().storage(storage).schema_with(|conn| migrate_default(conn).map(drop)))
        .bind("auth", Bind::memory().storage(storage).schema_with(|conn| migrate_auth(conn).map(drop)))
        .start()
        .unwrap()
}

/// What there is but for the migrator's own table, as SQL, and the rows of one table.
fn contents(conn: &rusqlite::Connection) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
               WHERE tbl_name NOT LIKE 'refinery%' UNION ALL SELECT name FROM role";
    let mut statement = conn.prepare(sql).unwrap();
    let lines = statement.query_map([], |row| row.get(0)).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn each_bind_has_the_tables_of_its_own_migrations() {
    for storage in [Storage::Memory, Storage::MemDb, Storage::TempFile] {
        let db = harness(storage);
        db.connection("auth").unwrap().execute("INSERT INTO user (username, email) VALUES ('ann', 'a@b')", []).unwrap();
        db.assert_landed("auth", "user", row! { username: "ann", email: "a@b" });
        assert!(db.metadata(None).unwrap().table("post").is_some());
        assert!(db.metadata(None).unwrap().table("user").is_none());
    }
}

#[test]
fn an_application_that_migrates_when_it_starts_finds_nothing_to_do() {
    let db = harness(Storage::MemDb);
    let before = db.snapshot().unwrap();
    assert!(migrate_auth(&mut db.connection("auth").unwrap()).unwrap().applied_migrations().is_empty());
    assert!(migrate_default(&mut db.connection(None).unwrap()).unwrap().applied_migrations().is_empty());
    db.changes_since(&before).unwrap().assert_none();
}

#[test]
fn the_folder_read_without_refinery_makes_the_same() {
    let files = Bind::memory().schema_path("migrations/auth");
    let read = Harness::builder().bind("auth", files).start().unwrap();
    let migrated = harness(Storage::Memory);
    let expected = contents(&migrated.connection("auth").unwrap());
    assert_eq!(contents(&read.connection("auth").unwrap()), expected);
    assert!(expected.len() > 10);
}

#[test]
fn folders_by_bind_are_read_as_they_are() {
    let bind = || Bind::memory().schema_path("migrations");
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    assert!(db.metadata(None).unwrap().table("post").is_some());
    assert!(db.metadata("auth").unwrap().table("role").is_some());
}

#[test]
fn a_migration_that_fails_is_told_with_its_bind() {
    let broken = |conn: &mut rusqlite::Connection| {
        let migration = refinery::Migration::unapplied("V1__broken", "CREATE TABEL b (x);")?;
        refinery::Runner::new(&[migration]).run(conn).map(drop)
    };
    let error = Harness::builder().bind("auth", Bind::memory().schema_with(broken)).start().unwrap_err().to_string();
    assert!(error.starts_with("bind `auth`: the schema failed: the migrator failed: "), "{error}");
    assert!(error.contains("near \"TABEL\": syntax error"), "{error}");
}
