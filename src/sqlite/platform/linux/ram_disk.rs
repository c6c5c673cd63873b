//! The RAM disk that Linux has at a known place.

use std::path::PathBuf;

use rustix::fs::{access, statvfs, Access};

/// Returns a RAM disk that can be written to and has room for the databases of many tests.
pub(crate) fn ram_disk() -> Option<PathBuf> {
    /// Containers often have one of 64 MiB, which a suite may fill.
    const ROOM: u64 = 256 << 20;
    let place = PathBuf::from("/dev/shm");
    let room = statvfs(&place).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))?;
    let writable = access(&place, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    (writable && room >= ROOM).then_some(place)
}
