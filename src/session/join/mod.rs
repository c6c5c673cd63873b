//! Reading over several binds: one connection with all of them attached by key.

mod lookups;
mod moment;
mod part;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::call::{discard_for, Call};
use super::failure::{failed, guarded, not_run};
use super::ready::{Ready, Watched};
use super::unit::Unit;
use crate::error::{list, sqlite_message, Error, Result};
use crate::harness::Scope;
use crate::key::BindKey;
use crate::list::mapped;
use crate::route::{Dispatcher, Effects, JoinedBind};
use crate::sqlite::private::open_in_memory;
use crate::sqlite::script::quote;
use crate::sqlite::vfs::Opener;
use crate::sqlite::{attach, attach_copy, open_copy};
use lookups::Lookups;
use moment::Moment;
use part::{How, Part};

/// A connection for the last join, kept for the next over the same binds.
#[derive(Debug, Default)]
pub(super) struct Joined {
    open: Option<Box<Open>>,
}

/// The connection, and what is on it.
#[derive(Debug)]
struct Open {
    parts: Vec<Part>,
    conn: Connection,
}

impl Joined {
    /// Runs a statement on a connection that has these binds attached and sees the session's own rows in them.
    pub(super) fn run(
        &mut self,
        scope: &Scope,
        unit: &mut Unit,
        members: &[JoinedBind],
        lookups: Option<Arc<Dispatcher>>,
        call: &mut Call<'_>,
    ) -> Result<usize> {
        let sql = call.asked();
        let fail = |error| failed(&scope.key_of(&blamed(members, &error)), sql, error);
        for member in members {
            let database = scope.database(member.bind)?;
            if let Some(rule) = database.watch().refusal_to_read(sql) {
                return Err(guarded(&scope.key_of(&member.key), &rule, sql));
            }
        }
        let parts = Part::all(scope, unit, members)?;
        // No connection of a shared cache prepares a statement while another's schema change is not committed.
        let unready = |part: &&Part| part.how == How::Uncommitted && unit.has_changed_schema(part.bind);
        if let Some(part) = parts.iter().find(unready) {
            let binds = mapped(members, |member| member.key.clone());
            let problem = format!(
                "it reads {} on one connection, which cannot see what this session has changed in the tables of \
                 bind `{}` and not committed: commit first",
                list(&binds),
                part.key
            );
            return Err(not_run(sql, problem));
        }
        let looks_past_locks = parts.iter().any(|part| part.how == How::Uncommitted);
        if looks_past_locks {
            // Rows that others have not committed must stay unseen: a read lock keeps their writers out.
            for (member, part) in members.iter().zip(&parts) {
                if part.shares && part.how != How::Uncommitted {
                    lock_tables(scope, unit, member, sql)?;
                }
            }
        }
        let Open { parts, conn } = self.open(scope, unit, parts, sql, &fail)?;
        conn.pragma_update(None, "read_uncommitted", looks_past_locks).map_err(fail)?;
        let (mut limit, mut beside) = (Duration::ZERO, Vec::new());
        for member in members {
            let database = scope.database(member.bind)?;
            limit = limit.max(database.busy_timeout());
            beside.push(database.watch());
        }
        let watched = beside.first().map(|watch| Watched { watch, beside: &beside });
        let _moment = Moment::of(scope, parts, conn, sql)?;
        let lookups = lookups.map(|dispatcher| Lookups::watch(conn, dispatcher));
        let done = unit.last_insert().as_of(conn, |conn| Ready { conn, limit, watched }.run(call));
        match lookups.and_then(Lookups::refused) {
            Some(refused) => Err(refused),
            None => done.map_err(fail),
        }
    }

    /// Returns the connection of the last join where it has the same parts, else a new one.
    ///
    /// A copy is never renewed, see [`attach_copy`].
    fn open(
        &mut self,
        scope: &Scope,
        unit: &Unit,
        parts: Vec<Part>,
        sql: &str,
        fail: &dyn Fn(rusqlite::Error) -> Error,
    ) -> Result<&Open> {
        let kept = self.open.take().filter(|open| open.parts == parts && parts.iter().all(Part::lasts));
        let open = match kept {
            Some(open) => open,
            None => Box::new(Open { conn: open(scope, unit, &parts, sql, fail)?, parts }),
        };
        Ok(self.open.insert(open))
    }

    /// Closes a connection that holds copies of a unit of work, which has ended.
    pub(super) fn end(&mut self) {
        self.open = self.open.take().filter(|open| !open.parts.iter().any(Part::is_copied));
    }
}

/// Returns the bind that an error is about: that of the locked table where one is locked, else the first.
fn blamed(members: &[JoinedBind], error: &rusqlite::Error) -> BindKey {
    let message = sqlite_message(error);
    let locked = |member: &&JoinedBind| member.tables.iter().any(|table| message.ends_with(&format!(": {table}")));
    members.iter().find(locked).or(members.first()).map_or(BindKey::DEFAULT, |member| member.key.clone())
}

/// Opens a connection and attaches the parts to it: on the default bind's database where that is one of them.
fn open(
    scope: &Scope,
    unit: &Unit,
    parts: &[Part],
    sql: &str,
    fail: &dyn Fn(rusqlite::Error) -> Error,
) -> Result<Connection> {
    let main = parts.iter().find(|part| part.key.is_default());
    let Some(first) = main.or(parts.first()) else { return open_in_memory().map_err(fail) };
    let first_database = scope.database(first.bind)?;
    let mut conn = match main {
        Some(main) if !main.is_copied() => first_database.open_as(Opener::Session).map_err(fail)?,
        main => {
            let conn = match main {
                Some(main) => copied(scope, unit, main, sql, open_copy)?,
                None => {
                    let conn = open_in_memory().map_err(fail)?;
                    // SQLite attaches only what has the encoding of `main`, whose tables none of the parts has.
                    conn.pragma_update(None, "encoding", unit.encoding(scope, first.bind)?).map_err(fail)?;
                    conn
                }
            };
            first_database.set_up(&conn).map_err(fail)?;
            conn
        }
    };
    for part in parts.iter().filter(|part| !part.key.is_default()) {
        let database = scope.database(part.bind)?;
        for connect in database.image().on_connect() {
            if !first_database.image().on_connect().contains(connect) {
                connect.run(&conn).map_err(fail)?;
            }
        }
        let name = part.key.schema_name();
        if part.is_copied() {
            copied(scope, unit, part, sql, |from| attach_copy(from, &mut conn, name))?;
        } else {
            attach(&conn, &database.uri_for(Opener::Session), name).map_err(fail)?;
        }
    }
    conn.pragma_update(None, "query_only", true).map_err(fail)?;
    Ok(conn)
}

/// Copies what no other connection sees.
fn copied<T>(
    scope: &Scope,
    unit: &Unit,
    part: &Part,
    sql: &str,
    copy: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T> {
    let done = unit.copied(scope.database(part.bind)?, part.bind, copy);
    done.map_err(|error| failed(&scope.key_of(&part.key), sql, error))
}

/// Reads a row of each table in the session's own transaction, which keeps a read lock until that ends.
fn lock_tables(scope: &Scope, unit: &mut Unit, member: &JoinedBind, sql: &str) -> Result<()> {
    let effects = Effects { writes: false, changes_schema: Some(false), in_transaction: true };
    for table in &member.tables {
        let probe = format!("SELECT 1 FROM {} LIMIT 1", quote(table));
        discard_for(&probe, sql, |call| unit.run(scope, member.bind, &member.key, effects, call))?;
    }
    Ok(())
}
