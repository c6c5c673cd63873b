//! Any other system than Linux, which is asked for nothing but files.

use std::convert::Infallible;
use std::ffi::c_int;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::folder::{FolderKind, Hold};

/// The lock of a folder: there is none.
pub(crate) type FolderLock = Infallible;

/// Locks no folder, so that nobody removes it but its maker.
pub(crate) fn hold(_: &Path) -> io::Result<Hold<FolderLock>> {
    Ok(Hold::Unlockable(ErrorKind::Unsupported.into()))
}

/// Removes nothing: nobody has a lock.
pub(crate) fn sweep(_: &Path, _: &FolderKind, own: &FolderLock) -> io::Result<usize> {
    match *own {}
}

/// Returns `None`: no other system has a RAM disk at a known place.
pub(crate) fn ram_disk() -> Option<PathBuf> {
    None
}

/// Lets everybody have the lock: each process that finds no image makes it.
pub(in super::super) fn try_lock(_: &File) -> bool {
    true
}

/// Waits for nobody.
pub(in super::super) fn wait_for_lock(_: File) -> Option<File> {
    None
}

/// Returns false: no other system lists the locks of its files.
pub(in super::super) fn is_write_locked(_: &Path, _: u64) -> bool {
    false
}

/// Opens a file; reading it leaves a time of access.
pub(in super::super) fn open_without_access_time(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a file to read it, unless it is a link or a pipe.
pub(in super::super) fn open_no_link(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    File::open(path)
}

/// Opens no file: nobody waits for a lock.
pub(in super::super) fn open_lock(_: &Path) -> io::Result<File> {
    Err(ErrorKind::Unsupported.into())
}

/// Returns `None`: no other system says it at a known place.
pub(in super::super) fn largest_file() -> Option<u64> {
    None
}

/// Does nothing: no other system can.
///
/// # Safety
///
/// It is always safe, as it need not be on Linux.
pub(in super::super) unsafe fn leave_no_access_time(_: c_int, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Memory in large pages: there is none.
pub(in super::super) enum LargeBlock {}

impl LargeBlock {
    /// Reads nothing.
    pub(in super::super) fn read(_: &File, _: usize) -> io::Result<Option<LargeBlock>> {
        Ok(None)
    }

    pub(in super::super) fn bytes(&self) -> &[u8] {
        match *self {}
    }
}
