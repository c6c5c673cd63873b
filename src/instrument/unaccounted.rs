//! Writes that no statement makes, incremental blob I/O or a backup into a connection: refused by a guard, or recorded.

use rusqlite::ffi;

use super::connections::waiting;
use super::deed::Deed;
use super::faults::Witness;
use super::handle::Handle;
use super::state::{is_in_unheard, is_own};
use super::waits::Waiting;
use super::watch::Watch;
use crate::sqlite::vfs::Writer;
use crate::sync::lock;

impl Witness for Watch {
    fn refuses_to_write(&self, writer: Writer, transaction: u64) -> bool {
        if is_own() || self.number().is_some_and(is_in_unheard) {
            return false;
        }
        let again = {
            let mut accounts = lock(&self.accounts);
            if accounts.accounts() {
                return false;
            }
            accounts.is_again(transaction)
        };
        self.refuses_unaccounted(writer == Writer::Ours, again)
    }

    fn waiting(&self) -> Waiting {
        self.harness.get().map(|member| waiting(&member.recorder)).unwrap_or_default()
    }

    fn writer_ends(&self) {
        if let Some(member) = self.harness.get() {
            member.recorder.ends.note();
        }
    }

    /// Sees what the file system does not, a database that has none of this crate's or no journal; but not what is
    /// written after `BEGIN IMMEDIATE`, or beside what is written to another database, nor a backup.
    unsafe fn refuses_to_commit(&self, db: *mut ffi::sqlite3) -> bool {
        // SAFETY: as the caller says; the value is not kept.
        let handle = unsafe { Handle::new(db) };
        if is_own() || !handle.is_writing_to(c"main") || lock(&self.accounts).accounts_for(&handle) {
            return false;
        }
        self.refuses_unaccounted(true, false)
    }
}

impl Watch {
    fn refuses_unaccounted(&self, ours: bool, again: bool) -> bool {
        let Some(member) = self.harness.get() else { return false };
        if member.rules.any() {
            let deed = Deed { writes: true, ..Deed::default() };
            if let Some(rule) = member.rules.against(&member.names, deed) {
                rule.note(member.bind(), UNACCOUNTED.to_string(), again);
                return true;
            }
        }
        if !again && member.recorder.is_heard() {
            member.recorder.note_unaccounted(&member.names, ours);
        }
        false
    }
}

/// The words for a write that no statement makes.
const UNACCOUNTED: &str = "a write that no statement makes: incremental blob I/O, a backup into the connection, or a \
                           connection whose trace the application has replaced";
