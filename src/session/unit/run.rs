//! One statement on a bind's connection, in the bind's transaction.

use std::sync::Arc;

use super::{watched, Unit};
use crate::database::Database;
use crate::error::{Conflict, Result};
use crate::harness::Scope;
use crate::instrument::spared;
use crate::key::{BindIndex, BindKey};
use crate::route::Effects;
use crate::session::call::Call;
use crate::session::failure::{failed, failed_before, guarded};
use crate::session::ready::Ready;
use crate::sqlite::vfs::Opener;
use crate::sqlite::{schema_version, Image, NamedConnection, TransactionState};

impl Unit {
    /// Runs a statement on a bind's connection, in its transaction unless the statement takes part in none.
    pub(in super::super) fn run(
        &mut self,
        scope: &Scope,
        bind: BindIndex,
        key: &BindKey,
        effects: Effects,
        call: &mut Call<'_>,
    ) -> Result<usize> {
        let database = scope.database(bind)?;
        // A database with one key may be one of several that SQL gives the same name.
        let key = if database.keys().len() > 1 { key } else { database.key() };
        let done = self.run_within(scope, database, bind, key, effects, call);
        done.map_err(|error| error.held_by(|| self.conflict(database, bind)))
    }

    /// Returns the connection that blocks this session, where it is known.
    fn conflict(&self, database: &Database, bind: BindIndex) -> Option<Box<Conflict>> {
        database.blocker(Opener::Session, usize::from(self.written.contains(&bind)))
    }

    fn run_within(
        &mut self,
        scope: &Scope,
        database: &Database,
        bind: BindIndex,
        key: &BindKey,
        effects: Effects,
        call: &mut Call<'_>,
    ) -> Result<usize> {
        let sql = call.asked();
        let fail = |error| failed(key, sql, error);
        let version = |conn: &NamedConnection| schema_version(conn.conn()).ok();
        // In a transaction that has read nothing the look would be what it reads first. Not asked, it counts as changed.
        let asks_version =
            effects.changes_schema.is_none() && (self.binds[bind].has_read || !self.begun.contains(&bind));
        self.read_new_schema(database, bind).map_err(fail)?;
        // As they are known, and not asked for: a transaction that has read is refused when it comes to write, should
        // another have written meanwhile.
        let tables = if database.keys().len() > 1 { Some(self.last_seen(scope, bind)?) } else { None };
        let conn = self.binds[bind].open(scope, database, bind)?;
        if let Some(tables) = tables {
            let objects = tables.objects().map_err(fail)?;
            conn.rename_among(key.schema_name(), objects.virtual_tables()).map_err(fail)?;
        }
        if let Some(rule) = database.watch().refusal(conn.conn(), sql, effects.writes) {
            return Err(guarded(key, &rule, sql));
        }
        let before = if asks_version { version(conn) } else { None };
        self.begin(scope, database, bind, effects.in_transaction)?;
        self.note_write(scope, database, bind, effects)?;
        let conn = self.binds[bind].open(scope, database, bind)?;
        let done = self.last_insert.as_of(conn.conn(), |conn| {
            Ready { conn, limit: database.busy_timeout(), watched: Some(watched(database)) }.run(call)
        });
        let done = done.map_err(fail);
        // One that fails changes nothing, and what looks would begin to read.
        let changed = done.is_ok() && effects.changes_schema.unwrap_or_else(|| before != version(conn));
        self.note_read(bind);
        if changed {
            let part = &self.binds[bind];
            if let Some(conn) = part.conn.as_ref().filter(|_| database.keys().len() > 1 && part.has_written()) {
                spared(|| conn.reconnect_virtual_tables()).map_err(fail)?;
            }
            self.reread(bind)?;
        }
        done
    }

    /// Notes that a statement is about to write to a bind, where it is.
    fn note_write(&mut self, scope: &Scope, database: &Database, bind: BindIndex, effects: Effects) -> Result<()> {
        // What takes part in no transaction is written at once, and counts no rows.
        let writes = effects.writes && effects.in_transaction;
        if writes && !self.written.contains(&bind) {
            self.note_orphans(scope, bind)?;
            self.written.push(bind);
            database.write_begun();
        }
        if writes && !self.wrote.contains(&bind) {
            self.wrote.push(bind);
        }
        if effects.writes || effects.changes_schema != Some(false) {
            self.binds[bind].turn += 1;
        }
        Ok(())
    }

    /// Notes that a statement has read a bind or written to it, where it has.
    fn note_read(&mut self, bind: BindIndex) {
        let part = &mut self.binds[bind];
        if part.has_read || !self.begun.contains(&bind) {
            return;
        }
        part.has_read = part.conn().is_some_and(|conn| TransactionState::of(conn) != TransactionState::None);
    }

    /// Reads a bind's tables as this unit of work has left them.
    pub(super) fn reread(&mut self, bind: BindIndex) -> Result<()> {
        let part = &mut self.binds[bind];
        let Some(conn) = part.conn() else { return Ok(()) };
        if self.begun.contains(&bind) && !conn.is_autocommit() {
            let tables = spared(|| match &part.seen {
                Some(before) => Image::of_tables(conn)?.connected_as(before),
                None => Image::of_tables(conn),
            });
            let tables = tables.map_err(|error| failed_before(&BindKey::DEFAULT, error))?;
            part.changed = Some(Arc::new(tables));
        }
        self.dispatcher = None;
        self.current_at = None;
        Ok(())
    }
}
