//! The end of a guard, which fails a test that did not ask for what was refused.

use std::thread;

use crate::fail::fail_at_end;
use crate::observe::{Guard, OutsideGuard};
use crate::report::guard as report;
use crate::say;

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(unasked) = self.unasked() else { return };
        let text = report::unasked(&unasked);
        if !thread::panicking() {
            fail_at_end(text);
        }
        say::beside_failure(&format!("multibind: {text}"));
    }
}

impl Drop for OutsideGuard {
    fn drop(&mut self) {
        let Some(text) = self.unasked() else { return };
        if !thread::panicking() {
            fail_at_end(text);
        }
        say::beside_failure(&format!("multibind: {text}"));
    }
}
