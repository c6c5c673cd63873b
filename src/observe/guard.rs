//! Guards: binds that a part of a test must not use, or not write to.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::thread::Thread;

use crate::error::{arguments, Result};
use crate::fail::fail;
use crate::harness::Harness;
use crate::instrument::{displaced, Displaced, Guarding, Place, Recorder, Refused, Refuses, Since};
use crate::key::{BindKey, Selection};
use crate::list::retain;

/// Keeps statements from binds for as long as it lives; from [`Harness::allow_only`], [`Harness::deny`] and
/// [`Harness::deny_writes`].
///
/// # Panics
///
/// - When it is dropped, if it has refused a statement and [`refused`](Guard::refused) was never called: code under test
///   that swallows the error must not let the test pass.
/// - When it is dropped, if a guarded bind in a shared cache was written to by no statement, a backup for one: SQLite has no way
///   to stop that there.
/// - When it is dropped, if the application has given a connection to a guarded bind a trace or an authorizer of its own: on
///   that connection, statements may have got past the guard.
///
/// In a test that panics already, it says so on standard error.
///
/// ```should_panic
/// # use multibind::{Bind, Harness};
/// # let t = "CREATE TABLE t (x)";
/// # let db = Harness::builder().default_bind(Bind::memory().schema(t)).bind("auth", Bind::memory().schema(t)).start().unwrap();
/// # db.keep(multibind::Keep::Never);
/// let guard = db.allow_only("auth");
/// let _swallowed = db.connection(None).unwrap().execute("INSERT INTO t VALUES (1)", []);
/// drop(guard);
/// ```
#[must_use = "it ends when it is dropped, here at once: bind it to `_guard`"]
#[derive(Debug)]
pub struct Guard {
    guarding: Guarding,
    recorder: Arc<Recorder>,
    /// The number of connections that were closed before it and not seen whole.
    displaced: u64,
    /// The shared caches as they were.
    commits: Since,
}

/// A statement that a guard has refused; from [`Guard::refused`].
///
/// ```
/// # use multibind::{Bind, Harness};
/// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
/// let guard = db.deny_writes("meta");
/// db.connection("meta")?.execute("DELETE FROM setting", []).unwrap_err();
/// assert_eq!(guard.refused()[0].to_string(), "bind `meta`: DELETE FROM setting");
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Refusal {
    refused: Arc<Refused>,
    statement: String,
}

