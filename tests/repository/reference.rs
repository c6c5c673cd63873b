//! The reference has every key, variable and error that the code has, and no other.

use std::collections::BTreeSet;
use std::fs;

use crate::pages::root;

/// The first columns of the tables below a heading of the reference: all names in backticks.
fn listed(heading: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(root().join("docs/reference.md")).unwrap();
    let (_, below) = page.split_once(&format!("## {heading}\n")).unwrap();
    let section = below.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `")).map(|line| line.split(" | ").next().unwrap());
    rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_string).collect()
}

/// The texts of the array that a line of a source file begins.
fn array(file: &str, begins: &str) -> BTreeSet<String> {
    let code = fs::read_to_string(root().join("src").join(file)).unwrap();
    let (_, rest) = code.split_once(begins).unwrap();
    let (_, rest) = rest.split_once("= [").unwrap();
    let (names, _) = rest.split_once("];").unwrap();
    names.split('"').skip(1).step_by(2).map(str::to_string).collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_string).collect()
}

#[test]
fn each_setting_of_a_bind_is_listed() {
    assert_eq!(listed("Settings of a bind"), array("config/file/setting.rs", "const BIND_SETTINGS"));
    assert_eq!(listed("Engine options"), array("config/options.rs", "const APPLIED"));
}

#[test]
fn each_setting_at_the_top_of_a_file_is_listed() {
    let names = array("config/file/top.rs", "const TOP").into_iter().map(|name| match name.as_str() {
        "default" => "[default]".to_string(),
        "binds" => "[binds.KEY]".to_string(),
        "engine_options" => "[engine_options]".to_string(),
        "references" | "tables" => format!("[[{name}]]"),
        "env" => "[env.NAME]".to_string(),
        flask if flask.starts_with("SQLALCHEMY_") => "SQLALCHEMY_…".to_string(),
        _ => name,
    });
    assert_eq!(listed("The top of a file"), names.collect());
}

#[test]
fn each_environment_variable_is_listed() {
    let mut read = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = fs::read_to_string(&path).unwrap();
            let names = code.split('"').skip(1).step_by(2);
            let names = names.filter(|name| name.strip_prefix("MULTIBIND_").is_some_and(|rest| !rest.contains(' ')));
            // Variables of this crate's own tests.
            read.extend(
                names.filter(|name| !["MULTIBIND_CROWD", "MULTIBIND_TEST_ALONE"].contains(name)).map(str::to_string),
            );
        }
    }
    let others = ["DATABASE_URL", "DATABASE_URL_KEY", "${NAME}", "CARGO_TARGET_DIR", "CARGO_MANIFEST_DIR", "TMPDIR"];
    read.extend(set(others));
    assert_eq!(listed("Environment variables"), read);
}

#[test]
fn each_error_is_listed() {
    let code = fs::read_to_string(root().join("src/error/mod.rs")).unwrap();
    let (_, variants) = code.split_once("pub enum Error {").unwrap();
    let names = variants.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"));
    assert_eq!(listed("Errors"), set(names.filter(|name| !name.starts_with(' '))));
}
