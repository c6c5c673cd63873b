//! The clues of a report, and the case that they are about.

use std::sync::Arc;

use rusqlite::types::Value;

use crate::harness::Running;
use crate::instrument::{Stray, Unprepared};
use crate::key::BindKey;
use crate::observe::account::{Author, Came, Fate, Given, KeyAction, Replaced, StillOpen, Unenforced, Unfailed};
use crate::observe::evidence::Exhibit;
use crate::observe::look::{Found, Sighting};
use crate::observe::reason::{Expected, Reason};
use crate::observe::statements::Statement;

/// The most statements of a clue.
const STATEMENTS: usize = 2;

/// One thing that is known of a row, or of its table.
pub(crate) enum Clue {
    /// Rows that match, and their author.
    Written { bind: BindKey, table: String, author: Author, rows: usize },
    /// The author of the row that comes nearest; those of the columns that differ which had other values at the start; and those
    /// of a key by which an `INSERT` met the row and updated it.
    Nearest {
        bind: BindKey,
        table: String,
        author: Author,
        at_start: Vec<(String, Value)>,
        met_by: Vec<(String, Value)>,
    },
    /// The statements that wrote that row before, where it is a statement's.
    Earlier { bind: BindKey, table: String, last: Last },
    /// The statement that created the table in a bind that was not meant.
    Created { bind: BindKey, statement: Box<Statement> },
    /// Statements that put rows into a table, and what they put is not there; set if they updated the nearest row.
    Lost { bind: BindKey, table: String, last: Last, is_of_nearest: bool },
    /// The statement that failed in the transaction or the savepoint of those, before that was rolled back.
    Failed { statement: Box<Statement> },
    /// No write had failed in the transaction or the savepoint of those.
    Unfailed { unfailed: Unfailed },
    /// The last statement that failed in a transaction which is open.
    FailedIn { statement: Box<Statement> },
    /// Statements that changed rows of a table in transactions that are open, and the last of these.
    Open { bind: BindKey, table: String, last: Last, open: Option<StillOpen> },
    /// The connection that wrote a row into a bind that was not meant.
    Came { came: Came },
    /// No connection to the bind that was meant was opened by anybody; the lines that got its address, and whether anybody got a
    /// way to it.
    Unopened { bind: BindKey, given: Given, is_asked: bool },
    /// A statement wrote a row that is not there any more, and the last that may have deleted it.
    Removed { bind: BindKey, table: String, put: Box<Statement>, by: Last },
    /// No statement may have deleted rows of a table to which others refer.
    NotDeleted { bind: BindKey, table: String },
    /// The text of a trigger that is named, and the statement that created it where one has.
    Trigger { bind: BindKey, trigger: String, text: Option<String>, statement: Option<Box<Statement>> },
    /// The foreign keys by which a statement that is named wrote to a table, and the rows that it replaced before that.
    Key { actions: Vec<KeyAction>, replaced: Option<Replaced> },
    /// The last statements of sessions that were dropped without a commit.
    DroppedSession { last: Last },
    /// The last statements that may have deleted a row to which others refer.
    Gone { bind: BindKey, table: String, by: Last },
    /// Statements of the thread that wrote the row, on other binds, and what they wrote is not there; and the bind that was
    /// committed before that was known.
    Beside { last: Last, after: Option<BindKey> },
    /// The commits on other binds by the session whose statement was lost.
    Half { binds: Vec<BindKey> },
    /// The last statements that changed rows of a table, where none of the others is named.
    Changed { bind: BindKey, table: String, last: Last },
    /// A row that was found refers to one of another table that is not there; and the last statements on both that ran while
    /// their connections enforced no foreign keys.
    Broken {
        bind: BindKey,
        table: String,
        parent: String,
        last: Option<Last>,
        why: Option<Unenforced>,
        key: Option<KeyAction>,
    },
    /// A fault of the test that failed operations on a bind.
    Fault { bind: BindKey, fault: String, times: u64 },
    /// Statements that wrote to a table of that name in a database that is no harness's.
    Outside { stray: Stray, is_open: bool, table: String, last: Last },
    /// No statement wrote to a table of that name; where some are no longer kept, none of those that are.
    NothingWritten { table: String, is_partial: bool, anything: bool, reads_log: bool },
    /// A statement that SQLite refused to prepare, so many times.
    Unprepared { one: Arc<Unprepared>, times: usize },
    /// One that SQLite refused on the thread of a transaction that was rolled back, before that.
    UnpreparedBefore { one: Arc<Unprepared> },
}

impl Clue {
    /// Returns whether it is about a row that was on its way, and not about the nearest row.
    pub(crate) fn is_of_another_row(&self) -> bool {
        match self {
            Clue::Lost { is_of_nearest, last, .. } => {
                !is_of_nearest && !last.statements.iter().all(|one| one.fate() == Fate::Nothing)
            }
            clue => matches!(clue, Clue::Open { .. } | Clue::Removed { .. } | Clue::Outside { .. }),
        }
    }
}

/// The last of some statements, the oldest first.
pub(crate) struct Last {
    pub(crate) statements: Vec<Statement>,
    /// The number of those before them.
    pub(crate) before: usize,
}

impl Last {
    pub(super) fn of(mut statements: Vec<Statement>) -> Option<Last> {
        let before = statements.len().saturating_sub(STATEMENTS);
        statements.drain(..before);
        (!statements.is_empty()).then_some(Last { statements, before })
    }
}

/// The parts of a failed assertion that its clues are about.
pub(in crate::observe) struct Case<'c> {
    pub(in crate::observe) running: &'c Running,
    pub(in crate::observe) expected: Expected,
    pub(in crate::observe) target: &'c BindKey,
    pub(in crate::observe) table: &'c str,
    pub(in crate::observe) reason: &'c Reason,
    pub(in crate::observe) sightings: &'c [Sighting],
    pub(in crate::observe) exhibits: &'c [Exhibit],
}

impl Sighting {
    /// Returns whether its database has the table.
    pub(super) fn has_table(&self) -> bool {
        !matches!(self.found, Found::NoTable | Found::Unreadable(_))
    }
}
