//! The names that a table-valued function looks up while a join runs.

use std::sync::{Arc, Mutex};

use rusqlite::{ffi, Connection};

use crate::error::Error;
use crate::route::Dispatcher;
use crate::sqlite::{Authorized, Question};
use crate::sync::lock;

/// A guard that refuses to look up a name that several binds have, where SQLite would take the first.
///
/// It ends when it is dropped, also where a mapper panics, for the connection is kept.
pub(super) struct Lookups<'c> {
    _authorized: Authorized<&'c Connection>,
    refused: Arc<Mutex<Option<Error>>>,
}

impl<'c> Lookups<'c> {
    pub(super) fn watch(conn: &'c Connection, dispatcher: Arc<Dispatcher>) -> Lookups<'c> {
        let refused = Arc::new(Mutex::new(None));
        let refusal = Arc::clone(&refused);
        let listen = move |question: &Question<'_>| {
            let pragma = if question.action == ffi::SQLITE_PRAGMA { question.first() } else { None };
            let Some(pragma) = pragma else { return true };
            let refused = dispatcher.refuse_pragma(pragma, question.second(), question.schema());
            let is_allowed = refused.is_none();
            if let Some(error) = refused {
                *lock(&refusal) = Some(error);
            }
            is_allowed
        };
        Lookups { _authorized: Authorized::new(conn, Box::new(listen)), refused }
    }

    /// Ends it, and returns what was refused.
    pub(super) fn refused(self) -> Option<Error> {
        lock(&self.refused).take()
    }
}
