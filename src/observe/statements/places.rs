//! The places in the application's code that ran a statement and ended its transaction.

use super::statement::Statement;
use crate::instrument::Calls;

impl Statement {
    /// Returns the place in the application's code that ran it, `src/accounts.rs:10, my_app::accounts::sign_up`, or the
    /// function alone in a program without debug information.
    ///
    /// It is known of statements that write, up to a few hundred of a test, and of the first of a loop. `None` also where a
    /// driver runs statements on a thread of its own: [`thread`](Statement::thread) has that one's name.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// assert!(log.statements()[0].place().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn place(&self) -> Option<&str> {
        self.recorded.place.as_ref().and_then(|place| place.text())
    }

    /// Returns the callers of [`place`](Statement::place) in the application's code, the nearest first, two at most; none
    /// where the place is not known.
    ///
    /// ```
    /// # use multibind::{rusqlite::Connection, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// #[inline(never)]
    /// fn write(conn: &Connection) -> multibind::rusqlite::Result<usize> {
    ///     conn.execute("INSERT INTO t VALUES (1)", [])
    /// }
    ///
    /// let log = db.record();
    /// write(&*db.connection(None)?)?;
    /// assert!(log.statements()[0].place().unwrap().contains("write"));
    /// assert!(log.statements()[0].callers()[0].contains("main"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn callers(&self) -> Vec<&str> {
        self.recorded.place.as_ref().map_or_else(Vec::new, |place| place.callers())
    }

    /// Returns whether its thread ran none of the application's code: a driver runs on it what another thread has called.
    pub(crate) fn is_placeless(&self) -> bool {
        self.recorded.place.as_ref().is_some_and(|place| place.text().is_none())
    }

    /// Returns the line of the place, or its function where lines are not known.
    pub(crate) fn line(&self) -> Option<&str> {
        self.recorded.place.as_ref().and_then(|place| place.line())
    }

    /// Returns the lines of the callers, or their functions in a program without debug information.
    pub(crate) fn lines_of_callers(&self) -> Vec<&str> {
        self.recorded.place.as_ref().map_or_else(Vec::new, |place| place.lines_of_callers())
    }

    /// Compares the calls that led to it with those that led to another.
    pub(crate) fn compare_calls<'s>(&'s self, other: &'s Statement) -> Calls<'s> {
        match (&self.recorded.place, &other.recorded.place) {
            (Some(one), Some(next)) if self.thread().id() == other.thread().id() => one.compare(next),
            _ => Calls::Unknown,
        }
    }

    /// Returns the place in the application's code that ended its transaction, in the form of [`place`](Statement::place);
    /// `None` where no transaction was begun by a statement, and where it is not known.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let log = db.record();
    /// db.connection(None)?.execute_batch("BEGIN; INSERT INTO t VALUES (1); ROLLBACK")?;
    /// assert!(log.statements()[1].transaction_ended_at().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transaction_ended_at(&self) -> Option<String> {
        self.recorded.transaction.as_ref()?.closing()?.text().map(str::to_string)
    }
}
