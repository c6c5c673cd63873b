//! What a test sets up: configuration, URLs, tables, migrations, data files, binds chosen at run time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod bad_input;
#[path = "../common/caught.rs"]
mod caught;
mod changed;
mod child;
mod data;
mod dynamic;
mod environments;
mod errors;
#[path = "../common/failure.rs"]
mod failure;
#[path = "../common/folder.rs"]
mod folder;
#[path = "../common/frame.rs"]
mod frame;
mod looked_for;
mod migrations;
mod same_schema;
mod scenarios;
mod section;
mod seeds;
mod sources;
mod tables;
#[path = "../common/targets/mod.rs"]
mod targets;
mod urls;
