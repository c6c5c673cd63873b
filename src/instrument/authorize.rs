//! The authorizer of each connection, by which SQLite asks before it prepares a statement.
//!
//! As for the [trace](super::trace), SQLite is given a number and never a pointer. While no guard lives in the whole
//! process, the authorizer looks at one number in memory and returns.

use std::ffi::{c_char, c_int, c_void, CStr};

use rusqlite::{ffi, Connection};

use super::action::Action;
use super::connections::settle_here;
use super::late;
use super::looked::{Change, Step};
use super::operation::Operation;
use super::refused::is_preparing;
use super::state::{self, is_guarded, mode, set_mode, Mode};
use super::watch::Context;
use crate::sqlite::callback::without_panic;
use crate::sqlite::Slot;

/// Makes SQLite ask before it prepares anything on a connection.
pub(super) fn start(conn: &Connection, context: Context) {
    // SAFETY: the handle is open.
    expire(unsafe { conn.handle() }, context);
}

/// Makes SQLite prepare each statement of a connection again before it runs again; those that are running go on. The
/// connection is the caller's.
pub(super) fn expire(db: *mut ffi::sqlite3, context: Context) {
    // SAFETY: the connection is open, the callback has the signature asked for, and its context is never followed.
    unsafe {
        if Slot::Authorizer.is_free(db, CALLBACK as usize) {
            ffi::sqlite3_set_authorizer(db, Some(CALLBACK), context.pointer());
        }
    }
}

/// The authorizer, which has one address.
static CALLBACK: unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_char,
    *const c_char,
    *const c_char,
    *const c_char,
) -> c_int = on_action;

/// Answers for each action of a statement that is prepared. A panic lets nothing through.
unsafe extern "C" fn on_action(
    context: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    inside: *const c_char,
) -> c_int {
    without_panic(ffi::SQLITE_DENY, || {
        settle_here();
        if changes_names(action) {
            state::names_change();
        }
        if !is_guarded() {
            return ffi::SQLITE_OK;
        }
        // SAFETY: SQLite passes null or texts that end with a NUL and live through this call.
        let [first, second, schema, inside] = unsafe { [first, second, schema, inside].map(|text| borrowed(text)) };
        let action = Action::new(action, [first, second, schema]);
        match mode() {
            Mode::Own | Mode::Inside => ffi::SQLITE_OK,
            Mode::Denied => {
                is_preparing(None);
                ffi::SQLITE_DENY
            }
            Mode::Judged(noted) => {
                set_mode(Mode::Judged(action.noted(noted)));
                compare(&action);
                look(&action, inside);
                // SQLite does what some pragmas say as it prepares them.
                if noted.spares_pragmas && action.action == ffi::SQLITE_PRAGMA {
                    ffi::SQLITE_IGNORE
                } else {
                    ffi::SQLITE_OK
                }
            }
            Mode::Guarded => {
                let context = Context::of(context);
                // A session has a name of its own for its database, and attaches none to write to it. What uses a database that
                // another has attached is stopped by faults as it begins.
                let is_in_main = context.is_session() || action.is_in_main();
                let is_nobodys = is_in_main && context.is_attached();
                let refuses = context.watch().filter(|_| !is_nobodys).is_some_and(|watch| {
                    !context.is_session() && watch.refuses_to_prepare(&action)
                        || is_in_main && watch.fails_to_prepare(&action)
                });
                if refuses {
                    ffi::SQLITE_DENY
                } else {
                    ffi::SQLITE_OK
                }
            }
        }
    })
}

/// Compares an action with the fault that is asked about, if one is.
fn compare(action: &Action<'_>) {
    let Some((operation, table)) = action.operation() else { return };
    // Of `count(*)`, SQLite does not tell the schema.
    let is_there = |schema: Option<&CStr>| schema.is_none() || action.schema.is_none() || schema == action.schema;
    state::compare(|fault, schema| is_there(schema) && fault.is_about(operation, table));
}

/// Returns whether an action changes what the names in other statements mean.
fn changes_names(action: c_int) -> bool {
    let of_rows = [ffi::SQLITE_DELETE, ffi::SQLITE_INSERT, ffi::SQLITE_PRAGMA];
    let others = [
        ffi::SQLITE_ATTACH,
        ffi::SQLITE_DETACH,
        ffi::SQLITE_ALTER_TABLE,
        ffi::SQLITE_CREATE_VTABLE,
        ffi::SQLITE_DROP_VTABLE,
    ];
    (ffi::SQLITE_CREATE_INDEX..=ffi::SQLITE_PRAGMA).contains(&action) && !of_rows.contains(&action)
        || others.contains(&action)
}

/// Adds an action to the account of the statement, if somebody wants to know.
fn look(action: &Action<'_>, inside: Option<&CStr>) {
    state::with_looked(|looked| {
        looked.renames |= changes_names(action.action);
        if let Some(step) = Step::of(action.action, action.first, action.second) {
            looked.step = Some(step);
        }
        if let Some((schema, writes)) = action.place() {
            match looked.places.iter_mut().find(|(known, _)| known.as_c_str() == schema) {
                Some((_, known)) => *known |= writes,
                None => looked.places.push((schema.to_owned(), writes)),
            }
        }
        if late::is_any()
            && let Some((Operation::Read, table)) = action.operation()
            && !looked.reads.iter().any(|known| known == table)
        {
            looked.reads.push(table.to_string());
        }
        if let Some((schema, table)) = action.altered() {
            looked.altered.push((schema.to_owned(), table.to_string()));
        }
        if let Some((schema, table)) = action.created() {
            looked.created.push((schema.to_owned(), table.to_string()));
        }
        if let Some((schema, trigger)) = action.created_trigger() {
            looked.triggers.push((schema.to_owned(), trigger.to_string()));
        }
        if let Some((schema, table, operation)) = action.changed_rows() {
            let by = inside.map(|by| by.to_string_lossy().into_owned());
            let change = Change { schema: schema.to_owned(), table: table.to_string(), operation, by };
            if !looked.tables.contains(&change) {
                looked.tables.push(change);
            }
        }
    });
}

/// # Safety
///
/// The text is null, or ends with a NUL and lives as long as the answer.
unsafe fn borrowed<'c>(text: *const c_char) -> Option<&'c CStr> {
    // SAFETY: as the caller says.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) })
}
