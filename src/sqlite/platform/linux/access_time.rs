//! Reading a file such that its time of access stays, where the system lets its owner have it so.

use std::ffi::c_int;
use std::fs::{self, File};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{fcntl_getfl, fcntl_setfl, open, Mode, OFlags};
use rustix::io::Errno;

/// Opens a file.
pub(in super::super::super) fn open_without_access_time(path: &Path) -> io::Result<File> {
    // Should a pipe have taken the file's place, it is not waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = match open(path, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => open(path, flags, Mode::empty()),
        opened => opened,
    };
    Ok(File::from(opened?))
}

/// Sets it for an open file; does nothing where `descriptor` is not that of the file at `path`.
///
/// # Safety
///
/// If it is, it stays open until this returns.
pub(in super::super::super) unsafe fn leave_no_access_time(descriptor: c_int, path: &Path) -> io::Result<()> {
    let there = fs::metadata(path)?;
    let is_it = |found: fs::Metadata| (found.dev(), found.ino()) == (there.dev(), there.ino());
    if !fs::metadata(format!("/proc/self/fd/{descriptor}")).is_ok_and(is_it) {
        return Ok(());
    }
    // SAFETY: it is open, as the system has just said, and stays so by the caller.
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let flags = fcntl_getfl(descriptor)?;
    match fcntl_setfl(descriptor, flags | OFlags::NOATIME) {
        // Somebody else's file.
        Ok(()) | Err(Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
