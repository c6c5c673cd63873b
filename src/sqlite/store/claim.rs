//! A claim on the making of an image: of the processes that start at once, one makes it and the others read it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::sqlite::platform::{open_lock, try_lock, wait_for_lock};

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
        let Ok(file) = open_lock(path) else { return Claim::none() };
        let (file, has_waited) = if try_lock(&file) {
            (Some(file), false)
        } else if waits {
            (wait_for_lock(file), true)
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
