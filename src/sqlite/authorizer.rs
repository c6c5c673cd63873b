//! A connection's authorizer, set through SQLite's C interface: rusqlite's way to set it differs by version.

use std::borrow::Borrow;
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use rusqlite::{ffi, Connection};

use crate::sqlite::callback::without_panic;

/// An action that SQLite asks about before it prepares a statement, see <https://sqlite.org/c3ref/c_alter_table.html>.
///
/// Most are about actions that nobody wants to know of, so a text is read when it is asked for.
pub(crate) struct Question<'a> {
    pub(crate) action: c_int,
    /// Each is null, or a text that ends with a NUL and lives as long as the question.
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    accessor: *const c_char,
    /// Set once one was asked for that is no UTF-8.
    is_unreadable: Cell<bool>,
    texts: PhantomData<&'a str>,
}

impl<'a> Question<'a> {
    /// Returns the first name of the action; `None` where it has none, or has an expression.
    pub(crate) fn first(&self) -> Option<&'a str> {
        self.text(self.first)
    }

    /// Returns the second name of the action; `None` where it has none, or has an expression.
    pub(crate) fn second(&self) -> Option<&'a str> {
        self.text(self.second)
    }

    pub(crate) fn schema(&self) -> Option<&'a str> {
        self.text(self.schema)
    }

    /// Returns the view or trigger that does it; `None` for the statement itself.
    pub(crate) fn accessor(&self) -> Option<&'a str> {
        self.text(self.accessor)
    }

    fn text(&self, text: *const c_char) -> Option<&'a str> {
        if text.is_null() {
            return None;
        }
        // SAFETY: it is one of this question's, which is not null.
        let text = unsafe { CStr::from_ptr(text) }.to_str();
        if text.is_err() {
            self.is_unreadable.set(true);
        }
        text.ok()
    }
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

/// Asks the authorizer; a name that it asks for and that is no UTF-8, or a panic, fails the statement.
unsafe extern "C" fn ask(
    context: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    accessor: *const c_char,
) -> c_int {
    without_panic(ffi::SQLITE_ERROR, || {
        // SQLite passes null or texts that end with a NUL and live through this call, as the question does.
        let (is_unreadable, texts) = (Cell::new(false), PhantomData);
        let question = Question { action, first, second, schema, accessor, is_unreadable, texts };
        // SAFETY: the context is that of `set`, which is alive while the callback is set.
        let authorizer = unsafe { &*context.cast_const().cast::<Box<Authorizer>>() };
        let is_allowed = authorizer(&question);
        if question.is_unreadable.get() {
            ffi::SQLITE_ERROR
        } else if is_allowed {
            ffi::SQLITE_OK
        } else {
            ffi::SQLITE_DENY
        }
    })
}
