//! Where a statement goes: `route` says it, and plain connections to every bind show what it did.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here fails the test")]

mod ambiguous;
mod binds;
mod commit;
mod ddl;
mod differential;
mod faults;
mod field_cases;
#[path = "../common/hooks.rs"]
mod hooks;
mod inserted;
mod joins;
mod later;
mod many;
mod names;
mod property;
mod refused;
mod resolved;
mod session;
mod shared;
mod smallest;
mod statements;
mod unknown_bind;
