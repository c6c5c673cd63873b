//! Linux: locks that end with their process, large pages, reading without a trace and through no link.

mod access_time;
mod large_block;
mod locks;
mod no_link;
mod ram_disk;
mod sweep;

pub(in super::super) use access_time::{leave_no_access_time, open_without_access_time};
pub(in super::super) use large_block::LargeBlock;
pub(in super::super) use locks::{is_write_locked, try_lock, wait_for_lock};
pub(in super::super) use no_link::{largest_file, open_lock, open_no_link};
pub(crate) use ram_disk::ram_disk;
pub(crate) use sweep::{hold, sweep, FolderLock};
