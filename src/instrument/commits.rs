//! The commits to a shared cache. No file system of this crate's shows who writes to one, and a backup into it meets no commit
//! hook: it is the commit that SQLite has counted and no hook has.

use std::cell::RefCell;
use std::mem::take;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use rusqlite::Connection;

use crate::key::Keys;
use crate::sqlite;
use crate::sync::lock;

/// The times that both counts are read anew because a commit began meanwhile.
const TRIES: usize = 1000;

/// The commits to one database.
#[derive(Debug)]
pub(crate) struct Commits {
    /// A connection that runs no statement, to be asked for SQLite's count as long as the database is there.
    idle: Mutex<Option<Connection>>,
    /// The keys that mean the database.
    names: OnceLock<Keys>,
    /// The commits that met a hook, and those of them that SQLite may not have counted yet.
    hooked: AtomicU64,
    going_on: AtomicU64,
    seen: Mutex<Seen>,
}

/// The counts of a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    by_sqlite: u32,
    hooked: u64,
    going_on: u64,
}

/// The counts when they were last compared, and the commits without a hook until then.
#[derive(Debug, Default)]
struct Seen {
    counts: Counts,
    unaccounted: u64,
}

impl Commits {
    /// Counts from here on, asking a connection that runs no statement and may be asked on any thread.
    pub(super) fn new(idle: Connection) -> Arc<Commits> {
        let (idle, seen) = (Mutex::new(Some(idle)), Mutex::default());
        let (hooked, going_on) = (AtomicU64::new(0), AtomicU64::new(0));
        let commits = Arc::new(Commits { idle, names: OnceLock::new(), hooked, going_on, seen });
        commits.are_ours();
        commits
    }

    /// Sets the keys that mean the database.
    pub(super) fn are_to(&self, names: &Keys) {
        // Set once, when the database is made.
        let _ = self.names.set(names.clone());
    }

    /// Counts a commit that meets a hook, on this thread.
    pub(super) fn begins(self: &Arc<Self>) {
        self.going_on.fetch_add(1, Ordering::SeqCst);
        self.hooked.fetch_add(1, Ordering::SeqCst);
        let going_on = GoingOn(Arc::clone(self));
        // A thread that ends has none: what it commits is over for what comes next.
        let _ = HERE.try_with(|here| here.borrow_mut().push(going_on));
    }

    /// Returns the number of commits so far that met no hook.
    fn unaccounted(&self) -> u64 {
        let mut seen = lock(&self.seen);
        if let Some(now) = self.now() {
            let before = seen.counts;
            let grown = u64::from(now.by_sqlite.wrapping_sub(before.by_sqlite));
            // What went on then may have been counted since.
            let accounted = now.hooked - before.hooked + before.going_on;
            seen.unaccounted += grown.saturating_sub(accounted);
            seen.counts = now;
        }
        seen.unaccounted
    }

    /// Does work of the harness's own, whose commits meet no hook.
    pub(crate) fn are_ours_during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.unaccounted();
        let done = work();
        self.are_ours();
        done
    }

    /// Takes what was committed since the last comparison for the harness's own.
    fn are_ours(&self) {
        let mut seen = lock(&self.seen);
        if let Some(now) = self.now() {
            seen.counts = now;
        }
    }

    /// Compares the counts for the last time.
    pub(super) fn end(&self) {
        self.unaccounted();
        let idle = lock(&self.idle).take();
        // A connection is closed without the lock.
        drop(idle);
    }

    /// Returns both counts as they were at one moment, if the database is there and there was such a one.
    fn now(&self) -> Option<Counts> {
        end_here();
        let idle = lock(&self.idle);
        let idle = idle.as_ref()?;
        for _ in 0..TRIES {
            let (hooked, going_on) = (self.hooked.load(Ordering::SeqCst), self.going_on.load(Ordering::SeqCst));
            let by_sqlite = sqlite::commits(idle).ok()?;
            if self.hooked.load(Ordering::SeqCst) == hooked {
                return Some(Counts { by_sqlite, hooked, going_on });
            }
        }
        None
    }
}

/// A commit that SQLite may not have counted yet.
struct GoingOn(Arc<Commits>);

impl Drop for GoingOn {
    fn drop(&mut self) {
        self.0.going_on.fetch_sub(1, Ordering::SeqCst);
    }
}

thread_local! {
    /// Those of this thread.
    static HERE: RefCell<Vec<GoingOn>> = const { RefCell::new(Vec::new()) };
}

/// Notes that the last commit on this thread is over.
pub(super) fn end_here() {
    let _ = HERE.try_with(|here| {
        if !here.borrow().is_empty() {
            drop(take(&mut *here.borrow_mut()));
        }
    });
}

/// A moment, to learn which databases were written to by no statement since.
#[derive(Debug)]
pub(crate) struct Since(Vec<(Arc<Commits>, u64)>);

impl Since {
    /// Returns this moment in those databases.
    pub(super) fn now(databases: &[Arc<Commits>]) -> Since {
        let mut since = Vec::with_capacity(databases.len());
        for commits in databases {
            since.push((Arc::clone(commits), commits.unaccounted()));
        }
        Since(since)
    }

    /// Returns the keys that mean each database to which was committed since without a hook.
    pub(crate) fn unaccounted(&self) -> Vec<Keys> {
        let mut unaccounted = Vec::new();
        for (commits, before) in &self.0 {
            if commits.unaccounted() > *before {
                unaccounted.extend(commits.names.get().cloned());
            }
        }
        unaccounted
    }
}
