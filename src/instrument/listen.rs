//! Listening to a connection: SQLite calls the instruments from here on.

use std::sync::Arc;

use rusqlite::Connection;

use super::closing::watch_close;
use super::handle::Handle;
use super::opening::OpenedBy;
use super::watch::{Context, Watch};
use super::{authorize, commit, trace};

impl Watch {
    /// Makes a connection report its statements from here on.
    pub(crate) fn listen(self: &Arc<Self>, conn: &Connection) {
        self.start(conn, Context::new(self, false), OpenedBy::Pool);
    }

    /// Makes a session's connection report its statements to guards and faults. The session itself reports them to the
    /// recorder and the log.
    pub(crate) fn listen_in_session(self: &Arc<Self>, conn: &Connection) {
        self.start(conn, Context::new(self, true), OpenedBy::Session);
    }

    /// Follows a connection once it has all instruments: one without is taken for one that the application has replaced.
    fn start(self: &Arc<Self>, conn: &Connection, context: Context, by: OpenedBy) {
        trace::start(conn, context);
        authorize::start(conn, context);
        commit::hook(&self.faults, conn);
        self.connect(&Handle::of(conn), by);
        // SAFETY: the handle is open and this thread's.
        unsafe { watch_close(conn.handle()) };
    }
}
