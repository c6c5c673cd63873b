//! Listening to a connection: SQLite calls the instruments from here on.

use std::sync::Arc;

use rusqlite::Connection;

use super::handle::Handle;
use super::watch::{Context, Watch};
use super::{authorize, trace};

impl Watch {
    /// Makes a connection report its statements from here on.
    pub(crate) fn listen(self: &Arc<Self>, conn: &Connection) {
        self.connect(&Handle::of(conn));
        start(conn, Context::new(self, false));
    }

    /// Makes a session's connection report its statements to guards and faults. The session itself reports them to the
    /// recorder and the log.
    pub(crate) fn listen_in_session(self: &Arc<Self>, conn: &Connection) {
        self.connect(&Handle::of(conn));
        start(conn, Context::new(self, true));
    }
}

fn start(conn: &Connection, context: Context) {
    trace::start(conn, context);
    authorize::start(conn, context);
}
