//! The end of a fault, which fails a test in which it never triggered.

use std::thread;

use crate::error::{LastWords, Returned};
use crate::observe::{Fault, Untriggered};
use crate::report::fault as report;
use crate::say;

impl Drop for Fault {
    fn drop(&mut self) {
        let Some(untriggered) = self.untriggered() else { return };
        if thread::panicking() {
            return beside(&untriggered);
        }
        // A test that returns an error drops its faults first. The error comes before what this says.
        let words = LastWords::new(String::new(), Box::new(move |printed| fail(&untriggered, printed)));
        match self.running() {
            Some(running) => running.returned().hand(words),
            None => Returned::default().hand(words),
        }
    }
}

/// Fails the test because of a fault that never triggered, once no error can be what the test returns.
fn fail(untriggered: &Untriggered, has_printed_error: bool) {
    if thread::panicking() {
        beside(untriggered);
    } else if has_printed_error {
        panic!("{}", report::untriggered_beside(untriggered));
    } else {
        panic!("{}", report::untriggered(untriggered));
    }
}

/// Mentions a fault that never triggered beside another failure.
fn beside(untriggered: &Untriggered) {
    say::beside_failure(&format!("multibind: {}", report::untriggered_beside(untriggered)));
}

impl Fault {
    /// Runs code under test, ends the fault and returns what the code has returned.
    ///
    /// An error that it returns stays the test's: if the fault has not triggered by then, standard error says so, and nothing
    /// panics.
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
            && let Some(untriggered) = self.untriggered()
        {
            beside(&untriggered);
            self.forgive();
        }
        done
    }
}
