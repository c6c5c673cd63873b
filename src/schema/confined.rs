//! Limits for the SQL of schemas and data files: it opens no file and does not run for ever.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{ffi, Connection};

use crate::config::process_wide;
use crate::error::advised;
use crate::sqlite::{authorize, Hooked};
use crate::sync::lock;

/// A connection on which no statement opens a file or runs past a limit, for as long as this lives.
///
/// It takes the connection's authorizer and progress handler, so code of the user's does not run meanwhile.
#[derive(Debug)]
pub(crate) struct Confined<'c> {
    conn: &'c Connection,
    refused: Arc<Mutex<Option<Forbidden>>>,
    journal_mode: Arc<Mutex<Option<String>>>,
}

/// The reason why a statement was refused here, and not by SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Forbidden {
    /// `ATTACH` and `VACUUM INTO` of a file; its name where it is written out.
    File(Option<String>),
    /// A pragma that changes something for every connection of the process, and what to say of it.
    Pragma(String),
    /// The time is up.
    TooLong(Duration),
}

/// The number of bytecode instructions between two looks at the clock.
const BETWEEN_LOOKS: i32 = 10_000;

/// A progress handler. One type for setting and removing it: rusqlite's part is
/// compiled anew for each.
type ProgressHandler = Box<dyn FnMut() -> bool + Send>;

impl<'c> Confined<'c> {
    pub(crate) fn new(conn: &'c Connection, limit: Duration) -> rusqlite::Result<Confined<'c>> {
        let refused = Arc::new(Mutex::new(None));
        let note = {
            let refused = Arc::clone(&refused);
            move |why| *lock(&refused) = Some(why)
        };
        let also_note = note.clone();
        let journal_mode = Arc::<Mutex<Option<String>>>::default();
        let asked = Arc::clone(&journal_mode);
        let judge = move |context: AuthContext<'_>| {
            if let Some(mode) = asked_journal_mode(&context) {
                *lock(&asked) = Some(mode.to_string());
            }
            match refusal(context.action) {
                Some(why) => {
                    note(why);
                    Authorization::Deny
                }
                None => Authorization::Allow,
            }
        };
        authorize(conn, Some(Box::new(judge)))?;
        let started = Instant::now();
        let look = move || {
            let over = started.elapsed() >= limit;
            if over {
                also_note(Forbidden::TooLong(limit));
            }
            over
        };
        conn.progress_handler(BETWEEN_LOOKS, Some(Box::new(look) as ProgressHandler)).hooked()?;
        Ok(Confined { conn, refused, journal_mode })
    }

    /// Returns the journal mode that a statement has asked for since this was last called.
    pub(super) fn take_journal_mode(&self) -> Option<String> {
        lock(&self.journal_mode).take()
    }

    /// Returns the problem of a statement that failed: the refusal here, else SQLite's message.
    pub(crate) fn problem(&self, error: &rusqlite::Error) -> String {
        match &*lock(&self.refused) {
            Some(why) => why.to_string(),
            None => advised(error),
        }
    }
}

impl Drop for Confined<'_> {
    fn drop(&mut self) {
        // Either fails on a connection that is not this crate's own alone, and then was never set.
        let _ = authorize(self.conn, None);
        let _ = self.conn.progress_handler(0, None::<ProgressHandler>).hooked();
    }
}

/// Returns the value of `PRAGMA journal_mode = …` for the main database.
fn asked_journal_mode<'a>(context: &AuthContext<'a>) -> Option<&'a str> {
    match context.action {
        AuthAction::Pragma { pragma_name, pragma_value }
            if pragma_name.eq_ignore_ascii_case("journal_mode")
                && context.database_name.is_none_or(|of| of == "main") =>
        {
            pragma_value
        }
        _ => None,
    }
}

fn refusal(action: AuthAction<'_>) -> Option<Forbidden> {
    match action {
        // `VACUUM` attaches a database without a name, which is SQLite's own temporary one.
        AuthAction::Attach { filename: "" | ":memory:" } => None,
        AuthAction::Attach { filename } => Some(Forbidden::File(Some(filename.to_string()))),
        // The name is an expression.
        AuthAction::Unknown { code: ffi::SQLITE_ATTACH, .. } => Some(Forbidden::File(None)),
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) } => process_wide(pragma_name).map(Forbidden::Pragma),
        _ => None,
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Forbidden::File(name) => {
                let name = match name {
                    Some(name) => format!(" `{name}`"),
                    None => String::new(),
                };
                write!(
                    f,
                    "it would open the file{name}, and a schema or data reaches its own bind's database only: copy what it \
                     needs into a data file, or open the file in a migrator, with `schema_with`"
                )
            }
            Forbidden::Pragma(problem) => f.write_str(problem),
            Forbidden::TooLong(limit) => {
                write!(f, "it ran for longer than {limit:?}: if it ends at all, allow it more with `schema_timeout`")
            }
        }
    }
}
