//! The words for a statement: its text on one line, and what became of it.

use crate::instrument::TransactionEnd;
use crate::observe::{Statement, StatementKind};
use crate::report::words::cut;

/// The number of characters of a text on one line.
const LONGEST: usize = 4_000;

/// Returns a statement with its values, white space as single spaces.
pub(super) fn one_line(statement: &Statement) -> String {
    let text = cut(statement.sql_with_values(), LONGEST);
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The state of what a statement did, as words and as a class of the page.
pub(super) struct Became {
    pub(super) class: &'static str,
    pub(super) words: &'static str,
}

/// Returns what became of a statement.
pub(super) fn became(statement: &Statement) -> Became {
    let of = |class, words| Became { class, words };
    if statement.has_failed() == Some(true) {
        return of("end bad", "failed");
    }
    match (statement.kind(), statement.transaction_end()) {
        (StatementKind::Write, _) if statement.is_undone() => of("end bad", "rolled back to a savepoint"),
        (StatementKind::Write, Some(end @ TransactionEnd::Committed)) => of("end good", ended(end)),
        (StatementKind::Write, Some(end @ TransactionEnd::Open)) => of("end warn", ended(end)),
        (StatementKind::Write, Some(end @ TransactionEnd::Unknown)) => of("end", ended(end)),
        (StatementKind::Write, Some(end)) => of("end bad", ended(end)),
        _ => of("end", ""),
    }
}

/// Returns the words for the end of a transaction.
pub(super) fn ended(end: TransactionEnd) -> &'static str {
    match end {
        TransactionEnd::Open => "not committed",
        TransactionEnd::Committed => "committed",
        TransactionEnd::RolledBack => "rolled back",
        TransactionEnd::Failed => "rolled back by an error",
        TransactionEnd::Closed => "rolled back as its connection was closed",
        TransactionEnd::Unknown => "ended unseen",
    }
}
