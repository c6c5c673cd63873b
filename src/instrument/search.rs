//! A search of a harness for what differs each time, while code of the test's runs on it.

use std::sync::Arc;

use super::listening::Listening;
use super::recorder::Recorder;

/// A search, until it is dropped.
pub(crate) struct Search {
    recorder: Arc<Recorder>,
    /// Reads are looked at too.
    _listening: Listening,
}

impl Search {
    /// Returns the words for the first statement that was found, or for a connection that hides its statements.
    pub(crate) fn found(&self) -> Option<String> {
        self.recorder.sought.first()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.recorder.sought.end();
    }
}

impl Recorder {
    /// Searches from here on, as long as the answer lives.
    pub(crate) fn search(self: &Arc<Self>) -> Search {
        self.sought.begin();
        Search { recorder: Arc::clone(self), _listening: self.record() }
    }

    /// Notes for a search a call that runs statements of which it sees none.
    pub(crate) fn runs_unseen(&self, call: &str) {
        if self.sought.is_on() {
            self.sought.found(format!("`{call}` runs statements that are not looked at"));
        }
    }
}
