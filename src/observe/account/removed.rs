//! The statements that deleted rows.

use super::{Account, Fate};
use crate::instrument::{Operation, Touches};
use crate::key::BindKey;
use crate::observe::statements::Statement;

impl Account {
    /// Returns whether a statement may have deleted rows of a bind's table, whatever became of it.
    pub(in crate::observe) fn has_deletes(&self, bind: &BindKey, table: &str) -> bool {
        self.writes(bind, table).iter().any(|statement| deletes(statement, bind, table))
    }

    /// Returns the statements that deleted rows of a bind's table and were committed, the oldest first; where the row's number
    /// is known, those that may have deleted that one.
    pub(in crate::observe) fn removals(&self, bind: &BindKey, table: &str, rowid: Option<i64>) -> Vec<Statement> {
        let (mut removals, mut is_known) = (Vec::new(), false);
        for statement in self.writes(bind, table) {
            let touches = match (&statement.recorded().ended, rowid) {
                (Some(ended), Some(rowid)) => ended.touched.has_deleted(table, rowid),
                _ => Touches::Unknown,
            };
            if !deletes(statement, bind, table) || statement.fate() != Fate::Committed || touches == Touches::No {
                continue;
            }
            if touches == Touches::Yes {
                // What was deleted before is another row of that number.
                removals.clear();
                is_known = true;
            }
            if touches == Touches::Yes || !is_known {
                removals.push(statement.clone());
            }
        }
        removals
    }
}

fn deletes(statement: &Statement, bind: &BindKey, table: &str) -> bool {
    statement.written().any(|written| {
        written.operation == Operation::Delete
            && written.table.eq_ignore_ascii_case(table)
            && written.names.as_ref().is_some_and(|names| names.contains(bind))
    })
}
