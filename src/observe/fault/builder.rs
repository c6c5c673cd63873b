//! A fault before it begins: how often it triggers, and whether it has to.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use super::Fault;
use crate::error::{argument, Error, Result};
#[cfg(doc)]
use crate::harness::Harness;
use crate::harness::Running;
use crate::instrument::FaultKind;
use crate::key::BindKey;

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
#[must_use = "it begins no fault by itself: call `fail_commit()`, `disk_full()` or another"]
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
    pub(super) fn new(running: Arc<Running>, key: BindKey) -> FaultBuilder {
        FaultBuilder { running, key, after: 0, times: None, optional: false }
    }

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

    #[track_caller]
    pub(super) fn begin(self, kind: FaultKind, name: &str) -> Result<Fault> {
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
            return Err(Error::Fault { bind: self.key, problem, at: None });
        }
        let faulting = database.faults().begin(kind.clone(), self.after, self.times.unwrap_or(u64::MAX));
        let recorder = self.running.recorder();
        faulting.remember(recorder, database.keys(), format!("`{call}` at {}:{}", place.file(), place.line()));
        let running = Arc::downgrade(&self.running);
        let recorder = Arc::clone(self.running.recorder());
        let displaced = recorder.displaced_so_far();
        let (key, optional, began) = (self.key, self.optional, Instant::now());
        Ok(Fault {
            faulting,
            kind,
            running,
            recorder,
            displaced,
            key,
            call,
            place,
            began,
            optional,
            is_forgiven: false,
        })
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
