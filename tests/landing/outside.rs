//! What is no harness's is opened by nobody while a guard says so. It holds for the whole process, so each test is run in
//! one of its own.

use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};

/// Runs a test alone in a process of its own, by its name; returns whether this is that process.
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "MULTIBIND_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let arguments = ["--exact", test, "--test-threads=1"];
    let run = std::process::Command::new(std::env::current_exe().unwrap()).args(arguments).env(ALONE, "1").output();
    let run = run.unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
    false
}

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
    if !is_alone("outside::a_file_and_a_private_database_are_refused_as_they_open_and_binds_are_not") {
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
    if !is_alone("outside::nothing_that_the_harness_does_itself_is_taken_for_a_stray") {
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
        db.connection(&key).unwrap().query_row("SELECT 1", [], |_| Ok(())).unwrap();
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
    if !is_alone("outside::a_guard_whose_refusal_nobody_asks_for_fails_the_test") {
        return;
    }
    let guard = started().deny_outside();
    assert!(Connection::open_in_memory().is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(guard))).unwrap_err();
    let message = panicked.downcast_ref::<String>().unwrap();
    assert!(message.contains("a private database in memory, opened on thread `outside::a_guard_whose"), "{message}");
}
