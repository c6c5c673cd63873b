//! The transaction of a script that no tool runs.

use rusqlite::Connection;

use crate::sqlite::script;

/// The transaction of a script of no tool: what it does outside of one runs in one as far as it lets. What SQLite does not
/// do within one (`VACUUM`, a change of journal mode) and what has no effect within one (`PRAGMA foreign_keys`) runs outside,
/// and a script's own `BEGIN` and `COMMIT` are the script's.
#[derive(Default)]
pub(super) struct Ours {
    /// Set where the open transaction was opened here and not by the script.
    pub(super) open: bool,
}

impl Ours {
    pub(super) fn commit(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.open) {
            conn.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, conn: &Connection, sql: &str) -> rusqlite::Result<()> {
        match self.attempt(conn, sql) {
            // SQLite says of few statements beforehand that a transaction is no place for them, but of all by refusing.
            Err(refused) if self.open && !conn.is_autocommit() => {
                self.commit(conn)?;
                conn.prepare(sql).and_then(|mut statement| script::finish(&mut statement)).map_err(|_| refused)
            }
            outcome => outcome,
        }
    }

    fn attempt(&mut self, conn: &Connection, sql: &str) -> rusqlite::Result<()> {
        let mut statement = conn.prepare(sql)?;
        // What neither writes nor answers sets something: `BEGIN`, `SAVEPOINT`, `ATTACH`, most pragmas.
        let sets = statement.readonly() && statement.column_count() == 0;
        if sets && self.open {
            self.commit(conn)?;
            // Prepared again, for many a pragma takes effect or not when it is prepared.
            statement = conn.prepare(sql)?;
        } else if !statement.readonly() && conn.is_autocommit() {
            conn.execute_batch("BEGIN")?;
            self.open = true;
        }
        script::finish(&mut statement)
    }
}
