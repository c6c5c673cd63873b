//! What the repository promises beside its code: its pages, its links, the applications that stand beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod consumer;
mod examples;
mod flask_differential;
mod fuzz_corpus;
mod guide;
mod links;
mod pages;
mod readme;
mod reference;
mod reliability;
#[path = "../common/targets/mod.rs"]
mod targets;
