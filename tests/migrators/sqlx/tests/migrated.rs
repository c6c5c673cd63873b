//! The application's binds, made by its own migrator, and by the files of its migrations.

use std::error::Error;
use std::str::FromStr;

use migrated_by_sqlx::{migrate, sign_up, AUTH, DEFAULT};
use multibind::binds::Storage;
use multibind::{row, rusqlite, Bind, Harness};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// sqlx has connections of its own: it migrates a file, which the bind's connection then has the contents of.
fn by_sqlx(conn: &mut rusqlite::Connection, which: &Migrator) -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("migrated.db");
    wait(async {
        let mut own = SqliteConnectOptions::new().filename(&file).create_if_missing(true).connect().await?;
        migrate(&mut own, which).await?;
        own.close().await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    })?;
    Ok(conn.restore("main", file, None::<fn(rusqlite::backup::Progress)>)?)
}

fn harness(storage: Storage) -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().storage(storage).schema_with(|conn| by_sqlx(conn, &DEFAULT)))
        .bind("auth", Bind::memory().storage(storage).schema_with(|conn| by_sqlx(conn, &AUTH)))
        .start()
        .unwrap()
}

/// A connection of the application's, to a bind that is a file.
async fn connect(db: &Harness, key: Option<&str>) -> SqliteConnection {
    let path = db.path(key).unwrap().unwrap();
    SqliteConnectOptions::from_str("sqlite:").unwrap().filename(path).connect().await.unwrap()
}

fn contents(conn: &rusqlite::Connection) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_%' ESCAPE '\\'";
    let mut statement = conn.prepare(sql).unwrap();
    let lines = statement.query_map([], |row| row.get(0)).unwrap();
    lines.collect::<Result<_, _>>().unwrap()
}

#[test]
fn sqlx_writes_land_in_migrated_binds() {
    let db = harness(Storage::TempFile);
    wait(async { sign_up(&mut connect(&db, Some("auth")).await, "ann").await }).unwrap();
    db.assert_landed("auth", "user", row! { username: "ann", role: None });
    assert!(db.metadata(None).unwrap().table("tag").is_some());
    assert!(db.metadata(None).unwrap().table("user").is_none());
}

#[test]
fn an_application_that_migrates_when_it_starts_finds_nothing_to_do() {
    let db = harness(Storage::TempFile);
    let before = db.snapshot().unwrap();
    for (key, which) in [(None, &DEFAULT), (Some("auth"), &AUTH)] {
        wait(async { migrate(&mut connect(&db, key).await, which).await }).unwrap();
    }
    db.changes_since(&before).unwrap().assert_none();
}

#[test]
fn the_folder_read_without_sqlx_makes_the_same() {
    let bind = || Bind::memory().schema_path("migrations");
    let read = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    let migrated = harness(Storage::Memory);
    for key in [None, Some("auth")] {
        let expected = contents(&migrated.connection(key).unwrap());
        assert_eq!(contents(&read.connection(key).unwrap()), expected);
        assert!(!expected.is_empty());
    }
}
