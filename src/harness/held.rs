//! A folder that is held as long as its process lives, so that another process can tell it from one left behind.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use crate::say;
use crate::sqlite::platform::{self, with_permissions, FolderKind, FolderLock, Hold};
use crate::sync::lock;

/// A folder of this process's, removed when dropped.
///
/// On Linux it is locked. The system gives the lock back when the process ends, however it ends, and what has nobody's lock
/// is removed by the first process that makes such a folder beside it. Where the system or the file system has no locks,
/// nobody removes what an ended process left.
#[derive(Debug)]
pub(crate) struct HeldFolder {
    /// `None` once it is closed or kept.
    dir: Option<TempDir>,
    path: PathBuf,
    /// The process that made it: one forked from that drops it too, but does not own it.
    process: u32,
    /// Given back after the folder is removed; the system's answer where it gives none.
    lock: Result<FolderLock, io::Error>,
}

impl HeldFolder {
    /// Makes one in `parent`, and removes those there that nobody holds.
    pub(crate) fn make(parent: &Path, kind: &FolderKind) -> io::Result<HeldFolder> {
        let folder = HeldFolder::make_by(parent, kind, platform::hold)?;
        if is_first_in(parent) {
            folder.sweep_beside(parent, kind);
        }
        Ok(folder)
    }

    /// Makes one that `hold` locks.
    pub(crate) fn make_by(
        parent: &Path,
        kind: &FolderKind,
        hold: impl Fn(&Path) -> io::Result<Hold<FolderLock>>,
    ) -> io::Result<HeldFolder> {
        /// Another process finds a folder between its making and its locking once at most, when it sweeps.
        const TRIES: usize = 100;
        for _ in 0..TRIES {
            let dir = new(parent, kind.prefix, kind.mode)?;
            match hold(dir.path())? {
                Hold::Locked(lock) => return Ok(HeldFolder::of(dir, Ok(lock))),
                // Whoever has it removes it.
                Hold::Taken => drop(dir.keep()),
                // By this name it is nobody's to remove, should a lock be given to others.
                Hold::Unlockable(error) => {
                    let dir = new(parent, &format!("{}unlocked-", kind.prefix), kind.mode)?;
                    return Ok(HeldFolder::of(dir, Err(error)));
                }
            }
        }
        Err(io::Error::other("each new folder there is locked or removed by somebody else"))
    }

    fn of(dir: TempDir, lock: Result<FolderLock, io::Error>) -> HeldFolder {
        HeldFolder { path: dir.path().to_path_buf(), dir: Some(dir), process: std::process::id(), lock }
    }

    fn sweep_beside(&self, parent: &Path, kind: &FolderKind) {
        let parent_name = parent.display();
        let lock = match &self.lock {
            Ok(lock) => lock,
            Err(error) => {
                return say::info(format_args!(
                    "folders in `{parent_name}` cannot be locked ({error}): what a killed process leaves there is not removed"
                ));
            }
        };
        match platform::sweep(parent, kind, lock) {
            Ok(0) => {}
            Ok(swept) => say::info(format_args!("removed {swept} folders of ended processes in `{parent_name}`")),
            Err(error) => {
                say::debug(format_args!("cannot look for folders of ended processes in `{parent_name}`: {error}"))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it and says why that failed.
    pub(crate) fn close(mut self) -> io::Result<()> {
        match self.dir.take() {
            Some(dir) if self.is_own() => dir.close(),
            Some(dir) => {
                drop(dir.keep());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Leaves it in place, wherever it has been moved to, and unlocks it.
    pub(crate) fn keep(mut self) {
        drop(self.dir.take().map(TempDir::keep));
    }

    fn is_own(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for HeldFolder {
    fn drop(&mut self) {
        if !self.is_own() {
            drop(self.dir.take().map(TempDir::keep));
        }
    }
}

fn new(parent: &Path, prefix: &str, mode: u32) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    with_permissions(&mut builder, mode);
    builder.tempdir_in(parent)
}

/// Returns whether the process makes its first folder there. Of very many places, the later ones count as looked into.
fn is_first_in(parent: &Path) -> bool {
    const MOST_PLACES: usize = 16;
    static PLACES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let mut places = lock(&PLACES);
    let is_first = places.len() < MOST_PLACES && !places.iter().any(|place| place == parent);
    if is_first {
        places.push(parent.to_path_buf());
    }
    is_first
}
