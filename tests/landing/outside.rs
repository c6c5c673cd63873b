//! What is no harness's is opened by nobody while a guard says so. It holds for the whole process, so each test is run in
//! one of its own.

use multibind::rusqlite::{Connection, ErrorCode};
use multibind::{row, Bind, Config, Harness};

use crate::alone::alone;

fn started() -> Harness {
    let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE log (event TEXT)"))
        .bind("auth", Bind::temp_file().schema(user))
        .bind("cache", Bind::shared_cache().schema("CREATE TABLE entry (x)"))
        .bind("store", Bind::memdb().schema("CREATE TABLE item (x)"))
        .start()
        .unwrap()
}

#[test]
fn a_file_and_a_private_database_are_refused_as_they_open_and_binds_are_not() {
    if !alone() {
        return;
    }
    let (db, folder) = (started(), tempfile::tempdir().unwrap());
    let production = folder.path().canonicalize().unwrap().join("production.db");
    Connection::open(&production).unwrap().execute_batch("CREATE TABLE user (name TEXT)").unwrap();

    let guard = db.deny_outside();
    let line = line!() - 1;
    let refused = Connection::open(&production).unwrap_err().to_string();
    assert!(refused.contains(&format!("refused by `deny_outside()` at {}:{line}:", file!())), "{refused}");
    let database = format!("the file `{}` is no bind of a harness; opened on thread `", production.display());
    assert!(refused.contains(&database), "{refused}");
    // Without debug information, a place is a function alone.
    let function = "landing::outside::a_file_and_a_private_database_are_refused_as_they_open_and_binds_are_not";
    assert!(
        refused.contains(&format!("` at {}:{}, {function}", file!(), line + 2))
            || refused.contains(&format!("` at {function}")),
        "{refused}"
    );
    assert!(Connection::open(format!("file:{}?mode=ro&password=secret", production.display())).is_err());
    std::thread::scope(|threads| {
        threads.spawn(|| assert!(Connection::open_in_memory().is_err()));
    });
    for key in db.binds() {
        Connection::open(db.uri(&key).unwrap()).unwrap();
    }
    let other = started();
    Connection::open(other.uri("auth").unwrap())
        .unwrap()
        .execute("INSERT INTO user (name) VALUES ('ann')", [])
        .unwrap();

    let files: Vec<_> = guard.refused().iter().map(|stray| stray.file().map(str::to_string)).collect();
    assert_eq!(files, [production.to_str().map(str::to_string), production.to_str().map(str::to_string), None]);
    drop(guard);
    Connection::open(&production).unwrap();
}

#[test]
fn nothing_that_the_harness_does_itself_is_taken_for_a_stray() {
    if !alone() {
        return;
    }
    let guard = started().deny_outside();
    let db = started();
    let log = db.record();
    let before = db.snapshot().unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO user (name) VALUES (?1)", ["ann"]).unwrap();
    session.execute("INSERT INTO log VALUES ('sign-up')", []).unwrap();
    session.commit().unwrap();
    let joined: i64 = session.query_row("SELECT count(*) FROM user, log", [], |row| row.get(0)).unwrap();
    assert_eq!(joined, 1);
    drop(session);
    for key in db.binds() {
        db.connection(&key).unwrap().query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
    }
    db.assert_landed("auth", "user", row! { name: "ann" });
    assert!(!db.changes_since(&before).unwrap().is_empty());
    log.assert_count("store", 1);
    db.restore(&before).unwrap();
    db.drop_all("auth").unwrap();
    db.create_all(..).unwrap();
    db.reset().unwrap();
    db.close().unwrap();
    assert_eq!(guard.refused().iter().map(ToString::to_string).collect::<Vec<_>>(), [] as [String; 0]);
}

