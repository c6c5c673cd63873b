//! Opening a connection the way a bind's options say.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{ffi, Connection, ErrorCode, OpenFlags};

use super::location::{read_only, Location};
use crate::config::{EngineOptions, OnConnect};
use crate::instrument::Faults;
use crate::instrument::{unwatched, Watch};
use crate::sqlite::script::quote;
use crate::sqlite::vfs::disk::with_faults;
use crate::sqlite::vfs::Opener;
use crate::sqlite::{is_locked_out, SCHEMA};

/// How every connection of a bind is set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    busy_timeout: Duration,
    foreign_keys: bool,
    pragmas: Vec<(String, Value)>,
    on_connect: Arc<[OnConnect]>,
    /// Who is told of the statements.
    watch: Arc<Watch>,
    /// What a test has it answer.
    faults: Arc<Faults>,
}

/// SQLite's busy timeout unless the user sets one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether connections with these options enforce foreign keys: they do unless the user says otherwise.
pub(crate) fn enforces_keys(options: &EngineOptions) -> bool {
    options.foreign_keys.unwrap_or(true)
}

impl Setup {
    pub(crate) fn new(options: &EngineOptions, bind: &str, faults: Arc<Faults>) -> Setup {
        Setup {
            busy_timeout: options.busy_timeout.unwrap_or(BUSY_TIMEOUT),
            foreign_keys: enforces_keys(options),
            pragmas: options.pragmas.clone(),
            on_connect: options.on_connect.as_slice().into(),
            watch: Watch::new(bind, options.echo.unwrap_or(false), Arc::clone(&faults)),
            faults,
        }
    }

