//! Faults of reaching a bind: it is down, or slow.

use std::time::Duration;

use super::{Fault, FaultBuilder};
use crate::error::Result;
use crate::instrument::FaultKind;

impl FaultBuilder {
    /// Takes the bind away, as when its server is down: nothing opens it, and no open connection can use it.
    ///
    /// Opening it fails with `SQLITE_CANTOPEN`, and so does each transaction that begins on an open connection. One that has
    /// begun reads on; when it begins to write it fails likewise, and what it has written to commit fails with
    /// `SQLITE_IOERR_WRITE`. Counted are attempts of all of these. A pool on r2d2 that has no connection left tries again
    /// for as long as its `connection_timeout`, as it does in production. When the fault ends, open connections work again.
    /// For whom, is as for [`disk_full`](FaultBuilder::disk_full).
    ///
    /// # Errors
    ///
    /// Those of [`disk_full`](FaultBuilder::disk_full).
    ///
    /// ```
    /// # use multibind::{rusqlite, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let open = rusqlite::Connection::open(db.uri("auth")?)?;
    /// let fault = db.fault("auth").down()?;
    /// assert!(rusqlite::Connection::open(db.uri("auth")?).is_err());
    /// let error = open.prepare("SELECT name FROM user").unwrap_err();
    /// assert_eq!(error.to_string(), "unable to open database file");
    /// drop(fault);
    /// open.prepare("SELECT name FROM user")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn down(self) -> Result<Fault> {
        self.begin(FaultKind::Down, "down()")
    }

    /// Delays each transaction by so much as it begins, as on a disk or behind a network that is slow. Nothing fails.
    ///
    /// A statement outside a transaction is one of its own; a new connection reads the schema first, in another. Several
    /// such faults add up. For whom, is as for [`disk_full`](FaultBuilder::disk_full).
    ///
    /// # Errors
    ///
    /// Those of [`disk_full`](FaultBuilder::disk_full).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let fault = db.fault(None).slow(Duration::from_millis(1))?;
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// assert!(fault.triggered() > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn slow(self, delay: Duration) -> Result<Fault> {
        self.begin(FaultKind::Slow(delay), &format!("slow({delay:?})"))
    }
}
