//! Opening a connection of a pool: the threads that pools share never wait, whatever the opening waits for, and there is an
//! answer where the database is gone.
//!
//! A [`helper`] does the work that may have to wait. The pool's thread waits for that for a moment; then it tells the pool
//! that there is no connection yet, and the pool asks again by and by.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(feature = "r2d2_sqlite")]
use rusqlite::OpenFlags;
use rusqlite::{ffi, Connection};

use super::helper;
use super::keeper::Keeper;
use super::process::{Process, FORKED};
use super::setup::Setup;
use crate::error::{capitalized, is_lock, sqlite_message, OPEN};
use crate::instrument::{spared, Watch};
use crate::sqlite::private::open_in_memory;
use crate::sqlite::vfs::Opener;
use crate::storage::{self, named, Store};
use crate::sync::{handoff, lock, Giver, Taken, Taker};

/// The source of a pool's connections. It lives as long as the database, and a clone of the pool may outlive both.
pub(super) struct Source {
    pub(super) label: String,
    pub(super) store: Arc<dyn Store>,
    pub(super) setup: Setup,
    pub(super) read_only: bool,
    /// The number of sessions that have written to the database and not committed.
    pub(super) uncommitted: Arc<AtomicUsize>,
    pub(super) keeper: Arc<Keeper>,
    /// The process that started the database.
    pub(super) process: Process,
    /// The time to wait for a lock.
    pub(super) limit: Duration,
    /// Makes the pool ask for a connection, once it is made.
    pub(super) wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// A connection that is open already, for the pool to take when it opens its next.
    pub(super) ready: Mutex<Option<Connection>>,
    /// Set if the database has ended, while a thread is still at something of it.
    pub(super) has_ended: AtomicBool,
}

/// The time that a pool's thread waits for a helper.
const MOMENT: Duration = Duration::from_millis(20);

/// Between two tries for a lock, at first and at most.
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Returns the flags of the connection that `r2d2_sqlite` opens before its set-up is run: one to nothing, for the real
/// one takes its place.
#[cfg(feature = "r2d2_sqlite")]
pub(super) fn placeholder() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_MEMORY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

type Opened = rusqlite::Result<Connection>;

/// Only its name.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// The openings of one pool.
pub(super) struct Opening {
    source: Weak<Source>,
    label: String,
    process: Process,
    /// Connections may be used for longer than the harness, and report their statements as long.
    _watch: Arc<Watch>,
    /// One that has taken longer than a moment.
    slow: Mutex<Option<Taker<Opened>>>,
    /// The error that it waits to pass, where that is known.
    waits_for: Arc<Mutex<Option<rusqlite::Error>>>,
    /// Set if it has answered that there is no database.
    has_refused: AtomicBool,
}

impl Opening {
    pub(super) fn of(source: &Arc<Source>) -> Opening {
        Opening {
            source: Arc::downgrade(source),
            label: source.label.clone(),
            process: source.process,
            _watch: Arc::clone(source.setup.watch()),
            slow: Mutex::default(),
            waits_for: Arc::default(),
            has_refused: AtomicBool::new(false),
        }
    }

    /// Opens a connection, or says that there is none yet.
    pub(super) fn connect(&self) -> Opened {
        if !self.process.is_this() {
            return self.refuse(FORKED);
        }
        let Some(source) = living(&self.source) else { return self.refuse(&has_ended(&self.label)) };
        if source.never_waits() {
            let ready = lock(&source.ready).take();
            return ready.map_or_else(|| source.open(), Ok);
        }
        let mut slow = lock(&self.slow);
        if let Some(taker) = &*slow {
            let taken = taker.take(Duration::ZERO);
            if !matches!(taken, Taken::NotYet) {
                *slow = None;
            }
            return self.opened(taken);
        }
        drop(slow);
        let taker = self.begin()?;
        match taker.take(MOMENT) {
            Taken::NotYet => {
                let mut slow = lock(&self.slow);
                // It may have come just now, or another may have taken the place.
                let taken = taker.take(Duration::ZERO);
                if matches!(taken, Taken::NotYet) {
                    slow.get_or_insert(taker);
                }
                self.opened(taken)
            }
            taken => self.opened(taken),
        }
    }

