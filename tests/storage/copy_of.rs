//! Binds that start as a copy of an existing database, which is read without a trace.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use insta::assert_snapshot;
use multibind::binds::Storage;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Config, Error, Harness};
use rstest::rstest;
use tempfile::TempDir;

#[cfg(target_os = "linux")]
use crate::alone::alone;

const USER: &str =
    "CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT); INSERT INTO user VALUES (1, 'ann')";

fn database(sql: &str) -> (TempDir, PathBuf, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(sql).unwrap();
    (folder, path, conn)
}

fn start(path: &Path) -> Harness {
    Harness::builder().bind("auth", Bind::memory().copy_of(path)).start().unwrap()
}

/// A file's length and its times.
type About = (u64, Vec<Option<SystemTime>>);

fn users(db: &Harness) -> i64 {
    db.connection("auth").unwrap().query_row("SELECT count(*) FROM user", [], |row| row.get(0)).unwrap()
}

/// Everything of a folder that a copy must leave as it is but the bytes, which to read may leave a time: names, lengths,
/// times.
fn everything(folder: &Path) -> BTreeMap<PathBuf, About> {
    let mut found = BTreeMap::new();
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    paths.push(folder.to_path_buf());
    for path in paths {
        let about = fs::metadata(&path).unwrap();
        let mut times = vec![about.modified().ok()];
        if path != folder {
            times.push(about.accessed().ok());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let changed = std::time::Duration::new(about.ctime() as u64, about.ctime_nsec() as u32);
            times.push(Some(SystemTime::UNIX_EPOCH + changed));
        }
        found.insert(path, (about.len(), times));
    }
    found
}

