//! The statements of a session, which reports them itself: it knows their errors, and what it tries again.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;

use super::beginning::Beginning;
use super::connected::{Begins, Connected};
use super::connections::connected;
use super::handle::Handle;
use super::recorded::Ended;
use super::recorder::Recorder;
use super::repeating::Again;
use super::settle::Account;
use super::touched::Touched;
use super::watch::Watch;

/// A session's statement that begins.
pub(crate) struct InSession<'s> {
    pub(crate) sql: &'s str,
    /// The statement with the values of its parameters, where it has some.
    pub(crate) values: &'s dyn Fn() -> Option<String>,
    /// Set unless SQLite knows that it only reads.
    pub(crate) may_write: bool,
    /// Set if it gives columns.
    pub(crate) is_query: bool,
    /// All databases on its connection, where it has several.
    pub(crate) beside: &'s [&'s Watch],
}

/// A session's statement that goes on.
pub(crate) enum Begun {
    /// On a connection to one bind.
    On(Arc<Connected>),
    /// On a connection to several, as the statement of that number.
    OnSeveral(Arc<Recorder>, u64, Instant),
}

impl Begun {
    /// Follows its end.
    pub(crate) fn end(self, conn: &Connection, outcome: Result<(), String>) {
        let (failed, error) = (Some(outcome.is_err()), outcome.err());
        match self {
            Begun::On(connection) => {
                connection.end(&Handle::of(conn), 0, 0, Account { failed, error, is_dropped: false });
            }
            Begun::OnSeveral(recorder, number, at) => recorder.amend(number, |statement| {
                let (rows, triggers, touched) = (0, Vec::new(), Touched::default());
                statement.ended =
                    Some(Ended { rows, time: at.elapsed(), failed, error, is_stale: false, triggers, touched });
            }),
        }
    }
}

impl Watch {
    /// Follows a statement of a session that begins on its connection.
    pub(crate) fn begin_in_session(&self, conn: &Connection, statement: InSession<'_>) -> Option<Begun> {
        let InSession { sql, values, may_write, is_query, beside } = statement;
        self.echo(sql);
        let handle = Handle::of(conn);
        let standing = handle.standing();
        let connection = connected(&handle);
        let member = self.harness.get();
        if let (Some(connection), Some(member)) = (&connection, member)
            && may_write
            && beside.is_empty()
            && member.records(true)
        {
            let again = Again { standing, statement: 0, prepared: 0, sql: sql.as_bytes() };
            if connection.begin_again(&member.recorder, &handle, &again) {
                return Some(Begun::On(Arc::clone(connection)));
            }
        }
        // A connection to several binds only reads.
        let looks = beside.is_empty() && (may_write || !is_query);
        let looked = connection.as_ref().filter(|_| looks).and_then(|connection| {
            connection.settle_before(&handle, standing);
            let known = connection.known(&handle, standing, sql.as_bytes());
            known.or_else(|| connection.look(&handle, standing, &CString::new(sql).ok()?))
        });
        let deed = looked.as_ref().map(|looked| looked.deed);
        // A session attaches nothing; what SQLite calls by another name than `main` is its bind, by its key.
        let writes = deed.map_or(may_write, |deed| deed.writes || deed.writes_elsewhere);
        let mut again = 0;
        let record = if let Some(member) = member.filter(|member| member.records(writes)) {
            let kept = match &looked {
                Some(looked) => looked.text(sql.as_bytes()),
                None => Arc::from(sql.trim()),
            };
            if let Some(connection) = connection.as_ref().filter(|_| writes) {
                again = connection.again(&kept);
            }
            let values = if member.wants_values(again) { values() } else { None };
            let beginning =
                Beginning { sql: kept, values, writes, by_session: true, locks: false, beside, attached: Vec::new() };
            let mut record = member.recorded(&handle, standing, looked.as_deref(), beginning);
            if looked.is_none()
                && beside.is_empty()
                && let (Some(connection), Ok(sql)) = (&connection, CString::new(sql))
            {
                record.uses_table = connection.uses_table(&handle, &sql);
            }
            Some(record)
        } else {
            None
        };
        if let Some(connection) = connection.filter(|_| beside.is_empty()) {
            let begins = Begins { standing, statement: 0, may_write, prepared: 0, looked, record, again };
            connection.begin(&member?.recorder, &handle, begins);
            return Some(Begun::On(connection));
        }
        let recorder = Arc::clone(&member?.recorder);
        let number = recorder.begin(record?);
        Some(Begun::OnSeveral(recorder, number, Instant::now()))
    }
}
