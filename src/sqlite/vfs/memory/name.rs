//! The name of the file system, as SQLite finds it.

use std::ffi::CString;
use std::sync::LazyLock;

use crate::sqlite::copy::file_system;

/// The file system's name, for `?vfs=` in a URI.
pub(super) static NAME: LazyLock<String> = LazyLock::new(|| file_system("multibind"));

/// The same as SQLite takes it; a name of this crate's has no NUL.
pub(super) static C_NAME: LazyLock<CString> = LazyLock::new(|| CString::new(NAME.as_str()).unwrap_or_default());
