//! A session's statements for one bind, its tables and savepoints, and the binds that a statement touches.

pub use crate::route::Route;
pub use crate::session::{BindSession, Savepoint, SessionTable};
