//! Reading over several binds: one connection with all of them attached by key.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::Connection;

use super::engines::{failed, guarded, Engines};
use super::statement::{discard, discard_for, Call, Heard, Ready};
use crate::database::Database;
use crate::error::{list, sqlite_message, Error, Result};
use crate::harness::Scope;
use crate::instrument::spared;
use crate::key::{BindIndex, BindKey};
use crate::list::mapped;
use crate::route::{Dispatcher, Effects, JoinedBind};
use crate::say;
use crate::sqlite::attach;
use crate::sqlite::authorize;
use crate::sqlite::script::quote;
use crate::sqlite::vfs::Opener;
use crate::sync::lock;

/// A connection for the last join, kept for the next over the same binds.
#[derive(Debug, Default)]
pub(super) struct Joined {
    open: Option<Box<Open>>,
}

/// The connection, and what is on it.
#[derive(Debug)]
struct Open {
    parts: Vec<Part>,
    /// For each copy the turn of the bind that it is of.
    copied: Vec<Option<u64>>,
    conn: Connection,
}

impl Joined {
    /// Runs `work` on a connection that has these binds attached and sees the session's own rows in them.
    pub(super) fn run(
        &mut self,
        scope: &Scope,
        engines: &mut Engines,
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
        let mut parts = Vec::new();
        for (at, member) in members.iter().enumerate() {
            parts.push(Part::of(scope, engines, members, at, member));
        }
        // No connection of a shared cache prepares a statement while another's schema change is not committed.
        let unready = |part: &&Part| part.how == How::Uncommitted && engines.has_changed_schema(part.position);
        if let Some(part) = parts.iter().find(unready) {
            let binds = mapped(members, |member| member.key.clone());
            return Err(Error::Statement {
                sql: sql.to_string(),
                problem: format!(
                    "it reads {} on one connection, which cannot see what this session has changed in the tables of \
                     bind `{}` and not committed: commit first",
                    list(&binds),
                    part.key
                ),
            });
        }
        let looks_past_locks = parts.iter().any(|part| part.how == How::Uncommitted);
        if looks_past_locks {
            // Rows that others have not committed must stay unseen: a read lock keeps their writers out.
            for (member, part) in members.iter().zip(&parts) {
                if part.shares && part.how != How::Uncommitted {
                    lock_tables(scope, engines, member, sql)?;
                }
            }
        }
        let open = self.open(scope, parts).map_err(fail)?;
        open.copy(scope, engines, sql)?;
        let Open { parts, conn, .. } = &*open;
        conn.pragma_update(None, "read_uncommitted", looks_past_locks).map_err(fail)?;
        let (mut limit, mut beside) = (Duration::ZERO, Vec::new());
        for member in members {
            if let Some(database) = scope.at(member.bind) {
                limit = limit.max(database.busy_timeout());
                beside.push(database.watch());
            }
        }
        let heard = beside.first().map(|watch| Heard { watch, beside: &beside });
        let _moment = Moment::of(scope, parts, conn, sql)?;
        let listening = match lookups {
            Some(dispatcher) => Some(Listening::to(conn, dispatcher)?),
            None => None,
        };
        let done = engines.as_last_inserter(conn, |conn| Ready { conn, limit, heard }.run(call));
        match listening.and_then(Listening::refused) {
            Some(refused) => Err(refused),
            None => done.map_err(fail),
        }
    }

    fn open(&mut self, scope: &Scope, parts: Vec<Part>) -> rusqlite::Result<&mut Open> {
        let kept = self.open.take().filter(|open| open.parts == parts);
        let open = match kept {
            Some(open) => open,
            None => {
                let conn = open(scope, &parts)?;
                Box::new(Open { copied: vec![None; parts.len()], parts, conn })
            }
        };
        Ok(self.open.insert(open))
    }

    /// Lets go of what the connection holds of a unit of work that has ended.
    pub(super) fn end(&mut self) {
        self.open = self.open.take().filter(|open| open.parts.iter().all(|part| part.how != How::Copied));
    }
}

impl Open {
    /// Copies what no other connection sees, unless the copy of an earlier join still is what this session sees.
    fn copy(&mut self, scope: &Scope, engines: &Engines, sql: &str) -> Result<()> {
        let Open { parts, copied, conn } = self;
        for (part, copied) in parts.iter().zip(copied).filter(|(part, _)| part.how == How::Copied) {
            let turn = engines.turn(part.position);
            // What others commit to a shared cache counts no turn.
            if *copied == Some(turn) && !part.shares {
                continue;
            }
            let database = scope.database(part.position)?;
            let done = engines.copy_into(database, part.position, conn, part.key.schema_name());
            done.map_err(|error| failed(&scope.key_of(&part.key), sql, error))?;
            *copied = Some(turn);
        }
        Ok(())
    }
}

/// A moment of every bind that a statement is prepared and run in. It ends also where a mapper panics.
///
/// SQLite prepares with the tables that a connection last read, and for some errors alone it asks whether there are
/// others by now: `cannot join using column` is none of them. So they are read first, and nobody changes them meanwhile.
struct Moment<'c>(&'c Connection);

