//! A statement that a guard has refused, with its place in the application's code.
//!
//! SQLite asks the authorizer about an action, and not about a statement: in an UPDATE it may first ask to read a column.
//! SQLite's log has the refused statement right afterwards, on the same thread.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::thread::{self, Thread};

use super::place::Place;
use crate::key::BindKey;
use crate::sqlite::script::statements;
use crate::sync::lock;

/// A statement that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) bind: BindKey,
    /// The statement, or what it was about to do.
    pub(super) what: String,
    pub(crate) thread: Thread,
    /// `None` where the guard has refused too many.
    pub(crate) place: Option<Place>,
    /// The text that SQLite's log has of one that was refused as it was prepared, and of what follows it.
    logged: Mutex<Option<String>>,
}

thread_local! {
    /// The refusal on this thread that SQLite has not logged yet.
    static PREPARING: RefCell<Option<Arc<Refused>>> = const { RefCell::new(None) };
}

impl Refused {
    /// Refuses a statement that this thread runs.
    pub(super) fn here(bind: &BindKey, what: String, has_place: bool) -> Arc<Refused> {
        let place = has_place.then(Place::capture);
        Arc::new(Refused { bind: bind.clone(), what, thread: thread::current(), place, logged: Mutex::default() })
    }

    /// Returns the statement, or what it was about to do where SQLite has not logged it.
    pub(crate) fn statement(&self) -> String {
        let logged = lock(&self.logged);
        let Some(logged) = &*logged else { return self.what.clone() };
        let first = statements(logged).ok().and_then(|statements| statements.first().map(|first| first.text));
        first.unwrap_or(logged).trim().to_string()
    }
}

/// Notes the refusal that SQLite logs next on this thread; `None` where a statement fails by something else than a guard.
pub(super) fn is_preparing(refused: Option<Arc<Refused>>) {
    // The thread may end.
    let _ = PREPARING.try_with(|preparing| preparing.replace(refused));
}

/// Notes the text of the statement that SQLite has not authorized on this thread.
pub(super) fn is_logged(sql: &str) {
    if let Ok(Some(refused)) = PREPARING.try_with(RefCell::take) {
        *lock(&refused.logged) = Some(sql.to_string());
    }
}
