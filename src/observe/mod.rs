//! Looking at every bind: where rows landed, what changed, which statements ran; and verdicts on it.

mod account;
mod binds;
mod careful;
mod changes;
mod describe;
mod evidence;
mod fault;
mod glance;
mod guard;
mod landing;
mod late;
mod look;
mod nearest;
mod outside;
mod rows;
mod snapshot;
mod statements;
mod tables;
mod verdict;
mod within;

pub(crate) use account::{Author, Fate};
pub(crate) use changes::{since_start, Compared, NotOnly, NotWritten, OtherValues, WrittenIn, WrittenReason};
pub use changes::{ChangeKind, ChangeSet, ExpectedChange, ExpectedChanges, ExpectedTable, RowUpdate, TableChange};
#[cfg(feature = "serde")]
pub(crate) use describe::Described;
pub use describe::Description;
pub(crate) use describe::RowCount;
pub(crate) use evidence::{Exhibit, Finding, OpenTransaction};
pub(crate) use fault::Untriggered;
pub use fault::{Fault, FaultBuilder};
pub(crate) use guard::Unasked;
pub use guard::{Guard, Refusal};
pub use landing::Landing;
pub(crate) use late::Late;
pub(crate) use nearest::Near;
pub use outside::OutsideGuard;
pub use rows::ExpectedRows;
pub(crate) use rows::{verdict_on_rows, Difference, Different, Missing, OtherRows, WrongRows};
pub use snapshot::Snapshot;
pub(crate) use snapshot::{committed, unreadable};
pub(crate) use statements::{read as read_statements, Miscount, Tally, Unrecorded, Written};
pub use statements::{RecordedTransaction, Statement, StatementKind, StatementLog};
pub(crate) use tables::tables;
pub(crate) use verdict::{verdict_on, Expected, Failure, Reason, TableMaker, Times, Whereabouts, WrittenRow};
pub use within::Within;
pub(crate) use within::{Looked, Waited};
