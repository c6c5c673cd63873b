//! The statements on a bind's connections: reported to the log where the bind says so, and to the recorder.
//!
//! A pool's connections report them by themselves, through SQLite's trace; a session reports its own. What the guards
//! of a harness refuse is stopped here too.

use std::ffi::{c_void, CStr, CString};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use rusqlite::Connection;

use super::accounts::Accounts;
use super::action::Action;
use super::commits::Commits;
use super::connected::{Connected, To};
use super::connections::{connected, disconnect_all, follow};
use super::deed::Deed;
use super::faults::{Faults, Witness};
use super::handle::Handle;
use super::late::{LateRead, LateReads};
use super::log::log;
use super::member::Member;
use super::opening::{OpenedBy, Opening};
use super::recorder::Recorder;
use super::refused::is_preparing;
use super::report_rows::report_rows;
use super::rules::{Rule, Rules};
use super::state::Listened;
use crate::key::Keys;
use crate::say;
use crate::sorted::Sorted;

/// One database as seen by its connections, which may outlive it.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The bind's name in the log.
    pub(super) label: String,
    /// Set if statements are logged.
    pub(super) echo: bool,
    /// The faults that tests set.
    pub(super) faults: Arc<Faults>,
    /// Its harness.
    pub(super) harness: OnceLock<Arc<Member>>,
    /// The name that SQLite has for its file, if it has one.
    pub(super) file: OnceLock<String>,
    /// The number that SQLite calls back with, once a connection is listened to, and the logger as a listener.
    number: OnceLock<(usize, Option<Listened>)>,
    /// The reads of it, if it is a replica that lags.
    late: OnceLock<LateReads>,
    /// The statements of its connections.
    pub(super) accounts: Mutex<Accounts>,
}

impl Watch {
    /// Follows a connection from here on, where the database is one of a harness.
    pub(super) fn connect(self: &Arc<Self>, handle: &Handle, by: OpenedBy) {
        self.follow_on(handle, by, false);
    }

    /// Follows a connection from here on that has attached the database, and whose own is no bind's.
    pub(super) fn is_attached_by(self: &Arc<Self>, handle: &Handle) {
        self.follow_on(handle, OpenedBy::Application, true);
    }

    fn follow_on(&self, handle: &Handle, by: OpenedBy, is_attached: bool) {
        let Some(member) = self.harness.get() else { return };
        let Member { recorder, names, .. } = &**member;
        // The others open theirs on threads of their own.
        let place = if by == OpenedBy::Application { recorder.place_of_opening() } else { None };
        recorder.note_opening(names, by);
        let to = To {
            watch: self.address(),
            recorder: Arc::downgrade(recorder),
            member: Arc::downgrade(member),
            names: names.clone(),
            opened: Arc::new(Opening::here(names.clone(), by, place, handle.enforces_keys())),
            shows_writes: self.commits().is_none(),
            is_attached,
        };
        follow(Connected::new(handle, recorder, to));
        if recorder.keeps_writes() {
            report_rows(handle);
        }
    }

    /// Returns whether it follows a connection.
    pub(super) fn follows(self: &Arc<Self>, handle: &Handle) -> bool {
        connected(handle).is_some_and(|connection| connection.is_watched_by(self.address()))
    }

    /// Returns the number that SQLite calls back with, once a connection is listened to.
    pub(super) fn number(&self) -> Option<usize> {
        self.number.get().map(|(number, _)| *number)
    }

