//! The end of a harness: the locks that connections waited for in vain, and its databases where they are to be kept.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::thread;

use super::Harness;
use crate::instrument::Banning;
use crate::say;

/// Saves the databases of a harness and returns what to print about it.
pub(crate) type Keeper = fn(&Harness) -> String;

impl Drop for Harness {
    fn drop(&mut self) {
        // A panic in here while another is under way would end the process, with every test that still runs.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if thread::panicking() {
                for conflict in self.given_up() {
                    say::beside_failure(&conflict);
                }
            }
            if self.is_to_be_kept() {
                say::beside_failure(&(self.keeper)(self));
            }
        }));
        if let Some(text) = self.outside.as_ref().and_then(Banning::unasked) {
            if !thread::panicking() {
                panic!("{text}");
            }
            say::beside_failure(&format!("multibind: {text}"));
        }
    }
}

impl Harness {
    /// Returns the application's waits for a lock that ended without it, any of which may be why the test failed.
    fn given_up(&self) -> Vec<String> {
        let mut conflicts = Vec::new();
        for database in self.running.databases() {
            for conflict in database.given_up() {
                conflicts.push(format!("multibind: bind `{}`: {conflict}", database.label()));
            }
        }
        conflicts
    }
}
