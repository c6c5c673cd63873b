//! The instruments on every connection: the recorder, the guards and the faults.
//!
//! SQLite's callbacks are in `trace`, `authorize` and `commit`; a file system asks the faults through its gate. They
//! find a database's `Watch` or its `Faults` by a number, and `state` has what they share.

mod accounts;
mod action;
mod authorize;
mod commit;
mod deed;
mod fault;
mod faults;
mod handle;
mod listen;
mod log;
mod number;
mod opened;
mod operation;
mod outside;
mod recorder;
mod rules;
mod state;
mod trace;
mod unaccounted;
mod used;
mod watch;

pub(crate) use fault::FaultKind;
pub(crate) use faults::{Faulting, Faults};
pub(crate) use opened::{see_openings, Found};
pub use operation::Operation;
pub(crate) use outside::Banning;
pub use outside::Stray;
pub(crate) use recorder::{Begun, Listening, Recorded, Recorder};
pub(crate) use rules::{Guarding, Refused, Refuses, Rule, Rules};
pub(crate) use state::{spared, unwatched, Spared};
pub(crate) use watch::{Beginning, Watch};
