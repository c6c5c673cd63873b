//! Which statement a write is made by, and what becomes of one that no statement makes: incremental blob I/O, or a backup
//! into a connection.
//!
//! A statement is known by its beginning and its end. What a database's file system is told to write while none that
//! writes has begun on that thread, and by a commit of a transaction in which none has, is nobody's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use rusqlite::ffi;

use super::handle::Handle;
use super::rules::Deed;
use super::watch::{Begun, Inside, Stopped, Watch};
use super::{authorize, trace};
use crate::sqlite::vfs::Writer;
use crate::sync::lock;

/// The statements of a database's connections that have not ended, and the transactions that were seen to begin.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    running: Vec<Running>,
    transactions: Vec<Transaction>,
    /// The transaction whose writes were last nobody's.
    last: Option<u64>,
}

/// A statement that has not ended.
#[derive(Debug)]
pub(super) struct Running {
    /// Its address, which no other has that has not ended.
    pub(super) statement: usize,
    /// The address of its connection.
    pub(super) connection: usize,
    pub(super) thread: ThreadId,
    /// Whether it writes to the database, and to any.
    pub(super) writes: bool,
    pub(super) writes_anywhere: bool,
    /// Whether it can take the lock of a writer, of whatever database.
    pub(super) may_write: bool,
    pub(super) begun: Option<Begun>,
    pub(super) stopped: Option<Stopped>,
    pub(super) inside: Option<Inside>,
}

/// A transaction that was seen to begin, or the next one of a connection that has none.
#[derive(Debug)]
struct Transaction {
    connection: usize,
    /// Since when everything was seen.
    epoch: usize,
    /// Whether a statement in it writes, and whether one can have taken a writer's lock.
    wrote: bool,
    may_have_written: bool,
}

/// How often somebody has begun to listen while nobody did: what was seen before may have gone on unseen.
static EPOCH: AtomicUsize = AtomicUsize::new(0);

/// Begins to see everything.
pub(super) fn begin_epoch() {
    EPOCH.fetch_add(1, Ordering::Relaxed);
}

/// Since when everything is seen; `None` while nobody listens.
pub(crate) fn epoch() -> Option<usize> {
    trace::is_heard().then(|| EPOCH.load(Ordering::Relaxed))
}

impl Accounts {
    /// Remembers a statement until SQLite says that it has ended; `is_alone` where no transaction is open around it.
    pub(super) fn begin(&mut self, running: Running, is_alone: bool) {
        // An end that was not told of, since somebody's own trace took the place of this one.
        self.running.retain(|other| other.statement != running.statement);
        let connection = running.connection;
        if is_alone {
            self.renew(connection);
        }
        for transaction in &mut self.transactions {
            if transaction.connection == connection {
                transaction.wrote |= running.writes_anywhere;
                transaction.may_have_written |= running.writes_anywhere || running.may_write;
            }
        }
        self.running.push(running);
    }

    /// The statement at an address, which has ended; `is_alone` where no transaction is open then.
    pub(super) fn end(&mut self, statement: usize, is_alone: bool) -> Option<Running> {
        let place = self.running.iter().position(|running| running.statement == statement)?;
        let ended = self.running.swap_remove(place);
        if is_alone {
            self.renew(ended.connection);
        }
        Some(ended)
    }

    /// Begins the next transaction of a connection, unless one of its statements that may write goes on.
    fn renew(&mut self, connection: usize) {
        if !self.running.iter().any(|running| running.connection == connection && running.may_write) {
            let epoch = EPOCH.load(Ordering::Relaxed);
            self.transactions.retain(|transaction| transaction.connection != connection);
            self.transactions.push(Transaction { connection, epoch, wrote: false, may_have_written: false });
        }
    }

