//! A process of its own for a test that counts or changes what the whole process has: memory, open files, threads, the logger.

use std::env;
use std::process::Command;
use std::thread;

const ALONE: &str = "MULTIBIND_TEST_ALONE";

/// Returns true in a process that runs the calling test alone. Elsewhere it runs the test there, asserts that it passed, and
/// returns false: the caller then has nothing left to do.
pub(crate) fn alone() -> bool {
    alone_with(&[])
}

/// Does so with variables in the environment of that process.
pub(crate) fn alone_with(variables: &[(&str, &str)]) -> bool {
    let thread = thread::current();
    let test = thread.name().unwrap();
    if env::var(ALONE).is_ok_and(|name| name == test) {
        return true;
    }
    let mut run = Command::new(env::current_exe().unwrap());
    let run = run
        .args(["--exact", test, "--test-threads=1"])
        .env(ALONE, test)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{printed}{}", String::from_utf8_lossy(&run.stderr));
    assert!(printed.contains("1 passed"), "{printed}");
    false
}
