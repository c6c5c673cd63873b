//! Faults on demand: what a bind's database is made to answer while a test looks at what the code does then.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Weak};

use super::look;
use crate::error::{argument, Error, Result};
use crate::harness::{Harness, Running};
use crate::instrument::{FaultKind, Faulting, Operation};
use crate::key::BindKey;

impl Harness {
    /// Makes a bind fail, in a way that its answer says, for as long as the [`Fault`] lives.
    ///
    /// The code under test sees SQLite's own error with its real code, and the state that SQLite leaves behind such an
    /// error. No other harness is concerned, and not what the harness itself does: assertions, snapshots, `reset` and
    /// `restore` work as ever. A [replica](crate::Bind::mirror) and its source have faults of their own, each by its key.
    /// The guide's chapter [Faults](crate::guide::faults) has whom each of them meets.
    ///
    /// | call | what happens | code |
    /// |---|---|---|
    /// | [`fail_commit`](FaultBuilder::fail_commit) | a commit hook refuses it, and SQLite rolls back | `SQLITE_CONSTRAINT_COMMITHOOK` |
    /// | [`fail_statement`](FaultBuilder::fail_statement) | the authorizer refuses a statement by what it does to a table | `SQLITE_AUTH` |
    /// | [`disk_full`](FaultBuilder::disk_full) | what a transaction writes finds no room | `SQLITE_FULL` |
    /// | [`fail_io`](FaultBuilder::fail_io) | what a transaction writes cannot be written | `SQLITE_IOERR_WRITE` |
    /// | [`read_only`](FaultBuilder::read_only) | a transaction that would write gets no further | `SQLITE_READONLY` |
    /// | [`busy`](FaultBuilder::busy) | the same, after the bind's busy timeout | `SQLITE_BUSY` |
    ///
    /// # Panics
    ///
    /// When the fault ends and has never triggered, unless the test panics anyway: see [`Fault`].
    ///
    /// ```
    /// use multibind::{row, Bind, Harness};
    ///
    /// let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let auth = db.connection("auth")?;
    ///
    /// let fault = db.fault("auth").after(1).fail_commit()?;
    /// auth.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// let error = auth.execute("INSERT INTO user VALUES ('bob')", []).unwrap_err();
    /// assert_eq!(error.sqlite_error().unwrap().extended_code, multibind::rusqlite::ffi::SQLITE_CONSTRAINT_COMMITHOOK);
    /// drop(fault);
    ///
    /// auth.execute("INSERT INTO user VALUES ('cleo')", [])?;
    /// db.assert_landed("auth", "user", row! { name: "ann" });
    /// db.assert_not_landed("auth", "user", row! { name: "bob" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fault(&self, key: impl Into<BindKey>) -> FaultBuilder {
        FaultBuilder { running: Arc::clone(self.running()), key: key.into(), after: 0, times: None, optional: false }
    }
}

/// A fault that has not begun: says how often it triggers, then what fails; from [`Harness::fault`].
///
/// ```
/// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
/// // The second transaction that writes fails, those before and after it do not.
/// let _fault = db.fault(None).after(1).times(1).disk_full()?;
/// let conn = db.connection(None)?;
/// let done = [1, 2, 3].map(|x| conn.execute("INSERT INTO t VALUES (?1)", [x]).is_ok());
/// assert_eq!(done, [true, false, true]);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing fails before it is said what: `fail_commit()`, `disk_full()`, …"]
pub struct FaultBuilder {
    running: Arc<Running>,
    key: BindKey,
    after: u64,
    times: Option<u64>,
    optional: bool,
}

impl fmt::Debug for FaultBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.call("…"))
    }
}

