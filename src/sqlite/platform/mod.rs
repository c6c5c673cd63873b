//! All that differs from one operating system to another.
//!
//! No other folder of `src` asks for the system, which `.ci/house` checks. `linux` has what the crate makes use of there;
//! `plain` does without on any other system: a folder of a killed process stays, an image is made by each process that
//! finds none. `unix` has permissions and owners, and `not_unix` says what stands in their place.

mod folder;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(unix))]
mod not_unix;
#[cfg(not(target_os = "linux"))]
mod plain;
#[cfg(unix)]
mod unix;

pub(crate) use folder::{FolderKind, Hold};
#[cfg(target_os = "linux")]
pub(crate) use linux::{hold, ram_disk, sweep, FolderLock};
#[cfg(target_os = "linux")]
pub(super) use linux::{
    is_write_locked, largest_file, leave_no_access_time, open_lock, open_no_link, open_without_access_time, try_lock,
    wait_for_lock, LargeBlock,
};
#[cfg(not(unix))]
pub(super) use not_unix::{distrusted, make_private_folder, new_private_file};
#[cfg(not(unix))]
pub(crate) use not_unix::{refusal, sqlite_path, with_permissions};
#[cfg(not(target_os = "linux"))]
pub(crate) use plain::{hold, ram_disk, sweep, FolderLock};
#[cfg(not(target_os = "linux"))]
pub(super) use plain::{
    is_write_locked, largest_file, leave_no_access_time, open_lock, open_no_link, open_without_access_time, try_lock,
    wait_for_lock, LargeBlock,
};
#[cfg(unix)]
pub(super) use unix::{distrusted, make_private_folder, new_private_file};
#[cfg(unix)]
pub(crate) use unix::{refusal, sqlite_path, with_permissions};

#[cfg(all(test, not(unix)))]
pub(crate) use not_unix::set_modified;
#[cfg(all(test, unix))]
pub(crate) use unix::set_modified;

/// Set where paths have drives, `C:\…`, and a backslash ends a folder's name.
pub(crate) const HAS_DRIVES: bool = cfg!(windows);
