//! The name of the file system, as SQLite finds it.

use std::sync::LazyLock;

use crate::database::copy::file_system;

/// The file system's name, for `?vfs=` in a URI.
pub(super) static NAME: LazyLock<String> = LazyLock::new(|| file_system("multibind"));
