//! A folder of files that stand for production, with which nothing may happen.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void};
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use multibind::rusqlite::{ffi, Connection};
use tempfile::TempDir;

use super::serialized::serialize;

/// Files that stand for production. Their folder is the process's current one, so that relative names lead there too.
pub(crate) struct Production {
    files: TempDir,
    /// For files that an input is put into.
    scratch: TempDir,
    /// Where the process was before.
    came_from: PathBuf,
}

/// A file as it was: when it was written and read, and what it holds.
#[derive(Debug, PartialEq, Eq)]
struct State {
    written: SystemTime,
    read: SystemTime,
    length: u64,
}

/// Long ago, and the reading before the writing, so that a file system that keeps such a time at all has to change it.
const WRITTEN: Duration = Duration::from_secs(2_000_000);
const READ: Duration = Duration::from_secs(1_000_000);

const NAMES: [&str; 4] = ["app.db", "app.db-wal", "secret.txt", "binds"];

impl Production {
    fn new() -> Production {
        let came_from = std::env::current_dir().unwrap();
        let production = Production { files: TempDir::new().unwrap(), scratch: TempDir::new().unwrap(), came_from };
        for name in NAMES {
            fs::write(production.path().join(name), content(name)).unwrap();
        }
        std::env::set_current_dir(production.path()).unwrap();
        for name in NAMES {
            let times = FileTimes::new()
                .set_accessed(SystemTime::UNIX_EPOCH + READ)
                .set_modified(SystemTime::UNIX_EPOCH + WRITTEN);
            File::options().append(true).open(name).unwrap().set_times(times).unwrap();
        }
        production
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.files.path()
    }

    /// A file for an input, in another folder.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn state(&self) -> BTreeMap<PathBuf, State> {
        let state = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            let data = entry.metadata().unwrap();
            let (written, read) = (data.modified().unwrap(), data.accessed().unwrap());
            (entry.path(), State { written, read, length: data.len() })
        };
        fs::read_dir(self.path()).unwrap().map(state).collect()
    }

    fn check(&self, before: &BTreeMap<PathBuf, State>) {
        assert_eq!(&self.state(), before, "a file of production was touched");
        for name in NAMES {
            assert!(fs::read(self.path().join(name)).unwrap() == content(name), "{name} was written to");
        }
    }
}

impl Drop for Production {
    fn drop(&mut self) {
        // Also after a panic, for the next input.
        let _ = std::env::set_current_dir(&self.came_from);
    }
}

/// What a file of production holds: a database that is one.
fn content(name: &str) -> &'static [u8] {
    static DATABASE: OnceLock<Vec<u8>> = OnceLock::new();
    match name {
        "app.db" => DATABASE.get_or_init(|| {
            let conn = Connection::open_in_memory().unwrap();
            conn.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES ('in production')").unwrap();
            serialize(&conn).unwrap()
        }),
        _ => b"of production",
    }
}

/// Does something beside files of production, and fails where one of them was touched or a file was left beside them.
///
/// One at a time in a process, which has one current folder.
pub(crate) fn guarded(work: impl FnOnce(&Production)) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let production = Production::new();
    let before = production.state();
    work(&production);
    production.check(&before);
}

thread_local! {
    static STOPS: Cell<bool> = const { Cell::new(false) };
}

/// Has every statement end that this thread runs from here on: what does not end in a session is its caller's own, and no
/// fault to look for.
pub(crate) fn stop_what_does_not_end() {
    STOPS.set(true);
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: the function has the signature asked for, lives as long as the process and opens no connection.
        let code = unsafe { ffi::sqlite3_auto_extension(Some(limit)) };
        assert_eq!(code, ffi::SQLITE_OK);
    });
}

/// What SQLite calls for each connection that is opened.
unsafe extern "C" fn limit(
    db: *mut ffi::sqlite3,
    _error: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: the handle is the one that SQLite is opening; the callback has the signature asked for, takes no context.
    unsafe { ffi::sqlite3_progress_handler(db, 1_000_000, Some(stop), std::ptr::null_mut()) };
    ffi::SQLITE_OK
}

/// Stops the statement, which has run a million instructions.
unsafe extern "C" fn stop(_context: *mut c_void) -> c_int {
    STOPS.get().into()
}
