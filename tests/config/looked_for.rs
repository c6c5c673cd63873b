//! A configuration that is not where it is looked for: workspaces, support crates, programs that Cargo has not started.

use std::fs;

use multibind::{Bind, Config, Harness};
use rstest::rstest;

use crate::child::{in_a_process, is_the_child};
use crate::folder::Folder;

/// Returns the error of a file that is not there, with `FOLDER` for a folder and what is above it.
fn error(path: &str, folder: &str) -> String {
    Config::from_file(path).unwrap_err().to_string().replace(folder, "FOLDER")
}

#[test]
fn a_file_of_the_workspace_is_shown_to_a_crate_within_it() {
    if !is_the_child() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("fixtures")).unwrap();
        fs::create_dir_all(folder.path().join("crates/api")).unwrap();
        fs::write(folder.path().join("fixtures/binds.toml"), "[default]").unwrap();
        return in_a_process("looked_for::a_file_of_the_workspace_is_shown_to_a_crate_within_it", |command| {
            command.env("CARGO_MANIFEST_DIR", folder.path().join("crates/api"));
        });
    }
    let crate_folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    insta::assert_snapshot!(error("fixtures/binds.toml", &crate_folder), @"cannot read the configuration `FOLDER/fixtures/binds.toml`: No such file or directory (os error 2); a relative path is looked for in the folder of the crate under test, which Cargo names in `CARGO_MANIFEST_DIR`. `../../fixtures/binds.toml` is there");
    assert!(Config::from_file("../../fixtures/binds.toml").is_ok());
}

#[test]
fn without_the_file_the_message_says_where_it_was_looked_for() {
    if !is_the_child() {
        let folder = tempfile::tempdir().unwrap();
        return in_a_process("looked_for::without_the_file_the_message_says_where_it_was_looked_for", |command| {
            command.env("CARGO_MANIFEST_DIR", folder.path());
        });
    }
    let crate_folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    insta::assert_snapshot!(error("fixtures/binds.toml", &crate_folder), @r#"cannot read the configuration `FOLDER/fixtures/binds.toml`: No such file or directory (os error 2); a relative path is looked for in the folder of the crate under test, which Cargo names in `CARGO_MANIFEST_DIR`. A path can be absolute: that of another crate is named by `concat!(env!("CARGO_MANIFEST_DIR"), "/…")` in its code"#);
    let absolute = format!("{crate_folder}/fixtures/binds.toml");
    insta::assert_snapshot!(error(&absolute, &crate_folder), @"cannot read the configuration `FOLDER/fixtures/binds.toml`: No such file or directory (os error 2)");
}

#[test]
fn a_program_that_cargo_has_not_started_says_so() {
    if !is_the_child() {
        let folder = tempfile::tempdir().unwrap();
        return in_a_process("looked_for::a_program_that_cargo_has_not_started_says_so", |command| {
            command.env_remove("CARGO_MANIFEST_DIR").current_dir(folder.path());
        });
    }
    let current = std::env::current_dir().unwrap();
    insta::assert_snapshot!(error("fixtures/binds.toml", &current.display().to_string()), @r#"cannot read the configuration `FOLDER/fixtures/binds.toml`: No such file or directory (os error 2); Cargo has not started this program (`CARGO_MANIFEST_DIR` is not set), so a relative path is looked for in the current folder. A path can be absolute: that of another crate is named by `concat!(env!("CARGO_MANIFEST_DIR"), "/…")` in its code"#);
}

#[test]
fn the_folder_of_a_support_crate_is_known_where_it_was_compiled() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/binds.toml");
    if !is_the_child() {
        let folder = tempfile::tempdir().unwrap();
        return in_a_process("looked_for::the_folder_of_a_support_crate_is_known_where_it_was_compiled", |command| {
            command.env("CARGO_MANIFEST_DIR", folder.path());
        });
    }
    assert!(Config::from_file(path).is_ok());
}

// Paths that a configuration names.

/// A workspace with a crate whose binds are in a file.
fn workspace(settings: &str) -> (Folder, Config) {
    let folder = Folder::with([
        ("crates/api/fixtures/binds.toml", format!("[binds.auth]\n{settings}").as_str()),
        ("crates/api/fixtures/auth/1_user.sql", "CREATE TABLE user (name TEXT)"),
        ("crates/api/fixtures/user.csv", "name\nann\n"),
        ("migrations/auth/1_user.sql", "CREATE TABLE user (name TEXT)"),
    ]);
    let config = Config::from_file(folder.file("crates/api/fixtures/binds.toml")).unwrap();
    (folder, config)
}

#[rstest]
#[case::schema_of_the_workspace(
    "schema = 'migrations/auth'",
    "bind `auth`: the schema failed at [folder]/crates/api/fixtures/migrations/auth: the file cannot be read: No such file or directory \
     (os error 2); `[folder]/migrations/auth` is there, and a relative path begins at the folder of the configuration file, in code at \
     that of the crate under test"
)]
#[case::schema_misspelt(
    "schema = 'auht'",
    "bind `auth`: the schema failed at [folder]/crates/api/fixtures/auht: the file cannot be read: No such file or directory (os error 2); \
     `[folder]/crates/api/fixtures` has no `auht`, and the nearest name there is `auth`"
)]
#[case::data_misspelt(
    "schema = 'auth'\ndata = '../fixtures/./users.csv'",
    "[folder]/crates/api/fixtures/users.csv (bind `auth`): the file cannot be read: No such file or directory (os error 2); \
     `[folder]/crates/api/fixtures` has no `users.csv`, and the nearest name there is `user.csv`; nothing was loaded"
)]
#[case::copy_of_nothing(
    "copy_of = 'snapshots/auth.db'",
    "[folder]/crates/api/fixtures/binds.toml:2: bind `auth`: `copy_of`: `[folder]/crates/api/fixtures/snapshots/auth.db` cannot be read: \
     No such file or directory (os error 2); `[folder]/crates/api/fixtures` has no `snapshots`, and a relative path begins at the folder of \
     the configuration file, in code at that of the crate under test"
)]
fn a_path_that_is_not_there_says_what_is(#[case] settings: &str, #[case] expected: &str) {
    let (folder, config) = workspace(settings);
    assert_eq!(folder.shown(&Harness::from_config(config).unwrap_err()), expected);
}

#[test]
fn a_path_in_code_says_so_too() {
    let error = Harness::builder().bind("auth", Bind::memory().schema_path("fixtures/auht")).start().unwrap_err();
    let here = env!("CARGO_MANIFEST_DIR");
    insta::assert_snapshot!(error.to_string().replace(here, "CRATE"), @"bind `auth`: the schema failed at CRATE/fixtures/auht: the file cannot be read: No such file or directory (os error 2); `CRATE/fixtures` has no `auht`, and the nearest name there is `auth`");
}
