//! Savepoints over every bind of a unit of work.

use super::view::write_down;
use super::{failed, run, savepoint_sql, Engines};
use crate::error::Result;
use crate::harness::Scope;
use crate::instrument::spared;
use crate::list::mapped;

impl Engines {
    /// Sets a savepoint on every bind begun so far, and gives its level.
    pub(in crate::session) fn savepoint(&mut self, scope: &Scope) -> Result<usize> {
        let level = self.depth + 1;
        self.on_all_begun(scope, &savepoint_sql("SAVEPOINT", level))?;
        self.depth = level;
        Ok(level)
    }

    /// Keeps what was done since a savepoint, as a part of the unit of work.
    pub(in crate::session) fn release(&mut self, scope: &Scope, level: usize) -> Result<()> {
        if level > self.depth {
            return Ok(());
        }
        self.depth = level - 1;
        self.on_all_begun(scope, &savepoint_sql("RELEASE", level))
    }

    /// Undoes what was done since a savepoint, on binds first touched after it too.
    pub(in crate::session) fn rollback_to(&mut self, scope: &Scope, level: usize) -> Result<()> {
        // A rollback of the whole session has taken the savepoints with it.
        if level > self.depth {
            return Ok(());
        }
        self.depth = level - 1;
        // FTS5 fails at the commit where the creation of a table is undone before its rows are written down.
        for member in mapped(&self.written, |member| *member) {
            if let Some(engine) = self.open.get(&member) {
                // A failure to write them down is one of what is undone next.
                drop(spared(|| write_down(engine.conn())));
            }
        }
        self.on_all_begun(scope, &savepoint_sql("ROLLBACK TO", level))?;
        self.on_all_begun(scope, &savepoint_sql("RELEASE", level))?;
        for member in self.begun.clone() {
            self.turned(member);
        }
        for member in mapped(self.changed.entries(), |(member, _)| *member) {
            self.reread(member)?;
        }
        Ok(())
    }

    fn on_all_begun(&self, scope: &Scope, sql: &str) -> Result<()> {
        for member in &self.begun {
            let Some(engine) = self.open.get(member) else { continue };
            // A transaction that SQLite has ended has no savepoints; the next statement says so.
            if !engine.conn().is_autocommit() {
                let key = scope.key(*member);
                run(scope.at(*member), engine.conn(), sql).map_err(|error| failed(&key, sql, error))?;
            }
        }
        Ok(())
    }
}
