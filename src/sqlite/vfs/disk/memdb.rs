//! A bind in SQLite's `memdb`: its own file system opens it, and a gate hears who writes.
//!
//! Such a database has its journals in memory, so that what a transaction writes is seen as it is written to the database.

use std::ffi::{c_char, c_int};
use std::sync::{Arc, Once};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_vfs};

use super::exchanged::Exchanged;
use super::gates::{by_name, named, Gated};
use crate::sqlite::callback::without_panic;
use crate::sqlite::vfs::gate::Gate;
use crate::sqlite::vfs::Opener;

/// The function by which `memdb` opened databases before.
static BEFORE: Exchanged = Exchanged::new();

/// Makes each connection meet a gate that opens the `memdb` database of that name; those that only read, if `read_only` is set
/// and the others have a gate of their own.
pub(crate) fn meet_in_memdb(name: &[u8], read_only: bool, gate: &Arc<dyn Gate>) -> Gated {
    static DONE: Once = Once::new();
    DONE.call_once(|| BEFORE.exchange(Some(c"memdb"), open_in_memdb));
    by_name(name, read_only, gate)
}

/// Opens a database of `memdb`.
unsafe extern "C" fn open_in_memdb(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    without_panic(ffi::SQLITE_CANTOPEN, || {
        let Some(opens) = BEFORE.opens() else { return ffi::SQLITE_CANTOPEN };
        // SAFETY: SQLite passes the file system it found, a name that lives through the call, and room for a file. Behind the
        // name of a bind's database lie the parameters of its URI.
        unsafe {
            match named(name, flags) {
                Some(gate) => {
                    let by = (gate, Opener::of_uri(name).writer());
                    super::open(vfs, name, file, flags, out_flags, opens, by)
                }
                None => opens(vfs, name, file, flags, out_flags),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::super::gate::OpenGate;
    use super::super::gates::tests::methods;
    use super::*;
    use crate::sqlite::copy::unique_name;

    #[test]
    fn only_a_gated_database_is_wrapped() {
        let (name, other) = (unique_name(), unique_name());
        let open = |name: &str| {
            let conn = Connection::open(format!("file:/{name}?vfs=memdb")).unwrap();
            conn.execute_batch("CREATE TABLE IF NOT EXISTS t (x)").unwrap();
            conn
        };
        let before = open(&name);
        let gate: Arc<dyn Gate> = Arc::new(OpenGate);
        let gated = meet_in_memdb(format!("/{name}").as_bytes(), false, &gate);
        let wrapped = open(&name);
        assert_ne!(methods(&wrapped), methods(&before));
        assert_eq!(methods(&open(&other)), methods(&before));
        wrapped.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(before.query_row("SELECT x FROM t", [], |row| row.get(0)), Ok(1));
        drop(gated);
        assert_eq!(methods(&open(&name)), methods(&before));
    }
}