impl FaultBuilder {
    /// Lets `n` pass first: commits, transactions that write, whatever it is that fails.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let _fault = db.fault(None).after(2).fail_commit()?;
    /// let conn = db.connection(None)?;
    /// let done = [1, 2, 3].map(|x| conn.execute("INSERT INTO t VALUES (?1)", [x]).is_ok());
    /// assert_eq!(done, [true, true, false]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn after(mut self, n: u64) -> Self {
        self.after = n;
        self
    }

    /// Fails `n` of them and no more, for code that tries again; unless said, all.
    ///
    /// Of [`busy`](FaultBuilder::busy), `n` counts the tries of SQLite's own that find the lock taken: with
    /// a busy timeout, SQLite tries again by itself.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let _fault = db.fault(None).times(1).fail_commit()?;
    /// let conn = db.connection(None)?;
    /// let done = [1, 2].map(|x| conn.execute("INSERT INTO t VALUES (?1)", [x]).is_ok());
    /// assert_eq!(done, [false, true]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Does not fail the test when the fault never triggers.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let fault = db.fault(None).optional().busy()?;
    /// assert_eq!(fault.triggered(), 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Refuses the commit of a transaction that has written, by a
    /// [commit hook](https://sqlite.org/c3ref/commit_hook.html): `SQLITE_CONSTRAINT_COMMITHOOK`. SQLite rolls the
    /// transaction back.
    ///
    /// It is for the connections of sessions and pools, checked out before or after, in any thread, and for those that a driver
    /// opens by [`uri`](Harness::uri) or [`path`](Harness::path). A connection to which the application gives a commit hook of
    /// its own has that one only.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # use multibind::{row, Bind, Error, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let _fault = db.fault("auth").fail_commit()?;
    /// let mut session = db.session();
    /// session.table("user")?.insert(row! { name: "ann" })?;
    /// assert!(matches!(session.commit(), Err(Error::Commit { .. })));
    /// db.assert_not_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), Error>(())
    /// ```
    #[track_caller]
    pub fn fail_commit(self) -> Result<Fault> {
        self.begin(FaultKind::Commit, "fail_commit()")
    }

    /// Refuses each statement that does something to a table, by an
    /// [authorizer](https://sqlite.org/c3ref/set_authorizer.html): `SQLITE_AUTH`. What was done before in the same
    /// transaction stands.
    ///
    /// SQLite says what a statement does, also by a trigger or through a view. One that was prepared before the fault
    /// began fails when it runs, others as they are prepared. For whom, is as for
    /// [`fail_commit`](FaultBuilder::fail_commit), with an authorizer or a
    /// [trace](https://sqlite.org/c3ref/trace_v2.html) in place of the commit hook; a session's query over several binds
    /// does not meet it. The connection is afterwards what it was, its schema and flags included.
    ///
    /// SQLite cannot fail one query beside another of the same connection if it was prepared before and their transaction
    /// has written. It runs, and a fault that never triggered reports it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # use multibind::{faults::Operation, row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let fault = db.fault("auth").after(1).fail_statement("user", Operation::Insert)?;
    /// let auth = db.connection("auth")?;
    /// auth.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// let error = auth.execute("INSERT INTO user VALUES ('bob')", []).unwrap_err();
    /// assert_eq!(error.to_string(), "not authorized");
    /// assert_eq!(auth.execute("DELETE FROM user", [])?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn fail_statement(self, table: impl Into<String>, operation: Operation) -> Result<Fault> {
        let table = table.into();
        let name = format!("fail_statement({table:?}, Operation::{operation:?})");
        self.begin(FaultKind::Statement(operation, table), &name)
    }

    /// Lets a transaction write nothing, as on a disk that is full: `SQLITE_FULL`.
    ///
    /// SQLite writes when a transaction commits, or before if it is a large one, and rolls it back then. Counted are
    /// transactions that write. It is for every connection of the process to the bind, in memory and in a file, by
    /// URI or by path. A transaction without a journal (`PRAGMA journal_mode = MEMORY` or `OFF`) does not meet it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured, [`Error::Fault`] for
    /// a bind of [`Storage::SharedCache`](crate::binds::Storage::SharedCache) or [`Storage::MemDb`](crate::binds::Storage::MemDb), whose transactions write to no disk.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let _fault = db.fault(None).disk_full()?;
    /// let error = db.connection(None)?.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    /// assert_eq!(error.to_string(), "database or disk is full");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn disk_full(self) -> Result<Fault> {
        self.begin(FaultKind::Full, "disk_full()")
    }

    /// Lets a transaction write nothing, as on a disk that does not work: `SQLITE_IOERR_WRITE`.
    ///
    /// When, and for whom, is as for [`disk_full`](FaultBuilder::disk_full).
    ///
    /// # Errors
    ///
    /// Those of [`disk_full`](FaultBuilder::disk_full).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let _fault = db.fault(None).fail_io()?;
    /// let error = db.connection(None)?.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    /// assert_eq!(error.to_string(), "disk I/O error");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn fail_io(self) -> Result<Fault> {
        self.begin(FaultKind::Io, "fail_io()")
    }

    /// Lets nobody begin to write, as where the file may only be read: `SQLITE_READONLY`.
    ///
    /// A transaction that has begun to write goes on. Counted are attempts to begin. For whom, is as for
    /// [`disk_full`](FaultBuilder::disk_full).
    ///
    /// # Errors
    ///
    /// Those of [`disk_full`](FaultBuilder::disk_full).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let _fault = db.fault(None).read_only()?;
    /// let error = db.connection(None)?.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    /// assert_eq!(error.to_string(), "attempt to write a readonly database");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn read_only(self) -> Result<Fault> {
        self.begin(FaultKind::ReadOnly, "read_only()")
    }

    /// Lets nobody begin to write, as while another connection writes: `SQLITE_BUSY`.
    ///
    /// As in production, SQLite waits for as long as the connection's busy timeout first, which a test gives its bind
    /// with [`busy_timeout`](crate::Bind::busy_timeout). A transaction that has begun to write goes on. For whom, is as
    /// for [`disk_full`](FaultBuilder::disk_full).
    ///
    /// # Errors
    ///
    /// Those of [`disk_full`](FaultBuilder::disk_full).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{row, Bind, Harness};
    /// let bind = Bind::memory().schema("CREATE TABLE t (x)").busy_timeout(Duration::ZERO);
    /// let db = Harness::builder().default_bind(bind).start()?;
    /// let _fault = db.fault(None).busy()?;
    /// let error = db.connection(None)?.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
    /// assert_eq!(error.to_string(), "database is locked");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn busy(self) -> Result<Fault> {
        self.begin(FaultKind::Busy, "busy()")
    }

    #[track_caller]
    fn begin(self, kind: FaultKind, name: &str) -> Result<Fault> {
        let place = Location::caller();
        let database = self.running.database(&self.key)?;
        let call = self.call(name);
        let needs_disk = !matches!(kind, FaultKind::Commit | FaultKind::Statement(..));
        if needs_disk && !database.meets_disk_faults() {
            let problem = format!(
                "`{name}` is about a disk and its locks, and storage `{}` has none: use `Bind::memory()` or \
                 `Bind::temp_file()`, or `fail_commit()`",
                database.storage()
            );
            return Err(Error::Fault { bind: self.key, problem });
        }
        let faulting = database.faults().begin(kind.clone(), self.after, self.times.unwrap_or(u64::MAX));
        let running = Arc::downgrade(&self.running);
        Ok(Fault { faulting, kind, running, key: self.key, call, place, optional: self.optional })
    }

    /// Returns the call as the test wrote it.
    fn call(&self, last: &str) -> String {
        let mut call = format!("fault({})", argument(&self.key));
        if self.after > 0 {
            call += &format!(".after({})", self.after);
        }
        if let Some(times) = self.times {
            call += &format!(".times({times})");
        }
        call + "." + last
    }
}

