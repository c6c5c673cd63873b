//! The application: its binds and their migrations, which it runs whenever it starts.

use std::error::Error;

use diesel::prelude::*;
use diesel_migrations::{embed_migrations, EmbeddedMigrations, MigrationHarness};

pub const AUTH: EmbeddedMigrations = embed_migrations!("migrations/auth");
pub const DEFAULT: EmbeddedMigrations = embed_migrations!("migrations/default");

diesel::table! {
    user (id) {
        id -> Integer,
        username -> Text,
    }
}

/// How many migrations there were to run.
pub fn migrate(conn: &mut SqliteConnection, which: EmbeddedMigrations) -> Result<usize, Box<dyn Error + Send + Sync>> {
    Ok(conn.run_pending_migrations(which)?.len())
}

pub fn sign_up(conn: &mut SqliteConnection, name: &str) -> QueryResult<usize> {
    diesel::insert_into(user::table).values(user::username.eq(name)).execute(conn)
}
