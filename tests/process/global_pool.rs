//! An application whose pool is a `static`, tested in the threads of one process and in a process for each test.

use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use multibind::pools::Pool;
use multibind::{row, Bind, Harness};
use rstest::rstest;

/// The application's.
static AUTH: OnceLock<Pool> = OnceLock::new();

fn sign_up(name: &str) {
    AUTH.get().unwrap().get().unwrap().execute("INSERT INTO user (name) VALUES (?1)", [name]).unwrap();
}

static DB: LazyLock<Mutex<Harness>> = LazyLock::new(|| {
    let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start().unwrap();
    assert!(AUTH.set(db.pool("auth").unwrap()).is_ok());
    Mutex::new(db)
});

fn db() -> MutexGuard<'static, Harness> {
    let db = DB.lock().unwrap_or_else(PoisonError::into_inner);
    db.reset().unwrap();
    db
}

#[rstest]
fn each_test_sees_its_own_rows(#[values("ann", "bob", "cleo", "dan", "eve")] name: &str) {
    let db = db();
    sign_up(name);
    db.assert_rows("auth", "user", [row! { name: name }]);
}

#[rstest]
fn a_test_that_failed_leaves_the_others_their_databases() {
    let failed = std::thread::spawn(|| {
        let db = db();
        sign_up("fred");
        db.assert_not_landed("auth", "user", row! { name: "fred" });
    });
    assert!(failed.join().is_err());
    let db = db();
    sign_up("gus");
    db.assert_rows("auth", "user", [row! { name: "gus" }]);
}

/// As nextest runs it.
#[rstest]
fn a_test_may_be_alone_in_its_process() {
    let test = "global_pool::each_test_sees_its_own_rows::name_3___cleo__";
    let output = Command::new(std::env::current_exe().unwrap()).args([test, "--exact"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
