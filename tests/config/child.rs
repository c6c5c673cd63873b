//! A test in a process of its own, whose environment and current folder can be set.

use std::process::Command;

/// Runs the test of this name in a process of its own.
pub(crate) fn in_a_process(test: &str, prepare: impl FnOnce(&mut Command)) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env("MULTIBIND_TEST_CHILD", "1");
    prepare(&mut command);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Returns whether this is that process.
pub(crate) fn is_the_child() -> bool {
    std::env::var_os("MULTIBIND_TEST_CHILD").is_some()
}
