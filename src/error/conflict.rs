//! The holder of a lock and the waiter.

use std::fmt;

/// The holder of a lock and the waiter, as far as they are known.
///
/// For a bind in memory: what opened the connection, and the thread that used it. SQLite does not report that for other
/// storage; then it has how many sessions have not committed and how many connections of the pool are in use.
///
/// ```
/// use multibind::{Bind, Error, Harness};
///
/// let table = Bind::memory().schema("CREATE TABLE t (x)");
/// let db = Harness::builder().bind("auth", table).start()?;
/// let before = db.snapshot()?;
/// let mut session = db.session();
/// session.execute("INSERT INTO t VALUES (1)", [])?;
/// let Err(Error::Restore { conflict: Some(conflict), .. }) = db.restore(&before) else { panic!("nobody writes") };
/// assert_eq!(
///     conflict.to_string(),
///     "a session on this thread holds the write lock, and the harness on this thread wants it"
/// );
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict(String);

impl Conflict {
    pub(crate) fn new(told: String) -> Box<Conflict> {
        Box::new(Conflict(told))
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
