//! The update hook of each connection, by which SQLite reports the rows that a statement changes one by one.
//!
//! It is the application's to set, and then takes the place of this one: the rows are not known.

use std::ffi::{c_char, c_int, c_void, CStr};
use std::ptr;

use rusqlite::ffi;

use super::connections::connected_at;
use super::handle::Handle;
use super::operation::Operation;
use super::state::{is_heard, is_own, is_present};
use crate::sqlite::callback::without_panic;
use crate::sqlite::Slot;

/// The hook, which has one address.
static CALLBACK: unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, i64) = on_update;

/// Makes SQLite report the rows that a connection changes, unless the application has a hook of its own there.
pub(super) fn report_rows(handle: &Handle) {
    // SAFETY: the connection is open.
    if !unsafe { Slot::UpdateHook.is_free(handle.pointer(), CALLBACK as usize) } {
        return;
    }
    let context = ptr::without_provenance_mut(handle.address());
    // SAFETY: the connection is open, the callback has the signature asked for, and its context, the connection's address, is
    // never followed.
    unsafe { ffi::sqlite3_update_hook(handle.pointer(), Some(CALLBACK), context) };
}

/// Notes a row that is changed.
unsafe extern "C" fn on_update(
    context: *mut c_void,
    operation: c_int,
    schema: *const c_char,
    table: *const c_char,
    rowid: i64,
) {
    without_panic((), || {
        let operation = match operation {
            ffi::SQLITE_DELETE => Operation::Delete,
            ffi::SQLITE_UPDATE => Operation::Update,
            _ => Operation::Insert,
        };
        let is_of_nobody = !is_present() && !is_heard();
        if is_of_nobody || is_own() || schema.is_null() || table.is_null() {
            return;
        }
        // SAFETY: both end with a NUL and live through this call.
        let (schema, table) = unsafe { (CStr::from_ptr(schema), CStr::from_ptr(table)) };
        if let Some(connection) = connected_at(context.addr()) {
            connection.touches(schema, table, rowid, operation);
        }
    })
}
