//! The end of a fault, which fails a test in which it never triggered.

use std::thread;

use crate::fail::fail_at_end;
use crate::observe::Fault;
use crate::report::fault as report;
use crate::say;

impl Drop for Fault {
    fn drop(&mut self) {
        let Some(untriggered) = self.untriggered() else { return };
        if !thread::panicking() {
            fail_at_end(report::untriggered(&untriggered));
        }
        say::beside_failure(&format!("multibind: {}", report::untriggered_beside(&untriggered)));
    }
}

impl Fault {
    /// Runs code under test, ends the fault and returns what the code has returned.
    ///
    /// An error that it returns stays the test's: if the fault has not triggered by then, standard error says so, and nothing
    /// panics. A fault that is dropped cannot know that its test is returning an error, and takes the error's place.
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
            say::beside_failure(&format!("multibind: {}", report::untriggered_beside(&untriggered)));
            self.forgive();
        }
        done
    }
}
