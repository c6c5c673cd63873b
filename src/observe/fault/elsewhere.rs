//! The writes that went past a fault's bind, to tables of the same names in others.

use super::Fault;
use crate::harness::Running;
use crate::instrument::{FaultKind, Operation};
use crate::key::BindKey;
use crate::observe::account::Account;
use crate::observe::look;

/// The most tables that are named.
const TABLES: usize = 3;

/// A table of another bind that was written to while a fault waited for a write.
pub(crate) struct Elsewhere {
    pub(crate) bind: BindKey,
    pub(crate) table: String,
    /// The line of the first write, or its function where lines are not known.
    pub(crate) line: Option<String>,
}

impl Fault {
    /// Returns the tables of other binds that were written to since it began and that its own bind has too, the first write
    /// first.
    pub(super) fn elsewhere(&self, running: &Running) -> Vec<Elsewhere> {
        let mut found = Vec::<Elsewhere>::new();
        for statement in Account::read(running).writes_since(self.began) {
            for written in statement.written() {
                let Some(names) = written.names.as_ref().filter(|names| !names.contains(&self.key)) else { continue };
                let (bind, table) = (names.first(), &written.table);
                let is_known = |one: &Elsewhere| one.bind == *bind && one.table.eq_ignore_ascii_case(table);
                if found.iter().any(is_known) || !self.waits_for(written.operation, table) {
                    continue;
                }
                if look::missing(running, &self.key, table).is_none() {
                    let line = statement.line().map(str::to_string);
                    found.push(Elsewhere { bind: bind.clone(), table: table.clone(), line });
                }
                if found.len() == TABLES {
                    return found;
                }
            }
        }
        found
    }

    /// Returns whether it is about such a write.
    fn waits_for(&self, operation: Operation, table: &str) -> bool {
        match &self.kind {
            FaultKind::Statement(own, name) => *own == operation && name.eq_ignore_ascii_case(table),
            FaultKind::Commit | FaultKind::Busy | FaultKind::ReadOnly | FaultKind::Full | FaultKind::Io => true,
            FaultKind::Read | FaultKind::Down | FaultKind::Slow(_) => false,
        }
    }
}
