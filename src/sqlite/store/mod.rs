//! The store of images: what one process has made, other processes read.
//!
//! A file holds one image and the identity of what it was made of, in full: a reader compares every byte of that with its own,
//! so an image never stands for another. A file that is damaged, cut off or of somebody else is not used. Nothing here fails a
//! start: what cannot be read is made, and what cannot be written is not kept.

mod claim;
mod digest;
mod format;
mod identity;
mod room;

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use claim::Claim;
pub(crate) use format::Stored;
pub(crate) use identity::Identity;
use room::{ENDING, MOST_BYTES, UNFINISHED};

use super::bytes::Bytes;
use super::packed::LONGEST;
use super::platform::{distrusted, largest_file, make_private_folder, new_private_file, open_no_link};

/// A folder of images.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

/// The answer of a store about an identity.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Stored(Stored),
    Absent,
    /// There is a file that cannot be used, for this reason.
    Unusable(String),
}

/// The time between two marks of an image's last use.
const USED: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

impl Store {
    /// Returns the store in a folder, which need not exist.
    pub(crate) fn at(folder: PathBuf) -> Store {
        Store { folder }
    }

    /// Reads the image of an identity.
    pub(crate) fn read(&self, identity: &Identity) -> Answer {
        let unusable = |error: io::Error| Answer::Unusable(error.to_string());
        let path = self.place(identity, ENDING);
        let bytes = match trusted(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Answer::Absent
            }
            Err(error) => return unusable(error),
        };
        match format::read(&bytes, identity.bytes()) {
            Ok(stored) => Answer::Stored(stored),
            Err(problem) => Answer::Unusable(problem.to_string()),
        }
    }

    /// Claims the making of an image; blocks while another process makes it, if `waits`, for some seconds at most.
    pub(crate) fn claim(&self, identity: &Identity, waits: bool) -> Claim {
        // Without a folder of its own nobody can write either, and then nobody needs a claim.
        match self.make_folder() {
            Ok(()) => Claim::of(&self.place(identity, claim::ENDING), waits),
            Err(_) => Claim::none(),
        }
    }

    /// Writes an image, whole or not at all, and makes room for it.
    pub(crate) fn write(&self, identity: &Identity, stored: &Stored) -> io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.make_folder()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let bytes = format::written(identity.bytes(), stored);
        let most = largest_file().map_or(MOST_BYTES, |most| most.min(MOST_BYTES));
        if bytes.len() as u64 > most || stored.files.iter().any(|file| file.len() > LONGEST) {
            return Err(io::Error::other(format!("it has {} bytes, and at most {most} are stored", bytes.len())));
        }
        let part = self.place(identity, &format!(".{}-{number}{UNFINISHED}", std::process::id()));
        let path = self.place(identity, ENDING);
        let written =
            new_private_file(&part).and_then(|mut file| file.write_all(&bytes)).and_then(|()| fs::rename(&part, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&part);
            return Err(error);
        }
        room::make(&self.folder, &path);
        Ok(())
    }

    fn place(&self, identity: &Identity, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", identity.name()))
    }

    fn make_folder(&self) -> io::Result<()> {
        if let Some(parent) = self.folder.parent() {
            fs::create_dir_all(parent)?;
        }
        match make_private_folder(&self.folder) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }
}

/// Reads a file that this user has written and nobody else can have changed or put there.
fn trusted(path: &Path) -> io::Result<Bytes> {
    let refused = |problem: &str| Err(io::Error::new(ErrorKind::PermissionDenied, problem));
    let mut file = match open_no_link(path) {
        Err(_) if fs::symlink_metadata(path).is_ok_and(|data| !data.is_file()) => return refused("it is no file"),
        opened => opened?,
    };
    let data = file.metadata()?;
    if !data.is_file() {
        return refused("it is no file");
    }
    if let Some(problem) = distrusted(&data) {
        return refused(problem);
    }
    if data.len() > MOST_BYTES {
        return refused("it is larger than any image");
    }
    if data.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > USED)) {
        // Its age decides who makes room; whether the system lets it be set does not matter.
        let _ = file.set_modified(std::time::SystemTime::now());
    }
    Bytes::read(&mut file, usize::try_from(data.len()).map_err(|_| ErrorKind::OutOfMemory)?)
}
