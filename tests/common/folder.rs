//! A folder of files for one test.

use std::path::{Path, PathBuf};

use multibind::{Error, Harness, Result};
use tempfile::TempDir;

/// A folder that is removed with the value.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with these files, each a name and its content; a name may have folders in it.
    pub(crate) fn with<C: AsRef<[u8]>>(files: impl IntoIterator<Item = (&'static str, C)>) -> Folder {
        let folder = TempDir::new().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Folder(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What the error says, with `[folder]` for where this folder happens to be.
    pub(crate) fn shown(&self, error: &Error) -> String {
        error.to_string().replace(&self.0.path().display().to_string(), "[folder]")
    }

    /// What the error says of a harness that must not have started.
    pub(crate) fn refused(&self, started: Result<Harness>) -> String {
        match started {
            Ok(_) => panic!("the harness started"),
            Err(error) => self.shown(&error),
        }
    }
}
