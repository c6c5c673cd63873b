//! RELIABILITY.md says what is so: the tests that it names are there, and it names all unsafe code.

use std::fs;
use std::path::{Path, PathBuf};

use crate::pages::prose;

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every Rust file below a folder of the repository.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => files.extend(path.extension().is_some_and(|found| found == "rs").then_some(path)),
            }
        }
    }
    files.sort();
    files
}

/// What stands between backticks in the rows of tables.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_test_that_is_named_is_there() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("RELIABILITY.md");
    let text = prose(&page).join("\n");
    let names = text.split('`').skip(1).step_by(2).filter(|name| {
        name.contains("::") && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c))
    });
    let names = names.collect::<Vec<_>>();
    assert!(!names.is_empty());
    for name in names {
        let (file, test) = name.rsplit_once("::").unwrap();
        let place = file.trim_end_matches("::tests").replace("::", "/");
        let found = ["tests", "src"].into_iter().flat_map(sources).any(|path| {
            let at = path.with_extension("").display().to_string();
            let here = at.ends_with(&format!("/{place}")) || at.contains(&format!("/{place}/"));
            // `name: of` is a generated test's.
            here && fs::read_to_string(path).unwrap().lines().map(str::trim_start).any(|line| {
                line.strip_prefix("fn ")
                    .unwrap_or(line)
                    .strip_prefix(test)
                    .is_some_and(|rest| rest.starts_with(['(', ':', '<']))
            })
        });
        assert!(found, "RELIABILITY.md names `{name}`, which is no test");
    }
}

#[test]
fn every_file_with_unsafe_code_is_listed() {
    let text = read("RELIABILITY.md");
    let unlisted = sources("src").into_iter().filter(|path| {
        let code = fs::read_to_string(path).unwrap();
        let code = code.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
        // `unsafe-inline` is a word of HTML.
        code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-'))
            .any(|word| word == "unsafe")
    });
    for path in unlisted {
        let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
        assert!(
            quoted(&text).any(|listed| listed == name),
            "{name} has unsafe code: RELIABILITY.md must say how it is checked"
        );
    }
}
