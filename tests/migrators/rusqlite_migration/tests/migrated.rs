//! The application's binds, made by its own migrator.

use migrated_by_rusqlite_migration::{migrate_auth, migrate_default};
use multibind::binds::Storage;
use multibind::{row, rusqlite, Bind, Harness};
use rusqlite_migration::{Migrations, M};

fn harness(storage: Storage) -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().storage(storage).schema_with(migrate_default))
        .bind("auth", Bind::memory().storage(storage).schema_with(migrate_auth))
        .start()
        .unwrap()
}

fn version(db: &Harness, key: Option<&str>) -> i64 {
    db.connection(key).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
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
    assert_eq!((version(&db, None), version(&db, Some("auth"))), (1, 2));
    let before = db.snapshot().unwrap();
    migrate_auth(&mut db.connection("auth").unwrap()).unwrap();
    migrate_default(&mut db.connection(None).unwrap()).unwrap();
    db.changes_since(&before).unwrap().assert_none();
}

#[test]
fn a_migration_that_fails_is_told_with_its_bind() {
    fn broken(conn: &mut rusqlite::Connection) -> rusqlite_migration::Result<()> {
        Migrations::new(vec![M::up("CREATE TABLE a (x)"), M::up("CREATE TABEL b (x)")]).to_latest(conn)
    }
    let error = Harness::builder().bind("auth", Bind::memory().schema_with(broken)).start().unwrap_err().to_string();
    assert!(error.starts_with("bind `auth`: the schema failed: the migrator failed: "), "{error}");
    assert!(error.contains("near \"TABEL\": syntax error"), "{error}");
}
