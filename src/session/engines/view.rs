//! What a join is to see of a unit of work.

use rusqlite::Connection;

use super::{run, savepoint_sql, Engines};
use crate::database::Database;
use crate::instrument::spared;
use crate::key::BindIndex;
use crate::sqlite::{copy_transaction, Image, NamedConnection};

/// The level of a savepoint that is released at once.
const FLUSHED: usize = 0;

impl Engines {
    /// Whether a join has to take what a bind holds from this session's own connection: no other sees what it has written
    /// and not committed, or, where others have committed since it first read, what it reads.
    pub(in crate::session) fn sees_alone(&mut self, database: &Database, member: BindIndex) -> bool {
        if !self.has_read(member) {
            return false;
        }
        let before = self.before.get(&member).copied().flatten();
        if self.has_written(member) {
            return true;
        }
        let counter = self.counters.or_insert_with(member, || None);
        before.is_some_and(|before| database.beside_readers(counter).ok().flatten() != Some(before))
    }

    /// A number that changes when what this session sees of a bind may have changed.
    pub(in crate::session) fn turn(&self, member: BindIndex) -> u64 {
        self.turns.get(&member).copied().unwrap_or_default()
    }

    pub(super) fn turned(&mut self, member: BindIndex) {
        let next = self.turn(member) + 1;
        self.turns.insert(member, next);
    }

    /// Puts what a bind holds as this session sees it into a schema of another connection.
    pub(in crate::session) fn copy_into(
        &self,
        database: &Database,
        member: BindIndex,
        to: &mut Connection,
        schema: &str,
    ) -> rusqlite::Result<()> {
        match self.open.get(&member).map(NamedConnection::conn) {
            Some(conn) if self.has_read(member) => spared(|| {
                write_down(conn)?;
                copy_transaction(conn, to, schema, true)
            }),
            _ => database.look(|conn| Image::of_committed(conn))?.copy_into(to, schema),
        }
    }
}

/// Has virtual tables write down what they keep back, as they do when a savepoint is set.
pub(super) fn write_down(conn: &Connection) -> rusqlite::Result<()> {
    run(None, conn, &savepoint_sql("SAVEPOINT", FLUSHED))?;
    run(None, conn, &savepoint_sql("RELEASE", FLUSHED))
}
