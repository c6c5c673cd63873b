//! What runs on a bind's connections: told to the log where the bind says so, and to who records it.
//!
//! A pool's connections tell it by themselves, through SQLite's trace; a session tells it of its own. What the guards of
//! a harness refuse is stopped here too.

use std::ffi::CString;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::Instant;

use rusqlite::Connection;

use super::recorder::{Ended, Recorded, Recorder};
use super::rules::{Deed, Rule, Rules};
use super::used::Used;

use super::account::Accounts;
use super::action::Action;
use super::fault::Faults;
use super::handle::{Handle, How};
use super::{authorize, trace};
use crate::key::{BindKey, Keys};
use crate::say;

/// One database as seen by its connections, which may outlive it.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The bind's name in the log.
    pub(super) label: String,
    /// Whether statements are logged.
    pub(super) echo: bool,
    /// What a test has it answer.
    pub(super) faults: Arc<Faults>,
    /// Its harness.
    pub(super) harness: OnceLock<Member>,
    /// The name that SQLite has for its file, if it has one.
    pub(super) file: OnceLock<String>,
    /// What SQLite calls back with, once a connection is listened to.
    pub(super) context: OnceLock<usize>,
    /// The statements of its connections.
    pub(super) accounts: Mutex<Accounts>,
}

/// What a database is in its harness.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) recorder: Arc<Recorder>,
    pub(super) rules: Arc<Rules>,
    /// The keys that mean it, the first its own; a dynamic bind's key means all of its databases.
    pub(super) names: Keys,
}

impl Member {
    pub(super) fn bind(&self) -> &BindKey {
        self.names.first()
    }
}

/// A statement that was stopped as it began.
#[derive(Debug)]
pub(super) struct Stopped {
    /// The guard, unless it was a fault.
    pub(super) by: Option<Arc<Rule>>,
    pub(super) how: How,
    /// Until its connection is what it was.
    pub(super) _held: Listened,
}

impl Stopped {
    /// Whether it fails as one that is prepared now would.
    pub(super) fn is_denied(&self) -> bool {
        self.by.is_none() || self.how == How::Outdated
    }
}

/// That the trace listens whatever becomes of those who asked for it.
#[derive(Debug)]
pub(super) struct Listened;

impl Listened {
    pub(super) fn new() -> Listened {
        trace::begin();
        Listened
    }
}

impl Drop for Listened {
    fn drop(&mut self) {
        trace::end();
    }
}

/// That connections ask before they prepare, and tell of what they run, for a fault of statements.
#[derive(Debug)]
pub(crate) struct Asking {
    _listened: Listened,
}

impl Asking {
    pub(crate) fn new() -> Asking {
        authorize::begin();
        Asking { _listened: Listened::new() }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        authorize::end();
    }
}

/// That what this thread prepares is a part of a statement. That ends in the same call of SQLite, and so on the same
/// thread.
#[derive(Debug)]
pub(super) struct Inside(Listened);

impl Inside {
    pub(super) fn new() -> Inside {
        authorize::inside(true);
        Inside(Listened::new())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        authorize::inside(false);
    }
}

/// A statement that was told of when it began.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    recorder: Weak<Recorder>,
    number: u64,
    at: Instant,
    /// How many rows its connection had changed, of all its time.
    changes: u64,
}

/// A statement that begins.
pub(crate) struct Beginning<'s> {
    pub(crate) sql: &'s str,
    /// The same with the values of its parameters, where it has some.
    pub(crate) values: Option<String>,
    pub(crate) writes: bool,
    pub(crate) by_session: bool,
    /// All databases on its connection, where it has several.
    pub(crate) beside: &'s [&'s Watch],
    /// Those that it uses, where a connection has attached some.
    pub(crate) attached: Vec<Used>,
    pub(crate) changes: u64,
}

impl Watch {
    pub(crate) fn new(label: &str, echo: bool, faults: Arc<Faults>) -> Arc<Watch> {
        let watch = Arc::new(Watch {
            label: label.to_string(),
            echo,
            faults,
            harness: OnceLock::new(),
            file: OnceLock::new(),
            context: OnceLock::new(),
            accounts: Mutex::default(),
        });
        watch.faults.be_seen_by(&watch);
        watch
    }

    /// Makes the database one of a harness, in which these keys mean it, the first its own.
    pub(crate) fn report_to(&self, recorder: &Arc<Recorder>, rules: &Arc<Rules>, names: Keys) {
        if let Some(file) = self.file.get() {
            recorder.add(file, &names);
        }
        let (recorder, rules) = (Arc::clone(recorder), Arc::clone(rules));
        // Set once, when the database is made.
        let _ = self.harness.set(Member { recorder, rules, names });
    }

    /// Has the database found where another connection has attached it.
    pub(crate) fn is_at(&self, file: String) {
        // Set once, when the database is made.
        let _ = self.file.set(file);
    }

    /// Has a connection tell of its statements from here on.
    pub(crate) fn listen(self: &Arc<Self>, conn: &Connection) {
        let context = trace::context(self);
        trace::start(conn, context);
        authorize::start(conn, context);
    }

