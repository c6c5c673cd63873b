//! What a test asserts and reads: where rows landed, what changed in each bind, which statements ran.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod accounts;
#[path = "../common/alone.rs"]
mod alone;
mod any_driver;
mod as_it_ran;
mod assertions;
mod attached;
#[path = "../common/caught.rs"]
mod caught;
mod changed_values;
mod changes;
mod changes_expected;
mod data_expected;
#[path = "../common/deserialized.rs"]
mod deserialized;
mod exact_rows;
#[path = "../common/failure.rs"]
mod failure;
#[path = "../common/frame.rs"]
mod frame;
mod guards;
#[path = "../common/hooks.rs"]
mod hooks;
mod late_reads;
mod outcomes;
mod outside;
mod picture;
mod recording;
mod references;
mod references_asserted;
mod repeated;
mod replaced;
mod reports;
mod rows;
mod serialize;
#[path = "../common/serialized.rs"]
mod serialized;
mod snapshots;
mod strategies;
mod structs;
mod times;
mod unseen;
mod within;
mod written;