    /// How long a connection waits for a lock.
    pub(crate) fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }

    /// Whether a connection enforces foreign keys.
    pub(super) fn enforces_keys(&self) -> bool {
        self.foreign_keys
    }

    /// Who is told of the statements.
    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// What a test has the database answer.
    pub(crate) fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// A connection that tells nobody of its statements and that SQLite lets write nothing.
    pub(crate) fn open_read_only(&self, location: &Location, opener: Opener) -> rusqlite::Result<Connection> {
        let uri = self.read_only_uri(location, opener);
        let opened = unwatched(|| Connection::open_with_flags(&uri, location.read_only_flags())).and_then(|conn| {
            self.apply_read_only(&conn, location.path().is_some())?;
            Ok(conn)
        });
        opened.map_err(|error| named(location, &uri, error))
    }

    /// A connection that tells nobody of its statements.
    pub(crate) fn open(&self, location: &Location, opener: Opener) -> rusqlite::Result<Connection> {
        let uri = self.uri(location, opener);
        let opened = unwatched(|| Connection::open_with_flags(&uri, location.flags())).and_then(|conn| {
            self.apply(&conn, location.path().is_some())?;
            Ok(conn)
        });
        opened.map_err(|error| named(location, &uri, error))
    }

    /// A connection that only looks, waits for no lock, and has nothing to itself.
    pub(super) fn open_observer(&self, location: &Location) -> rusqlite::Result<Connection> {
        let uri = self.uri(location, Opener::Harness);
        let opened = unwatched(|| Connection::open_with_flags(&uri, location.flags())).and_then(|conn| {
            conn.busy_timeout(Duration::ZERO)?;
            // It keeps its notes in memory.
            conn.execute_batch("PRAGMA temp_store = memory")?;
            Ok(conn)
        });
        opened.map_err(|error| named(location, &uri, error))
    }

    /// A connection that runs no statement, and answers on every thread.
    pub(super) fn open_idle(&self, location: &Location) -> rusqlite::Result<Connection> {
        let (uri, flags) = (self.uri(location, Opener::Harness), location.flags());
        let flags = flags.difference(OpenFlags::SQLITE_OPEN_NO_MUTEX) | OpenFlags::SQLITE_OPEN_FULL_MUTEX;
        unwatched(|| Connection::open_with_flags(&uri, flags)).map_err(|error| named(location, &uri, error))
    }

    /// Runs the pragmas that bear on what a connection reads, and none that changes the database or takes it for itself; then
    /// the application's own code.
    pub(super) fn apply_what_reads(&self, conn: &Connection, location: &Location) -> rusqlite::Result<()> {
        if self.pragmas.is_empty() && self.on_connect.is_empty() {
            return Ok(());
        }
        check_schema_lock(conn, location)?;
        for (name, value) in self.pragmas.iter().filter(|(name, _)| !is(name, "locking_mode")) {
            let value = match value {
                Value::Integer(number) => number.to_string(),
                Value::Real(number) => format!("{number:?}"),
                Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
                // No pragma takes one, and the bind has not started with it.
                Value::Null | Value::Blob(_) => continue,
            };
            let mut pragma = conn.prepare(&format!("PRAGMA {} = {value}", quote(name)))?;
            if pragma.readonly() {
                let mut rows = pragma.query([])?;
                while rows.next()?.is_some() {}
            }
        }
        self.connected(conn)?;
        conn.busy_timeout(Duration::ZERO)?;
        conn.execute_batch("PRAGMA query_only = false; PRAGMA read_uncommitted = false")
    }

    /// The URI of a pool's connections and of a session's, which meet the faults of a file too, and of the harness's.
    pub(super) fn uri(&self, location: &Location, opener: Opener) -> String {
        match location {
            Location::File(_) if opener != Opener::Harness => with_faults(location.uri_for(opener), &self.faults),
            // One in memory knows its faults itself; elsewhere there is no file, and the harness itself meets none.
            _ => location.uri_for(opener),
        }
    }

    /// The same for one that only reads, of a database that is not in a shared cache.
    pub(super) fn read_only_uri(&self, location: &Location, opener: Opener) -> String {
        read_only(self.uri(location, opener))
    }

    /// Sets a connection up; `on_disk` where nothing has to survive a power cut.
    pub(crate) fn apply(&self, conn: &Connection, on_disk: bool) -> rusqlite::Result<()> {
        self.apply_options(conn, on_disk)?;
        self.connected(conn)
    }

    /// The same without the application's own code.
    pub(crate) fn apply_options(&self, conn: &Connection, on_disk: bool) -> rusqlite::Result<()> {
        conn.busy_timeout(self.busy_timeout)?;
        self.apply_pragmas(conn, on_disk, &|done| done)
    }

    /// Runs the application's own code for a connection.
    pub(crate) fn connected(&self, conn: &Connection) -> rusqlite::Result<()> {
        unwatched(|| self.on_connect.iter().try_for_each(|connect| connect.run(conn)))
    }

    /// The same as [`apply`](Setup::apply) for one that cannot write.
    fn apply_read_only(&self, conn: &Connection, on_disk: bool) -> rusqlite::Result<()> {
        conn.busy_timeout(self.busy_timeout)?;
        self.apply_pragmas(conn, on_disk, &unless_it_writes)?;
        self.connected(conn)
    }

    /// Whether there are pragmas, some of which may stay with a database.
    pub(super) fn has_pragmas(&self) -> bool {
        !self.pragmas.is_empty()
    }

    /// The same without waiting for a lock, for one of a pool: that is a lock error here, and what is done by then may be
    /// done again.
    pub(super) fn apply_at_once(
        &self,
        conn: &Connection,
        location: &Location,
        read_only: bool,
    ) -> rusqlite::Result<()> {
        conn.busy_timeout(Duration::ZERO)?;
        if !self.pragmas.is_empty() || !self.on_connect.is_empty() {
            check_schema_lock(conn, location)?;
        }
        self.apply_pragmas(conn, location.path().is_some(), &|done| {
            if read_only {
                unless_it_writes(done)
            } else {
                done
            }
        })?;
        self.connected(conn)
    }

    fn apply_pragmas(
        &self,
        conn: &Connection,
        on_disk: bool,
        judge: &dyn Fn(rusqlite::Result<()>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, self.foreign_keys)?;
        unwatched(|| {
            if on_disk {
                conn.execute_batch("PRAGMA synchronous = OFF")?;
            }
            for (name, value) in self.pragmas.iter().filter(|(name, _)| !is(name, "busy_timeout")) {
                // A pragma may answer with a row or not; either is fine.
                judge(conn.pragma_update(None, name, value))?;
            }
            // Last, for it is how long those before would wait.
            conn.busy_timeout(self.busy_timeout)?;
            for (name, value) in self.pragmas.iter().filter(|(name, _)| is(name, "busy_timeout")) {
                conn.pragma_update(None, name, value)?;
            }
            Ok(())
        })
    }
}

/// Whether a pragma is the one of that name.
fn is(name: &str, pragma: &str) -> bool {
    name.eq_ignore_ascii_case(pragma)
}

