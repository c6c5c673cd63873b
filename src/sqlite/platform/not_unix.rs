//! Windows: a new file has the permissions of its folder, and those of a user's are that user's.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{self, Path, PathBuf};

/// Leaves the permissions to the folder that a file or folder is created in.
pub(crate) fn with_permissions(_: &mut tempfile::Builder<'_, '_>, _: u32) {}

/// Creates a folder.
pub(in super::super) fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Creates a file.
pub(in super::super) fn new_private_file(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).open(path)
}

/// Returns `None`: a file's metadata do not name its owner.
pub(in super::super) fn distrusted(_: &Metadata) -> Option<&'static str> {
    None
}

/// Returns `None`: a folder cannot be opened as a file, and the number of files has no bound that is met here.
pub(crate) fn refusal(_: &Path) -> Option<io::Error> {
    None
}

/// Sets the time of a folder's last change.
#[cfg(test)]
pub(crate) fn set_modified(folder: &Path, at: std::time::SystemTime) -> io::Result<()> {
    use std::os::windows::fs::OpenOptionsExt;

    /// Without it, only a file is opened.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
    File::options().write(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(folder)?.set_modified(at)
}

/// Returns the path of a file as SQLite names it: made absolute by `GetFullPathNameW`, which follows no link, keeps a short
/// name such as `RUNNER~1`, and puts no `\\?\` before a drive.
pub(crate) fn sqlite_path(path: &Path) -> PathBuf {
    path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
