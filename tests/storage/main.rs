//! How a bind keeps its data: every kind of storage, images, locks, copies, replicas, resets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

#[path = "../common/alone.rs"]
mod alone;
#[path = "../common/caught.rs"]
mod caught;
mod copy_of;
mod databases;
#[path = "../common/deserialized.rs"]
mod deserialized;
#[path = "../common/failure.rs"]
mod failure;
#[path = "../common/frame.rs"]
mod frame;
mod images;
mod locks;
mod memory;
mod memory_differential;
mod mirrors;
mod on_connect;
mod part;
mod prepared;
mod prepared_code;
mod read_only;
mod reset;
mod scenarios;
#[path = "../common/serialized.rs"]
mod serialized;
#[path = "../common/statements.rs"]
mod statements;
mod threads;