    /// Has a session's connection tell of its statements those who may stop them. The session tells of them itself.
    pub(crate) fn listen_in_session(self: &Arc<Self>, conn: &Connection) {
        let context = trace::context(self) | authorize::SESSION;
        trace::start(conn, context);
        authorize::start(conn, context);
    }

    /// The guard that refuses a statement of a session, which is noted; `conn` is one of a session.
    pub(crate) fn refusal(&self, conn: &Connection, sql: &str, writes: bool) -> Option<Arc<Rule>> {
        let member = self.guarded()?;
        let judged = CString::new(sql).ok().and_then(|sql| Handle::of(conn).judge(&sql));
        // Where another's lock is in the way of a look, what is told must do. A session attaches nothing; what SQLite
        // calls by another name than `main` is its bind, by its key.
        let deed = judged.unwrap_or(Deed { writes, ..Deed::default() });
        let deed = Deed { elsewhere: false, writes: deed.writes || deed.writes_elsewhere, ..deed };
        self.refuse(member, deed, || sql.trim().to_string())
    }

    /// Whether a statement of a session would write to the database; `conn` is one of a session.
    pub(crate) fn would_write(&self, conn: &Connection, sql: &str, writes: bool) -> bool {
        let judged = CString::new(sql).ok().and_then(|sql| Handle::of(conn).judge(&sql));
        // Where it cannot be prepared now, what SQLite said of it must do.
        judged.map_or(writes, |deed| deed.writes || deed.writes_elsewhere)
    }

    /// The guard that refuses to read the database in a join of several.
    pub(crate) fn refusal_to_read(&self, sql: &str) -> Option<Arc<Rule>> {
        self.refuse(self.guarded()?, Deed::default(), || sql.trim().to_string())
    }

    pub(super) fn guarded(&self) -> Option<&Member> {
        self.harness.get().filter(|member| member.rules.any())
    }

    pub(super) fn refuse(&self, member: &Member, deed: Deed, what: impl FnOnce() -> String) -> Option<Arc<Rule>> {
        let rule = member.rules.against(&member.names, deed)?;
        rule.note(member.bind(), what(), false);
        Some(rule)
    }

    /// Whether a guard refuses a statement of a pooled connection that is about to do this.
    pub(super) fn refuses_to_prepare(&self, action: &Action<'_>) -> bool {
        // What only writes where it may not is stopped as it begins, when SQLite tells its text. So is what says too
        // little here.
        let Some(member) = self.guarded().filter(|_| !action.is_vague()) else { return false };
        let Some(rule) = member.rules.against(&member.names, action.deed()) else { return false };
        rule.note(member.bind(), action.in_words(), action.comes_again());
        true
    }

    /// Whether a fault fails a statement that is about to do this.
    pub(super) fn fails_to_prepare(&self, action: &Action<'_>) -> bool {
        action.operation().is_some_and(|(operation, table)| self.faults.fails(operation, table))
    }

    /// Whether anybody wants to know of a statement.
    pub(crate) fn is_heard(&self) -> bool {
        self.echo || self.harness.get().is_some_and(|member| member.recorder.is_heard())
    }

    /// Tells of a statement that begins.
    pub(crate) fn begin(&self, beginning: Beginning<'_>) -> Option<Begun> {
        if self.echo {
            told(|| say::echo(&self.label, beginning.sql));
        }
        let Member { recorder, names, .. } = self.harness.get().filter(|member| member.recorder.is_heard())?;
        let mut databases = beginning.attached;
        if beginning.beside.is_empty() && databases.is_empty() {
            databases.push(Used { names: names.clone(), writes: beginning.writes });
        }
        for member in beginning.beside.iter().filter_map(|watch| watch.harness.get()) {
            databases.push(Used { names: member.names.clone(), writes: beginning.writes });
        }
        let number = recorder.begin(Recorded {
            databases,
            sql: beginning.sql.trim().to_string(),
            values: beginning.values.map(|values| values.trim().to_string()),
            by_session: beginning.by_session,
            thread: thread::current(),
            ended: None,
        });
        Some(Begun { recorder: Arc::downgrade(recorder), number, at: Instant::now(), changes: beginning.changes })
    }
}

/// Does something of this crate's own on a connection, which no guard is for and no record has.
pub(crate) fn unwatched<T>(work: impl FnOnce() -> T) -> T {
    authorize::within(authorize::Mode::Own, work).0
}

/// Tells the user's logger something. If that panics, no statement is stopped by it.
pub(super) fn told(tell: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(tell));
}

impl Begun {
    /// Tells that it has ended. The rows changed are those that its connection counts for its last statement, if its
    /// count of all has changed: a statement that counts none leaves the last one's.
    pub(crate) fn end(&self, changes: u64, of_last: u64, outcome: Option<Result<(), String>>) {
        let rows = if changes == self.changes { 0 } else { of_last };
        if let Some(recorder) = self.recorder.upgrade() {
            recorder.end(self.number, Ended { rows, time: self.at.elapsed(), outcome });
        }
    }

    /// Whether it has this text.
    pub(super) fn is(&self, sql: &str) -> bool {
        self.recorder.upgrade().is_some_and(|recorder| recorder.is(self.number, sql.trim()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(context) = self.context.get() {
            trace::forget(*context, self.echo);
        }
    }
}
