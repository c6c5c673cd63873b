//! The rowid of a session's last insert.

use rusqlite::Connection;

use crate::sqlite::set_last_insert_rowid;

/// The rowid of a session's last insert, on whatever connection: to its user a session is one connection.
#[derive(Debug, Default)]
pub(super) struct LastInsert {
    rowid: i64,
}

impl LastInsert {
    /// Does something on a connection as if that were the one of the last insert.
    pub(super) fn as_of<T>(&mut self, conn: &Connection, work: impl FnOnce(&Connection) -> T) -> T {
        /// Reads it when it is dropped: a row that was inserted is there also where a mapper then panics.
        struct Reading<'l>(&'l mut i64, &'l Connection);
        impl Drop for Reading<'_> {
            fn drop(&mut self) {
                *self.0 = self.1.last_insert_rowid();
            }
        }
        set_last_insert_rowid(conn, self.rowid);
        let _reading = Reading(&mut self.rowid, conn);
        work(conn)
    }

    pub(super) fn rowid(&self) -> i64 {
        self.rowid
    }
}
