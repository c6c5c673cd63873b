//! The journal mode that a database would have as a file.

/// The names of the modes in the order in which SQLite compares them, see `getJournalMode` in its `pragma.c`.
const MODES: [&str; 6] = ["delete", "persist", "off", "truncate", "memory", "wal"];

/// The mode of a file on which a schema would run. The schema runs in memory, where SQLite changes no mode and refuses no
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JournalMode {
    is_wal: bool,
}

impl JournalMode {
    /// Returns the mode of a new file, or of one whose connection sets `pragma`.
    pub(super) fn new(pragma: Option<&str>) -> JournalMode {
        JournalMode { is_wal: pragma.and_then(is_wal).unwrap_or(false) }
    }

    /// Changes the mode as `PRAGMA journal_mode` does. Returns SQLite's error, `sqlite3VdbeExec`'s at `OP_JournalMode`, where
    /// that would fail in a transaction.
    pub(super) fn change(&mut self, mode: &str, in_transaction: bool) -> Result<(), String> {
        let Some(is_wal) = is_wal(mode).filter(|is_wal| *is_wal != self.is_wal) else { return Ok(()) };
        if in_transaction {
            let way = if is_wal { "into" } else { "out of" };
            return Err(format!("cannot change {way} wal mode from within a transaction"));
        }
        self.is_wal = is_wal;
        Ok(())
    }
}

/// Returns `None` for a text that names no mode: SQLite then only returns the present one. The beginning of a name is enough.
fn is_wal(mode: &str) -> Option<bool> {
    let begins = |name: &&str| name.get(..mode.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(mode));
    MODES.iter().find(|name| begins(name)).map(|name| *name == "wal")
}
