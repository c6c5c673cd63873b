//! The end of a fault, which fails a test in which it never triggered.

use std::thread;

use crate::error::{LastWords, Returned};
use crate::fail::fail_at_end;
use crate::observe::{Fault, Untriggered};
use crate::report::fault as report;
use crate::say;

impl Drop for Fault {
    fn drop(&mut self) {
        let Some(problem) = self.problem() else { return };
        // A test that returns an error drops its faults first. The error comes before what this says.
        let words = LastWords::new(String::new(), Box::new(move |printed| problem.fail(printed)));
        match self.running() {
            Some(running) if !thread::panicking() => running.returned().hand(words),
            None if !thread::panicking() => Returned::default().hand(words),
            _ => drop(words),
        }
    }
}

/// The reason why a fault fails its test.
enum Problem {
    /// It never triggered.
    Untriggered(Box<Untriggered>),
    /// It could not meet every connection.
    Unmet(String),
}

impl Problem {
    /// Fails the test, unless it fails already; an error that the test returned may have been printed.
    fn fail(&self, has_printed_error: bool) {
        if thread::panicking() {
            return self.mention();
        }
        match self {
            Problem::Untriggered(untriggered) if !has_printed_error => fail_at_end(report::untriggered(untriggered)),
            problem => fail_at_end(problem.beside()),
        }
    }

    /// Mentions it beside another failure.
    fn mention(&self) {
        say::beside_failure(&format!("multibind: {}", self.beside()));
    }

    fn beside(&self) -> String {
        match self {
            Problem::Untriggered(untriggered) => report::untriggered_beside(untriggered),
            Problem::Unmet(text) => text.clone(),
        }
    }
}

impl Fault {
    /// Runs code under test, ends the fault and returns what the code has returned.
    ///
    /// An error that it returns stays the test's: if the fault has not triggered by then, or could not meet every connection,
    /// standard error says so, and nothing panics.
    ///
    /// # Errors
    ///
    /// The code's own.
    ///
    /// # Panics
    ///
    /// When the code returns no error and the fault has not triggered, as when it is dropped.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let conn = db.connection(None)?;
    /// let failed = db.fault(None).disk_full()?.during(|| conn.execute("INSERT INTO t VALUES (1)", []));
    /// assert_eq!(failed.unwrap_err().to_string(), "database or disk is full");
    ///
    /// let unreached = db.fault(None).disk_full()?.during(|| conn.execute("INSERT INTO no_table VALUES (1)", []));
    /// assert!(unreached.unwrap_err().to_string().starts_with("no such table"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn during<T, E>(mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let done = work();
        if done.is_err()
            && let Some(problem) = self.problem()
        {
            problem.mention();
            self.forgive();
        }
        done
    }

    /// Returns why it fails the test, if it does.
    fn problem(&self) -> Option<Problem> {
        let unmet = self.unmet();
        if !unmet.is_empty() {
            return Some(Problem::Unmet(report::unmet(&self.call(), &unmet)));
        }
        self.untriggered().map(|untriggered| Problem::Untriggered(Box::new(untriggered)))
    }
}
