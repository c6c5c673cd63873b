//! What the README shows is what a reader sees.
#![allow(clippy::unwrap_used, reason = "what does not go on here fails the test")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// Stands before the block that shows what the example prints.
const MARK: &str = "<!-- output of: cargo run --example landing -->\n```text\n";

#[test]
fn the_readme_shows_what_the_example_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, after) = readme.split_once(MARK).unwrap();
    let (shown, _) = after.split_once("```\n").unwrap();

    let example = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--example", "landing"])
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(root)
        .output()
        .unwrap();
    let (printed, stderr) = (String::from_utf8(example.stdout).unwrap(), String::from_utf8_lossy(&example.stderr));
    assert!(example.status.success(), "{printed}\n{stderr}");
    assert_eq!(printed, shown, "put into the README what the example prints:\n{printed}");
    assert_eq!(stderr, "");
}
