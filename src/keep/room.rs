//! Bounded space: the files of the oldest tests make room for those of the last.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::write::CHANGES;
use crate::order::{sort_by, sort_by_key};
use crate::say;

/// The number of tests that are kept.
const MOST_TESTS: usize = 100;
/// The number of bytes that all of them may take.
pub(super) const MOST_BYTES: u64 = 512 << 20;

/// The beginning of the name of a folder that is still being filled.
pub(super) const UNFINISHED: &str = ".new-";

/// A test that was kept.
struct Kept {
    folder: PathBuf,
    at: SystemTime,
    bytes: u64,
}

/// Removes the oldest tests while there are too many or they take too much, but for the one just kept.
///
/// Another process may do the same at the same time, so what is no longer there is no error. What this crate has not made
/// is left alone.
pub(super) fn make(root: &Path, just_kept: &Path) {
    let mut tests = Vec::new();
    for program in folders(root) {
        for folder in folders(&program) {
            if let Some(kept) = Kept::read(folder) {
                tests.push(kept);
            }
        }
    }
    sort_by(&mut tests, |a, b| (b.at, &b.folder).cmp(&(a.at, &a.folder)));
    // What was just kept counts first.
    sort_by_key(&mut tests, |test| !just_kept.starts_with(&test.folder));
    let mut bytes = 0;
    for (place, test) in tests.iter().enumerate() {
        bytes += test.bytes;
        if place >= MOST_TESTS || (place > 0 && bytes > MOST_BYTES) {
            if let Err(error) = fs::remove_dir_all(&test.folder) {
                say::debug(format_args!("cannot remove `{}`: {error}", test.folder.display()));
            }
            // Goes only if it is empty now.
            let _ = test.folder.parent().map(fs::remove_dir);
        }
    }
}

impl Kept {
    fn read(folder: PathBuf) -> Option<Kept> {
        let unfinished = folder.file_name()?.to_string_lossy().starts_with(UNFINISHED);
        let is_ours = folder.join(CHANGES).is_file() || unfinished;
        let at = fs::metadata(&folder).and_then(|data| data.modified()).ok().filter(|_| is_ours)?;
        let bytes = taken(&folder);
        Some(Kept { folder, at, bytes })
    }
}

/// Counts the bytes that a test takes, with all its harnesses.
pub(super) fn taken(test: &Path) -> u64 {
    let mut bytes = files(test);
    for folder in folders(test) {
        bytes += files(&folder);
    }
    bytes
}

/// Removes the files in a folder.
pub(super) fn remove_files(folder: &Path) {
    for entry in entries(folder) {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| !kind.is_dir())
            && let Err(error) = fs::remove_file(&path)
        {
            say::debug(format_args!("cannot remove `{}`: {error}", path.display()));
        }
    }
}

/// Lists the folders in a folder; links are none.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for entry in entries(folder) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    folders
}

/// Counts the bytes of the files in a folder.
fn files(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in entries(folder) {
        bytes += entry.metadata().map_or(0, |data| if data.is_file() { data.len() } else { 0 });
    }
    bytes
}

/// Lists what can be read of a folder.
fn entries(folder: &Path) -> Vec<DirEntry> {
    let mut entries = Vec::new();
    let Ok(all) = fs::read_dir(folder) else { return entries };
    for entry in all {
        let Ok(entry) = entry else { continue };
        entries.push(entry);
    }
    entries
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;
    use crate::sqlite::platform::set_modified;

    /// Creates a test kept so many minutes ago, of so many bytes, none of which are on a disk.
    fn kept(root: &Path, name: &str, minutes: u64, bytes: u64) -> PathBuf {
        let folder = root.join("program").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(CHANGES), "").unwrap();
        File::create(folder.join("auth.db")).unwrap().set_len(bytes).unwrap();
        let at = SystemTime::now() - Duration::from_secs(60 * minutes);
        set_modified(&folder, at).unwrap();
        folder
    }

    #[test]
    fn the_oldest_tests_go_when_there_are_too_many() {
        let root = tempfile::tempdir().unwrap();
        let tests =
            (0..MOST_TESTS as u64 + 3).map(|age| kept(root.path(), &format!("t{age}"), age, 1)).collect::<Vec<_>>();
        let oldest = tests.last().unwrap();

        make(root.path(), &oldest.join("2"));

        let left = tests.iter().filter(|test| test.exists()).count();
        assert_eq!(left, MOST_TESTS);
        assert!(oldest.exists(), "it was just kept");
        assert!(!tests[MOST_TESTS].exists() && !tests[MOST_TESTS + 1].exists());
    }

    #[test]
    fn the_oldest_tests_go_when_they_take_too_much() {
        let root = tempfile::tempdir().unwrap();
        let new = kept(root.path(), "new", 0, 1 << 20);
        let older = kept(root.path(), "older", 1, MOST_BYTES - (2 << 20));
        let oldest = kept(root.path(), "oldest", 2, 2 << 20);
        let foreign = root.path().join("program/foreign");
        fs::create_dir(&foreign).unwrap();

        make(root.path(), &new);

        assert_eq!([new, older, oldest, foreign].map(|folder| folder.exists()), [true, true, false, true]);
    }
}
