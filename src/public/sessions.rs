//! Sessions: a session's statements for one bind, one table and one savepoint, and the binds that a statement touches.

pub use crate::route::Route;
pub use crate::session::{BindSession, Savepoint, SessionTable};
