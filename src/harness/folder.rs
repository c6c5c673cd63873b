//! The private folder that a harness keeps its files in.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::held::HeldFolder;
use crate::error::{Error, Result};
use crate::say;
use crate::sqlite::platform::{ram_disk, FolderKind};
use crate::sync::{drop_spent, lock};

/// The folder, made for the first file.
pub(super) struct Folder {
    /// The place that the user chose.
    chosen: Option<PathBuf>,
    made: Mutex<Option<HeldFolder>>,
}

impl Folder {
    pub(super) fn new(chosen: Option<&Path>) -> Folder {
        Folder { chosen: chosen.map(Path::to_path_buf), made: Mutex::new(None) }
    }

    /// Returns the path of a file in it. The name is made of numbers: a key may have any character.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf> {
        let mut made = lock(&self.made);
        let folder = match &mut *made {
            Some(folder) => folder,
            none => none.insert(make(self.chosen.as_deref())?),
        };
        Ok(folder.path().join(format!("{name}.db")))
    }

    /// Removes it with all there is in it, if it was made. Doing it twice does nothing.
    pub(super) fn remove(&self) -> Result<()> {
        // On Unix a folder is removed also while its files are open; on Windows all of them must be closed first.
        drop_spent();
        let Some(folder) = lock(&self.made).take() else { return Ok(()) };
        let path = folder.path().to_path_buf();
        folder.close().map_err(Error::io("remove", path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            say::warn(format_args!("{error}"));
        }
    }
}

/// Makes a private folder: where the user says, else on a RAM disk with room, else where temporary files go.
///
/// `TMPDIR` is the user saying where. The folder is readable by its owner only.
fn make(chosen: Option<&Path>) -> Result<HeldFolder> {
    let parent = chosen.map(Path::to_path_buf).unwrap_or_else(usual);
    HeldFolder::make(&parent, &PRIVATE).map_err(Error::io("make a private folder in", parent))
}

/// Databases, and what SQLite puts beside them: a log, its index, journals.
const PRIVATE: FolderKind = FolderKind { prefix: "multibind-", mode: 0o700, holds: |name| name.contains(".db") };

fn usual() -> PathBuf {
    match std::env::var_os("TMPDIR") {
        // Where Windows keeps temporary files, other variables say.
        Some(said) => PathBuf::from(said),
        None => ram_disk().unwrap_or_else(std::env::temp_dir),
    }
}
