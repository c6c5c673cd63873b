//! Files in a folder that others may write to: no link is followed there, and no pipe waited for.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{open, Mode, OFlags};

const FLAGS: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);

/// Opens a file to read it.
pub(in super::super::super) fn open_no_link(path: &Path) -> io::Result<File> {
    Ok(File::from(open(path, OFlags::RDONLY | FLAGS, Mode::empty())?))
}

/// Opens a file to lock it, and creates it for its owner alone.
pub(in super::super::super) fn open_lock(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | FLAGS;
    Ok(File::from(open(path, flags, Mode::RUSR | Mode::WUSR)?))
}

/// Returns the size of the largest file that this process may write, where it has a limit: one that writes more is killed, see
/// `RLIMIT_FSIZE` in <https://man7.org/linux/man-pages/man2/getrlimit.2.html>.
pub(in super::super::super) fn largest_file() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let of_size = limits.lines().find_map(|line| line.strip_prefix("Max file size"))?;
    of_size.split_whitespace().next()?.parse().ok()
}
