//! Where the files of a test go, and how those of an earlier run make room for them.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{file_name, room};
use crate::error::{Error, Result};
use crate::harness::HeldFolder;
use crate::sorted::Sorted;
use crate::sqlite::platform::FolderKind;
use crate::sync::lock;
use crate::target;

/// The folder of a test, in that of its program, in the one for all.
pub(super) struct TestFolder {
    root: PathBuf,
    program: PathBuf,
    test: PathBuf,
}

/// The number of harnesses of a test with folders of their own; the last one is that of all after it.
const MOST_OF_A_TEST: usize = 10;

/// Returns the folder of the test with this name.
pub(super) fn of_test(name: Option<&str>) -> TestFolder {
    let exe = env::current_exe().ok();
    let root = target::of(exe.as_deref()).unwrap_or_else(env::temp_dir).join("multibind");
    let program = root.join(program(exe.as_deref()));
    let test = program.join(file_name::of_test(name.unwrap_or("unnamed")));
    TestFolder { root, program, test }
}

impl TestFolder {
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Fills a new folder, with so many bytes at most, and puts it in the place of what an earlier run left. Harnesses of
    /// one run stand beside each other.
    pub(super) fn replace<T>(&self, fill: impl FnOnce(&Path, u64) -> Result<T>) -> Result<(PathBuf, T)> {
        // How many harnesses of each test this process has kept. One is kept at a time.
        static KEPT: Mutex<Option<Sorted<PathBuf, usize>>> = Mutex::new(None);
        let mut kept = lock(&KEPT);
        let kept = kept.get_or_insert_default().or_insert_with(self.test.clone(), || 0);
        let (place, room) = match (*kept + 1).min(MOST_OF_A_TEST) {
            1 => (self.test.clone(), room::MOST_BYTES),
            number => (self.test.join(number.to_string()), room::MOST_BYTES.saturating_sub(room::taken(&self.test))),
        };

        fs::create_dir_all(&self.program).map_err(Error::io("make the folder", &self.program))?;
        let new = new_folder(&self.program)?;
        let filled = fill(new.path(), room)?;
        match fs::remove_dir_all(&place) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io("remove", &place)(error)),
            _ => {}
        }
        fs::rename(new.path(), &place).map_err(Error::io("make the folder", &place))?;
        // It is no longer where it was made, and must not be looked for there.
        new.keep();
        *kept += 1;
        Ok((place, filled))
    }
}

/// A folder with the default permissions, not for its owner alone. In it are databases, texts, and files not yet named
/// so.
const NEW: FolderKind = FolderKind {
    prefix: room::UNFINISHED,
    mode: 0o777,
    holds: |name| {
        name.ends_with(".db") || name.ends_with(".txt") || name.ends_with(".html") || name.starts_with(".tmp")
    },
};

fn new_folder(parent: &Path) -> Result<HeldFolder> {
    HeldFolder::make(parent, &NEW).map_err(Error::io("make a folder in", parent))
}

/// Returns the package and the test program, `my_app--landing`: several of either may have tests of one name.
fn program(exe: Option<&Path>) -> String {
    let stem = exe.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem.as_deref().map_or("program", without_hash);
    match env::var("CARGO_PKG_NAME") {
        Ok(package) => file_name::of_test(&format!("{package}::{stem}")),
        Err(_) => file_name::of_test(stem),
    }
}

/// Returns the name of a program without the hash that cargo adds, another one for each build.
fn without_hash(stem: &str) -> &str {
    const HASH: usize = 16;
    let is_hash = |end: &str| end.len() == HASH && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    match stem.rsplit_once('-') {
        Some((name, end)) if is_hash(end) => name,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_excludes_the_build_hash() {
        assert_eq!(without_hash("landing-0123456789abcdef"), "landing");
        assert_eq!(without_hash("landing-test"), "landing-test");
        assert_eq!(without_hash("landing"), "landing");
    }
}