impl<'c> Moment<'c> {
    fn of(scope: &Scope, parts: &[Part], conn: &'c Connection, sql: &str) -> Result<Option<Moment<'c>>> {
        // In a shared cache all connections know the same tables, and who holds locks while it waits for others is in
        // the way.
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

/// Runs a statement of the join's own, which nobody is told of.
fn quietly(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    discard(sql, |call| spared(|| Ready::quiet(conn, Duration::ZERO).run(call))).map(drop)
}

/// One bind as the connection has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    key: BindKey,
    position: BindIndex,
    how: How,
    /// Whether it is in a shared cache.
    shares: bool,
}

/// How the connection sees what the session sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// It is attached: the session sees what is committed.
    Committed,
    /// It is attached, and looks past the session's own locks in a shared cache.
    Uncommitted,
    /// From a copy: what the session sees is known to the session's own connection only. Or it is a second key of a
    /// shared cache, which SQLite refuses to attach again.
    Copied,
}

impl Part {
    fn of(scope: &Scope, engines: &mut Engines, members: &[JoinedBind], at: usize, member: &JoinedBind) -> Part {
        let again = members.iter().take(at).any(|before| before.bind == member.bind);
        let database = scope.at(member.bind);
        let shares = database.is_some_and(Database::is_shared_cache);
        let how = if shares {
            match (again, engines.has_written(member.bind)) {
                (true, _) => How::Copied,
                (false, true) => How::Uncommitted,
                (false, false) => How::Committed,
            }
        } else if database.is_some_and(|database| engines.sees_alone(database, member.bind)) {
            How::Copied
        } else {
            How::Committed
        };
        Part { key: member.key.clone(), position: member.bind, how, shares }
    }
}

/// The bind that an error is about: that of the locked table where one is locked, else the first.
fn blamed(members: &[JoinedBind], error: &rusqlite::Error) -> BindKey {
    let message = sqlite_message(error);
    let locked = |member: &&JoinedBind| member.tables.iter().any(|table| message.ends_with(&format!(": {table}")));
    members.iter().find(locked).or(members.first()).map_or(BindKey::DEFAULT, |member| member.key.clone())
}

/// Keeps a table-valued function from looking names up that several binds have, where SQLite would take the first.
/// Dropped, it ends also where a mapper panics, for the connection is kept.
struct Listening<'c> {
    conn: &'c Connection,
    refused: Arc<Mutex<Option<Error>>>,
}

impl<'c> Listening<'c> {
    fn to(conn: &'c Connection, dispatcher: Arc<Dispatcher>) -> Result<Listening<'c>> {
        let refused = Arc::new(Mutex::new(None));
        let refusal = Arc::clone(&refused);
        let listen = move |context: AuthContext<'_>| {
            let AuthAction::Pragma { pragma_name, pragma_value } = context.action else { return Authorization::Allow };
            match dispatcher.refuse_pragma(pragma_name, pragma_value, context.database_name) {
                Some(error) => {
                    *lock(&refusal) = Some(error);
                    Authorization::Deny
                }
                None => Authorization::Allow,
            }
        };
        authorize(conn, Some(Box::new(listen))).map_err(failed_to_listen)?;
        Ok(Listening { conn, refused })
    }

    /// Ends it, and says what was refused.
    fn refused(self) -> Option<Error> {
        lock(&self.refused).take()
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        // It fails only for a connection that somebody else owns, which this one never is.
        let _ = authorize(self.conn, None);
    }
}

fn failed_to_listen(error: rusqlite::Error) -> Error {
    failed(&BindKey::DEFAULT, "", error)
}

fn open(scope: &Scope, parts: &[Part]) -> rusqlite::Result<Connection> {
    let main = parts.iter().find(|part| part.key.is_default());
    let conn = match main.and_then(|part| Some((scope.at(part.position)?, part.how))) {
        Some((database, How::Committed | How::Uncommitted)) => database.open_as(Opener::Session)?,
        _ => {
            let conn = Connection::open_in_memory()?;
            if let Some(database) = main.or(parts.first()).and_then(|part| scope.at(part.position)) {
                database.set_up(&conn)?;
            }
            conn
        }
    };
    let first = main.or(parts.first()).and_then(|part| scope.at(part.position));
    for part in parts.iter().filter(|part| !part.key.is_default()) {
        if let Some(database) = scope.at(part.position) {
            for connect in database.image().on_connect() {
                if first.is_none_or(|first| !first.image().on_connect().contains(connect)) {
                    connect.run(&conn)?;
                }
            }
            let uri = if part.how == How::Copied { ":memory:".to_string() } else { database.uri_for(Opener::Session) };
            attach(&conn, &uri, part.key.schema_name())?;
        }
    }
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

/// Reads a row of each table in the session's own transaction, which keeps a read lock until that ends.
fn lock_tables(scope: &Scope, engines: &mut Engines, member: &JoinedBind, sql: &str) -> Result<()> {
    let effects = Effects { writes: false, changes_schema: Some(false), in_transaction: true };
    for table in &member.tables {
        let probe = format!("SELECT 1 FROM {} LIMIT 1", quote(table));
        discard_for(&probe, sql, |call| engines.run(scope, member.bind, &member.key, effects, call))?;
    }
    Ok(())
}
