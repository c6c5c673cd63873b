//! Limits for the SQL of schemas and data files: it opens no file and does not run for ever.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::{ffi, Connection};

use crate::config::process_wide;
use crate::error::advised;
use crate::list::has_name;
use crate::sqlite::{Authorized, Question, Stoppable};
use crate::sync::lock;

/// A connection on which no statement opens a file or runs past a limit, for as long as this lives.
///
/// It takes the connection's authorizer and progress handler, so code of the user's does not run meanwhile.
#[derive(Debug)]
pub(crate) struct Confined<'c> {
    _authorized: Authorized<&'c Connection>,
    _stoppable: Stoppable<'c>,
    refused: Arc<Mutex<Option<Forbidden>>>,
    journal_mode: Arc<Mutex<Option<String>>>,
    /// Set once a pragma has set something of the connection.
    set: Arc<AtomicBool>,
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

impl<'c> Confined<'c> {
    pub(crate) fn new(conn: &'c Connection, limit: Duration) -> Confined<'c> {
        let refused = Arc::new(Mutex::new(None));
        let note = {
            let refused = Arc::clone(&refused);
            move |why| *lock(&refused) = Some(why)
        };
        let also_note = note.clone();
        let journal_mode = Arc::<Mutex<Option<String>>>::default();
        let asked = Arc::clone(&journal_mode);
        let set = Arc::<AtomicBool>::default();
        let sets = Arc::clone(&set);
        let judge = move |question: &Question<'_>| {
            if let Some(mode) = asked_journal_mode(question) {
                *lock(&asked) = Some(mode.to_string());
            }
            if sets_connection(question) {
                sets.store(true, Ordering::Relaxed);
            }
            let refused = refusal(question);
            let is_allowed = refused.is_none();
            refused.into_iter().for_each(&note);
            is_allowed
        };
        let authorized = Authorized::new(conn, Box::new(judge));
        let started = Instant::now();
        let look = move || {
            let over = started.elapsed() >= limit;
            if over {
                also_note(Forbidden::TooLong(limit));
            }
            over
        };
        let stoppable = Stoppable::new(conn, BETWEEN_LOOKS, Box::new(look));
        Confined { _authorized: authorized, _stoppable: stoppable, refused, journal_mode, set }
    }

    /// Returns the journal mode that a statement has asked for since this was last called.
    pub(super) fn take_journal_mode(&self) -> Option<String> {
        lock(&self.journal_mode).take()
    }

    /// Returns whether a pragma may have set something of the connection since this was last called.
    pub(super) fn take_set(&self) -> bool {
        self.set.swap(false, Ordering::Relaxed)
    }

    /// Returns the problem of a statement that failed: the refusal here, else SQLite's message.
    pub(crate) fn problem(&self, error: &rusqlite::Error) -> String {
        match &*lock(&self.refused) {
            Some(why) => why.to_string(),
            None => advised(error),
        }
    }
}

/// Returns the value of `PRAGMA journal_mode = …` for the main database.
fn asked_journal_mode<'a>(question: &Question<'a>) -> Option<&'a str> {
    let asks = question.action == ffi::SQLITE_PRAGMA
        && question.first().is_some_and(|pragma| pragma.eq_ignore_ascii_case("journal_mode"))
        && question.schema().is_none_or(|of| of == "main");
    if asks {
        question.second()
    } else {
        None
    }
}

/// Returns whether a pragma may set something that is the connection's, beside the enforcement of foreign keys. Of those with an
/// argument only these are known to set none: they set something of the database, or of the file that it will be.
fn sets_connection(question: &Question<'_>) -> bool {
    const OF_THE_DATABASE: [&str; 7] =
        ["application_id", "auto_vacuum", "encoding", "foreign_keys", "journal_mode", "page_size", "user_version"];
    question.action == ffi::SQLITE_PRAGMA
        && question.second().is_some()
        && question.first().is_some_and(|pragma| !has_name(&OF_THE_DATABASE, pragma))
}

fn refusal(question: &Question<'_>) -> Option<Forbidden> {
    match question.action {
        ffi::SQLITE_ATTACH => match question.first() {
            // `VACUUM` attaches a database without a name, which is SQLite's own temporary one.
            Some("" | ":memory:") => None,
            // Without a name it is an expression.
            file => Some(Forbidden::File(file.map(str::to_string))),
        },
        ffi::SQLITE_PRAGMA => {
            question.second()?;
            process_wide(question.first()?).map(Forbidden::Pragma)
        }
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
