//! A guard on what is outside: databases that are no harness's.

use std::panic::Location;

use crate::harness::Harness;
use crate::instrument::{see_openings, Banning, Stray};

/// Refuses connections to what is no bind of a harness, for as long as it lives; from [`Harness::deny_outside`].
///
/// # Panics
///
/// When it is dropped, if it has refused a connection and [`refused`](OutsideGuard::refused) was never called: code under
/// test that swallows the error must not let the test pass. In a test that panics already, it says on standard error what
/// it has refused.
#[must_use = "it ends when it is dropped, here at once: bind it to `_guard`"]
#[derive(Debug)]
pub struct OutsideGuard {
    banning: Banning,
}

impl Harness {
    /// Refuses each connection that this process opens to what is no bind of a harness, as long as the guard lives: a file
    /// of the application's, a database in memory of its own. So nobody opens a production file.
    ///
    /// SQLite reports each opening in the process, by whichever driver, on whichever thread, and the opening fails with
    /// `SQLITE_AUTH` and a message that has what was opened and the place of this call. Connections to the binds of any
    /// harness are let through. One that was open before stays open.
    ///
    /// - It holds for the whole process, and so for tests that run beside this one: have all tests of a program take their
    ///   databases from harnesses, or run it in a process of its own, as nextest does.
    /// - SQLite has the file open by then: where there was none, it is there, empty.
    /// - A file that is attached is no connection: SQLite asks about `ATTACH` alone, which [`allow_only`](Harness::allow_only)
    ///   refuses.
    ///
    /// # Panics
    ///
    /// The guard [panics](OutsideGuard#panics) when it is dropped if the test has not asked what it has refused.
    ///
    /// ```standalone_crate
    /// use multibind::{rusqlite::Connection, Bind, Harness};
    ///
    /// let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let guard = db.deny_outside();
    /// assert!(Connection::open_in_memory().is_err());
    /// Connection::open(db.uri("auth")?)?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// assert_eq!(guard.refused().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn deny_outside(&self) -> OutsideGuard {
        see_openings();
        OutsideGuard { banning: Banning::begin(Location::caller()) }
    }
}

impl OutsideGuard {
    /// Returns the connections that it has refused so far, in order. After this call the guard no longer panics when it is
    /// dropped.
    ///
    /// ```standalone_crate
    /// # use multibind::{rusqlite::Connection, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let guard = db.deny_outside();
    /// Connection::open_in_memory().unwrap_err();
    /// let refused = guard.refused();
    /// assert_eq!(refused[0].file(), None);
    /// assert!(refused[0].to_string().starts_with("a private database in memory, on thread"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn refused(&self) -> Vec<Stray> {
        self.banning.refused()
    }

    /// Ends it and returns what it has refused and nobody has asked about, in words, if there is anything.
    pub(crate) fn unasked(&self) -> Option<String> {
        let refused = self.banning.end();
        let mut lines = format!("`deny_outside()` at {} refused:\n", self.banning.place());
        for stray in &refused {
            lines += &format!("\n  {stray}");
        }
        lines += "\n\nIf that is meant, ask `refused()` of the guard before it is dropped. If not, give the code under test\n\
                  the address of a bind: `uri(key)`, `path(key)` or `pool(key)`.";
        (!refused.is_empty()).then_some(lines)
    }
}