/// A fault of a bind, which lasts as long as it lives; from [`FaultBuilder`].
///
/// A fault that never triggered tests nothing: dropping it then fails the test, unless it was marked
/// [`optional`](FaultBuilder::optional), or the test panics anyway. (A test that returns an error drops its faults too, and
/// is then told of those that had no time to trigger.) It keeps neither the harness nor a connection alive.
///
/// ```
/// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
/// let fault = db.fault(None).fail_commit()?;
/// assert!(db.connection(None)?.execute("INSERT INTO t VALUES (1)", []).is_err());
/// assert_eq!(fault.triggered(), 1);
/// drop(fault);
/// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "it lasts as long as it lives"]
pub struct Fault {
    faulting: Faulting,
    kind: FaultKind,
    /// Where it is, as long as that is there.
    running: Weak<Running>,
    key: BindKey,
    /// The call as the test wrote it, and its place.
    call: String,
    place: &'static Location<'static>,
    optional: bool,
}

impl Fault {
    /// Returns how often it has triggered.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let fault = db.fault(None).fail_commit()?;
    /// for _ in 0..3 {
    ///     let _ = db.connection(None)?.execute("INSERT INTO t VALUES (1)", []);
    /// }
    /// assert_eq!(fault.triggered(), 3);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn triggered(&self) -> u64 {
        self.faulting.met().1
    }

    /// Returns why it never triggered; `None` where it did, or may never trigger.
    pub(crate) fn untriggered(&self) -> Option<Untriggered> {
        if self.optional || self.triggered() > 0 {
            return None;
        }
        let (met, passed) = (self.faulting.met().0, self.faulting.passed());
        // A table may be created after the fault began, so this is asked only now.
        let missing = match &self.kind {
            FaultKind::Statement(_, table) if met == 0 => {
                self.running.upgrade().and_then(|running| look::missing(&running, &self.key, table))
            }
            _ => None,
        };
        Some(Untriggered {
            fault: self.to_string(),
            bind: self.key.clone(),
            kind: self.kind.clone(),
            met,
            passed,
            missing,
        })
    }
}

/// A fault that ended without having failed anything.
pub(crate) struct Untriggered {
    /// The call as the test wrote it, with its place.
    pub(crate) fault: String,
    pub(crate) bind: BindKey,
    pub(crate) kind: FaultKind,
    /// The operations that it counted.
    pub(crate) met: u64,
    /// The statements among them that could not be failed.
    pub(crate) passed: u64,
    /// The missing table, if the bind has none of that name.
    pub(crate) missing: Option<Error>,
}

/// The call as the test wrote it, with its place.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at {}", self.call, self.place)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("call", &self.call).field("triggered", &self.triggered()).finish_non_exhaustive()
    }
}