    /// Returns the connection that was taken, or why there is none.
    fn opened(&self, taken: Taken<Opened>) -> Opened {
        match taken {
            Taken::Value(opened) => opened,
            Taken::NotYet => Err(self.not_yet()),
            Taken::Never => Err(self.panicked()),
        }
    }

    /// Makes a helper open one.
    fn begin(&self) -> rusqlite::Result<Taker<Opened>> {
        let (giver, taker) = handoff();
        let (source, waits_for) = (Weak::clone(&self.source), Arc::clone(&self.waits_for));
        let work = move || {
            let started = Instant::now();
            let opened = open_patiently(&source, &waits_for);
            *lock(&waits_for) = None;
            let is_late = started.elapsed() >= MOMENT;
            Box::new(move || hand_over(giver, opened, is_late.then_some(&source))) as Box<dyn FnOnce()>
        };
        helper::run(Box::new(work)).map_err(|error| {
            let message =
                format!("there is no thread to open a connection of the pool of bind `{}`: {error}", self.label);
            failure(ffi::SQLITE_NOMEM, message)
        })?;
        Ok(taker)
    }

    fn not_yet(&self) -> rusqlite::Error {
        let waits_for = lock(&self.waits_for);
        let reason = waits_for.as_ref().map_or("it takes its time".to_string(), sqlite_message);
        not_open(&self.label, &reason)
    }

    fn panicked(&self) -> rusqlite::Error {
        failure(ffi::SQLITE_ERROR, format!("opening a connection of the pool of bind `{}` panicked", self.label))
    }

    /// Answers where there is no database. `r2d2` hands an error out only when the wait for a connection is over, so
    /// one who waits for longer gets a connection that answers every statement with the error.
    fn refuse(&self, why: &str) -> Opened {
        if self.has_refused.swap(true, Ordering::Relaxed) {
            return without_database(why);
        }
        Err(failure(ffi::SQLITE_CANTOPEN, why.to_string()))
    }
}

/// Returns the error of a connection that waits for a lock.
fn not_open(label: &str, reason: &str) -> rusqlite::Error {
    let message = format!("a new connection of the pool of bind `{label}` is not open yet: {reason}");
    failure(ffi::SQLITE_BUSY, message)
}

/// Returns what a database that has not ended is opened from.
fn living(source: &Weak<Source>) -> Option<Arc<Source>> {
    source.upgrade().filter(|source| !source.has_ended.load(Ordering::Relaxed))
}

/// Hands over what was opened. A pool that got the answer that there is none yet is asked for one, so that it asks in turn.
fn hand_over(giver: Giver<Opened>, opened: Opened, late: Option<&Weak<Source>>) {
    // A pool that is gone needs none.
    if giver.give(opened).is_ok()
        && let Some(source) = late.and_then(living)
        && let Some(wake) = source.wake.get()
    {
        wake();
    }
}

