//! What the process has a part in: crashes, exhaustion, memory, threads, panics, loggers, kept databases.
//!
//! A test that counts or changes what the process has runs in a process of its own: see `alone`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

#[path = "../common/alone.rs"]
mod alone;
#[path = "../common/caught.rs"]
mod caught;
mod child;
mod cost;
mod crashes;
mod ends;
mod exhausted;
#[path = "../common/frame.rs"]
mod frame;
mod global_pool;
mod halves;
mod held;
mod images;
mod keep;
mod listeners;
mod logging;
mod markup;
mod page;
mod panics;
mod sqlite_log;
#[path = "../common/statements.rs"]
mod statements;
#[cfg(target_os = "linux")]
mod store;
mod waits;
