//! The names that a table-valued function looks up while a join runs.

use std::sync::{Arc, Mutex};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::Connection;

use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::route::Dispatcher;
use crate::session::failure::failed_before;
use crate::sqlite::authorize;
use crate::sync::lock;

/// A guard that refuses to look up a name that several binds have, where SQLite would take the first.
///
/// It ends when it is dropped, also where a mapper panics, for the connection is kept.
pub(super) struct Lookups<'c> {
    conn: &'c Connection,
    refused: Arc<Mutex<Option<Error>>>,
}

impl<'c> Lookups<'c> {
    pub(super) fn watch(conn: &'c Connection, dispatcher: Arc<Dispatcher>) -> Result<Lookups<'c>> {
        let refused = Arc::new(Mutex::new(None));
        let refusal = Arc::clone(&refused);
        let listen = move |context: AuthContext<'_>| {
            let AuthAction::Pragma { pragma_name, pragma_value } = context.action else { return Authorization::Allow };
            match dispatcher.refuse_pragma(pragma_name, pragma_value, context.database_name) {
                Some(error) => {
                    *lock(&refusal) = Some(error);
                    Authorization::Deny
                }
                None => Authorization::Allow,
            }
        };
        authorize(conn, Some(Box::new(listen))).map_err(|error| failed_before(&BindKey::DEFAULT, error))?;
        Ok(Lookups { conn, refused })
    }

    /// Ends it, and returns what was refused.
    pub(super) fn refused(self) -> Option<Error> {
        lock(&self.refused).take()
    }
}

impl Drop for Lookups<'_> {
    fn drop(&mut self) {
        // It fails only for a connection that somebody else owns, which this one never is.
        let _ = authorize(self.conn, None);
    }
}