impl Harness {
    /// Refuses every statement for a bind that is not selected, as long as the guard lives.
    ///
    /// It holds for sessions and for connections of the harness's pools, in whatever thread, checked out before or after.
    /// SQLite enforces it: a session fails with [`Error::Guarded`](crate::Error::Guarded), which names the bind and the
    /// guard's place in the test; on a pooled connection SQLite does not accept the statement ("not authorized",
    /// `SQLITE_AUTH`), or interrupts one that was prepared before (`SQLITE_INTERRUPT`; `SQLITE_READONLY` where it
    /// writes). [`Guard::refused`] has what was refused. A query that is being read when the guard begins goes on.
    ///
    /// SQLite cannot stop one query beside another of the same connection if it was prepared before the guard and uses no
    /// table, or its transaction has written. It runs, and [`Guard::refused`] has it as "not stopped".
    ///
    /// The key of a [dynamic bind](crate::Bind::dynamic) means all of its databases, those made later included.
    ///
    /// `BEGIN`, `COMMIT` and the like are let through, so that transactions end, and so is what uses no database at all:
    /// `SELECT 1`, by which a pool asks whether a connection works before it lends it. `ATTACH`, a database that a connection has
    /// attached before, and `VACUUM INTO` are refused on every bind, for that could be any. What this crate does itself
    /// ([`reset`](Harness::reset), [`assert_landed`](Harness::assert_landed) and so on) is not hindered. A connection that a driver opens
    /// by [`uri`](Harness::uri) or [`path`](Harness::path) is guarded as one of a pool is. A connection to which the
    /// application gives an authorizer or a trace of its own is no longer guarded by the one that was replaced, and the guard
    /// panics for it.
    ///
    /// # Panics
    ///
    /// For a key that is not configured. The guard [panics](Guard#panics) when it is dropped if the test has not asked what it
    /// has refused.
    ///
    /// ```
    /// use multibind::{row, Bind, Error, Harness};
    ///
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory().schema("CREATE TABLE log (event TEXT)"))
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    ///     .start()?;
    ///
    /// let guard = db.allow_only("auth");
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// let refused = db.connection(None)?.execute("INSERT INTO log VALUES ('sign-up')", []).unwrap_err();
    /// assert_eq!(refused.to_string(), "not authorized");
    /// let refused = db.session().execute("INSERT INTO log VALUES ('sign-up')", []).unwrap_err();
    /// assert!(matches!(refused, Error::Guarded { .. }));
    /// assert_eq!(guard.refused().len(), 2);
    /// drop(guard);
    ///
    /// db.connection(None)?.execute("INSERT INTO log VALUES ('sign-up')", [])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn allow_only(&self, selection: impl Into<Selection>) -> Guard {
        let selection = selection.into();
        let allowed = self.selected(&selection, "allow");
        self.guard("allow_only", &selection, Location::caller(), Refuses::AllBut(allowed))
    }

    /// Refuses every statement for the selected binds, reads too, as long as the guard lives.
    ///
    /// It is [`allow_only`](Harness::allow_only) by the binds that are refused, and does on those all that is said there.
    ///
    /// # Panics
    ///
    /// For a key that is not configured. The guard [panics](Guard#panics) when it is dropped if the test has not asked what it
    /// has refused.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let auth = Bind::memory().schema("CREATE TABLE user (name TEXT)");
    /// # let meta = Bind::memory().schema("CREATE TABLE setting (name TEXT)");
    /// # let db = Harness::builder().bind("auth", auth).bind("meta", meta).start()?;
    /// let guard = db.deny("meta");
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// let refused = db.connection("meta")?.execute("INSERT INTO setting VALUES ('theme')", []).unwrap_err();
    /// assert_eq!(refused.to_string(), "not authorized");
    /// assert!(db.session().table("setting")?.all(row! {}).is_err()); // a read
    /// assert_eq!(guard.refused().len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn deny(&self, selection: impl Into<Selection>) -> Guard {
        let selection = selection.into();
        let denied = self.selected(&selection, "guard");
        self.guard("deny", &selection, Location::caller(), Refuses::All(denied))
    }

    /// Refuses every statement that writes to the selected binds, as long as the guard lives; they can be read.
    ///
    /// It holds for what [`allow_only`](Harness::allow_only) holds for. A session fails with
    /// [`Error::Guarded`](crate::Error::Guarded), which names the bind and the guard's place in the test; on a pooled
    /// connection SQLite fails with "attempt to write a readonly database" (`SQLITE_READONLY`), or for `PRAGMA journal_mode`
    /// with a value with "not authorized" (`SQLITE_AUTH`). What writes nothing to the bind is let through: temporary tables,
    /// `EXPLAIN`, `PRAGMA wal_checkpoint`, `PRAGMA optimize` that finds nothing to do.
    ///
    /// Incremental blob I/O and a backup into a pooled connection are refused as they write (`SQLITE_READONLY`) or as their
    /// transaction ends (`SQLITE_CONSTRAINT_COMMITHOOK`). In a shared cache that is blob I/O alone, and not after
    /// `BEGIN IMMEDIATE`; a backup goes through there, and the guard panics when it is dropped.
    ///
    /// # Panics
    ///
    /// For a key that is not configured. The guard [panics](Guard#panics) when it is dropped if the test has not asked what it
    /// has refused.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (name TEXT)")).start()?;
    /// let guard = db.deny_writes("meta");
    /// let meta = db.connection("meta")?;
    /// assert_eq!(meta.query_row("SELECT count(*) FROM setting", [], |row| row.get::<_, i64>(0))?, 0);
    /// let refused = meta.execute("INSERT INTO setting VALUES ('theme')", []).unwrap_err();
    /// assert_eq!(refused.to_string(), "attempt to write a readonly database");
    /// assert_eq!(guard.refused().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn deny_writes(&self, selection: impl Into<Selection>) -> Guard {
        let selection = selection.into();
        let denied = self.selected(&selection, "guard");
        self.guard("deny_writes", &selection, Location::caller(), Refuses::Writes(denied))
    }

    /// Returns the selected keys, or fails the test at the caller's place, which was `to` do something with them.
    #[track_caller]
    fn selected(&self, selection: &Selection, to: &str) -> Vec<BindKey> {
        match self.guarded(selection) {
            Ok(keys) => keys,
            Err(error) => fail(format!("cannot tell which binds to {to}: {error}")),
        }
    }

    /// Returns the selected keys, each of which means a bind or one database of a dynamic bind.
    fn guarded(&self, selection: &Selection) -> Result<Vec<BindKey>> {
        let Some(keys) = selection.keys() else { return Ok(self.running().keys()) };
        for key in keys {
            self.running().check(key)?;
        }
        Ok(keys.to_vec())
    }

    fn guard(&self, name: &str, selection: &Selection, place: &'static Location<'static>, refuses: Refuses) -> Guard {
        let call = format!("{name}({})", selection.keys().map_or("..".to_string(), arguments));
        let recorder = Arc::clone(self.running().recorder());
        let displaced = recorder.displaced_so_far();
        let commits = recorder.commits_now();
        Guard { guarding: self.running().rules().guard(call, place, refuses), recorder, displaced, commits }
    }
}

