//! A claim on the making of an image: of the processes that start at once, one makes it and the others read it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The ending of the name of a file that is locked while an image is made.
pub(super) const ENDING: &str = ".making";

/// A claim, until it is dropped or its process ends.
#[derive(Debug)]
pub(crate) struct Claim {
    held: Option<(PathBuf, File)>,
    /// Set if another process had it before, which may have stored the image.
    pub(crate) has_waited: bool,
}

impl Claim {
    /// Returns no claim: nobody else will see that the image is in the making.
    pub(super) fn none() -> Claim {
        Claim { held: None, has_waited: false }
    }

    /// Claims what a file stands for.
    pub(super) fn of(path: &Path, waits: bool) -> Claim {
        let Ok(file) = File::options().create(true).append(true).open(path) else { return Claim::none() };
        let (file, has_waited) = if system::try_lock(&file) {
            (Some(file), false)
        } else if waits {
            (system::wait(file), true)
        } else {
            (None, false)
        };
        Claim { held: file.map(|file| (path.to_path_buf(), file)), has_waited }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is locked: whoever makes a file of the name from now on has another, and finds the image.
        if let Some((path, _)) = &self.held {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::sync::mpsc::sync_channel;
    use std::thread;
    use std::time::Duration;

    use rustix::fs::{flock, FlockOperation};

    /// The longest wait for another process. It may run code of the user's, which may never return.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Locks a file; also returns true where the file system has no locks.
    pub(super) fn try_lock(file: &File) -> bool {
        flock(file, FlockOperation::NonBlockingLockExclusive) != Err(rustix::io::Errno::WOULDBLOCK)
    }

    /// Waits for a lock. A thread that waits in vain ends with the process that has the lock.
    pub(super) fn wait(file: File) -> Option<File> {
        let (locked, wait) = sync_channel(1);
        let wait_for = move || {
            if flock(&file, FlockOperation::LockExclusive).is_ok() {
                let _ = locked.send(file);
            }
        };
        thread::Builder::new().name("multibind-image".to_string()).spawn(wait_for).ok()?;
        wait.recv_timeout(PATIENCE).ok()
    }
}

/// Elsewhere each process that finds no image makes it.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;

    pub(super) fn try_lock(_: &File) -> bool {
        true
    }

    pub(super) fn wait(_: File) -> Option<File> {
        None
    }
}
