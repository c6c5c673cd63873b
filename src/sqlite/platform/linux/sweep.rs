//! Folders that ended processes left behind: how to tell them from those in use, and their removal.
//!
//! The maker of a folder holds a shared lock on it, which the system releases when the last process that has it ends. A
//! remover first takes that lock for itself, so a folder that a living process holds is never touched. Between making
//! and locking, another process may come first. So who makes a folder looks, with the lock, whether it is still there.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{flock, fstat, open, openat, stat, statat, unlinkat};
use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, Stat};
use rustix::io::{retry_on_intr, Errno};

use crate::sqlite::platform::folder::{FolderKind, Hold};

/// The most names of a folder that one process reads, and the most folders that it removes.
const MOST_NAMES: usize = 10_000;
const MOST_FOLDERS: usize = 256;

/// A folder itself, not where a link leads, and not for a program that this one starts.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder's lock, until it is dropped.
pub(crate) type FolderLock = OwnedFd;

/// Locks a new folder.
pub(crate) fn hold(path: &Path) -> io::Result<Hold<FolderLock>> {
    match open(path, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) => Ok(Hold::Taken),
        folder => hold_open(folder?, path),
    }
}

fn hold_open(folder: OwnedFd, path: &Path) -> io::Result<Hold<FolderLock>> {
    // Shared, for a network file system gives no other on what is open for reading.
    let locked = retry_on_intr(|| flock(&folder, FlockOperation::NonBlockingLockShared));
    match locked {
        Err(Errno::WOULDBLOCK) => return Ok(Hold::Taken),
        Err(error) => return Ok(Hold::Unlockable(error.into())),
        Ok(()) => {}
    }
    match stat(path) {
        Err(Errno::NOENT) => Ok(Hold::Taken),
        found if is_same(&found?, &fstat(&folder)?) => Ok(Hold::Locked(folder)),
        _ => Ok(Hold::Taken),
    }
}