#[test]
fn a_guard_whose_refusal_nobody_asks_for_fails_the_test() {
    if !alone() {
        return;
    }
    let guard = started().deny_outside();
    assert!(Connection::open_in_memory().is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(guard))).unwrap_err();
    let message = panicked.downcast_ref::<String>().unwrap();
    assert!(message.contains("a private database in memory, opened on thread `outside::a_guard_whose"), "{message}");
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    if !alone() {
        return;
    }
    let (db, folder) = (started(), tempfile::tempdir().unwrap());
    let missing = folder.path().canonicalize().unwrap().join("production.db");
    let guard = db.deny_outside();
    let refused = Connection::open(&missing).unwrap_err().to_string();
    assert!(refused.contains(&format!("the file `{}` is no bind of a harness", missing.display())), "{refused}");
    let uri = format!("file:{}?mode=rwc", missing.display());
    assert!(Connection::open(&uri).is_err());

    // A connection that is a bind's attaches it, or copies into it.
    let conn = db.connection("auth").unwrap();
    let attached = conn.execute("ATTACH ?1 AS production", [missing.to_str()]).unwrap_err();
    assert_eq!(attached.to_string(), "authorization denied");
    assert_eq!(attached.sqlite_error_code(), Some(ErrorCode::AuthorizationForStatementDenied));
    assert!(conn.execute("VACUUM INTO ?1", [missing.to_str()]).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    let refused: Vec<_> = guard.refused().iter().map(|stray| stray.file().map(str::to_string)).collect();
    assert_eq!(refused, vec![missing.to_str().map(str::to_string); 4]);
    drop(guard);
    conn.execute("VACUUM INTO ?1", [missing.to_str()]).unwrap();
    assert!(missing.exists());
}

#[test]
fn a_file_that_is_there_is_not_touched() {
    if !alone() {
        return;
    }
    let (db, folder) = (started(), tempfile::tempdir().unwrap());
    let file = folder.path().canonicalize().unwrap().join("production.db");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE user (name TEXT)").unwrap();
    let before = std::fs::read(&file).unwrap();
    let guard = db.deny_outside();
    assert!(Connection::open(&file).is_err());
    assert!(db.connection(None).unwrap().execute("ATTACH ?1 AS production", [file.to_str()]).is_err());
    // A database in memory can be attached, and the binds.
    let conn = db.connection("auth").unwrap();
    conn.execute("ATTACH ':memory:' AS scratch", []).unwrap();
    conn.execute("ATTACH ?1 AS log", [db.uri(None).unwrap()]).unwrap();
    conn.execute("INSERT INTO log.log VALUES ('attached')", []).unwrap();
    assert_eq!(guard.refused().len(), 2);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn databases_are_kept_while_files_outside_are_refused() {
    if !alone() {
        return;
    }
    let _guard = started().deny_outside();
    let folder = tempfile::tempdir().unwrap();
    let db = started();
    db.save_to(folder.path()).unwrap();
    let before = db.snapshot().unwrap();
    assert!(db.changes_since(&before).unwrap().is_empty());
    let saved = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(saved >= 4, "{saved} files");
}

#[test]
fn a_configuration_refuses_what_is_outside_from_start_to_end() {
    if !alone() {
        return;
    }
    let started = |text: &str| Harness::from_config(Config::from_toml(text, ".").unwrap());
    let opened_meanwhile = Bind::memory().schema_with(|conn| {
        let refused = Connection::open_in_memory().unwrap_err().to_string();
        assert!(refused.contains("refused by `deny_outside(true)` at tests/landing/outside.rs:"), "{refused}");
        conn.execute_batch("CREATE TABLE t (x)")
    });
    let db = Harness::builder().default_bind(opened_meanwhile).deny_outside(true).start().unwrap();
    assert!(Connection::open_in_memory().is_err());
    assert_eq!(db.refused_outside().len(), 2);
    drop(db);
    Connection::open_in_memory().unwrap();

    let file = "deny_outside = true\n[default]\nstorage = 'memory'\n[env.open]\ndeny_outside = false";
    let db = started(file).unwrap();
    let refused = Connection::open_in_memory().unwrap_err().to_string();
    assert!(refused.contains("refused by `deny_outside = true` at line 1: a private database in memory"), "{refused}");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(db))).unwrap_err();
    let message = panicked.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("`deny_outside = true` at line 1 refused:\n\n  a private database"), "{message}");

    for config in [
        Config::from_toml(file, ".").unwrap().environment("open"),
        Config::from_toml(file, ".").unwrap().deny_outside(false),
    ] {
        let db = config.start().unwrap();
        Connection::open_in_memory().unwrap();
        assert!(db.refused_outside().is_empty());
    }
    let error = Config::from_toml("deny_outside = 1", ".").unwrap_err();
    assert_eq!(error.to_string(), "line 1: `deny_outside` must be true or false, not 1");
}
