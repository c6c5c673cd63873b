//! A connection's authorizer, set through SQLite's C interface: rusqlite's way to set it differs by version.

use std::borrow::Borrow;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use crate::sqlite::callback::without_panic;

/// An action that SQLite asks about before it prepares a statement, see <https://sqlite.org/c3ref/c_alter_table.html>.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) action: c_int,
    /// The two names of the action; `None` for those that it has not, or that are expressions.
    pub(crate) first: Option<&'a str>,
    pub(crate) second: Option<&'a str>,
    pub(crate) schema: Option<&'a str>,
    /// The view or trigger that does it; `None` for the statement itself.
    pub(crate) accessor: Option<&'a str>,
}

/// A callback that returns whether a statement may do something.
pub(crate) type Authorizer = dyn Fn(&Question<'_>) -> bool + Send + Sync;

/// A connection, or a reference to one, with an authorizer for as long as this lives.
pub(crate) struct Authorized<C: Borrow<Connection>> {
    conn: C,
    /// SQLite has the address of the inner box. Where this is forgotten, both are leaked.
    authorizer: Arc<Box<Authorizer>>,
}

impl<C: Borrow<Connection>> Authorized<C> {
    /// Sets the authorizer, in place of the one that the connection has.
    pub(crate) fn new(conn: C, authorizer: Box<Authorizer>) -> Authorized<C> {
        let authorized = Authorized { conn, authorizer: Arc::new(authorizer) };
        authorized.set(true);
        authorized
    }

    /// Runs `work` without the authorizer.
    pub(crate) fn without<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        self.set(false);
        let done = work(self);
        self.set(true);
        done
    }

    fn set(&self, is_on: bool) {
        let context = Arc::as_ptr(&self.authorizer).cast_mut().cast();
        // SAFETY: the handle is open, and no other thread uses it. The callback has the signature asked for; what its context
        // points at lives until this is dropped, which removes the callback, or as long as the process.
        unsafe { ffi::sqlite3_set_authorizer(self.handle(), is_on.then_some(ask as Callback), context) };
    }
}

impl<C: Borrow<Connection>> Deref for Authorized<C> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.conn.borrow()
    }
}

impl<C: Borrow<Connection>> Drop for Authorized<C> {
    fn drop(&mut self) {
        self.set(false);
    }
}

impl<C: Borrow<Connection>> fmt::Debug for Authorized<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("conn", self.conn.borrow()).finish_non_exhaustive()
    }
}

type Callback =
    unsafe extern "C" fn(*mut c_void, c_int, *const c_char, *const c_char, *const c_char, *const c_char) -> c_int;

/// Asks the authorizer; a name that is no UTF-8, or a panic, fails the statement.
unsafe extern "C" fn ask(
    context: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    accessor: *const c_char,
) -> c_int {
    without_panic(ffi::SQLITE_ERROR, || {
        // SAFETY: SQLite passes null or a text that ends with a NUL and lives through this call.
        let text = |text| unsafe { text_of(text) };
        let (Ok(first), Ok(second), Ok(schema), Ok(accessor)) =
            (text(first), text(second), text(schema), text(accessor))
        else {
            return ffi::SQLITE_ERROR;
        };
        // SAFETY: the context is that of `set`, which is alive while the callback is set.
        let authorizer = unsafe { &*context.cast_const().cast::<Box<Authorizer>>() };
        if authorizer(&Question { action, first, second, schema, accessor }) {
            ffi::SQLITE_OK
        } else {
            ffi::SQLITE_DENY
        }
    })
}

/// Returns a text of SQLite's; `None` for null.
///
/// # Safety
///
/// It is null, or ends with a NUL and is not changed meanwhile.
unsafe fn text_of<'a>(text: *const c_char) -> Result<Option<&'a str>, std::str::Utf8Error> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_str().map(Some)
}
