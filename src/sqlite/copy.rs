//! Names that no other copy of this crate uses.
//!
//! A program may link several copies, of different versions or of one version from different sources, and all of them
//! use one SQLite. SQLite finds file systems, shared caches and `memdb` databases by name in the whole process.

use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};

/// A byte with an address of its own in each copy.
static HERE: AtomicU8 = AtomicU8::new(0);

/// Returns a text that no other copy in the process has.
fn tag() -> String {
    format!("{:x}", (&raw const HERE).addr())
}

/// Returns a new name, for a database in memory; the process number keeps the logs of several processes apart.
pub(crate) fn unique_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("multibind-{}-{}-{}", std::process::id(), tag(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Returns the name of a file system of this copy, `multibind` or `multibind-disk`.
pub(crate) fn file_system(name: &str) -> String {
    format!("{name}-{}-{}", env!("CARGO_PKG_VERSION"), tag())
}
