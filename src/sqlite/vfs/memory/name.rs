//! The name of the file system, as SQLite finds it.

use std::ffi::c_char;
use std::sync::LazyLock;

use crate::sqlite::copy::file_system;

/// The file system's name, for `?vfs=` in a URI.
pub(super) static NAME: LazyLock<String> = LazyLock::new(|| file_system("multibind"));

/// Returns the name as SQLite takes it, with a NUL at its end.
pub(super) fn c_name() -> *const c_char {
    static TERMINATED: LazyLock<String> = LazyLock::new(|| format!("{}\0", *NAME));
    TERMINATED.as_ptr().cast()
}
