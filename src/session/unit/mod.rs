//! A session's unit of work: its connections, their open transactions, and what it knows of the tables in each bind.

mod begin;
mod end;
mod orphans;
mod run;
mod savepoints;
mod tables;
mod view;

use std::sync::{Arc, Weak};
use std::time::Duration;

use rusqlite::{ffi, Connection};

use super::call::discard;
use super::failure::not_run;
use super::last_insert::LastInsert;
use super::ready::{columns, Ready, Watched};
use crate::database::Database;
use crate::error::Orphan;
use crate::error::{list, Result};
use crate::harness::Scope;
use crate::key::{BindIndex, BindKey, PerBind};
use crate::list::mapped;
use crate::route::{Dispatcher, Plan};
use crate::sorted::Sorted;
use crate::sqlite::{Image, NamedConnection, TransactionState};

/// The session's connections and its unit of work over them.
#[derive(Debug)]
pub(super) struct Unit {
    binds: PerBind<Part>,
    /// The binds with an open transaction, in the order in which they were begun.
    begun: Vec<BindIndex>,
    /// Those of them that something was written to.
    written: Vec<BindIndex>,
    /// The binds that this session has ever written to.
    wrote: Vec<BindIndex>,
    /// The number of open savepoints.
    depth: usize,
    /// The rows that referred to nothing in another bind before this unit of work wrote, by the reference's number.
    orphans: Sorted<usize, Vec<Orphan>>,
    /// The dispatcher of the last statement.
    dispatcher: Option<Arc<Dispatcher>>,
    /// The plan of the last statement, which a loop runs again and again.
    last_plan: Option<LastPlan>,
    /// The count of all commits at which every bind was as last looked at, or was read by this unit of work before.
    current_at: Option<u64>,
    last_insert: LastInsert,
}

/// A plan, with its statement and the dispatcher that found it.
#[derive(Debug)]
struct LastPlan {
    dispatcher: Weak<Dispatcher>,
    sql: Box<str>,
    plan: Arc<Plan>,
}

/// One bind as a session has it.
#[derive(Debug, Default)]
struct Part {
    /// The session's connection, once it has one.
    conn: Option<NamedConnection>,
    /// The tables that the connection was last made to know; `None` before its first statement.
    known: Option<Option<u64>>,
    /// The tables when last looked at. Once this unit of work has read the bind they are not looked at anew: it sees no
    /// others, and its own lock may block a look.
    seen: Option<Arc<Image>>,
    /// The tables that this unit of work has left there, where it has changed the schema.
    changed: Option<Arc<Image>>,
    /// The dispatcher over this bind alone, with the number of the image that it is made of.
    alone: Option<(u64, Arc<Dispatcher>)>,
    /// The count of commits when the tables were last looked at, where there is one to see.
    looked: Option<u64>,
    /// The count of commits before this unit of work first read the bind.
    before: Option<u64>,
    /// A connection to a file, which reads nothing but how often others have committed.
    counter: Option<Connection>,
    /// The number of times that this session may have changed the bind.
    turn: u64,
    /// Set if this unit of work has read the bind or written to it: what others commit there is seen by the next one.
    has_read: bool,
}

impl Part {
    fn conn(&self) -> Option<&Connection> {
        self.conn.as_ref().map(NamedConnection::conn)
    }

    /// Returns the connection of a bind in which this unit of work has begun or read something.
    ///
    /// # Errors
    ///
    /// When it is gone: another connection would see other rows, so it must not stand in.
    fn used(&self) -> rusqlite::Result<&Connection> {
        self.conn().ok_or_else(|| {
            let message = "the session's connection, which holds this unit of work, is closed: roll back";
            rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISUSE), Some(message.to_string()))
        })
    }

    /// Reports whether SQLite has ended a transaction that was begun here.
    fn has_lost_transaction(&self) -> bool {
        self.conn().is_some_and(Connection::is_autocommit)
    }

    /// Reports whether this unit of work has written to the bind, and so keeps all others from writing there.
    fn has_written(&self) -> bool {
        self.conn().is_some_and(|conn| TransactionState::of(conn) == TransactionState::Write)
    }
}

impl Unit {
    pub(super) fn new(scope: &Scope) -> Unit {
        Unit {
            binds: scope.map(|_| Part::default()),
            begun: Vec::new(),
            written: Vec::new(),
            wrote: Vec::new(),
            depth: 0,
            orphans: Sorted::default(),
            dispatcher: None,
            last_plan: None,
            current_at: None,
            last_insert: LastInsert::default(),
        }
    }

    /// Returns the bind to run a statement on that asks what its connection wrote, and uses these binds; `None` where any
    /// will do.
    ///
    /// # Errors
    ///
    /// [`Error::Statement`](crate::Error::Statement) where the session wrote to several binds, or to another.
    pub(super) fn counting(
        &self,
        scope: &Scope,
        sql: &str,
        function: &str,
        used: &[BindIndex],
    ) -> Result<Option<BindIndex>> {
        match (self.wrote.as_slice(), used) {
            ([], _) => Ok(None),
            ([one], []) => Ok(Some(*one)),
            ([one], [used]) if one == used => Ok(Some(*one)),
            (wrote, _) => {
                let binds = mapped(wrote, |bind| scope.key(*bind));
                let problem = format!(
                    "`{function}()` reports what one connection wrote, and this session wrote to {}: run it on each \
                     with `session.on(key)`",
                    list(&binds)
                );
                Err(not_run(sql, problem))
            }
        }
    }

    /// Reports whether a bind's transaction has begun.
    pub(super) fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    /// Returns the binds that this unit of work has written to.
    pub(super) fn uncommitted(&self, scope: &Scope) -> Vec<BindKey> {
        mapped(&self.written, |bind| scope.key(*bind))
    }

    /// Reports whether this unit of work has written to a bind.
    pub(super) fn has_written(&self, bind: BindIndex) -> bool {
        self.binds[bind].has_written()
    }

    /// Reports whether this unit of work has changed a bind's schema.
    pub(super) fn has_changed_schema(&self, bind: BindIndex) -> bool {
        self.binds[bind].changed.is_some()
    }

    pub(super) fn last_insert(&mut self) -> &mut LastInsert {
        &mut self.last_insert
    }

    /// Returns the columns of a query that is not run, on the connection of a bind that a statement has run on.
    pub(super) fn columns(&self, bind: BindIndex, query: &str) -> rusqlite::Result<Vec<String>> {
        self.binds[bind].conn().map_or(Ok(Vec::new()), |conn| columns(conn, query))
    }
}

fn savepoint_sql(verb: &str, level: usize) -> String {
    format!("{verb} multibind_{level}")
}

/// Runs a statement of the unit of work itself, on whose database it is recorded.
fn control(database: Option<&Database>, conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    let ready = Ready { conn, limit: Duration::ZERO, watched: database.map(watched) };
    discard(sql, |call| ready.run(call)).map(drop)
}

fn watched(database: &Database) -> Watched<'_> {
    Watched { watch: database.watch(), beside: &[] }
}
