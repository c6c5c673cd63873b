//! The view that a join has of a unit of work.

use rusqlite::Connection;

use super::{control, savepoint_sql, Unit};
use crate::database::Database;
use crate::instrument::Spared;
use crate::key::BindIndex;
use crate::sqlite::Image;

/// The level of a savepoint that is released at once.
const FLUSHED: usize = 0;

impl Unit {
    /// Reports whether a join has to take what a bind holds from this session's own connection: no other sees what it
    /// has written and not committed, or, where others have committed since it first read, what it reads.
    pub(in super::super) fn sees_alone(&mut self, database: &Database, bind: BindIndex) -> bool {
        let part = &mut self.binds[bind];
        if !part.has_read {
            return false;
        }
        if part.has_written() {
            return true;
        }
        let Some(before) = part.before else { return false };
        database.beside_readers(&mut part.counter).ok().flatten() != Some(before)
    }

    /// Returns a number that changes when what this session sees of a bind may have changed.
    pub(in super::super) fn turn(&self, bind: BindIndex) -> u64 {
        self.binds[bind].turn
    }

    /// Runs `copy` on a connection that has what a bind holds, as this session sees it, in `main`.
    pub(in super::super) fn copied<T>(
        &self,
        database: &Database,
        bind: BindIndex,
        copy: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let part = &self.binds[bind];
        if !part.has_read {
            return database.look(|conn| Image::of_committed(conn))?.with(|conn| copy(conn))?;
        }
        let conn = part.used()?;
        let _spared = Spared::begin();
        write_down(conn)?;
        copy(conn)
    }
}

/// Makes virtual tables write down what they keep back, as they do when a savepoint is set.
pub(super) fn write_down(conn: &Connection) -> rusqlite::Result<()> {
    control(None, conn, &savepoint_sql("SAVEPOINT", FLUSHED))?;
    control(None, conn, &savepoint_sql("RELEASE", FLUSHED))
}
