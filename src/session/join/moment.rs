//! One moment of every bind, in which a join is prepared and run.

use std::time::Duration;

use rusqlite::Connection;

use super::part::{How, Part};
use crate::error::Result;
use crate::harness::Scope;
use crate::instrument::spared;
use crate::key::BindKey;
use crate::say;
use crate::session::call::discard;
use crate::session::failure::failed;
use crate::session::ready::Ready;
use crate::sqlite::script::quote;

/// A moment of every bind, in which a statement is prepared and run. It ends also where a mapper panics.
///
/// SQLite prepares with the tables that a connection last read, and for some errors alone it asks whether there are
/// others by now: not for `cannot join using column`. So they are read first, and nobody changes them meanwhile.
pub(super) struct Moment<'c>(&'c Connection);

impl<'c> Moment<'c> {
    pub(super) fn of(scope: &Scope, parts: &[Part], conn: &'c Connection, sql: &str) -> Result<Option<Moment<'c>>> {
        // In a shared cache all connections know the same tables, and a connection that holds locks while it waits
        // blocks others.
        let holds = parts.iter().all(|part| !part.shares);
        if holds {
            quietly(conn, "BEGIN").map_err(|error| failed(&BindKey::DEFAULT, sql, error))?;
        }
        let moment = holds.then_some(Moment(conn));
        for part in parts.iter().filter(|part| part.how == How::Committed && !part.shares) {
            let look = format!("SELECT 1 FROM {}.sqlite_schema LIMIT 1", quote(part.key.schema_name()));
            quietly(conn, &look).map_err(|error| failed(&scope.key_of(&part.key), sql, error))?;
        }
        Ok(moment)
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        if let Err(error) = quietly(self.0, "COMMIT") {
            say::warn(format_args!("cannot end what a join read: {error}"));
        }
    }
}

/// Runs a statement of the join's own, which is not recorded.
fn quietly(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    discard(sql, |call| spared(|| Ready::quiet(conn, Duration::ZERO).run(call))).map(drop)
}
