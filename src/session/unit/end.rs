//! The end of a unit of work: committed bind by bind, or rolled back.

use super::{control, Unit};
use crate::error::{held, is_lock, Error, Result, OPEN};
use crate::harness::Scope;
use crate::key::BindIndex;
use crate::list::mapped;
use crate::session::failure::failed;
use crate::sqlite::vfs::Opener;

impl Unit {
    /// Commits in the order begun.
    pub(in super::super) fn commit(&mut self, scope: &Scope) -> Result<()> {
        if self.depth > 0 {
            return Err(Error::OpenSavepoint { at: None });
        }
        // Found before anything is committed.
        if let Some(bind) = self.begun.iter().find(|bind| self.binds[**bind].has_lost_transaction()) {
            return Err(Error::RolledBack { bind: scope.key(*bind), at: None });
        }
        self.check_references(scope)?;
        let begun = std::mem::take(&mut self.begun);
        self.end(scope);
        for (at, bind) in begun.iter().enumerate() {
            let done = self.binds[*bind].used().and_then(|conn| control(scope.at(*bind), conn, "COMMIT"));
            if let Err(source) = done {
                let source = with_holder(scope, *bind, source);
                let (committed, rest) = begun.split_at(at);
                for bind in rest {
                    // Where it fails the connection is closed: rolled back it is.
                    drop(self.abandon(scope, *bind));
                }
                let key = |bind: &BindIndex| scope.key(*bind);
                return Err(Error::Commit {
                    failed: key(bind),
                    committed: mapped(committed, key).into(),
                    rolled_back: mapped(rest, key).into(),
                    source,
                    at: None,
                });
            }
        }
        Ok(())
    }

    /// Rolls all of them back, savepoints and all.
    pub(in super::super) fn rollback(&mut self, scope: &Scope) -> Result<()> {
        self.depth = 0;
        let mut first = Ok(());
        for bind in std::mem::take(&mut self.begun) {
            if let Err(error) = self.abandon(scope, bind) {
                first = first.and(Err(failed(&scope.key(bind), "ROLLBACK", error)));
            }
        }
        self.end(scope);
        first
    }

    /// Ends a transaction that cannot go on. A connection that does not roll back is closed, which does.
    fn abandon(&mut self, scope: &Scope, bind: BindIndex) -> rusqlite::Result<()> {
        let part = &mut self.binds[bind];
        match part.conn() {
            Some(conn) if !conn.is_autocommit() => {
                let done = control(scope.at(bind), conn, "ROLLBACK");
                if done.is_err() {
                    part.conn = None;
                }
                done
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, scope: &Scope) {
        for database in self.written.drain(..).filter_map(|bind| scope.at(bind)) {
            database.write_ended();
        }
        self.orphans.clear();
        self.current_at = None;
        for part in self.binds.values_mut() {
            (part.before, part.has_read) = (None, false);
            // What a unit of work knew of its own tables is no longer its own; the next one looks again.
            if part.changed.take().is_some() {
                self.dispatcher = None;
            }
            part.turn += 1;
        }
    }
}

/// Returns SQLite's error with the connection that holds the lock, where it is one.
fn with_holder(scope: &Scope, bind: BindIndex, source: rusqlite::Error) -> rusqlite::Error {
    if !is_lock(&source) {
        return source;
    }
    let conflict = scope.at(bind).and_then(|database| database.blocker(Opener::Session, 0));
    match source {
        rusqlite::Error::SqliteFailure(code, Some(message)) => {
            rusqlite::Error::SqliteFailure(code, Some(format!("{message}: {}", held(&conflict, OPEN))))
        }
        source => source,
    }
}
