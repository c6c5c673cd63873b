//! The name of the file system, as SQLite finds it.

use std::ffi::CStr;

/// The file system's name, for `?vfs=` in a URI: with the version, since a process may link two of this crate.
pub(super) const NAME: &str = concat!("multibind-", env!("CARGO_PKG_VERSION"));
pub(super) const C_NAME: &CStr =
    match CStr::from_bytes_with_nul(concat!("multibind-", env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(name) => name,
        Err(_) => c"multibind",
    };
