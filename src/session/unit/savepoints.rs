//! Savepoints over every bind of a unit of work.

use super::view::write_down;
use super::{control, savepoint_sql, Unit};
use crate::error::Result;
use crate::harness::Scope;
use crate::instrument::spared;
use crate::session::failure::failed;

impl Unit {
    /// Sets a savepoint on every bind begun so far, and returns its level.
    pub(in super::super) fn savepoint(&mut self, scope: &Scope) -> Result<usize> {
        let level = self.depth + 1;
        self.on_all_begun(scope, &savepoint_sql("SAVEPOINT", level))?;
        self.depth = level;
        Ok(level)
    }

    /// Keeps what was done since a savepoint, as a part of the unit of work.
    pub(in super::super) fn release(&mut self, scope: &Scope, level: usize) -> Result<()> {
        if level > self.depth {
            return Ok(());
        }
        self.depth = level - 1;
        self.on_all_begun(scope, &savepoint_sql("RELEASE", level))
    }

    /// Undoes what was done since a savepoint, on binds first touched after it too.
    pub(in super::super) fn rollback_to(&mut self, scope: &Scope, level: usize) -> Result<()> {
        // A rollback of the whole session has taken the savepoints with it.
        if level > self.depth {
            return Ok(());
        }
        self.depth = level - 1;
        // FTS5 fails at the commit where the creation of a table is undone before its rows are written down.
        for conn in self.written.iter().filter_map(|bind| self.binds[*bind].conn()) {
            // A failure to write them down is one of what is undone next.
            drop(spared(|| write_down(conn)));
        }
        self.on_all_begun(scope, &savepoint_sql("ROLLBACK TO", level))?;
        self.on_all_begun(scope, &savepoint_sql("RELEASE", level))?;
        for bind in &self.begun {
            self.binds[*bind].turn += 1;
        }
        for bind in self.binds.indexes() {
            if self.has_changed_schema(bind) {
                self.reread(bind)?;
            }
        }
        Ok(())
    }

    fn on_all_begun(&self, scope: &Scope, sql: &str) -> Result<()> {
        for bind in &self.begun {
            // A transaction that SQLite has ended has no savepoints; the next statement says so.
            if let Some(conn) = self.binds[*bind].conn().filter(|conn| !conn.is_autocommit()) {
                control(scope.at(*bind), conn, sql).map_err(|error| failed(&scope.key(*bind), sql, error))?;
            }
        }
        Ok(())
    }
}
