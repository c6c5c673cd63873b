//! The application's own code for every connection to a bind.

use std::any::TypeId;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use crate::error::{chain, panic_message};

type ConnectFn = dyn Fn(&Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// A closure that runs on each connection, with an identity under which what was made with it may be kept.
#[derive(Clone)]
pub(crate) struct OnConnect {
    run: Arc<ConnectFn>,
    /// The type of a closure that captures nothing; `None` for one that captures something.
    pub(crate) identity: Option<TypeId>,
}

impl OnConnect {
    pub(crate) fn new<F, E>(connect: F) -> OnConnect
    where
        F: Fn(&Connection) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let identity = (std::mem::size_of::<F>() == 0).then(TypeId::of::<F>);
        OnConnect { run: Arc::new(move |conn: &Connection| connect(conn).map_err(Into::into)), identity }
    }

    /// Runs it on a connection; what it returns or panics with becomes SQLite's error of opening the connection.
    pub(crate) fn run(&self, conn: &Connection) -> rusqlite::Result<()> {
        let problem = match catch_unwind(AssertUnwindSafe(|| (self.run)(conn))) {
            Ok(Ok(())) if conn.is_autocommit() => return Ok(()),
            Ok(Ok(())) => "`on_connect` left a transaction open: commit it before returning".to_string(),
            Ok(Err(error)) => format!("`on_connect` failed: {}", chain(error.as_ref())),
            Err(panic) => format!("`on_connect` panicked: {}", panic_message(panic.as_ref())),
        };
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(problem)))
    }
}

/// Set if both are one closure for certain.
impl PartialEq for OnConnect {
    fn eq(&self, other: &OnConnect) -> bool {
        Arc::ptr_eq(&self.run, &other.run) || self.identity.is_some() && self.identity == other.identity
    }
}

impl fmt::Debug for OnConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("|conn| …")
    }
}
