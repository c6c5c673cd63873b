//! The search for a statement of a harness that asks for the time, a random number or another value that differs each time.

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

use super::handle::Handle;
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
        if !self.is_on() || lock(&self.first).is_some() {
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

    /// Notes the words for a statement, or for statements that are not seen.
    pub(super) fn found(&self, words: String) {
        lock(&self.first).get_or_insert(words);
    }

    /// Returns the words for the first.
    pub(super) fn first(&self) -> Option<String> {
        lock(&self.first).clone()
    }

    /// Returns whether somebody searches.
    pub(super) fn is_on(&self) -> bool {
        self.searches.load(Ordering::Relaxed) > 0
    }

    pub(super) fn begin(&self) {
        self.searches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.searches.fetch_sub(1, Ordering::Relaxed);
    }
}
