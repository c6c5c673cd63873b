//! The end of a session's unit of work: committed, rolled back, or dropped.

use super::Session;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::say;

impl Session {
    /// Commits every bind the session touched, in the order it first touched them.
    ///
    /// Separate databases have no common commit: when one fails, those before it stay committed and the rest are
    /// rolled back. The session is usable afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Commit`], which says which binds were committed and which rolled back. With nothing committed:
    /// [`Error::OpenSavepoint`], and [`Error::RolledBack`] when an earlier error made SQLite roll a bind back.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let mut session = db.session();
    /// session.execute("INSERT INTO t VALUES (1)", [])?;
    /// session.commit()?;
    /// db.assert_landed(None, "t", multibind::row! { x: 1 });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn commit(&mut self) -> Result<()> {
        let done = self.unit.commit(&self.scope);
        self.joined.end();
        self.called(None, done)
    }

    /// Rolls every bind back that the session touched since the last commit.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] when SQLite could not roll a bind back; the others have been.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let mut session = db.session();
    /// session.execute("INSERT INTO t VALUES (1)", [])?;
    /// session.rollback()?;
    /// assert_eq!(session.table("t")?.count(multibind::row! {})?, 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn rollback(&mut self) -> Result<()> {
        let done = self.unit.rollback(&self.scope);
        self.joined.end();
        self.called(None, done)
    }
}

/// A session that is dropped rolls back.
impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.warn_of_uncommitted();
        }
        if let Err(error) = self.rollback() {
            say::warn(format_args!("cannot roll back a session that is dropped: {error}"));
        }
    }
}

impl Session {
    /// Prints what a failing test may have forgotten: code on other connections does not see what a session has
    /// not committed, or finds it locked.
    fn warn_of_uncommitted(&self) {
        let binds = self.unit.uncommitted(&self.scope);
        if !binds.is_empty() {
            let binds = crate::error::list(&binds);
            say::beside_failure(&format!("multibind: a session of this test has written to {binds} and not committed"));
        }
    }
}
