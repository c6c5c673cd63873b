//! The application's binds, made by its own migrator, and by the files of its migrations.

use std::error::Error;

use diesel::{Connection, SqliteConnection};
use diesel_migrations::EmbeddedMigrations;
use migrated_by_diesel::{migrate, sign_up, AUTH, DEFAULT};
use multibind::binds::Storage;
use multibind::{row, rusqlite, Bind, Harness};

/// Diesel has connections of its own: it migrates a file, which the bind's connection then has the contents of.
fn by_diesel(conn: &mut rusqlite::Connection, which: EmbeddedMigrations) -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("migrated.db");
    migrate(&mut SqliteConnection::establish(&file.to_string_lossy())?, which)?;
    Ok(conn.restore("main", file, None::<fn(rusqlite::backup::Progress)>)?)
}

fn harness(storage: Storage) -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().storage(storage).schema_with(|conn| by_diesel(conn, DEFAULT)))
        .bind("auth", Bind::memory().storage(storage).schema_with(|conn| by_diesel(conn, AUTH)))
        .start()
        .unwrap()
}

fn connect(db: &Harness, key: Option<&str>) -> SqliteConnection {
    SqliteConnection::establish(&db.uri(key).unwrap()).unwrap()
}

fn contents(conn: &rusqlite::Connection) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_\\_%' ESCAPE '\\'";
    let mut statement = conn.prepare(sql).unwrap();
    let lines = statement.query_map([], |row| row.get(0)).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn diesel_writes_land_in_migrated_binds() {
    for storage in [Storage::Memory, Storage::MemDb, Storage::TempFile] {
        let db = harness(storage);
        sign_up(&mut connect(&db, Some("auth")), "ann").unwrap();
        db.assert_landed("auth", "user", row! { username: "ann", role: None });
        assert!(db.metadata(None).unwrap().table("post").is_some());
        assert!(db.metadata(None).unwrap().table("user").is_none());
    }
}

#[test]
fn an_application_that_migrates_when_it_starts_finds_nothing_to_do() {
    let db = harness(Storage::MemDb);
    let before = db.snapshot().unwrap();
    assert_eq!(migrate(&mut connect(&db, Some("auth")), AUTH).unwrap(), 0);
    assert_eq!(migrate(&mut connect(&db, None), DEFAULT).unwrap(), 0);
    db.changes_since(&before).unwrap().assert_none();
}

#[test]
fn the_folder_read_without_diesel_makes_the_same() {
    let bind = || Bind::memory().schema_path("migrations");
    let read = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    let migrated = harness(Storage::Memory);
    for key in [None, Some("auth")] {
        let expected = contents(&migrated.connection(key).unwrap());
        assert_eq!(contents(&read.connection(key).unwrap()), expected);
        assert!(!expected.is_empty());
    }
}
