//! The instruments on every connection: the recorder's hooks, the guards, and the faults.

mod account;
mod action;
mod authorize;
mod commit;
mod fault;
mod handle;
mod number;
mod opened;
mod recorder;
mod rules;
mod trace;
mod used;
mod watch;

pub use fault::Operation;
pub(crate) use fault::{spared, FaultKind, Faulting, Faults};
pub(crate) use opened::Found;
pub(crate) use recorder::{Listening, Recorded, Recorder};
pub(crate) use rules::{Guarding, Refused, Refuses, Rule, Rules};
pub(crate) use watch::{unwatched, Beginning, Begun, Watch};