/// Opens a connection and sets it up. A lock is waited for here and not in SQLite, so that the wait ends with the
/// database.
fn open_patiently(source: &Weak<Source>, waits_for: &Mutex<Option<rusqlite::Error>>) -> Opened {
    let (started, mut pause, mut opened) = (Instant::now(), PAUSE, None);
    loop {
        let Some(source) = living(source) else {
            return Err(failure(ffi::SQLITE_ABORT, "the harness has ended meanwhile".to_string()));
        };
        let conn = match opened.take() {
            Some(conn) => conn,
            None => source.connect()?,
        };
        match source.set_up(&conn) {
            Ok(()) => return Ok(conn),
            Err(error) if !is_lock(&error) => return Err(named(&*source.store, &source.uri(), error)),
            Err(error) => {
                let error = source.locked(error);
                if started.elapsed() >= source.limit {
                    // The pool may take this error or that of a connection that still waits: both read alike.
                    return Err(not_open(&source.label, &sqlite_message(&error)));
                }
                *lock(waits_for) = Some(error);
                opened = Some(conn);
            }
        }
        drop(source);
        thread::sleep(pause);
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

impl Source {
    /// Returns whether a connection is opened without a lock, a disk, and a mutex that a running statement holds.
    fn never_waits(&self) -> bool {
        self.store.never_waits() && !self.setup.has_pragmas()
    }

    /// Returns whether a connection is opened without any wait and without code of the application's, which may wait.
    pub(super) fn opens_at_once(&self) -> bool {
        self.never_waits() && !self.setup.runs_code()
    }

    /// Opens the connection that the pool is to open next, on this thread, which is awake and has the memory at hand: the pool's
    /// thread then hands it over. Where that fails, the pool's thread fails too, and says so.
    pub(super) fn open_next(&self) {
        let opened = self.open().ok();
        self.set_ready(opened);
    }

    /// Closes what the pool has not taken, and keeps another.
    pub(super) fn set_ready(&self, next: Option<Connection>) {
        let before = std::mem::replace(&mut *lock(&self.ready), next);
        // A connection is not closed under the lock.
        drop(before);
    }

    fn open(&self) -> Opened {
        let conn = self.connect()?;
        self.set_up(&conn)?;
        Ok(conn)
    }

    fn uri(&self) -> String {
        if self.read_only {
            self.setup.read_only_uri(&*self.store, Opener::Pool)
        } else {
            self.setup.uri(&*self.store, Opener::Pool)
        }
    }

    fn connect(&self) -> Opened {
        let uri = self.uri();
        if self.store.shares_cache() {
            self.keeper.await_turn();
        }
        if self.read_only {
            storage::open_read_only(&*self.store, &uri)
        } else {
            storage::open(&*self.store, &uri)
        }
    }

    fn set_up(&self, conn: &Connection) -> rusqlite::Result<()> {
        spared(|| self.setup.apply_at_once(conn, &*self.store, self.read_only))?;
        self.setup.watch().listen(conn);
        Ok(())
    }

    /// Returns the error with who holds the lock, as far as that is known.
    fn locked(&self, error: rusqlite::Error) -> rusqlite::Error {
        let rusqlite::Error::SqliteFailure(code, _) = &error else { return error };
        let holder = if self.store.knows_its_locks() {
            self.store.writer().map(|writer| format!("{writer} holds the write lock"))
        } else {
            uncommitted(self.uncommitted.load(Ordering::Relaxed))
        };
        let holder = capitalized(&holder.unwrap_or_else(|| OPEN.to_string()));
        rusqlite::Error::SqliteFailure(*code, Some(format!("{}. {holder}", sqlite_message(&error))))
    }
}

/// Says how many sessions have written and not committed, if any has.
pub(super) fn uncommitted(sessions: usize) -> Option<String> {
    match sessions {
        0 => None,
        1 => Some("1 session has written to it and not committed".to_string()),
        many => Some(format!("{many} sessions have written to it and not committed")),
    }
}

/// Returns a connection for a pool whose harness has ended.
pub(super) fn of_ended(label: &str) -> Opened {
    without_database(&has_ended(label))
}

/// Returns a connection that has no database, and answers every statement with why.
fn without_database(why: &str) -> Opened {
    let conn = open_in_memory()?;
    // SQLite cannot read this schema, and names what it cannot read.
    conn.execute_batch("PRAGMA writable_schema = ON")?;
    let sql = "INSERT INTO sqlite_schema (type, name, tbl_name) VALUES ('table', ?1, ?1)";
    conn.execute(sql, [why])?;
    conn.execute_batch("PRAGMA writable_schema = RESET")?;
    Ok(conn)
}

fn has_ended(label: &str) -> String {
    format!("the harness of this pool of bind `{label}` has ended, and its database with it")
}

fn failure(code: std::ffi::c_int, message: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message))
}