    /// The address, which no other watch has as long as this one lives.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn new(label: &str, echo: bool, faults: Arc<Faults>) -> Arc<Watch> {
        let watch = Arc::new(Watch {
            label: label.to_string(),
            echo,
            faults,
            harness: OnceLock::new(),
            file: OnceLock::new(),
            number: OnceLock::new(),
            late: OnceLock::new(),
            accounts: Mutex::default(),
        });
        let witness: Weak<dyn Witness> = Arc::<Watch>::downgrade(&watch);
        watch.faults.be_seen_by(witness);
        watch
    }

    /// Makes the database one of a harness, in which these keys mean it, the first its own.
    pub(crate) fn report_to(&self, recorder: &Arc<Recorder>, rules: &Arc<Rules>, names: Keys) {
        let (recorder, rules) = (Arc::clone(recorder), Arc::clone(rules));
        if let Some(commits) = self.commits() {
            commits.are_to(&names);
            recorder.counts(commits);
        }
        // Set once, when the database is made.
        let _ = self.harness.set(Arc::new(Member { recorder, rules, names }));
    }

    /// Does work of the harness's own on the database.
    pub(crate) fn ours<T>(&self, work: impl FnOnce() -> T) -> T {
        match self.commits() {
            Some(commits) => commits.are_ours_during(work),
            None => work(),
        }
    }

    /// Returns the commits to it, if it is a shared cache.
    pub(super) fn commits(&self) -> Option<&Arc<Commits>> {
        self.faults.commits.get()
    }

    /// Keeps what reads it from here on, for it is a replica that lags.
    pub(crate) fn is_late(&self) {
        self.late.get_or_init(LateReads::new);
    }

    /// Returns what has read it, if it is a replica that lags, the oldest first.
    pub(crate) fn late_reads(&self) -> Vec<LateRead> {
        self.late.get().map(LateReads::all).unwrap_or_default()
    }

    /// Keeps a statement that reads a replica which lags; `sql` is its text, `shown` that with its values.
    pub(super) fn reads_late(&self, handle: &Handle, sql: &CStr, shown: impl FnOnce() -> String) {
        let (Some(late), Some(member)) = (self.late.get(), self.harness.get()) else { return };
        let Some(looked) = handle.look(sql).filter(|looked| !looked.reads.is_empty()) else { return };
        if member.recorder.keeps_writes() {
            late.push(shown(), looked.reads);
        }
    }

    /// Sets the name of the file, so that the database is found where another connection has attached it.
    pub(crate) fn is_at(&self, file: String) {
        // Set once, when the database is made.
        let _ = self.file.set(file);
    }

    /// Returns the guard that refuses a statement of a session, which is noted; `conn` is one of a session.
    pub(crate) fn refusal(&self, conn: &Connection, sql: &str, writes: bool) -> Option<Arc<Rule>> {
        let member = self.guarded()?;
        let judged = CString::new(sql).ok().and_then(|sql| Handle::of(conn).judge(&sql));
        // Where another's lock blocks a look, what is known must do. A session attaches nothing; what SQLite
        // calls by another name than `main` is its bind, by its key.
        let deed = judged.unwrap_or(Deed { writes, ..Deed::default() });
        let deed = Deed { elsewhere: false, writes: deed.writes || deed.writes_elsewhere, ..deed };
        self.refuse(member, deed, || sql.trim().to_string())
    }

    /// Returns the guard that refuses to read the database in a join of several.
    pub(crate) fn refusal_to_read(&self, sql: &str) -> Option<Arc<Rule>> {
        self.refuse(self.guarded()?, Deed::default(), || sql.trim().to_string())
    }

    pub(super) fn guarded(&self) -> Option<&Member> {
        self.harness.get().map(|member| &**member).filter(|member| member.rules.any())
    }

    pub(super) fn refuse(&self, member: &Member, deed: Deed, what: impl FnOnce() -> String) -> Option<Arc<Rule>> {
        let rule = member.rules.against(&member.names, deed)?;
        rule.note(member.bind(), what(), false);
        Some(rule)
    }

    /// Returns whether a guard refuses a statement of a pooled connection that is about to do this.
    pub(super) fn refuses_to_prepare(&self, action: &Action<'_>) -> bool {
        // What only writes where it may not is stopped as it begins, when SQLite reports its text. So is what says too
        // little here.
        let Some(member) = self.guarded().filter(|_| !action.is_vague()) else { return false };
        let Some(rule) = member.rules.against(&member.names, action.deed()) else { return false };
        is_preparing(Some(rule.note(member.bind(), action.in_words(), action.comes_again())));
        true
    }

    /// Returns whether a fault fails a statement that is about to do this.
    pub(super) fn fails_to_prepare(&self, action: &Action<'_>) -> bool {
        let fails = action.operation().is_some_and(|(operation, table)| self.faults.fails(operation, table));
        if fails {
            is_preparing(None);
        }
        fails
    }

    /// Returns whether anybody wants to know of the statements.
    pub(crate) fn is_wanted(&self) -> bool {
        self.echo || self.harness.get().is_some_and(|member| member.records(true))
    }

    /// Logs a statement, where the bind says so.
    pub(super) fn echo(&self, sql: &str) {
        if self.echo {
            log(|| say::echo(&self.label, sql));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        disconnect_all(self.address());
        if let Some((number, _)) = self.number.get() {
            WATCHED.write().unwrap_or_else(PoisonError::into_inner).remove(number);
        }
    }
}

/// The watches that SQLite calls back for, by the number that it was given.
static WATCHED: RwLock<Sorted<usize, Weak<Watch>>> = RwLock::new(Sorted::new());

/// Returns the number of watches that SQLite calls back for.
#[cfg(test)]
pub(super) fn kept() -> usize {
    WATCHED.read().unwrap_or_else(PoisonError::into_inner).entries().len()
}

/// A number that SQLite is given with a callback, and never a pointer: connections outlive harnesses, and a number that
/// nobody answers to any more is harmless.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context(usize);

/// The bit of a session's connection, whose statements guards judge where the session asks for that: faults alone stop
/// them in the authorizer.
const SESSION: usize = 1 << (usize::BITS - 1);

/// The bit of a connection that has attached the database, and whose own is no bind's.
const ATTACHED: usize = 1 << (usize::BITS - 2);

impl Context {
    /// Returns the context of a database's connections, of a session's or of others.
    pub(super) fn new(watch: &Arc<Watch>, is_session: bool) -> Context {
        let (number, _) = watch.number.get_or_init(|| {
            static NEXT: AtomicUsize = AtomicUsize::new(1);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            WATCHED.write().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::downgrade(watch));
            (number, watch.echo.then(Listened::new))
        });
        Context(if is_session { number | SESSION } else { *number })
    }

    /// Returns the context of a number.
    pub(super) fn numbered(number: usize) -> Context {
        Context(number)
    }

    /// Returns the number of its watch.
    pub(super) fn number(self) -> usize {
        self.0 & !(SESSION | ATTACHED)
    }

    /// Returns the context that SQLite calls back with.
    pub(super) fn of(pointer: *mut c_void) -> Context {
        Context(pointer.addr())
    }

    /// Returns the context as SQLite takes it.
    pub(super) fn pointer(self) -> *mut c_void {
        std::ptr::without_provenance_mut(self.0)
    }

    /// Returns the context of a connection that has attached the database, and whose own is no bind's.
    pub(super) fn attached(self) -> Context {
        Context(self.0 | ATTACHED)
    }

    /// Returns whether the connection is such a one.
    pub(super) fn is_attached(self) -> bool {
        self.0 & ATTACHED != 0
    }

    /// Returns whether the connection is a session's.
    pub(super) fn is_session(self) -> bool {
        self.0 & SESSION != 0
    }

    /// Returns the watch, if it still lives.
    pub(super) fn watch(self) -> Option<Arc<Watch>> {
        // Not held any longer than this: the last owner of what was found takes the lock to forget it.
        let number = self.number();
        WATCHED.read().unwrap_or_else(PoisonError::into_inner).get(&number).and_then(Weak::upgrade)
    }
}
