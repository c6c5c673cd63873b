//! Faults on demand: what a bind's database is made to answer while a test looks at what the code does then.

mod builder;
mod disk;
mod elsewhere;
mod reach;
mod statements;

use std::fmt;
use std::panic::Location;
use std::slice;
use std::sync::{Arc, Weak};
use std::time::Instant;

pub use builder::FaultBuilder;
pub(crate) use elsewhere::Elsewhere;

use super::look;
use crate::error::Error;
use crate::harness::{Harness, Running};
use crate::instrument::{displaced, Displaced, FaultKind, Faulting, Recorder};
use crate::key::BindKey;
use crate::list::retain;

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
    /// | [`busy`](FaultBuilder::busy) | the same, once the busy timeout has passed, which takes no time | `SQLITE_BUSY` |
    /// | [`fail_read`](FaultBuilder::fail_read) | a transaction cannot begin to read | `SQLITE_IOERR_READ` |
    /// | [`down`](FaultBuilder::down) | nothing opens the bind, and what is open cannot use it | `SQLITE_CANTOPEN` |
    /// | [`slow`](FaultBuilder::slow) | nothing fails: each transaction takes longer to begin | |
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
        FaultBuilder::new(Arc::clone(self.running()), key.into())
    }
}

/// A fault of a bind, which lasts as long as it lives; from [`FaultBuilder`].
///
/// A fault that never triggered tests nothing: dropping it then fails the test, unless it was marked
/// [`optional`](FaultBuilder::optional), or the test panics anyway; then standard error says so. A test that returns an error
/// drops its faults first. An [`Error`] of this crate that is alive then is printed before the fault fails the test. Of errors of
/// other crates a fault knows nothing, and takes their place: with [`TestResult`](crate::TestResult), `?` panics, and they stay
/// the test's. Where the application has given a connection a hook of its own in place of the one that the fault needs, dropping
/// the fault fails the test too, and names the connection. A fault keeps neither the harness nor a connection alive.
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
#[must_use = "it ends when it is dropped, here at once: bind it to `_fault`"]
pub struct Fault {
    faulting: Faulting,
    kind: FaultKind,
    /// Where it is, as long as that is there.
    running: Weak<Running>,
    recorder: Arc<Recorder>,
    /// The number of connections that were closed before it and not seen whole.
    displaced: u64,
    key: BindKey,
    /// The call as the test wrote it, and its place.
    call: String,
    place: &'static Location<'static>,
    began: Instant,
    optional: bool,
    /// Set if the test fails by an error of its own.
    is_forgiven: bool,
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

    /// Returns what it is in, as long as that is there.
    pub(crate) fn running(&self) -> Option<Arc<Running>> {
        self.running.upgrade()
    }

    /// Lets it end whatever became of it.
    pub(crate) fn forgive(&mut self) {
        self.is_forgiven = true;
    }

    /// Returns the connections that it does not meet, since the application has replaced an instrument that it needs; none
    /// once it has triggered as often as it was to.
    pub(crate) fn unmet(&self) -> Vec<Displaced> {
        if self.is_forgiven || self.faulting.is_spent() {
            return Vec::new();
        }
        let hides: fn(&Displaced) -> bool = match &self.kind {
            FaultKind::Statement(..) => Displaced::hides_statements,
            FaultKind::Commit => Displaced::hides_commits,
            _ => return Vec::new(),
        };
        let mut unmet = displaced(&self.recorder, self.displaced);
        retain(&mut unmet, |one| hides(one) && one.is_to(slice::from_ref(&self.key)));
        unmet
    }

    /// Returns the call as the test wrote it, with its place.
    pub(crate) fn call(&self) -> String {
        self.to_string()
    }

    /// Returns why it never triggered; `None` where it did, or may never trigger.
    pub(crate) fn untriggered(&self) -> Option<Untriggered> {
        if self.is_forgiven || self.optional || self.triggered() > 0 {
            return None;
        }
        let (met, passed) = (self.faulting.met().0, self.faulting.passed());
        // A table may be created after the fault began, so this is asked only now.
        let missing = match &self.kind {
            FaultKind::Statement(_, table) if met == 0 => {
                self.running().and_then(|running| look::missing(&running, &self.key, table))
            }
            _ => None,
        };
        let elsewhere = match self.running().filter(|_| met == 0) {
            Some(running) => self.elsewhere(&running),
            None => Vec::new(),
        };
        Some(Untriggered {
            fault: self.to_string(),
            bind: self.key.clone(),
            kind: self.kind.clone(),
            met,
            passed,
            missing,
            elsewhere,
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
    /// The tables of the same names that were written to in other binds, if it met nothing.
    pub(crate) elsewhere: Vec<Elsewhere>,
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
