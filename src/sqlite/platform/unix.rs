//! Unix: permissions, owners, and links on the way to a file.

use std::env;
use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Has a file or folder created with these permissions, before those that the process's mask takes.
pub(crate) fn with_permissions(builder: &mut tempfile::Builder<'_, '_>, mode: u32) {
    builder.permissions(Permissions::from_mode(mode));
}

/// Creates a folder for its owner alone.
pub(in super::super) fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Creates a file that nobody else can write to.
pub(in super::super) fn new_private_file(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Returns why somebody else may have changed a file; `None` where nobody can have.
pub(in super::super) fn distrusted(data: &Metadata) -> Option<&'static str> {
    if owner() != Some(data.uid()) {
        Some("another user owns it")
    } else if data.mode() & 0o022 != 0 {
        Some("other users can write to it")
    } else if data.nlink() > 1 {
        Some("another name leads to it, which others may have given it")
    } else {
        None
    }
}

/// Returns the user that this process runs as when it is first asked for: where the system does not say it, the owner of its program.
fn owner() -> Option<u32> {
    static OWNER: OnceLock<Option<u32>> = OnceLock::new();
    let of = |data: Metadata| data.uid();
    let found =
        || fs::metadata("/proc/self").map(of).ok().or_else(|| env::current_exe().and_then(fs::metadata).map(of).ok());
    *OWNER.get_or_init(found)
}

/// Returns why the system opens no more files; a folder is opened in their place, which closing does not harm.
pub(crate) fn refusal(folder: &Path) -> Option<io::Error> {
    /// A connection has as many open: the database, its log and the log's index.
    const FILES: usize = 3;
    let mut open = Vec::new();
    for _ in 0..FILES {
        match File::open(folder) {
            Ok(file) => open.push(file),
            Err(reason) => return Some(reason),
        }
    }
    None
}

/// Sets the time of a folder's last change.
#[cfg(test)]
pub(crate) fn set_modified(folder: &Path, at: std::time::SystemTime) -> io::Result<()> {
    File::open(folder)?.set_modified(at)
}

/// Returns the path of a file as SQLite names it: it follows the links on the way to it.
pub(crate) fn sqlite_path(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
