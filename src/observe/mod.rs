//! Looking at every bind: where rows landed, what changed, which statements ran; and verdicts on it.

mod account;
mod binds;
mod careful;
mod changes;
mod clues;
mod data;
mod describe;
mod evidence;
mod fault;
mod glance;
mod guard;
mod holder;
mod landing;
mod late;
mod look;
mod nearest;
mod outside;
mod part;
mod put_back;
mod reason;
mod references;
mod rows;
mod schemas;
mod snapshot;
mod statements;
mod tables;
mod verdict;
mod within;

pub(crate) use account::{
    creation, Author, Came, Creation, Fate, Given, KeyAction, Replaced, RollbackBy, SetUp, StillOpen, Unenforced,
    Unfailed,
};
pub(crate) use changes::{
    contents, since_start, Compared, Contents, Listed, Misplaced, NotOnly, NotWritten, OtherValues, RowKind, What,
    WrittenIn, WrittenReason,
};
pub use changes::{ChangeKind, ChangeSet, ExpectedChange, ExpectedChanges, ExpectedTable, RowUpdate, TableChange};
pub(crate) use clues::{Clue, Last};
pub(crate) use data::{verdict_on_data, RowNames, RowReference, Unmatched, WrongData, WrongTable};
#[cfg(feature = "serde")]
pub(crate) use describe::Described;
pub use describe::Description;
pub(crate) use describe::RowCount;
pub(crate) use evidence::{Exhibit, Finding, OpenTransaction};
pub(crate) use fault::{Elsewhere, Untriggered};
pub use fault::{Fault, FaultBuilder};
pub(crate) use guard::Unasked;
pub use guard::{Guard, Refusal};
pub(crate) use holder::{holder, last_commit, too_late, waiter, Holder, TooLate, Waiter};
pub use landing::Landing;
pub(crate) use late::Late;
pub(crate) use nearest::Near;
pub use outside::OutsideGuard;
pub use part::Part;
pub(crate) use reason::{Expected, Reason, Times, Whereabouts};
pub(crate) use references::{broken_references, Broken};
pub use rows::ExpectedRows;
pub(crate) use rows::{verdict_on_rows, Difference, Different, Extent, Missing, OtherRows, WrongRows};
pub(crate) use schemas::{unlike, Unlike};
pub use snapshot::Snapshot;
pub(crate) use snapshot::{committed, unreadable};
pub(crate) use statements::{read as read_statements, Miscount, Tally, Unrecorded, Written};
pub use statements::{RecordedTransaction, Statement, StatementKind, StatementLog};
pub(crate) use tables::tables;
pub(crate) use verdict::{verdict_on, Failure};
pub use within::Within;
pub(crate) use within::{Looked, Waited};
