//! A connection to what is no harness's, as it was opened.

use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;
use std::thread::{self, Thread};

use rusqlite::ffi;

use super::place::Place;
use crate::url::redacted_file;

/// A connection to what is no harness's; from [`OutsideGuard::refused`](crate::guards::OutsideGuard::refused).
///
/// Its text says what was opened, on which thread, and from which place in the code.
#[derive(Clone)]
pub struct Stray {
    file: Option<String>,
    thread: Thread,
    place: Option<Arc<Place>>,
}

impl Stray {
    /// Returns the stray of a connection that opens.
    ///
    /// # Safety
    ///
    /// The connection is open and this thread's.
    pub(super) unsafe fn of(db: *mut ffi::sqlite3, place: Option<Place>) -> Stray {
        // SAFETY: the connection is open; the name is null, or ends with a NUL and lives as long as the connection.
        let file = unsafe {
            let name = ffi::sqlite3_db_filename(db, c"main".as_ptr());
            (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
        };
        Stray { file: file.filter(|file| !file.is_empty()), thread: thread::current(), place: place.map(Arc::new) }
    }

    /// Returns the stray of a connection that attaches a file of that name.
    pub(super) fn attached(name: &CStr, place: Place) -> Stray {
        let file = Some(name.to_string_lossy().into_owned());
        Stray { file, thread: thread::current(), place: Some(Arc::new(place)) }
    }

    /// Returns the file as SQLite spells it, without the parameters of its URI; `None` for a database in memory, or a
    /// temporary one. It may have a password, where a server's URL was taken for the name of a file.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Returns the thread that opened it.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    /// Returns the place in the code that opened it, the first that is neither a dependency's nor the toolchain's:
    /// `src/visits.rs:14, my_app::visits::open`. `None` where a driver opened it on a thread of its own, or where too many
    /// were opened.
    pub fn place(&self) -> Option<&str> {
        self.place.as_ref().and_then(|place| place.text())
    }

    /// Returns the short name for it: `:memory:`, or the file without what may be a password.
    pub(crate) fn name(&self) -> String {
        self.file.as_deref().map_or(":memory:".to_string(), redacted_file)
    }

    /// Returns the words for its database.
    pub(crate) fn database(&self) -> String {
        match &self.file {
            Some(file) => format!("the file `{}`", redacted_file(file)),
            None => "a private database in memory".to_string(),
        }
    }

    /// Returns the words for its opening.
    pub(crate) fn opening(&self) -> String {
        let thread =
            self.thread.name().map_or("a thread without a name".to_string(), |name| format!("thread `{name}`"));
        match self.place() {
            Some(place) => format!("opened on {thread} at {place}"),
            None => format!("opened on {thread}"),
        }
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.database(), self.opening())
    }
}

impl fmt::Debug for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stray").field("name", &self.name()).field("thread", &self.thread).finish_non_exhaustive()
    }
}
