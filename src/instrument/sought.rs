//! The search for a statement of a harness that asks for the time, a random number or another value that differs each time.

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::handle::Handle;
use super::recorder::{Listening, Recorder};
use crate::sync::lock;

/// The searches of a harness that go on, and what they have found.
#[derive(Debug, Default)]
pub(super) struct Sought {
    searches: AtomicUsize,
    /// The words for the first statement.
    first: Mutex<Option<String>>,
}

/// The longest text of a statement in the words for it.
const LONGEST: usize = 120;

impl Sought {
    /// Looks at a statement that begins, if somebody searches.
    pub(super) fn begins(&self, handle: &Handle, sql: &CStr) {
        if self.searches.load(Ordering::Relaxed) == 0 || lock(&self.first).is_some() {
            return;
        }
        let problem = if handle.is_asked() {
            match handle.fleeting_function(sql) {
                Ok(None) => return,
                Ok(Some(function)) => format!("calls `{function}`"),
                Err(_) => "cannot be explained".to_string(),
            }
        } else {
            // The application must not be asked about a statement that it does not run.
            "runs on a connection with an authorizer of the application's".to_string()
        };
        let sql = sql.to_string_lossy();
        let mut text = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = text.char_indices().nth(LONGEST) {
            text.truncate(end);
            text.push('…');
        }
        self.found(format!("`{text}` {problem}"));
    }

    fn found(&self, words: String) {
        lock(&self.first).get_or_insert(words);
    }
}

/// A search, until it is dropped.
pub(crate) struct Search {
    recorder: Arc<Recorder>,
    /// Reads are looked at too.
    _listening: Listening,
}

impl Search {
    /// Returns the words for the first statement that was found, or for a connection that hides its statements.
    pub(crate) fn found(&self) -> Option<String> {
        lock(&self.recorder.sought.first).clone()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.recorder.sought.searches.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Recorder {
    /// Searches from here on, as long as the answer lives.
    pub(crate) fn search(self: &Arc<Self>) -> Search {
        self.sought.searches.fetch_add(1, Ordering::Relaxed);
        Search { recorder: Arc::clone(self), _listening: self.record() }
    }

    /// Notes for a search a call that runs statements of which it sees none.
    pub(crate) fn runs_unseen(&self, call: &str) {
        if self.sought.searches.load(Ordering::Relaxed) > 0 {
            self.sought.found(format!("`{call}` runs statements that are not looked at"));
        }
    }
}
