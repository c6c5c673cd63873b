//! A point in a session's unit of work to go back to.

use std::ops::{Deref, DerefMut};

use super::Session;
use crate::error::Result;
use crate::say;

/// A point in a session's unit of work to go back to, over every bind; from [`Session::savepoint`].
///
/// It is used like the session, and nests. Dropping it rolls back to it, as
/// [`rusqlite::Savepoint`](rusqlite::Savepoint) does.
///
/// ```
/// # use multibind::{row, Bind, Harness};
/// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE post (title TEXT)")).start()?;
/// let mut session = db.session();
/// let mut outer = session.savepoint()?;
/// outer.table("post")?.insert(row! { title: "kept" })?;
/// let mut inner = outer.savepoint()?;
/// inner.table("post")?.insert(row! { title: "undone" })?;
/// drop(inner);
/// outer.commit()?;
/// assert_eq!(session.table("post")?.all(row! {})?, [row! { title: "kept" }]);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it rolls back when it is dropped, here at once: bind it to `savepoint`, and end it with `commit()`"]
pub struct Savepoint<'s> {
    session: &'s mut Session,
    level: usize,
    open: bool,
}

impl<'s> Savepoint<'s> {
    #[track_caller]
    pub(super) fn new(session: &'s mut Session) -> Result<Savepoint<'s>> {
        let set = session.unit.savepoint(&session.scope);
        let level = session.called(None, set)?;
        Ok(Savepoint { session, level, open: true })
    }

    /// Keeps what was done since it was set, as a part of the session's unit of work.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`](crate::Error::Sql) when SQLite could not release it.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let mut session = db.session();
    /// let mut savepoint = session.savepoint()?;
    /// savepoint.execute("INSERT INTO t VALUES (1)", [])?;
    /// savepoint.commit()?;
    /// session.commit()?;
    /// db.assert_landed(None, "t", multibind::row! { x: 1 });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn commit(mut self) -> Result<()> {
        self.open = false;
        let done = self.session.unit.release(&self.session.scope, self.level);
        self.session.called(None, done)
    }

    /// Undoes what was done since it was set, on binds first touched later too.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`](crate::Error::Sql) when SQLite could not go back.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let mut session = db.session();
    /// let mut savepoint = session.savepoint()?;
    /// savepoint.execute("INSERT INTO t VALUES (1)", [])?;
    /// savepoint.rollback()?;
    /// assert_eq!(session.table("t")?.count(multibind::row! {})?, 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn rollback(mut self) -> Result<()> {
        self.open = false;
        let done = self.session.unit.rollback_to(&self.session.scope, self.level);
        self.session.called(None, done)
    }
}

impl Deref for Savepoint<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
    }
}

impl DerefMut for Savepoint<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.session
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if self.open
            && let Err(error) = self.session.unit.rollback_to(&self.session.scope, self.level)
        {
            say::warn(format_args!("cannot roll back to a savepoint: {error}"));
        }
    }
}
