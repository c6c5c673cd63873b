//! The opening of a connection, and what it has been told about foreign keys since.

use std::ffi::CStr;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

use super::place::Place;
use crate::key::{BindKey, Keys};
use crate::list::filtered;
use crate::sync::lock;

/// The opening of a connection.
#[derive(Debug)]
pub(crate) struct Opening {
    /// The keys that mean the connection's own database.
    pub(crate) names: Keys,
    pub(crate) by: OpenedBy,
    pub(crate) place: Option<Arc<Place>>,
    pub(crate) thread: Thread,
    /// Set if the connection enforced foreign keys as it was opened.
    pub(crate) enforced: bool,
    /// The times that this was changed.
    switches: Mutex<Vec<Switch>>,
    /// The databases that it has attached.
    attached: Mutex<Vec<Attached>>,
}

/// The code that opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenedBy {
    Application,
    Pool,
    Session,
}

/// A connection of a harness that is open.
pub(crate) struct StillOpen {
    /// The keys that mean its database.
    pub(crate) names: Keys,
    pub(crate) opened: Arc<Opening>,
    pub(crate) in_transaction: bool,
}

/// A statement that switched the enforcement of foreign keys on or off.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    /// The number of the next statement that was recorded then.
    next: u64,
    pub(crate) is_on: bool,
    pub(crate) place: Option<Arc<Place>>,
}

/// A database that a connection has attached.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    /// The keys that mean it.
    pub(crate) names: Keys,
    /// The name that it has on the connection.
    pub(crate) schema: String,
    pub(crate) place: Option<Arc<Place>>,
}

/// The most switches and attached databases that are kept.
const SWITCHES: usize = 8;
const ATTACHED: usize = 10;

impl Opening {
    /// Notes an opening on this thread.
    pub(super) fn here(names: Keys, by: OpenedBy, place: Option<Arc<Place>>, enforced: bool) -> Opening {
        Opening {
            names,
            by,
            place,
            thread: thread::current(),
            enforced,
            switches: Mutex::default(),
            attached: Mutex::default(),
        }
    }

    /// Notes whether the connection enforces foreign keys; where that is new, with the number of the next statement and the place.
    pub(super) fn enforces(&self, is_on: bool, now: impl FnOnce() -> (u64, Option<Arc<Place>>)) {
        let mut switches = lock(&self.switches);
        let is_known = switches.last().map_or(self.enforced, |last| last.is_on) == is_on;
        if !is_known && switches.len() < SWITCHES {
            let (next, place) = now();
            switches.push(Switch { next, is_on, place });
        }
    }

    /// Notes a database of the harness's that the connection has attached.
    pub(super) fn attaches(&self, names: &Keys, schema: &CStr, place: impl FnOnce() -> Option<Arc<Place>>) {
        let schema = schema.to_string_lossy();
        let mut attached = lock(&self.attached);
        if attached.len() < ATTACHED
            && !attached.iter().any(|known| known.schema == schema && known.names.first() == names.first())
        {
            attached.push(Attached { names: names.clone(), schema: schema.into_owned(), place: place() });
        }
    }

    /// Returns the last attached database that a key means.
    pub(crate) fn attached(&self, key: &BindKey) -> Option<Attached> {
        filtered(&lock(&self.attached), |attached| attached.names.contains(key)).pop()
    }

    /// Returns what had last switched the enforcement before a statement of that number; `None` where nothing had.
    pub(crate) fn switched_before(&self, number: u64) -> Option<Switch> {
        filtered(&lock(&self.switches), |switch| switch.next <= number).pop()
    }
}
