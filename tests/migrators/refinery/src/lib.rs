//! The application: its binds and their migrations, which it runs whenever it starts.

use refinery::{Error, Report};
use rusqlite::Connection;

mod auth {
    refinery::embed_migrations!("migrations/auth");
}

mod default {
    refinery::embed_migrations!("migrations/default");
}

pub fn migrate_auth(conn: &mut Connection) -> Result<Report, Error> {
    auth::migrations::runner().run(conn)
}

pub fn migrate_default(conn: &mut Connection) -> Result<Report, Error> {
    default::migrations::runner().run(conn)
}
