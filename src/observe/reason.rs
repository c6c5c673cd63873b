//! The claim of an assertion on a landing, and the reason why it fails.

use crate::key::BindKey;

/// The claim of an assertion about a row and some binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is in each bind, committed, and in no other.
    Landed,
    /// It is in each bind exactly once, committed, and in no other.
    Once,
    /// It is not there.
    NotLanded,
}

/// The reason why an assertion on a landing fails.
pub(crate) enum Reason {
    /// The row is in the bind, but not committed; and in these.
    NotCommitted(Vec<Whereabouts>),
    /// The row landed in the binds, but also in these.
    Also(Vec<Whereabouts>),
    /// The row landed in these of the binds, but not in the one.
    NotIn(Vec<BindKey>),
    /// The row landed in the bind so many times.
    Several(Times),
    /// The row landed in the binds; this one cannot be read.
    OtherUnreadable(BindKey),
    /// The row landed in the binds; a transaction that may have put it into this one is open.
    OtherUnsettled(BindKey),
    /// The row is in these binds and not in the one.
    Elsewhere(Vec<Whereabouts>),
    /// The bind cannot be read; the row is in these.
    Unreadable(Vec<Whereabouts>),
    /// The bind has no such table, and the row is in no other; these have the table.
    NoTable(Vec<BindKey>),
    /// The bind's table has no such column, and the row is in no other.
    NoColumn(String),
    /// The row is in no bind.
    Nowhere,
    /// The row is in the bind, where it was not to be.
    There,
    /// The row is not seen in the bind; a transaction that wrote to the table is open.
    Unsettled,
    /// The row is not seen in the bind; a transaction that can write is open, and nobody else sees its rows.
    Unseen,
}

/// A bind that has the row.
pub(crate) struct Whereabouts {
    pub(crate) bind: BindKey,
    pub(crate) committed: bool,
}

/// A number of rows that match.
#[derive(Clone, Copy)]
pub(crate) enum Times {
    Exactly(usize),
    /// More were not read.
    AtLeast(usize),
}
