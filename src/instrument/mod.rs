//! The instruments on every connection: the recorder, the guards and the faults.
//!
//! SQLite's callbacks are in `trace`, `authorize` and `commit`; a file system asks the faults through its gate. They
//! find a database's `Watch` or its `Faults` by a number, and `state` has what they share.

mod accounts;
mod action;
mod authorize;
mod closing;
mod commit;
mod connected;
mod connections;
#[cfg(test)]
mod crowd;
mod deed;
mod displaced;
mod ends;
mod extension;
mod fault;
mod faults;
mod handle;
mod in_session;
mod late;
mod listen;
mod log;
mod looked;
#[cfg(test)]
mod memory;
mod number;
mod opened;
mod opening;
mod operation;
mod outcome;
mod outside;
mod place;
mod placed;
mod program;
mod put_back;
mod record;
mod recorded;
mod recorder;
mod report_rows;
mod rules;
mod search;
mod settle;
mod sought;
mod sqlite_log;
mod state;
mod stop;
mod stray;
mod strays;
mod touched;
mod trace;
mod traced;
mod transaction;
mod unaccounted;
mod unprepared;
mod used;
mod waits;
mod watch;

pub(crate) use connections::{displaced, still_open};
pub(crate) use displaced::Displaced;
pub(crate) use extension::noticing;
pub(crate) use fault::FaultKind;
pub(crate) use faults::{Faulting, Faults};
pub(crate) use in_session::{Begun, InSession};
pub(crate) use late::LateRead;
pub(crate) use opened::{see_openings, Found};
pub(crate) use opening::{Attached, OpenedBy, Opening, StillOpen};
pub use operation::Operation;
pub(crate) use outside::Banning;
pub(crate) use place::{Calls, Place};
pub(crate) use put_back::PutBackTo;
pub(crate) use recorded::Recorded;
pub(crate) use recorder::{Listening, Recorder, Triggered};
pub(crate) use rules::{Guarding, Refused, Refuses, Rule, Rules};
pub(crate) use sqlite_log::{reads_log, watch_log};
pub(crate) use state::{spared, unwatched, Spared};
pub use stray::Stray;
pub(crate) use strays::{Outside, Presence};
pub(crate) use touched::Touches;
pub use transaction::TransactionEnd;
pub(crate) use transaction::{Reading, Transaction};
pub(crate) use unprepared::{unprepared, Unprepared};
pub(crate) use used::WrittenTable;
pub(crate) use waits::Waiting;
pub(crate) use watch::Watch;
