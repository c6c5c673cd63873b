//! The end of a harness: the locks that connections waited for in vain, and its databases where they are to be kept.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::thread;

use super::{Harness, Keep};
use crate::error::LastWords;
use crate::fail::fail_at_end;
use crate::instrument::Banning;
use crate::say;

/// Saves the databases of a harness.
pub(crate) type Keeper = fn(&Harness) -> Kept;

/// The databases of a harness, saved or not.
pub(crate) struct Kept {
    /// The line to print about it.
    pub(crate) told: String,
    /// The folder that they are in.
    pub(crate) folder: Option<PathBuf>,
    /// Removes such a folder again.
    pub(crate) remove: fn(PathBuf),
}

impl Drop for Harness {
    fn drop(&mut self) {
        // A panic in here while another is under way would end the process, with every test that still runs.
        let _ = catch_unwind(AssertUnwindSafe(|| self.end()));
        if let Some(text) = self.outside.as_ref().and_then(Banning::unasked) {
            let end = move |_: bool| {
                if !thread::panicking() {
                    fail_at_end(text);
                }
                say::beside_failure(&format!("multibind: {text}"));
            };
            let words = LastWords::new(String::new(), Box::new(end));
            if thread::panicking() {
                drop(words);
            } else {
                self.running.returned().hand(words);
            }
        }
    }
}

impl Harness {
    fn end(&self) {
        let (keep, fails) = (self.keeps(), thread::panicking());
        // A test that returns a driver's error does not panic. What is printed here, runners show of failed tests alone.
        if fails || !self.running.returned().any() {
            let mut told = self.running.given_up();
            if !fails {
                self.name_test(&mut told);
            }
            for line in told {
                say::beside_failure(&line);
            }
        }
        // The test has yet to learn of a thread that failed, or ends without.
        let is_failed = fails || self.running.recorder().failures.elsewhere().is_some();
        if keep == Keep::Always || is_failed && keep == Keep::Failed {
            say::beside_failure(&(self.keeper)(self).told);
        }
        if !fails && self.running.returned().any() {
            self.end_beside_errors(keep);
        }
    }

    /// Names the test before what is said of it: one that returns an error is named by nothing that it prints.
    fn name_test(&self, told: &mut Vec<String>) {
        if let Some(name) = self.test_name().filter(|name| !told.is_empty() && *name != "main") {
            told.insert(0, format!("multibind: in the test `{name}`:"));
        }
    }

    /// Prepares for the end of the test with one of the errors that are alive.
    fn end_beside_errors(&self, keep: Keep) {
        let (mut told, mut folder) = (self.running.given_up(), None);
        let mut remove: fn(PathBuf) = drop;
        if keep == Keep::Failed {
            let kept = (self.keeper)(self);
            told.push(kept.told);
            (folder, remove) = (kept.folder, kept.remove);
        }
        self.name_test(&mut told);
        let end = move |printed: bool| {
            // No test ended with the error.
            if let Some(folder) = folder.filter(|_| !printed) {
                remove(folder);
            }
        };
        self.running.returned().hand(LastWords::new(told.join("\n"), Box::new(end)));
    }
}