/// Removes the folders of this kind in `parent` that nobody holds, and says how many those were.
///
/// Only what is exactly as this process makes it: named so, of the same owner, with the same permissions and on the same
/// disk as `own`, and with nothing in it but files as this crate makes them.
pub(crate) fn sweep(parent: &Path, kind: &FolderKind, own: &FolderLock) -> io::Result<usize> {
    let own = fstat(own)?;
    let parent = open(parent, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut swept = 0;
    for entry in Dir::read_from(&parent)?.take(MOST_NAMES) {
        let entry = entry?;
        let name = entry.file_name();
        if is_named(kind, name) && remove(parent.as_fd(), name, kind, &own)? {
            swept += 1;
        }
        if swept == MOST_FOLDERS {
            break;
        }
    }
    Ok(swept)
}

fn is_named(kind: &FolderKind, name: &CStr) -> bool {
    let end = name.to_bytes().strip_prefix(kind.prefix.as_bytes());
    end.is_some_and(|end| end.len() == 6 && end.iter().all(u8::is_ascii_alphanumeric))
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Removes a folder if it is stale; whether it was. An error is one that others would end in too.
fn remove(parent: BorrowedFd<'_>, name: &CStr, kind: &FolderKind, own: &Stat) -> io::Result<bool> {
    let folder = match openat(parent, name, FOLDER, Mode::empty()) {
        Ok(folder) => folder,
        Err(error @ (Errno::MFILE | Errno::NFILE)) => return Err(error.into()),
        // No folder, somebody else's, or gone meanwhile.
        Err(_) => return Ok(false),
    };
    let found = fstat(&folder)?;
    let like_own = (found.st_uid, found.st_mode, found.st_dev) == (own.st_uid, own.st_mode, own.st_dev);
    if !like_own || flock(&folder, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    // Somebody may have removed it before it was locked, and the name may be another's by now.
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) if is_same(&named, &found) => {}
        _ => return Ok(false),
    }
    Ok(empty(folder.as_fd(), kind).is_ok_and(|emptied| emptied) && unlinkat(parent, name, AtFlags::REMOVEDIR).is_ok())
}

/// Removes the files of a folder, unless there is something else in it.
fn empty(folder: BorrowedFd<'_>, kind: &FolderKind) -> io::Result<bool> {
    let mut files = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
        if !is_file || !name.to_str().is_ok_and(kind.holds) {
            return Ok(false);
        }
        files.push(name.to_owned());
    }
    for file in files {
        unlinkat(folder, file, AtFlags::empty())?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::harness::HeldFolder;

    const KIND: FolderKind = FolderKind { prefix: "multibind-", mode: 0o700, holds: |name| name.ends_with(".db") };

    /// Creates and opens a folder in `parent` that nobody has locked.
    fn opened(parent: &Path) -> (std::path::PathBuf, OwnedFd) {
        let path = parent.join("multibind-abcdef");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let folder = open(&path, FOLDER, Mode::empty()).unwrap();
        (path, folder)
    }

    fn locked(path: &Path) -> OwnedFd {
        match hold(path).unwrap() {
            Hold::Locked(lock) => lock,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_folder_without_locks_is_never_swept() {
        let parent = tempfile::tempdir().unwrap();
        let own = HeldFolder::make(parent.path(), &KIND).unwrap();
        let unlocked =
            HeldFolder::make_by(parent.path(), &KIND, |_| Ok(Hold::Unlockable(Errno::OPNOTSUPP.into()))).unwrap();
        assert!(unlocked.path().file_name().unwrap().to_str().unwrap().starts_with("multibind-unlocked-"));
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 2);
        // Where others get the lock after all.
        assert_eq!(sweep(parent.path(), &KIND, &locked(own.path())).unwrap(), 0);
        let path = unlocked.path().to_path_buf();
        unlocked.close().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_removed_before_its_lock_is_not_taken() {
        let parent = tempfile::tempdir().unwrap();
        let own = HeldFolder::make(parent.path(), &KIND).unwrap();
        let lock = locked(own.path());

        let (path, folder) = opened(parent.path());
        assert_eq!(sweep(parent.path(), &KIND, &lock).unwrap(), 1);
        assert!(matches!(hold(&path), Ok(Hold::Taken)));
        assert!(matches!(hold_open(folder, &path), Ok(Hold::Taken)));

        let (_, folder) = opened(parent.path());
        assert_eq!(sweep(parent.path(), &KIND, &lock).unwrap(), 1);
        let (path, _) = opened(parent.path());
        assert!(matches!(hold_open(folder, &path), Ok(Hold::Taken)), "it is another one of that name");

        let removing = open(&path, FOLDER, Mode::empty()).unwrap();
        flock(&removing, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(matches!(hold(&path), Ok(Hold::Taken)), "it is being removed");
        drop(removing);
        let _held = locked(&path);
        assert_eq!(sweep(parent.path(), &KIND, &lock).unwrap(), 0);
    }

    #[test]
    fn a_new_folder_survives_concurrent_sweeps() {
        let parent = tempfile::tempdir().unwrap();
        let done = AtomicBool::new(false);
        let own = HeldFolder::make(parent.path(), &KIND).unwrap();
        let lock = locked(own.path());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        sweep(parent.path(), &KIND, &lock).unwrap();
                    }
                });
            }
            let makers = [(); 4].map(|()| {
                scope.spawn(|| {
                    for _ in 0..250 {
                        let folder = HeldFolder::make(parent.path(), &KIND).unwrap();
                        let file = folder.path().join("0.db");
                        std::fs::write(&file, "x").unwrap();
                        std::thread::yield_now();
                        assert_eq!(std::fs::read_to_string(&file).unwrap(), "x");
                        folder.close().unwrap();
                    }
                })
            });
            let made = makers.map(|maker| maker.join());
            done.store(true, Ordering::Relaxed);
            assert!(made.iter().all(Result::is_ok));
        });
        own.close().unwrap();
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
