//! The examples of the README and of the guide run for a reader who has done "Getting started" and nothing else: in a crate
//! that has the files of that chapter, those that the example's own page shows, and no others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::pages::{blocks, root, Block};

/// The chapter whose files every reader has.
const FIRST: &str = "getting_started";

const MANIFEST: &str = r#"
[package]
name = "reader"
version = "0.0.0"
edition = "2024"

[dependencies]
rusqlite = "0.40"

[dev-dependencies]
multibind = { path = ROOT, features = ["proptest", "serde"] }
proptest = { version = "1", default-features = false, features = ["std"] }
rstest = "0.29"
serde = { version = "1", features = ["derive"] }
tempfile = "3"
toml = { version = "1", default-features = false, features = ["parse", "serde", "std"] }

[workspace]
"#;

/// The file that a block is, where the line before it says so.
fn file(block: &Block) -> Option<&str> {
    block.mark.strip_prefix("<!-- file: ")?.strip_suffix(" -->")
}

/// Writes a file, and its folder.
fn write(path: &Path, text: &str) {
    // One that is there already keeps its time, so that nothing is built again.
    if !fs::read_to_string(path).is_ok_and(|there| there == text) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// The program of a crate's tests.
fn built(reader: &Path) -> PathBuf {
    let build = Command::new(env!("CARGO"))
        .current_dir(reader)
        .args(["test", "--offline", "--test", "examples", "--no-run", "--message-format", "json-render-diagnostics"])
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let messages = String::from_utf8(build.stdout).unwrap();
    let executable = messages.lines().find_map(|line| {
        let message = serde_json::from_str::<serde_json::Value>(line).unwrap();
        message["executable"].as_str().map(PathBuf::from)
    });
    executable.unwrap()
}

#[test]
fn every_example_runs_for_a_reader_of_getting_started() {
    let blocks = blocks();
    let is_example = |block: &&Block| ["rust", "rust,test_harness"].contains(&block.language.as_str());
    let mut pages = blocks.iter().filter(is_example).map(|block| block.page.as_str()).collect::<Vec<_>>();
    pages.dedup();

    let reader = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reader");
    write(&reader.join("Cargo.toml"), &MANIFEST.replace("ROOT", &format!("{:?}", root().display().to_string())));
    write(&reader.join("Cargo.lock"), &fs::read_to_string(root().join("Cargo.lock")).unwrap());
    write(&reader.join("src/lib.rs"), "");
    let mut tests = String::from("#![allow(unused, reason = \"the pages show parts\")]\n");
    for page in &pages {
        tests += &format!("mod {} {{\n", page.to_lowercase());
        for (at, block) in blocks.iter().filter(is_example).filter(|block| block.page == *page).enumerate() {
            // Lines that rustdoc hides are a part of the example.
            let shown = |line: &str| line.strip_prefix("# ").unwrap_or(if line == "#" { "" } else { line }).to_string();
            let text = block.text.lines().map(shown).collect::<Vec<_>>().join("\n");
            let text = text.replace("fn main()", "#[test]\nfn main()");
            tests += &format!("// {}\nmod example_{at} {{\n{text}\n}}\n", block.place);
        }
        tests += "}\n";
    }
    write(&reader.join("tests/examples.rs"), &tests);
    // For what an example has the compiler say: the folder of its crate.
    for block in blocks.iter().filter(|block| block.page == FIRST) {
        if let Some(name) = file(block) {
            write(&reader.join(name), &block.text);
        }
    }
    let program = built(&reader);

    let mut failures = String::new();
    for page in pages {
        let folder = tempfile::tempdir().unwrap();
        for block in blocks.iter().filter(|block| [FIRST, page].contains(&block.page.as_str())) {
            if let Some(name) = file(block) {
                write(&folder.path().join(name), &block.text);
            }
        }
        let ran = Command::new(&program)
            .current_dir(folder.path())
            .env("CARGO_MANIFEST_DIR", folder.path())
            .env("MULTIBIND_KEEP", "never")
            .arg(format!("{}::", page.to_lowercase()))
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&ran.stdout);
        assert!(!printed.contains("running 0 tests"), "no example of {page} ran");
        if !ran.status.success() {
            failures += &format!("{page}:\n{printed}\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
