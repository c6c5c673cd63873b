//! Folders that relative paths start from.

use std::env;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Returns an absolute path as it is, a relative one in the folder of the crate under test.
///
/// Cargo names that folder in `CARGO_MANIFEST_DIR` when it runs a test, an example or a binary. Without it, a test
/// binary started by hand for one, it is the current folder.
pub(crate) fn resolve_path(path: &Path) -> PathBuf {
    if path.is_absolute() {
        return path.to_path_buf();
    }
    match crate_folder() {
        Some(folder) => folder.join(path),
        // A current folder that cannot be told, since it was removed, leaves the path for the system to refuse.
        None => env::current_dir().map_or_else(|_| path.to_path_buf(), |folder| folder.join(path)),
    }
}

/// Returns the folder of the crate under test, where Cargo names it.
fn crate_folder() -> Option<PathBuf> {
    env::var_os("CARGO_MANIFEST_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Returns the error of a file that a user's path names with the reason why it was looked for there, if there is none.
pub(crate) fn explained(path: &Path, error: io::Error) -> io::Error {
    if path.is_absolute() || error.kind() != ErrorKind::NotFound {
        return error;
    }
    let found = resolve_path(path);
    let why = match crate_folder() {
        Some(_) => {
            "a relative path is looked for in the folder of the crate under test, which Cargo names in `CARGO_MANIFEST_DIR`"
        }
        None => {
            "Cargo has not started this program (`CARGO_MANIFEST_DIR` is not set), so a relative path is looked for in the \
             current folder"
        }
    };
    // The workspace's, for a crate within it.
    let folder = found.ancestors().nth(path.components().count()).unwrap_or(&found);
    let mut up = PathBuf::from("..");
    for folder in folder.ancestors().skip(1) {
        if folder.join(path).exists() {
            let near = up.join(path);
            let near = near.display();
            return io::Error::new(error.kind(), format!("{error}; {why}. `{near}` is there"));
        }
        up.push("..");
    }
    let other = "that of another crate is named by `concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/…\")` in its code";
    io::Error::new(error.kind(), format!("{error}; {why}. A path can be absolute: {other}"))
}
