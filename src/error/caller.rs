//! The call in the test that returned an error, and what is left to say if the test ends with that error.
//!
//! A test that returns an error has dropped its harness and its faults by then. That an error is alive when they go is the one
//! sign of it, and its being printed the one proof. What they have to say is handed to the errors that are alive.

use std::cell::OnceCell;
use std::fmt::{self, Formatter};
use std::num::NonZeroU32;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::{Error, Result};
use crate::sorted::Sorted;
use crate::sync::lock;

/// The call that returned an error, by its number: an error has no room for more, and is still small enough to be returned.
pub struct Caller(NonZeroU32);

/// The calls of the errors that are alive, by their numbers.
static CALLS: Mutex<Sorted<NonZeroU32, Arc<Call>>> = Mutex::new(Sorted::new());

/// A call that returned an error.
struct Call {
    place: &'static Location<'static>,
    /// The statement that was given to it.
    sql: Option<Box<str>>,
    /// The transaction that is behind the error, in words.
    behind: Option<String>,
    heard: Arc<Heard>,
}

/// The words that an error was handed.
type Heard = Mutex<Vec<Arc<LastWords>>>;

/// Returns the call of a variant, whichever it is.
macro_rules! at {
    ($error:expr) => {
        match $error {
            Error::NoBind { at, .. }
            | Error::Library { at, .. }
            | Error::BindKey { at, .. }
            | Error::DuplicateBind { at, .. }
            | Error::UnknownBind { at, .. }
            | Error::NoDefaultBind { at, .. }
            | Error::Dynamic { at, .. }
            | Error::NotDynamic { at, .. }
            | Error::Context { at, .. }
            | Error::Config { at, .. }
            | Error::Url { at, .. }
            | Error::Schema { at, .. }
            | Error::Prepared { at, .. }
            | Error::ForeignParent { at, .. }
            | Error::Data { at, .. }
            | Error::UnknownTable { at, .. }
            | Error::NotInBind { at, .. }
            | Error::AmbiguousTable { at, .. }
            | Error::Sql { at, .. }
            | Error::Locked { at, .. }
            | Error::Stale { at, .. }
            | Error::RolledBack { at, .. }
            | Error::Prepare { at, .. }
            | Error::OpenSavepoint { at, .. }
            | Error::Guarded { at, .. }
            | Error::StillInUse { at, .. }
            | Error::Statement { at, .. }
            | Error::CrossBindWrite { at, .. }
            | Error::Commit { at, .. }
            | Error::Fault { at, .. }
            | Error::InUse { at, .. }
            | Error::Restore { at, .. }
            | Error::ForeignSnapshot { at, .. }
            | Error::Orphans { at, .. }
            | Error::NotAReplica { at, .. }
            | Error::Pool { at, .. }
            | Error::Row { at, .. }
            | Error::Io { at, .. } => at,
        }
    };
}

/// The errors that were returned by a harness, or on a thread, as long as they are alive.
#[derive(Debug, Default)]
pub(crate) struct Returned(Mutex<Vec<Weak<Heard>>>);

thread_local! {
    static ON_THREAD: OnceCell<Returned> = const { OnceCell::new() };
}

/// Does something with the errors that were returned on this thread. A thread that is ending has none.
fn on_thread<T: Default>(work: impl FnOnce(&Returned) -> T) -> T {
    ON_THREAD.try_with(|returned| work(returned.get_or_init(Returned::default))).unwrap_or_default()
}

impl Returned {
    fn add(&self, heard: &Arc<Heard>) {
        let mut alive = lock(&self.0);
        alive.retain(|heard| heard.strong_count() > 0);
        alive.push(Arc::downgrade(heard));
    }

    fn alive(&self) -> Vec<Arc<Heard>> {
        lock(&self.0).iter().filter_map(Weak::upgrade).collect()
    }

    /// Hands words to the errors that are alive, of these and of this thread. Where there is none, the words end at once.
    pub(crate) fn hand(&self, words: LastWords) {
        let mut alive = self.alive();
        for heard in on_thread(Returned::alive) {
            if !alive.iter().any(|known| Arc::ptr_eq(known, &heard)) {
                alive.push(heard);
            }
        }
        let words = Arc::new(words);
        for heard in alive {
            lock(&heard).push(Arc::clone(&words));
        }
    }

