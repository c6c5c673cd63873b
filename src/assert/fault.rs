//! The end of a fault, which fails a test in which it never triggered.

use std::thread;

use crate::observe::Fault;
use crate::report::fault as report;

impl Drop for Fault {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        if let Some(untriggered) = self.untriggered() {
            panic!("{}", report::untriggered(&untriggered));
        }
    }
}
