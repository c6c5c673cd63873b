//! The connections that the process opens to what is no harness's: refused as they open, where a test says so.

use std::ffi::CStr;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, Thread};

use rusqlite::ffi;

use crate::sqlite::private::is_opening;
use crate::sync::lock;

/// The bans that are alive, the first that was made first.
static BANS: RwLock<Vec<Arc<Ban>>> = RwLock::new(Vec::new());

/// A ban on opening what is outside.
#[derive(Debug)]
struct Ban {
    place: &'static Location<'static>,
    refused: Mutex<Vec<Stray>>,
    /// Set if the test has asked what was refused.
    asked: AtomicBool,
}

/// A connection to what is no harness's, refused as it opened; from
/// [`OutsideGuard::refused`](crate::guards::OutsideGuard::refused).
///
/// Its text says what was opened, and on which thread.
#[derive(Clone, Debug)]
pub struct Stray {
    file: Option<String>,
    thread: Thread,
}

impl Stray {
    /// Returns the file as SQLite spells it, without the parameters of its URI; `None` for a database in memory, or a
    /// temporary one.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Returns the thread that opened it.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "the file `{file}`")?,
            None => f.write_str("a private database in memory")?,
        }
        match self.thread.name() {
            Some(name) => write!(f, ", on thread `{name}`"),
            None => f.write_str(", on a thread without a name"),
        }
    }
}

/// A ban, as long as the value lives.
#[derive(Debug)]
pub(crate) struct Banning(Arc<Ban>);

impl Banning {
    /// Refuses every opening from here on that is no harness's.
    pub(crate) fn begin(place: &'static Location<'static>) -> Banning {
        let ban = Arc::new(Ban { place, refused: Mutex::default(), asked: AtomicBool::new(false) });
        BANS.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&ban));
        Banning(ban)
    }

    /// Returns the place of the call in the test.
    pub(crate) fn place(&self) -> &'static Location<'static> {
        self.0.place
    }

    /// Returns what was refused so far, which the test has now asked.
    pub(crate) fn refused(&self) -> Vec<Stray> {
        self.0.asked.store(true, Ordering::Relaxed);
        lock(&self.0.refused).clone()
    }

    /// Ends the ban, and gives what was refused if the test has never asked.
    pub(crate) fn end(&self) -> Vec<Stray> {
        BANS.write().unwrap_or_else(PoisonError::into_inner).retain(|ban| !Arc::ptr_eq(ban, &self.0));
        if self.0.asked.load(Ordering::Relaxed) {
            return Vec::new();
        }
        lock(&self.0.refused).clone()
    }
}

impl Drop for Banning {
    fn drop(&mut self) {
        self.end();
    }
}

/// Refuses a connection that opens and is no harness's, if a ban lives; returns the words for it.
///
/// # Safety
///
/// The connection is open and this thread's.
pub(super) unsafe fn refuse(db: *mut ffi::sqlite3) -> Option<String> {
    let ban = BANS.read().unwrap_or_else(PoisonError::into_inner).first().map(Arc::clone)?;
    // Our own.
    if is_opening() || is_pools_thread() {
        return None;
    }
    // SAFETY: the connection is open; the name is null, or ends with a NUL and lives as long as the connection.
    let file = unsafe {
        let name = ffi::sqlite3_db_filename(db, c"main".as_ptr());
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    };
    let stray = Stray { file: file.filter(|file| !file.is_empty()), thread: thread::current() };
    let words =
        format!("refused by `deny_outside()` at {}: this opens {stray}, which is no bind of a harness", ban.place);
    lock(&ban.refused).push(stray);
    Some(words)
}

/// Returns whether this is a thread of this crate's pools, on which `r2d2_sqlite` opens a connection to nothing before the
/// bind's takes its place.
fn is_pools_thread() -> bool {
    thread::current().name().is_some_and(|name| name.starts_with("multibind-"))
}
