//! Faults of the disk under a bind, and of its writer's lock.

use super::{Fault, FaultBuilder};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::instrument::FaultKind;

impl FaultBuilder {
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
    /// As in production, SQLite tries again until the connection's busy timeout has passed. Nobody has the lock, so its waits
    /// between the tries end at once, whatever the timeout is; a busy handler of the application's own waits as it does. A
    /// transaction that has begun to write goes on. For whom, is as for [`disk_full`](FaultBuilder::disk_full).
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

    /// Lets nobody begin to read, as on a disk that does not work: `SQLITE_IOERR_READ`.
    ///
    /// Each transaction begins by reading, one that writes too, and a statement outside a transaction is one of its own. A
    /// new connection reads the schema first, in a transaction that counts. One that has begun to read goes on. For whom, is
    /// as for [`disk_full`](FaultBuilder::disk_full).
    ///
    /// # Errors
    ///
    /// Those of [`disk_full`](FaultBuilder::disk_full).
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let _fault = db.fault(None).fail_read()?;
    /// let error = db.connection(None)?.prepare("SELECT x FROM t").unwrap_err();
    /// assert_eq!(error.to_string(), "disk I/O error");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn fail_read(self) -> Result<Fault> {
        self.begin(FaultKind::Read, "fail_read()")
    }
}
