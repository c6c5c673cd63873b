//! From SQL text to the binds it touches. SQLite resolves every name; SQL is read for a guess alone, which SQLite confirms.
//!
//! Read downwards, it is a pipeline: the `dispatcher` gets a statement's text and keeps what was found. It has `decide` make
//! a plan: for a statement on rows of one bind `in_place` does, on the connection of its image. For all others `look` asks
//! SQLite beside which binds it accepts the statement, on a `stage` of copies, after `near` has tried the bind of the
//! statement before; `touched` lists what the statement uses there. `catalog` is the table of all names.

mod access;
mod ambiguity;
mod catalog;
mod decide;
mod decoys;
mod dispatcher;
mod effects;
mod in_place;
mod known;
mod look;
mod made;
mod names;
mod near;
mod not_run;
mod plan;
mod pragma;
mod program;
mod refused;
mod stage;
mod stages;

mod touched;
mod unknown_bind;
mod untouching;

pub(crate) use catalog::Candidate;
pub(crate) use dispatcher::Dispatcher;
pub use plan::Route;
pub(crate) use plan::{Destination, Effects, JoinedBind, Plan};