/// The error, if another connection's lock on the schema of a shared cache is in the way: built with its feature
/// `unlock_notify`, rusqlite would wait for it without a limit.
fn check_schema_lock(conn: &Connection, location: &Location) -> rusqlite::Result<()> {
    if matches!(location, Location::SharedCache(_)) && is_locked_out(conn, SCHEMA) {
        let code = ffi::Error::new(ffi::SQLITE_LOCKED_SHAREDCACHE);
        return Err(rusqlite::Error::SqliteFailure(code, Some("database schema is locked".to_string())));
    }
    Ok(())
}

/// A pragma's answer on a connection that cannot write: one that would write is one of those that stay with a database, to
/// which the harness has applied it.
fn unless_it_writes(done: rusqlite::Result<()>) -> rusqlite::Result<()> {
    match done {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => Ok(()),
        done => done,
    }
}

/// An error of opening a database under `uri`: with the name that its user knows, and with the system's reason for a file
/// that cannot be opened, which SQLite does not tell.
pub(super) fn named(location: &Location, uri: &str, error: rusqlite::Error) -> rusqlite::Error {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else { return error };
    let mut message = message.replace(uri, &location.uri());
    let path = location.path().filter(|_| code.code == ffi::ErrorCode::CannotOpen);
    if let Some(reason) = path.and_then(reason) {
        message = format!("{message}: {reason}");
    }
    rusqlite::Error::SqliteFailure(code, Some(message))
}

/// Why the system does not open a file, found out without opening it: on Unix, closing a file takes away the locks that
/// the whole process has on it.
fn reason(path: &Path) -> Option<io::Error> {
    /// A connection has as many open: the database, its log and the log's index.
    const FILES: usize = 3;
    if let Err(reason) = path.metadata() {
        return Some(reason);
    }
    let folder = path.parent()?;
    let mut open = Vec::new();
    for _ in 0..FILES {
        match File::open(folder) {
            Ok(file) => open.push(file),
            Err(reason) => return Some(reason),
        }
    }
    None
}

/// Renames a connection's `main` schema, so that `auth.user` resolves on a connection to `auth` alone.
///
/// `main` stays an alias. `name` must live until the connection is closed or renamed: SQLite keeps the pointer, see
/// `SQLITE_DBCONFIG_MAINDBNAME` in <https://sqlite.org/c3ref/c_dbconfig_defensive.html>.
///
/// # Safety
///
/// The caller keeps `name` alive and in place as long as `conn` is open under it.
pub(crate) unsafe fn rename_main(conn: &Connection, name: &CStr) -> rusqlite::Result<()> {
    // SAFETY: the handle is open, the argument is what this option takes, and the caller keeps it alive.
    let code = unsafe { ffi::sqlite3_db_config(conn.handle(), ffi::SQLITE_DBCONFIG_MAINDBNAME, name.as_ptr()) };
    match code {
        ffi::SQLITE_OK => Ok(()),
        code => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}

/// A number that every commit to the database changes, as the connection's cache knows it.
///
/// See `SQLITE_FCNTL_DATA_VERSION` in <https://sqlite.org/c3ref/c_fcntl_begin_atomic_write.html>. In a shared cache it
/// is up to date without a read.
pub(super) fn commits(conn: &Connection) -> rusqlite::Result<u32> {
    let mut version: std::ffi::c_uint = 0;
    let place = std::ptr::from_mut(&mut version).cast();
    // SAFETY: the handle is open and the operation writes one `unsigned int` to `place`.
    let code =
        unsafe { ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), ffi::SQLITE_FCNTL_DATA_VERSION, place) };
    match code {
        ffi::SQLITE_OK => Ok(version),
        code => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}

/// What `last_insert_rowid()` is on a connection until it inserts, see
/// <https://sqlite.org/c3ref/set_last_insert_rowid.html>.
pub(crate) fn set_last_insert_rowid(conn: &Connection, rowid: i64) {
    // SAFETY: the handle is open.
    unsafe { ffi::sqlite3_set_last_insert_rowid(conn.handle(), rowid) }
}

/// `ATTACH` under any name a key can be.
pub(crate) fn attach(conn: &Connection, uri: &str, name: &str) -> rusqlite::Result<()> {
    conn.execute(&format!("ATTACH ?1 AS {}", quote(name)), [uri]).map(drop)
}
