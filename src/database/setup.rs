//! Opening a connection the way a bind's options say.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode};

use crate::config::EngineOptions;
use crate::instrument::Faults;
use crate::instrument::{unwatched, Watch};
use crate::sqlite::script::quote;
use crate::sqlite::vfs::Opener;
use crate::sqlite::OnConnect;
use crate::storage::{self, named, read_only, Store};

/// The set-up of every connection of a bind.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    busy_timeout: Duration,
    foreign_keys: bool,
    pragmas: Vec<(String, Value)>,
    on_connect: Arc<[OnConnect]>,
    /// The watch that statements are reported to.
    watch: Arc<Watch>,
    /// The faults that tests set.
    faults: Arc<Faults>,
}

/// SQLite's busy timeout unless the user sets one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns whether connections with these options enforce foreign keys: they do unless the user says otherwise.
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

    /// Returns how long a connection waits for a lock.
    pub(crate) fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }

    /// Returns whether a connection enforces foreign keys.
    pub(super) fn enforces_keys(&self) -> bool {
        self.foreign_keys
    }

    /// Returns the watch that statements are reported to.
    pub(crate) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }

    /// Returns the faults that tests set.
    pub(crate) fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// Opens a connection that reports no statements and on which SQLite refuses to write.
    pub(crate) fn open_read_only(&self, store: &dyn Store, opener: Opener) -> rusqlite::Result<Connection> {
        let uri = self.read_only_uri(store, opener);
        let conn = storage::open_read_only(store, &uri)?;
        self.apply_read_only(&conn, store.path().is_some()).map_err(|error| named(store, &uri, error))?;
        Ok(conn)
    }

    /// Opens a connection that reports no statements.
    pub(crate) fn open(&self, store: &dyn Store, opener: Opener) -> rusqlite::Result<Connection> {
        let uri = store.uri_with(opener, &self.faults);
        let conn = storage::open(store, &uri)?;
        self.apply(&conn, store.path().is_some()).map_err(|error| named(store, &uri, error))?;
        Ok(conn)
    }

    /// Opens a connection that only looks, waits for no lock, and locks nothing for itself.
    pub(super) fn open_observer(&self, store: &dyn Store) -> rusqlite::Result<Connection> {
        let uri = store.uri_with(Opener::Harness, &self.faults);
        let conn = storage::open(store, &uri)?;
        conn.busy_timeout(Duration::ZERO).map_err(|error| named(store, &uri, error))?;
        // It keeps its notes in memory.
        conn.execute_batch("PRAGMA temp_store = memory").map_err(|error| named(store, &uri, error))?;
        Ok(conn)
    }

    /// Runs the pragmas that bear on what a connection reads, and none that changes the database or takes it for
    /// itself; then the application's own code.
    pub(super) fn apply_what_reads(&self, conn: &Connection, store: &dyn Store) -> rusqlite::Result<()> {
        if self.pragmas.is_empty() && self.on_connect.is_empty() {
            return Ok(());
        }
        store.check_schema_lock(conn)?;
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

    /// Returns the URI of a pool's or a session's connection, which meets the faults.
    pub(super) fn uri(&self, store: &dyn Store, opener: Opener) -> String {
        store.uri_with(opener, &self.faults)
    }

    /// Returns the URI of one that only reads, of a database that is not in a shared cache.
    pub(super) fn read_only_uri(&self, store: &dyn Store, opener: Opener) -> String {
        read_only(self.uri(store, opener))
    }

    /// Sets a connection up; `on_disk` where nothing has to survive a power cut.
    pub(crate) fn apply(&self, conn: &Connection, on_disk: bool) -> rusqlite::Result<()> {
        self.apply_options(conn, on_disk)?;
        self.connected(conn)
    }

    /// Sets a connection up without the application's own code.
    pub(crate) fn apply_options(&self, conn: &Connection, on_disk: bool) -> rusqlite::Result<()> {
        conn.busy_timeout(self.busy_timeout)?;
        self.apply_pragmas(conn, on_disk, &|done| done)
    }

    /// Runs the application's own code for a connection.
    pub(crate) fn connected(&self, conn: &Connection) -> rusqlite::Result<()> {
        unwatched(|| self.on_connect.iter().try_for_each(|connect| connect.run(conn)))
    }

    /// Sets a connection up that cannot write.
    fn apply_read_only(&self, conn: &Connection, on_disk: bool) -> rusqlite::Result<()> {
        conn.busy_timeout(self.busy_timeout)?;
        self.apply_pragmas(conn, on_disk, &unless_it_writes)?;
        self.connected(conn)
    }

    /// Returns whether the application's own code runs for a connection.
    pub(super) fn runs_code(&self) -> bool {
        !self.on_connect.is_empty()
    }

    /// Returns whether there are pragmas, some of which may stay with a database.
    pub(super) fn has_pragmas(&self) -> bool {
        !self.pragmas.is_empty()
    }

    /// Sets a connection of a pool up without waiting for a lock: that is a lock error here, and what is done by then
    /// may be done again.
    pub(super) fn apply_at_once(&self, conn: &Connection, store: &dyn Store, read_only: bool) -> rusqlite::Result<()> {
        conn.busy_timeout(Duration::ZERO)?;
        if !self.pragmas.is_empty() || !self.on_connect.is_empty() {
            store.check_schema_lock(conn)?;
        }
        self.apply_pragmas(conn, store.path().is_some(), &|done| {
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

/// Returns whether a pragma is the one of that name.
fn is(name: &str, pragma: &str) -> bool {
    name.eq_ignore_ascii_case(pragma)
}

/// Returns a pragma's answer on a connection that cannot write: one that would write is one of those that stay with a
/// database, to which the harness has applied it.
fn unless_it_writes(done: rusqlite::Result<()>) -> rusqlite::Result<()> {
    match done {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => Ok(()),
        done => done,
    }
}
