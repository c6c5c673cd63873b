//! What every application here is tested with, whatever its driver.

use std::error::Error;

use multibind::binds::Storage;
use multibind::{Bind, Harness};

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The application's binds, in a kind of storage.
pub fn binds(storage: Storage) -> Harness {
    Harness::builder()
        .default_bind(
            Bind::memory().storage(storage).schema("CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT NOT NULL)"),
        )
        .bind(
            "auth",
            Bind::memory()
                .storage(storage)
                .schema("CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL)"),
        )
        .bind(
            "meta",
            Bind::memory().storage(storage).schema("CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT NOT NULL)"),
        )
        .start()
        .unwrap()
}

pub const WRITERS: usize = 4;
pub const EACH: usize = 25;
