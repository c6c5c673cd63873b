//! Locks of files: those of this crate, and those of SQLite as the system lists them.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;

/// The longest wait for another process. It may run code of the user's, which may never return.
const PATIENCE: Duration = Duration::from_secs(5);

/// Locks a file; also returns true where the file system has no locks.
pub(in super::super::super) fn try_lock(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK)
}

/// Waits for a lock. A thread that waits in vain ends with the process that has the lock.
pub(in super::super::super) fn wait_for_lock(file: File) -> Option<File> {
    let (locked, wait) = sync_channel(1);
    let wait_for = move || {
        if flock(&file, FlockOperation::LockExclusive).is_ok() {
            let _ = locked.send(file);
        }
    };
    thread::Builder::new().name("multibind-image".to_string()).spawn(wait_for).ok()?;
    wait.recv_timeout(PATIENCE).ok()
}

/// Returns whether somebody holds a lock for writing on a byte of a file, as Linux lists the locks of its files.
pub(in super::super::super) fn is_write_locked(file: &Path, byte: u64) -> bool {
    let (Ok(file), Ok(locks)) = (fs::metadata(file), fs::read_to_string("/proc/locks")) else {
        return false;
    };
    // `1: POSIX  ADVISORY  WRITE 4711 00:2a:815 120 120`, with `->` after the number for a waiter.
    locks.lines().any(|lock| {
        let fields = lock.split_whitespace().collect::<Vec<_>>();
        let [_, "POSIX", _, "WRITE", _, name, start, end] = fields.as_slice() else { return false };
        let is_it = name.rsplit(':').next().and_then(|inode| inode.parse().ok()) == Some(file.ino());
        let covers = |from: u64| from <= byte && end.parse().is_ok_and(|end: u64| byte <= end);
        is_it && start.parse().is_ok_and(covers)
    })
}
