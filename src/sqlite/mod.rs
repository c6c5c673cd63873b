//! SQLite without binds: values and names, scripts, images, file systems, and every call that SQLite's C interface needs.

#[cfg(unix)]
mod beside;
mod collations;
pub(crate) mod copy;
mod fleeting;
pub(crate) mod hold;
mod hook;
pub(crate) mod image;
mod original;
mod outline;
pub(crate) mod probe;
pub(crate) mod script;
mod values;
pub(crate) mod vfs;

pub(crate) use collations::{collation_of, has_collation, stand_in_for_collations};
pub(crate) use fleeting::{open as open_noticing, ran, watch as noticing};
pub(crate) use hook::{authorize, Hooked};
pub(crate) use image::{copy_pages, copy_transaction, schema_version, Image};
pub(crate) use original::{Digest, Original};
pub(crate) use probe::{is_locked_out, SCHEMA};
pub(crate) use values::{column_names, number, texts};