    /// Whether what a connection commits was written by a statement, as far as was seen.
    fn accounts_for(&self, handle: &Handle) -> bool {
        let (connection, epoch) = (handle.address(), EPOCH.load(Ordering::Relaxed));
        let is_seen = |transaction: &&Transaction| transaction.connection == connection && transaction.epoch == epoch;
        let running = self.running.iter().filter(|running| running.connection == connection);
        // A statement that ends here, or a transaction that one ends, may have begun before somebody listened.
        handle.has_writers()
            || match self.transactions.iter().find(is_seen) {
                Some(transaction) => transaction.may_have_written,
                None => running.count() > 0,
            }
    }

    /// Whether what this thread writes now is written by a statement.
    fn accounts(&self) -> bool {
        let here = thread::current().id();
        let wrote = |connection| {
            let epoch = EPOCH.load(Ordering::Relaxed);
            let seen = self.transactions.iter().find(|transaction| transaction.connection == connection);
            // What was not seen to begin may have written before.
            seen.is_none_or(|transaction| transaction.wrote || transaction.epoch != epoch)
        };
        self.running
            .iter()
            .any(|running| running.thread == here && (running.writes_anywhere || wrote(running.connection)))
    }
}

impl Watch {
    /// Remembers a statement until SQLite says that it has ended.
    pub(super) fn remember(&self, running: Running, is_alone: bool) {
        lock(&self.accounts).begin(running, is_alone);
    }

    /// The statement at an address, which has ended.
    pub(super) fn ended(&self, statement: usize, is_alone: bool) -> Option<Running> {
        lock(&self.accounts).end(statement, is_alone)
    }

    /// Whether a statement of a connection has begun that was stopped, and whether one that writes to the database has.
    pub(super) fn around(&self, connection: usize) -> (bool, bool) {
        let accounts = lock(&self.accounts);
        let is_any = |is: &dyn Fn(&Running) -> bool| {
            accounts.running.iter().any(|running| running.connection == connection && is(running))
        };
        (is_any(&|running| running.stopped.is_some()), is_any(&|running| running.writes))
    }

    /// Whether a guard refuses what this thread writes now, in that transaction. One that no statement makes is noted.
    ///
    /// Asked from a file system's callback, under SQLite's locks.
    pub(crate) fn refuses_to_write(&self, writer: Writer, transaction: u64) -> bool {
        if authorize::is_own() || trace::is_in_unheard() {
            return false;
        }
        let again = {
            let mut accounts = lock(&self.accounts);
            if accounts.accounts() {
                return false;
            }
            accounts.last.replace(transaction) == Some(transaction)
        };
        self.refuses_unaccounted(writer == Writer::Ours, again)
    }

    /// Whether a guard refuses what a connection commits now. What no statement has written is noted.
    ///
    /// This sees what the file system does not, a database that has none of this crate's or no journal; but not what is
    /// written after `BEGIN IMMEDIATE`, or beside what is written to another database, nor a backup.
    ///
    /// # Safety
    ///
    /// The connection is open and this thread's.
    pub(crate) unsafe fn refuses_to_commit(&self, db: *mut ffi::sqlite3) -> bool {
        // SAFETY: as the caller says; the value is not kept.
        let handle = unsafe { Handle::new(db) };
        if authorize::is_own() || !handle.is_writing_to(c"main") || lock(&self.accounts).accounts_for(&handle) {
            return false;
        }
        self.refuses_unaccounted(true, false)
    }

    fn refuses_unaccounted(&self, ours: bool, again: bool) -> bool {
        let Some(member) = self.harness.get() else { return false };
        if ours && member.rules.any() {
            let deed = Deed { writes: true, ..Deed::default() };
            if let Some(rule) = member.rules.against(&member.names, deed) {
                rule.note(member.bind(), UNACCOUNTED.to_string(), again);
                return true;
            }
        }
        if !again && member.recorder.is_heard() {
            member.recorder.note_unaccounted(&member.names, ours);
        }
        false
    }
}

/// What is written by no statement, in words.
const UNACCOUNTED: &str = "a write that no statement makes: incremental blob I/O, or a backup into the connection";