    /// Returns whether any error is alive, of these or of this thread.
    pub(crate) fn any(&self) -> bool {
        !self.alive().is_empty() || on_thread(|returned| !returned.alive().is_empty())
    }
}

/// The words of something that ended while errors were alive, any of which the test may return.
pub(crate) struct LastWords {
    text: String,
    printed: AtomicBool,
    end: Option<End>,
}

/// A function that is called when the last of the errors is dropped, with whether one of them was printed meanwhile.
pub(crate) type End = Box<dyn FnOnce(bool) + Send + Sync>;

impl LastWords {
    /// Returns words that an error adds to what it prints.
    pub(crate) fn new(text: String, end: End) -> LastWords {
        LastWords { text, printed: AtomicBool::new(false), end: Some(end) }
    }
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end(self.printed.load(Ordering::Relaxed));
        }
    }
}

impl Caller {
    fn new(call: Call) -> Caller {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NonZeroU32::new(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap_or(NonZeroU32::MAX);
        let before = lock(&CALLS).insert(number, Arc::new(call));
        drop(before);
        Caller(number)
    }

    fn call(&self) -> Option<Arc<Call>> {
        lock(&CALLS).get(&self.0).cloned()
    }

    /// Writes the statement, where the message has none, and the place.
    pub(super) fn write(&self, has_statement: bool, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(call) = self.call() else { return Ok(()) };
        if let Some(sql) = call.sql.as_deref().filter(|_| !has_statement) {
            f.write_str(&super::words::statement(sql))?;
        }
        write!(f, "\n  at {}", call.place)?;
        call.behind.as_ref().map_or(Ok(()), |behind| write!(f, "\n  {behind}"))
    }

    /// Returns whether the cause of the error is known.
    pub(super) fn knows_the_cause(&self) -> bool {
        self.call().is_some_and(|call| call.behind.is_some())
    }

    /// Writes what is left to say.
    pub(super) fn write_last_words(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(call) = self.call() else { return Ok(()) };
        for words in &*lock(&call.heard) {
            words.printed.store(true, Ordering::Relaxed);
            if !words.text.is_empty() {
                write!(f, "\n{}", words.text)?;
            }
        }
        Ok(())
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let call = lock(&CALLS).remove(&self.0);
        // Words may end with it, which must not happen under the lock.
        drop(call);
    }
}

/// Prints nothing: an error prints it itself.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Notes the call that returns an error to the test where there is no harness yet.
#[track_caller]
pub(crate) fn called<T>(done: Result<T>) -> Result<T> {
    match done {
        Err(error) => Err(error.called(Location::caller(), None, None, &Returned::default())),
        done => done,
    }
}

impl Error {
    /// Notes the call that returns it to the test, and its statement; the first call that is noted stays.
    pub(crate) fn called(
        mut self,
        place: &'static Location<'static>,
        sql: Option<&str>,
        behind: Option<String>,
        returned: &Returned,
    ) -> Error {
        let at = self.at_mut();
        if at.is_none() {
            let heard = Arc::<Heard>::default();
            returned.add(&heard);
            on_thread(|returned| returned.add(&heard));
            *at = Some(Caller::new(Call { place, sql: sql.map(Into::into), behind, heard }));
        }
        self
    }

    /// Returns the call that returned the error, in the code of the test: a session's or a harness's method.
    ///
    /// `{:?}`, which `unwrap` and a test that returns the error print, has it too.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// let error = db.session().execute("DELETE FROM user", []).unwrap_err();
    /// let place = error.place().ok_or("no place")?;
    /// assert_eq!(place.file(), file!());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn place(&self) -> Option<&'static Location<'static>> {
        self.at().and_then(Caller::call).map(|call| call.place)
    }
}

impl Error {
    pub(super) fn at(&self) -> Option<&Caller> {
        at!(self).as_ref()
    }

    fn at_mut(&mut self) -> &mut Option<Caller> {
        at!(self)
    }
}
