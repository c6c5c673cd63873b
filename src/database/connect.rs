//! Opening a connection the way a bind's options say.

use std::ffi::CStr;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{ffi, Connection, ErrorCode, Statement};

use super::disk::with_faults;
use super::fault::Faults;
use super::location::{read_only, Location};
use super::memory::Opener;
use super::watch::Watch;
use crate::config::{EngineOptions, OnConnect};
use crate::list::mapped;
use crate::script::quote;

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

impl Setup {
    pub(crate) fn new(options: &EngineOptions, bind: &str, faults: Arc<Faults>) -> Setup {
        Setup {
            busy_timeout: options.busy_timeout.unwrap_or(BUSY_TIMEOUT),
            foreign_keys: options.foreign_keys.unwrap_or(true),
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
        let opened = Connection::open_with_flags(&uri, location.read_only_flags()).and_then(|conn| {
            self.apply_read_only(&conn, location.path().is_some())?;
            Ok(conn)
        });
        opened.map_err(|error| with_reason(naming(location, &uri, error), location))
    }

    /// A connection that tells nobody of its statements.
    pub(crate) fn open(&self, location: &Location, opener: Opener) -> rusqlite::Result<Connection> {
        let uri = self.uri(location, opener);
        let opened = Connection::open_with_flags(&uri, location.flags()).and_then(|conn| {
            self.apply(&conn, location.path().is_some())?;
            Ok(conn)
        });
        opened.map_err(|error| with_reason(naming(location, &uri, error), location))
    }

    /// The URI of this crate's own connections and of the pool's, which meet the faults of a file too.
    pub(super) fn uri(&self, location: &Location, opener: Opener) -> String {
        match location {
            Location::File(_) => with_faults(location.uri_for(opener), &self.faults),
            // One in memory knows its faults itself; elsewhere there is no file.
            Location::Memory(_) | Location::SharedCache(_) | Location::MemDb(_) => location.uri_for(opener),
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
        self.apply_each(conn, on_disk, |done| done)
    }

    /// Runs the application's own code for a connection.
    pub(crate) fn connected(&self, conn: &Connection) -> rusqlite::Result<()> {
        self.on_connect.iter().try_for_each(|connect| connect.run(conn))
    }

    /// The same for one that cannot write: a pragma that would is one of those that stay with a database, to which the
    /// harness has applied it.
    pub(crate) fn apply_read_only(&self, conn: &Connection, on_disk: bool) -> rusqlite::Result<()> {
        self.apply_each(conn, on_disk, |done| match done {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => Ok(()),
            done => done,
        })?;
        self.connected(conn)
    }

    /// Whether there are pragmas, some of which may stay with a database.
    pub(super) fn has_pragmas(&self) -> bool {
        !self.pragmas.is_empty()
    }

    fn apply_each(
        &self,
        conn: &Connection,
        on_disk: bool,
        judge: impl Fn(rusqlite::Result<()>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        conn.busy_timeout(self.busy_timeout)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, self.foreign_keys)?;
        if on_disk {
            conn.execute_batch("PRAGMA synchronous = OFF")?;
        }
        for (name, value) in &self.pragmas {
            // A pragma may answer with a row or not; either is fine.
            judge(conn.pragma_update(None, name, value))?;
        }
        Ok(())
    }
}

/// The error of a file that SQLite cannot open, with the system's reason, which SQLite does not tell.
fn with_reason(error: rusqlite::Error, location: &Location) -> rusqlite::Error {
    /// A connection has as many open: the database, its log and the log's index.
    const FILES: usize = 3;
    let rusqlite::Error::SqliteFailure(code, message) = error else { return error };
    let path = location.path().filter(|_| code.code == ffi::ErrorCode::CannotOpen);
    let (Some(path), Some(told)) = (path, &message) else { return rusqlite::Error::SqliteFailure(code, message) };
    let mut open = Vec::new();
    for _ in 0..FILES {
        match File::open(path) {
            Ok(file) => open.push(file),
            Err(reason) => return rusqlite::Error::SqliteFailure(code, Some(format!("{told}: {reason}"))),
        }
    }
    rusqlite::Error::SqliteFailure(code, message)
}

/// An error that names the database as its user knows it.
fn naming(location: &Location, uri: &str, error: rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(message)) => {
            rusqlite::Error::SqliteFailure(failure, Some(message.replace(uri, &location.uri())))
        }
        error => error,
    }
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

/// The number that a query gives.
pub(crate) fn number(conn: &Connection, sql: &str) -> rusqlite::Result<i64> {
    conn.prepare_cached(sql)?.query_row([], |row| row.get(0))
}

/// The texts in the first column of what a query gives.
pub(crate) fn texts(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut select = conn.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next()? {
        texts.push(row.get(0)?);
    }
    Ok(texts)
}

/// The names of a statement's columns.
pub(crate) fn column_names(statement: &Statement<'_>) -> Vec<String> {
    mapped(&statement.column_names(), |name| name.to_string())
}
