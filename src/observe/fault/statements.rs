//! Faults of statements and commits.

use super::{Fault, FaultBuilder};
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
#[cfg(doc)]
use crate::harness::Harness;
use crate::instrument::{FaultKind, Operation};

impl FaultBuilder {
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
}