impl Guard {
    /// Returns the statements that it has refused so far, in order. After this call the guard no longer panics when it
    /// is dropped.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory()).bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
    /// let guard = db.allow_only("auth");
    /// db.connection("meta")?.execute("DELETE FROM setting", []).unwrap_err();
    /// let refused = guard.refused();
    /// assert_eq!(refused[0].bind().as_str(), Some("meta"));
    /// assert_eq!(refused[0].statement(), "DELETE FROM setting");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn refused(&self) -> Vec<Refusal> {
        refusals(self.guarding.refused())
    }

    /// Ends it and returns what it has refused and nobody has asked about, and the connections that it could not guard, if
    /// there is anything.
    pub(crate) fn unasked(&self) -> Option<Unasked> {
        let refusals = refusals(self.guarding.end());
        let mut unguarded = displaced(&self.recorder, self.displaced);
        retain(&mut unguarded, |one| one.hides_writes() && one.may_be(|names| self.guarding.rule().is_about(names)));
        let mut unstopped = Vec::new();
        for names in self.commits.unaccounted() {
            // Where a connection has another commit hook, the count of commits is to no avail.
            let is_counted = !unguarded.iter().any(|one| one.hides_commits() && one.is_to(&names));
            if is_counted && self.guarding.rule().is_about(&names) {
                unstopped.push(names.first().clone());
            }
        }
        let rule = self.guarding.rule().to_string();
        let is_any = !(refusals.is_empty() && unguarded.is_empty() && unstopped.is_empty());
        is_any.then_some(Unasked { rule, refusals, unguarded, unstopped })
    }
}

/// The statements that a guard has refused without the test having asked for them, and what it could not guard.
pub(crate) struct Unasked {
    /// The guard as the test wrote it, with its place.
    pub(crate) rule: String,
    pub(crate) refusals: Vec<Refusal>,
    /// The connections on which the application has replaced an instrument.
    pub(crate) unguarded: Vec<Displaced>,
    /// The binds to which a backup was written, which it could not stop.
    pub(crate) unstopped: Vec<BindKey>,
}

fn refusals(refused: Vec<Arc<Refused>>) -> Vec<Refusal> {
    let mut refusals = Vec::with_capacity(refused.len());
    for refused in refused {
        let statement = refused.statement();
        refusals.push(Refusal { refused, statement });
    }
    refusals
}

impl Refusal {
    /// Returns the bind that the statement was for.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
    /// let guard = db.deny_writes("meta");
    /// db.session().execute("DELETE FROM setting", []).unwrap_err();
    /// assert_eq!(guard.refused()[0].bind().as_str(), Some("meta"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn bind(&self) -> &BindKey {
        &self.refused.bind
    }

    /// Returns the statement, as a session was given it, or with its values on a pooled connection.
    ///
    /// One that SQLite refused to prepare there has no values yet, and is cut after some hundred characters, as
    /// [SQLite's log](https://sqlite.org/errlog.html) cuts it. Where the application has set a log of its own, this is what
    /// SQLite asked about first, in words: "a DELETE from `setting`", or "a statement on `setting`".
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
    /// let guard = db.deny_writes("meta");
    /// db.connection("meta")?.execute("DELETE FROM setting WHERE x = ?1", [1]).unwrap_err();
    /// assert_eq!(guard.refused()[0].statement(), "DELETE FROM setting WHERE x = 1");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// Returns the place in the application's code that ran it, `src/accounts.rs:10, my_app::accounts::sign_up`, or the
    /// function alone in a program without debug information.
    ///
    /// It is known of the first 64 that a guard refuses. `None` also where a driver runs statements on a thread of its own:
    /// [`thread`](Refusal::thread) has that one's name.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
    /// let guard = db.deny_writes("meta");
    /// db.connection("meta")?.execute("DELETE FROM setting", []).unwrap_err();
    /// assert!(guard.refused()[0].place().unwrap().contains("main"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn place(&self) -> Option<&str> {
        self.refused.place.as_ref().and_then(|place| place.text())
    }

    /// Returns the callers of [`place`](Refusal::place) in the application's code, the nearest first, two at most; none
    /// where the place is not known.
    ///
    /// ```
    /// # use multibind::{rusqlite::Connection, Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
    /// #[inline(never)]
    /// fn clear(meta: &Connection) {
    ///     let _ = meta.execute("DELETE FROM setting", []);
    /// }
    ///
    /// let guard = db.deny_writes("meta");
    /// clear(&*db.connection("meta")?);
    /// let refused = guard.refused();
    /// assert!(refused[0].place().unwrap().contains("clear"));
    /// assert!(refused[0].callers()[0].contains("main"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn callers(&self) -> Vec<&str> {
        self.refused.place.as_ref().map_or_else(Vec::new, |place| place.callers())
    }

    /// Returns the thread that ran it.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (x)")).start()?;
    /// let guard = db.deny_writes("meta");
    /// db.connection("meta")?.execute("DELETE FROM setting", []).unwrap_err();
    /// assert_eq!(guard.refused()[0].thread().id(), std::thread::current().id());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn thread(&self) -> &Thread {
        &self.refused.thread
    }

    /// Returns the place with its callers, `None` where the guard has refused too many to keep it.
    pub(crate) fn found(&self) -> Option<&Place> {
        self.refused.place.as_ref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bind `{}`: {}", self.bind(), self.statement())
    }
}