/// The same with the bytes.
fn with_bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn a_bind_starts_as_a_copy_and_keeps_its_writes(#[case] storage: Storage) {
    let (_folder, path, original) = database(USER);
    let bind = Bind::memory().storage(storage).copy_of(&path);
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    db.assert_landed("auth", "user", row! { id: 1, name: "ann" });
    db.connection("auth").unwrap().execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    db.assert_landed("auth", "user", row! { id: 2, name: "bob" });
    assert_eq!(original.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    db.reset().unwrap();
    assert_eq!(users(&db), 1);
    assert!(db.metadata("auth").unwrap().table("user").is_some());
}

#[rstest]
#[case::closed_with_a_journal("PRAGMA journal_mode = DELETE", false)]
#[case::open_with_a_journal("PRAGMA journal_mode = PERSIST", true)]
#[case::closed_in_wal_mode("PRAGMA journal_mode = WAL", false)]
#[case::open_in_wal_mode("PRAGMA journal_mode = WAL", true)]
#[case::in_small_pages("PRAGMA page_size = 512", false)]
#[case::in_large_pages("PRAGMA page_size = 65536", false)]
#[case::in_utf_16("PRAGMA encoding = 'UTF-16'", false)]
#[case::with_auto_vacuum("PRAGMA auto_vacuum = FULL", false)]
fn the_original_keeps_its_bytes_its_times_and_its_folder(#[case] pragma: &str, #[case] open: bool) {
    let (folder, path, conn) = database(pragma);
    conn.execute_batch(USER).unwrap();
    let conn = open.then_some(conn);
    let bytes = with_bytes(folder.path());
    // A file that was read since it was written keeps its time of access on most systems, whoever reads it.
    let long_ago = SystemTime::now() - std::time::Duration::from_secs(3 * 24 * 3600);
    for file in bytes.keys().filter(|file| !file.to_string_lossy().ends_with("-shm")) {
        let times = fs::FileTimes::new().set_accessed(long_ago).set_modified(long_ago);
        fs::File::options().write(true).open(file).unwrap().set_times(times).unwrap();
    }
    let before = everything(folder.path());

    let db = start(&path);
    db.assert_landed("auth", "user", row! { id: 1, name: "ann" });
    drop(db);

    let mut after = everything(folder.path());
    if cfg!(not(target_os = "linux")) {
        after.values_mut().zip(before.values()).for_each(|(after, before)| after.1.clone_from(&before.1));
    }
    assert_eq!(after, before);
    assert_eq!(with_bytes(folder.path()), bytes);
    drop(conn);
}

#[test]
fn rows_only_in_the_write_ahead_log_are_copied() {
    let (folder, path, conn) = database("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    conn.execute_batch(USER).unwrap();
    // As a process leaves them that was killed.
    let left = folder.path().join("left.db");
    fs::copy(&path, &left).unwrap();
    fs::copy(folder.path().join("app.db-wal"), folder.path().join("left.db-wal")).unwrap();
    let names = with_bytes(folder.path()).into_keys().collect::<Vec<_>>();

    start(&left).assert_landed("auth", "user", row! { name: "ann" });
    start(&path).assert_landed("auth", "user", row! { name: "ann" });

    assert_eq!(with_bytes(folder.path()).into_keys().collect::<Vec<_>>(), names);
    assert!(fs::metadata(&left).unwrap().len() < fs::metadata(folder.path().join("left.db-wal")).unwrap().len());
}

#[rstest]
#[case::with_a_journal("PRAGMA journal_mode = DELETE")]
#[case::in_wal_mode("PRAGMA journal_mode = WAL")]
fn open_transactions_are_not_copied(#[case] pragma: &str) {
    let (_folder, path, conn) = database(pragma);
    conn.execute_batch(USER).unwrap();
    // A cache too small for it, so that some of it is in the file already.
    conn.execute_batch(
        "PRAGMA cache_size = 2; PRAGMA cache_spill = 2; BEGIN; DELETE FROM user;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO user (name) SELECT 'a name that is long enough to fill some pages ' || i FROM n",
    )
    .unwrap();
    let db = start(&path);
    assert_eq!(users(&db), 1);
    db.assert_landed("auth", "user", row! { name: "ann" });
    conn.execute_batch("COMMIT").unwrap();
    assert_eq!(users(&start(&path)), 5000);
}

#[rstest]
#[case::with_a_journal("PRAGMA journal_mode = DELETE")]
#[case::in_wal_mode("PRAGMA journal_mode = WAL")]
fn a_copy_beside_a_writer_is_of_one_moment(#[case] pragma: &str) {
    let (_folder, path, conn) = database(pragma);
    conn.execute_batch("PRAGMA synchronous = OFF; CREATE TABLE a (x); CREATE TABLE b (x)").unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let done = &done;
        threads.spawn(move || {
            for number in 0..300 {
                // Both or none.
                let sql = format!("BEGIN; INSERT INTO a VALUES ({number}); INSERT INTO b VALUES ({number}); COMMIT");
                conn.execute_batch(&sql).unwrap();
                std::thread::yield_now();
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut copies = 0;
        while !done.load(Ordering::SeqCst) || copies == 0 {
            let bind = Bind::memory().copy_of(&path);
            match Harness::builder().bind("auth", bind).start() {
                Ok(db) => {
                    let sql = "SELECT (SELECT count(*) FROM a) - (SELECT count(*) FROM b)";
                    let apart: i64 = db.connection("auth").unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
                    assert_eq!(apart, 0);
                }
                // That there was no moment at which nobody wrote is an answer too.
                Err(error) => assert!(error.to_string().contains("was written to all the time"), "{error}"),
            }
            copies += 1;
        }
    });
}

#[test]
fn locks_that_the_process_has_on_the_original_stay() {
    let (folder, path, conn) = database(USER);
    conn.execute_batch("BEGIN EXCLUSIVE").unwrap();
    drop(start(&path));
    // Another process finds it locked as before.
    let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], timeout=0)\ntry:\n    c.execute('DELETE FROM user')\nexcept sqlite3.OperationalError as e:\n    print(e)\n";
    match std::process::Command::new("python3").args(["-c", script]).arg(&path).output() {
        Ok(out) => assert_eq!(String::from_utf8_lossy(&out.stdout), "database is locked\n"),
        Err(_) => println!("skipped: no python3 to look from another process"),
    }
    conn.execute_batch("COMMIT").unwrap();
    drop(folder);
}

#[test]
fn a_file_that_has_changed_is_copied_anew() {
    let (_folder, path, conn) = database(USER);
    assert_eq!(users(&start(&path)), 1);
    assert_eq!(users(&start(&path)), 1);
    conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    assert_eq!(users(&start(&path)), 2);
    drop(conn);
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE user (x)").unwrap();
    assert_eq!(users(&start(&path)), 0);
}

#[test]
fn migrations_and_data_come_on_top_of_the_copy() {
    let (folder, path, _conn) = database(USER);
    fs::create_dir(folder.path().join("migrations")).unwrap();
    fs::write(folder.path().join("migrations/2_email.sql"), "ALTER TABLE user ADD COLUMN email TEXT").unwrap();
    fs::write(folder.path().join("user.csv"), "name,email\nbob,bob@example.org\n").unwrap();
    let config = "[binds.auth]\ncopy_of = 'app.db'\nschema = 'migrations'\ndata = 'user.csv'\n";
    fs::write(folder.path().join("binds.toml"), config).unwrap();
    let before = fs::read(&path).unwrap();

    let db = Harness::from_file(folder.path().join("binds.toml")).unwrap();

    db.assert_landed("auth", "user", row! { id: 1, name: "ann", email: None });
    db.assert_landed("auth", "user", row! { id: 2, name: "bob", email: "bob@example.org" });
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn an_environment_has_a_copy_of_its_own() {
    let (folder, _path, _conn) = database(USER);
    fs::write(
        folder.path().join("binds.toml"),
        "[binds.auth]\nurl = 'sqlite:////var/lib/auth.db'\n[env.test.binds.auth]\ncopy_of = 'app.db'\nread_only = true\n",
    )
    .unwrap();
    let db = Harness::from_file(folder.path().join("binds.toml")).unwrap();
    assert_eq!(users(&db), 1);
    assert!(db.connection("auth").unwrap().execute("DELETE FROM user", []).is_err());
}

#[test]
fn an_empty_file_is_an_empty_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.db");
    fs::write(&path, "").unwrap();
    let db = start(&path);
    assert_eq!(db.metadata("auth").unwrap().tables().len(), 0);
}

/// The message for a bind of a file, with the folder left out.
fn wrong(folder: &Path, name: &str) -> String {
    let text = format!("[binds.auth]\nstorage = 'memdb'\ncopy_of = '{name}'\n");
    let file = folder.join("binds.toml");
    fs::write(&file, text).unwrap();
    let error = Harness::from_file(&file).unwrap_err();
    assert!(matches!(&error, Error::Config { line: Some(3), bind: Some(bind), .. } if bind.as_str() == Some("auth")));
    error
        .to_string()
        .replace(&format!("{}/", folder.display()), "…/")
        .replace(&format!("`{}`", folder.display()), "`…`")
}

#[test]
fn a_copy_that_fails_names_file_and_line() {
    let (folder, path, conn) = database(USER);
    drop(conn);
    let folder = folder.path();
    assert_snapshot!(wrong(folder, "gone.db"), @"…/binds.toml:3: bind `auth`: `copy_of`: `…/gone.db` cannot be read: No such file or directory (os error 2); `…` has no `gone.db`, and a relative path begins at the folder of the configuration file, in code at that of the crate under test");
    fs::create_dir(folder.join("folder")).unwrap();
    assert_snapshot!(wrong(folder, "folder"), @"…/binds.toml:3: bind `auth`: `copy_of`: `…/folder` is a folder: name the database in it");
    fs::write(folder.join("notes.txt"), "no database at all").unwrap();
    assert_snapshot!(wrong(folder, "notes.txt"), @"…/binds.toml:3: bind `auth`: `copy_of`: `…/notes.txt` is no SQLite database, or an encrypted one: file is not a database");
    // What a cipher makes of it has no header that SQLite knows.
    let encrypted = fs::read(&path).unwrap().iter().map(|byte| byte ^ 0x5a).collect::<Vec<_>>();
    fs::write(folder.join("secret.db"), encrypted).unwrap();
    assert_snapshot!(wrong(folder, "secret.db"), @"…/binds.toml:3: bind `auth`: `copy_of`: `…/secret.db` is no SQLite database, or an encrypted one: file is not a database");
    let whole = fs::read(&path).unwrap();
    fs::write(folder.join("half.db"), &whole[..whole.len() / 2]).unwrap();
    assert_snapshot!(wrong(folder, "half.db"), @"…/binds.toml:3: bind `auth`: `copy_of`: `…/half.db` cannot be copied: database disk image is malformed");
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    journal.extend([0; 600]);
    journal.extend([0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
    fs::write(folder.join("several.db"), &whole).unwrap();
    fs::write(folder.join("several.db-journal"), journal).unwrap();
    assert_snapshot!(wrong(folder, "several.db"), @"…/binds.toml:3: bind `auth`: `copy_of`: `…/several.db` is in the middle of a commit over several files: let it end, or open it with SQLite to have it rolled back");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.db");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_snapshot!(wrong(folder.path(), "pipe.db"), @"…/binds.toml:3: bind `auth`: `copy_of`: `…/pipe.db` is no ordinary file");
}

#[test]
fn a_path_that_is_none_is_an_error() {
    let wrong = |text: &str| Config::from_toml(text, ".").unwrap_err();
    assert_snapshot!(wrong("[binds.auth]\ncopy_of = ''"), @"line 2: bind `auth`: `copy_of` has an empty path");
    assert_snapshot!(wrong("[binds.auth]\ncopy_of = ['app.db']"), @"line 2: bind `auth`: `copy_of` must be a string, not a list");
}

#[test]
fn two_keys_of_one_url_are_copies_of_one_file() {
    let (folder, path, _conn) = database(USER);
    let other = folder.path().join("other.db");
    fs::copy(&path, &other).unwrap();
    let url = "postgresql://db.example/app";
    let start =
        |second: Bind| Harness::builder().bind("auth", Bind::url(url).copy_of(&path)).bind("users", second).start();
    assert_eq!(users(&start(Bind::url(url)).unwrap()), 1);
    assert_eq!(users(&start(Bind::url(url).copy_of(&path)).unwrap()), 1);
    assert_snapshot!(start(Bind::url(url).copy_of(&other)).unwrap_err(), @"bind `users`: its URL is that of bind `auth`, so both have one database, but `copy_of` differs: set it in one of them, or alike in both");
}

/// How many descriptors the process has open, but for the one that counts.
#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_harness_holds_no_descriptor() {
    if !alone() {
        return;
    }
    let all = |path: &Path| {
        let bind = |storage| Bind::default().storage(storage).copy_of(path);
        let db = Harness::builder()
            .bind("memory", bind(Storage::Memory))
            .bind("shared", bind(Storage::SharedCache))
            .bind("memdb", bind(Storage::MemDb))
            .bind("file", bind(Storage::TempFile))
            .start()
            .unwrap();
        for key in db.binds() {
            db.connection(&key).unwrap().execute("INSERT INTO user (name) VALUES (?1)", [key.to_string()]).unwrap();
        }
        let before = db.snapshot().unwrap();
        db.assert_landed("file", "user", row! { name: "file" });
        db.restore(&before).unwrap();
        db.reset().unwrap();
        db.close().unwrap();
    };
    let before = descriptors();
    for journal_mode in ["wal", "delete"] {
        let (folder, path, conn) = database(&format!("PRAGMA journal_mode = {journal_mode}; {USER}"));
        all(&path);
        conn.execute_batch("BEGIN IMMEDIATE; INSERT INTO user (name) VALUES ('cid')").unwrap();
        all(&path);
        conn.execute_batch("COMMIT").unwrap();
        drop(conn);
        all(&path);
        drop(folder);
    }
    assert_eq!(descriptors(), before);
}
