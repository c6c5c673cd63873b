//! Collations that only the application has: reading tables that need them, without comparing by them.

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::ptr;

use rusqlite::{ffi, Connection};

use super::code::check;
use super::script::quote;
use crate::list::has_name;
use crate::sqlite::callback::without_panic;

/// Returns whether a connection has a collation.
///
/// Its list of collations does not show it: a name that its schema has is among them.
pub(crate) fn has_collation(conn: &Connection, name: &str) -> bool {
    let is_sqlites = has_name(&["BINARY", "NOCASE", "RTRIM"], name);
    is_sqlites || conn.prepare(&format!("SELECT '' < '' COLLATE {}", quote(name))).is_ok()
}

/// Makes a connection order text by its bytes under each collation that it lacks, so that SQLite reads what is ordered
/// by one.
///
/// Nothing may be looked up by such a collation: an index, or a table without rowids, stands in another order.
pub(crate) fn stand_in_for_collations(conn: &Connection) -> rusqlite::Result<()> {
    // SAFETY: the handle is open, the callback has the signature asked for, and there is no context.
    let code = unsafe { ffi::sqlite3_collation_needed(conn.handle(), ptr::null_mut(), Some(needed)) };
    check(code)
}

/// Returns the collation of a column of a table in `main`, as SQLite has it; `None` where it says none.
pub(crate) fn collation_of(conn: &Connection, table: &str, column: &str) -> rusqlite::Result<Option<String>> {
    let (table, column) = (CString::new(table)?, CString::new(column)?);
    let mut collation = ptr::null();
    // SAFETY: the handle is open, the names end with a NUL and live through the call, and a null pointer asks for nothing.
    let code = unsafe {
        ffi::sqlite3_table_column_metadata(
            conn.handle(),
            c"main".as_ptr(),
            table.as_ptr(),
            column.as_ptr(),
            ptr::null_mut(),
            &mut collation,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    // A view has no columns to ask about.
    if code != ffi::SQLITE_OK || collation.is_null() {
        return Ok(None);
    }
    // SAFETY: SQLite gives a text that ends with a NUL and lives until the schema is read again, by a later call.
    Ok(Some(unsafe { CStr::from_ptr(collation) }.to_string_lossy().into_owned()))
}

unsafe extern "C" fn needed(_: *mut c_void, db: *mut ffi::sqlite3, _: c_int, name: *const c_char) {
    // No panic: it calls SQLite.
    // SAFETY: SQLite passes the open handle that needs it and a name that lives through this call, which copies it. Where
    // it is not taken, SQLite says that it has no such collation.
    unsafe { ffi::sqlite3_create_collation_v2(db, name, ffi::SQLITE_UTF8, ptr::null_mut(), Some(by_bytes), None) };
}

unsafe extern "C" fn by_bytes(
    _: *mut c_void,
    left_length: c_int,
    left: *const c_void,
    right_length: c_int,
    right: *const c_void,
) -> c_int {
    without_panic(0, || {
        // SAFETY: SQLite passes two texts of these lengths that live through this call.
        let (left, right) = unsafe { (bytes(left, left_length), bytes(right, right_length)) };
        left.cmp(right) as c_int
    })
}

/// # Safety
///
/// There are as many bytes, or none.
unsafe fn bytes<'b>(start: *const c_void, length: c_int) -> &'b [u8] {
    match usize::try_from(length) {
        // SAFETY: by the caller.
        Ok(length) if length > 0 && !start.is_null() => unsafe { std::slice::from_raw_parts(start.cast(), length) },
        _ => &[],
    }
}
