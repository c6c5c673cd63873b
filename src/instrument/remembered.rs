//! The statements of a connection that are remembered: SQLite's accounts of them, and how often one ran in a row.

use std::ffi::CStr;
use std::sync::Arc;

use super::connected::Connected;
use super::handle::{Handle, Standing};
use super::looked::Looked;
use super::state;
use crate::sync::lock;

impl Connected {
    /// Returns SQLite's account of a statement, which is remembered.
    pub(super) fn look(&self, handle: &Handle, standing: Standing, sql: &CStr) -> Option<Arc<Looked>> {
        let now = state::names();
        if let Some(looked) = self.known(handle, standing, sql.to_bytes()) {
            return Some(looked);
        }
        let looked = Arc::new(handle.look(sql)?);
        lock(&self.state).memory.put(sql, &looked, now);
        Some(looked)
    }

    /// Returns it if it is remembered.
    pub(super) fn known(&self, handle: &Handle, standing: Standing, sql: &[u8]) -> Option<Arc<Looked>> {
        let now = state::names();
        let (mut state, version) = self.at_version(handle, standing);
        // What others have committed may have changed what a name means.
        if state.version != version {
            state.memory.forget(now);
            state.version = version;
        }
        state.memory.get(sql, now)
    }

    /// Returns whether a statement that only reads uses a table, which is remembered; also where that is not known now.
    pub(super) fn uses_table(&self, handle: &Handle, sql: &CStr) -> bool {
        if let Some(looked) = lock(&self.state).reads.get(sql.to_bytes(), 0) {
            return looked.deed.uses_tables;
        }
        let uses_tables = handle.uses_table(sql);
        let mut looked = Looked::default();
        looked.deed.uses_tables = uses_tables;
        // No change of the schema makes it another.
        lock(&self.state).reads.put(sql, &Arc::new(looked), 0);
        uses_tables
    }

    /// Counts a statement that writes, and returns how often it has run in a row: a loop has the same place again and again,
    /// and values whose expansion costs more than what it inserts.
    pub(super) fn again(&self, sql: &Arc<str>) -> u32 {
        let mut state = lock(&self.state);
        if Arc::ptr_eq(&state.written, sql) || *state.written == **sql {
            state.in_a_row = state.in_a_row.saturating_add(1);
        } else {
            state.written = Arc::clone(sql);
            state.in_a_row = 1;
        }
        state.in_a_row
    }
}
