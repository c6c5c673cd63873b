//! The statements that run on a database, by which each write is accounted for.
//!
//! A statement is known by its beginning and its end. What a database's file system has to write while none that
//! writes has begun on that thread, and by a commit of a transaction in which none has, is nobody's.

use std::sync::Arc;
use std::thread::{self, ThreadId};

use super::handle::Handle;
use super::rules::Rule;
use super::state::{last_epoch, Listened, Underway};
use super::stop::How;
use crate::list::retain;

/// The statements of a database's connections that have not ended, and the transactions that were seen to begin.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    running: Vec<Running>,
    transactions: Vec<Transaction>,
    /// The transaction whose writes were last nobody's.
    last: Option<u64>,
}

/// A statement that was stopped as it began.
#[derive(Debug)]
pub(super) struct Stopped {
    /// The guard, unless it was a fault.
    pub(super) by: Option<Arc<Rule>>,
    pub(super) how: How,
    /// Until its connection is what it was.
    _held: Listened,
}

impl Stopped {
    pub(super) fn new(by: Option<Arc<Rule>>, how: How) -> Stopped {
        Stopped { by, how, _held: Listened::new() }
    }

    /// Returns whether it fails as one that is prepared now would.
    pub(super) fn is_denied(&self) -> bool {
        self.by.is_none() || self.how == How::Outdated
    }
}

/// A statement that has not ended.
#[derive(Debug)]
pub(super) struct Running {
    /// Its address, which no other has that has not ended.
    pub(super) statement: usize,
    /// The address of its connection.
    pub(super) connection: usize,
    pub(super) thread: ThreadId,
    /// Set if it writes to the database, and to any.
    pub(super) writes: bool,
    pub(super) writes_anywhere: bool,
    /// Set if it can take the lock of a writer, of whatever database.
    pub(super) may_write: bool,
    /// Set if it begins or ends a transaction or a savepoint: a virtual table then writes what it has held back.
    pub(super) is_step: bool,
    pub(super) stopped: Option<Stopped>,
    /// Has its end followed, whoever listens then.
    pub(super) _underway: Underway,
}

/// A transaction that was seen to begin, or the next one of a connection that has none.
#[derive(Debug)]
struct Transaction {
    connection: usize,
    /// Since when everything was seen.
    epoch: u64,
    /// Set if a statement in it writes, and whether one can have taken a writer's lock.
    wrote: bool,
    may_have_written: bool,
}

impl Accounts {
    /// Remembers a statement until SQLite says that it has ended; `is_alone` where no transaction is open around it.
    pub(super) fn begin(&mut self, running: Running, is_alone: bool) {
        // An end that was not reported, since somebody's own trace took the place of this one.
        retain(&mut self.running, |other| other.statement != running.statement);
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

    /// Returns the statement at an address, which has ended; `is_alone` where no transaction is open then.
    pub(super) fn end(&mut self, statement: usize, is_alone: bool) -> Option<Running> {
        let place = self.running.iter().position(|running| running.statement == statement)?;
        let ended = self.running.swap_remove(place);
        if is_alone {
            self.renew(ended.connection);
        }
        Some(ended)
    }

    /// Begins the next transaction of a connection, unless one of its statements that may write goes on, or one that ends the last.
    fn renew(&mut self, connection: usize) {
        let goes_on = |running: &Running| running.connection == connection && (running.may_write || running.is_step);
        if !self.running.iter().any(goes_on) {
            let epoch = last_epoch();
            retain(&mut self.transactions, |transaction| transaction.connection != connection);
            self.transactions.push(Transaction { connection, epoch, wrote: false, may_have_written: false });
        }
    }

    /// Returns whether what a connection commits was written by a statement, as far as was seen.
    pub(super) fn accounts_for(&self, handle: &Handle) -> bool {
        let (connection, epoch) = (handle.address(), last_epoch());
        let is_seen = |transaction: &&Transaction| transaction.connection == connection && transaction.epoch == epoch;
        let running = self.running.iter().filter(|running| running.connection == connection);
        // A statement that ends here, or a transaction that one ends, may have begun before somebody listened.
        handle.has_writers()
            || match self.transactions.iter().find(is_seen) {
                Some(transaction) => transaction.may_have_written,
                None => running.count() > 0,
            }
    }

    /// Returns whether what this thread writes now is written by a statement.
    pub(super) fn accounts(&self) -> bool {
        let here = thread::current().id();
        let wrote = |connection| {
            let epoch = last_epoch();
            let seen = self.transactions.iter().find(|transaction| transaction.connection == connection);
            // What was not seen to begin may have written before.
            seen.is_none_or(|transaction| transaction.wrote || transaction.epoch != epoch)
        };
        self.running
            .iter()
            .any(|running| running.thread == here && (running.writes_anywhere || wrote(running.connection)))
    }

    /// Returns whether a statement of a connection has begun that was stopped, and whether one that writes to the
    /// database has.
    pub(super) fn around(&self, connection: usize) -> (bool, bool) {
        let is_any = |is: &dyn Fn(&Running) -> bool| {
            self.running.iter().any(|running| running.connection == connection && is(running))
        };
        (is_any(&|running| running.stopped.is_some()), is_any(&|running| running.writes))
    }

    /// Notes the transaction whose writes are nobody's, and returns whether it is the one noted last.
    pub(super) fn is_again(&mut self, transaction: u64) -> bool {
        self.last.replace(transaction) == Some(transaction)
    }
}
