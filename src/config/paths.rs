//! Folders that relative paths start from.

use std::env;
use std::path::{Path, PathBuf};

/// Returns an absolute path as it is, a relative one in the folder of the crate under test.
///
/// Cargo names that folder in `CARGO_MANIFEST_DIR` when it runs a test, an example or a binary. Without it, a test
/// binary started by hand for one, it is the current folder.
pub(crate) fn resolve_path(path: &Path) -> PathBuf {
    if path.is_absolute() {
        return path.to_path_buf();
    }
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder).join(path),
        // A current folder that cannot be told, since it was removed, leaves the path for the system to refuse.
        _ => env::current_dir().map_or_else(|_| path.to_path_buf(), |folder| folder.join(path)),
    }
}
