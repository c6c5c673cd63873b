//! The cause behind an error: a transaction or a statement, which is found and worded above the harness, or a fault of the test.

use std::panic::Location;
use std::time::Instant;

use super::running::{Created, Running, Transactions};
use crate::error::{is_lock, Error};
use crate::key::BindKey;
use crate::list::mapped;

impl Running {
    /// Returns the application's waits for a lock that ended without it, and its writes that came too late, any of which may be why
    /// the test failed.
    pub(super) fn given_up(&self) -> Vec<String> {
        let mut waits = Vec::new();
        for database in self.databases() {
            for wait in &database.given_up() {
                waits.push((self.transactions.waited)(self, &database, wait));
            }
        }
        waits.append(&mut (self.transactions.stale)(self));
        waits
    }

    /// Describes what is behind an error: the transaction that held a lock or was missed, or a fault of the test. The unit of work
    /// that met it began here.
    pub(super) fn behind(&self, error: &Error, began: Option<&Location<'_>>) -> Option<String> {
        let Transactions { holder, last_commit, .. } = self.transactions;
        let (bind, source) = match error {
            Error::Stale { bind, .. } => return last_commit(self, bind, began),
            Error::Sql { bind, source, .. }
            | Error::Locked { bind, source, .. }
            | Error::InUse { bind, source, .. }
            | Error::Commit { failed: bind, source, .. }
            | Error::Restore { failed: bind, source, .. } => (bind, source),
            Error::AmbiguousTable { binds, table, .. } => return self.created_beside(binds, table),
            Error::NotInBind { found: binds, table, .. } => return in_words(self.created(binds, table)),
            _ => return None,
        };
        let held = if is_lock(source) { holder(self, bind, Instant::now()) } else { None };
        held.or_else(|| self.fault_behind(bind, source))
    }

    /// Describes the statements that created a table where the test may not have meant it to be.
    fn created(&self, binds: &[BindKey], table: &str) -> Vec<Created> {
        let mut created = Vec::new();
        for bind in binds {
            created.extend((self.transactions.creation)(self, bind, table));
        }
        created
    }

    /// Describes the statements that created a table since the start, where another bind had it then: the others are meant to.
    fn created_beside(&self, binds: &[BindKey], table: &str) -> Option<String> {
        let (mut created, mut others) = (Vec::new(), Vec::new());
        for bind in binds {
            match (self.transactions.creation)(self, bind, table).filter(|one| one.is_new) {
                Some(one) => created.push(one),
                None => others.push(format!("`{bind}`")),
            }
        }
        if others.is_empty() {
            return None;
        }
        Some(format!("{}\n  {} had it at the start.", in_words(created)?, others.join(" and ")))
    }

    /// Names the fault of the test by which SQLite may have given this answer.
    fn fault_behind(&self, bind: &BindKey, source: &rusqlite::Error) -> Option<String> {
        let code = source.sqlite_error()?.extended_code;
        let triggered = self.recorder().triggered();
        let fault = triggered.iter().rev().find(|one| one.database.contains(bind) && one.kind.gives(code))?;
        Some(format!("a fault of the test has triggered on `{bind}`: {}", fault.fault))
    }
}

fn in_words(created: Vec<Created>) -> Option<String> {
    let texts = mapped(&created, |one| &*one.text);
    (!texts.is_empty()).then(|| texts.join("\n  "))
}
