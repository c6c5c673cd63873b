//! The start of a bind's part in a unit of work: its connection, the schema that it knows, its transaction.

use rusqlite::config::DbConfig;
use rusqlite::Connection;

use super::{control, savepoint_sql, Part, Unit};
use crate::database::Database;
use crate::error::{Error, Result};
use crate::harness::Scope;
use crate::instrument::Spared;
use crate::key::BindIndex;
use crate::session::failure::{failed, failed_before};
use crate::sqlite::NamedConnection;

/// The number of prepared statements that a session's connection keeps.
const STATEMENTS_KEPT: usize = 128;

/// A count of commits that is no count.
const UNKNOWN: u64 = u64::MAX;

impl Part {
    /// Returns the session's connection to the bind, opened where that has not been done.
    pub(super) fn open(&mut self, scope: &Scope, database: &Database, bind: BindIndex) -> Result<&mut NamedConnection> {
        match &mut self.conn {
            Some(conn) => Ok(conn),
            none => {
                let name = scope.names(bind).first().unwrap_or(database.key());
                let opened = database.engine(name).map_err(|error| failed_before(database.key(), error))?;
                opened.conn().set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
                Ok(none.insert(opened))
            }
        }
    }
}

impl Unit {
    /// Makes a bind's connection read its schema again where others have changed it.
    pub(super) fn read_new_schema(&mut self, database: &Database, bind: BindIndex) -> rusqlite::Result<()> {
        let part = &mut self.binds[bind];
        let tables = part.seen.as_ref().map(|image| image.id());
        // A connection that is used for the first time knows no tables that could be old.
        let is_old = part.known.replace(tables).is_some_and(|before| before != tables);
        match part.conn() {
            // In a shared cache all connections know the same tables.
            Some(conn) if is_old && !database.is_shared_cache() && part.changed.is_none() => read_schema_again(conn),
            _ => Ok(()),
        }
    }

    /// Begins the bind's transaction where that has not been done and the statement takes part in it.
    pub(super) fn begin(
        &mut self,
        scope: &Scope,
        database: &Database,
        bind: BindIndex,
        in_transaction: bool,
    ) -> Result<()> {
        let key = database.key();
        let part = &mut self.binds[bind];
        if self.begun.contains(&bind) {
            // A statement that fails badly, or RAISE(ROLLBACK), ends the whole transaction. What comes next must not
            // be committed as it is written.
            if part.has_lost_transaction() {
                return Err(Error::RolledBack { bind: key.clone(), at: None });
            }
            return Ok(());
        }
        database.check_process().map_err(|error| failed_before(key, error))?;
        if !in_transaction {
            return Ok(());
        }
        // Behind a lock nothing is known, and it counts as changed.
        part.before = database.beside_readers(&mut part.counter).unwrap_or(Some(UNKNOWN));
        let conn = part.open(scope, database, bind)?.conn();
        let run = |sql: &str| control(Some(database), conn, sql).map_err(|error| failed(key, sql, error));
        run("BEGIN")?;
        self.begun.push(bind);
        for level in 1..=self.depth {
            run(&savepoint_sql("SAVEPOINT", level))?;
        }
        Ok(())
    }
}

/// Makes a connection read its schema again when its next statement is prepared, for another has changed it.
///
/// SQLite compares the number of the schema to find that out, and only when a statement runs, which it prepares with
/// what it knew before. And a statement that failed to change the schema may leave a number with the connection that
/// the change of another then gets.
fn read_schema_again(conn: &Connection) -> rusqlite::Result<()> {
    let _spared = Spared::begin();
    let is_writable = conn.db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA)?;
    control(None, conn, "PRAGMA writable_schema = RESET")?;
    // It also takes away the permission to write there.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, is_writable).map(drop)
}
