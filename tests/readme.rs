//! What the README shows is what a reader sees.
#![allow(clippy::unwrap_used, reason = "what does not go on here fails the test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use rstest::rstest;

#[rstest]
#[case::landing("landing")]
#[case::investigate("investigate")]
#[case::tenants("tenants")]
#[case::half_paid("half_paid")]
fn the_readme_shows_what_an_example_prints(#[case] example: &str) {
    // Stands before the block that shows it.
    let mark = format!("<!-- output of: cargo run --example {example} -->\n```text\n");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, after) = readme.split_once(&mark).unwrap();
    let (shown, _) = after.split_once("```\n").unwrap();

    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--example", example])
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(root)
        .output()
        .unwrap();
    let (printed, stderr) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{printed}\n{stderr}");
    assert_eq!(printed, shown, "put into the README what the example prints:\n{printed}");
    assert_eq!(stderr, "");
}
