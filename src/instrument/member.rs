//! A database's part in its harness.

use std::sync::Arc;

use super::recorder::Recorder;
use super::rules::Rules;
use crate::key::{BindKey, Keys};

/// The number of times that the values of a statement are recorded which a connection runs again and again while nobody
/// records.
const VALUES: u32 = 64;

/// A database's part in its harness.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) recorder: Arc<Recorder>,
    pub(super) rules: Arc<Rules>,
    /// The keys that mean it, the first its own; a dynamic bind's key means all of its databases.
    pub(super) names: Keys,
}

impl Member {
    pub(super) fn bind(&self) -> &BindKey {
        self.names.first()
    }

    /// Returns whether a statement is recorded that writes or not.
    pub(super) fn records(&self, writes: bool) -> bool {
        self.recorder.is_heard() || writes && self.recorder.keeps_writes()
    }

    /// Returns whether the values of a statement are recorded that its connection has run so often in a row.
    pub(super) fn wants_values(&self, again: u32) -> bool {
        wants_values(again) || self.recorder.is_heard()
    }
}

/// Returns whether the values of a statement are recorded while nobody records.
pub(super) fn wants_values(again: u32) -> bool {
    again <= VALUES
}
