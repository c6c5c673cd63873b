//! Looking until something is found: again after each transaction that could have written it, and no longer than a test says.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::harness::Harness;

/// A time within which assertions come true; from [`Harness::within`].
///
/// ```
/// # use std::time::Duration;
/// # use multibind::{row, Bind, Harness};
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// let auth = db.pool("auth")?;
/// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user VALUES ('ann')", []));
/// db.within(Duration::from_secs(5)).assert_landed("auth", "user", row! { name: "ann" });
/// worker.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Within<'h> {
    pub(crate) harness: &'h Harness,
    pub(crate) limit: Duration,
}

/// The time that was waited in vain.
#[derive(Clone, Copy)]
pub(crate) struct Waited {
    pub(crate) limit: Duration,
    /// Set if a transaction ended in it that could write.
    pub(crate) saw_an_end: bool,
}

impl Harness {
    /// Returns assertions that pass as soon as they hold, within a time: for what another thread of this process writes later.
    ///
    /// An assertion looks at once, and again after each transaction that could write to a bind has ended: the commit wakes it.
    /// It sees the ends of transactions on each connection of this process to a bind, whatever its driver. What another process
    /// commits wakes nobody: it is found at the next commit here, or when the time is over. Each assertion has the whole time,
    /// and where another connection's lock blocks its last look, about a second more.
    ///
    /// It blocks its thread. In an asynchronous test, the code that writes has to run on another one, as with
    /// `#[tokio::test(flavor = "multi_thread")]`.
    ///
    /// There is no assertion that a row does *not* land within a time: it would pass at once. Let the worker end, then use
    /// [`assert_not_landed`](Harness::assert_not_landed).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let auth = db.pool("auth")?;
    /// let worker = std::thread::spawn(move || auth.get().unwrap().execute("INSERT INTO user VALUES ('ann')", []));
    /// db.within(Duration::from_secs(5))
    ///     .assert_landed_once("auth", "user", row! { name: "ann" })
    ///     .assert_rows("auth", "user", 1);
    /// worker.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "it asserts nothing by itself: call one of its assertions"]
    pub fn within(&self, limit: Duration) -> Within<'_> {
        Within { harness: self, limit }
    }
}

impl Within<'_> {
    /// Looks until nothing is found to be wrong, or the time is over; returns what is wrong then.
    pub(crate) fn look<T>(&self, look: &mut dyn FnMut() -> Result<Option<T>>) -> Looked<T> {
        let awaiting = self.harness.running().recorder().await_ends();
        let until = Instant::now().checked_add(self.limit);
        let mut waited = Waited { limit: self.limit, saw_an_end: false };
        let mut is_over = self.limit.is_zero();
        loop {
            let seen = awaiting.seen();
            let looked = look();
            match looked {
                Ok(None) => return Looked::Right,
                Err(error) if never_heals(&error) => return Looked::Failed(error, None),
                Ok(Some(wrong)) if is_over => return Looked::Wrong(wrong, waited),
                Err(error) if is_over => return Looked::Failed(error, Some(waited)),
                _ => {}
            }
            let has_ended = awaiting.wait_for_more(seen, until);
            waited.saw_an_end |= has_ended;
            // What was committed unseen is found in a last look; one who commits all the time keeps nobody waiting.
            is_over = !has_ended || until.is_some_and(|until| Instant::now() >= until);
        }
    }
}

/// The result of looking.
pub(crate) enum Looked<T> {
    Right,
    /// Something is wrong when the time is over.
    Wrong(T, Waited),
    /// An error in place of a look, and the time unless waiting would have changed nothing.
    Failed(Error, Option<Waited>),
}

/// Returns whether an error is about what the test asks for, and not about what is in the databases now.
fn never_heals(error: &Error) -> bool {
    matches!(
        error,
        Error::UnknownBind { .. }
            | Error::NoDefaultBind { .. }
            | Error::Row { .. }
            | Error::Data { .. }
            | Error::ForeignSnapshot { .. }
    )
}
