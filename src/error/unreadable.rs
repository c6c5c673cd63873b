//! Words about a file or a folder that cannot be read: what is there instead.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::words::shown_path;
use crate::list::mapped;
use crate::nearest::nearest;

/// Returns the words about a file or folder that is to be read: the system's and, where it is not there, what is instead. The
/// path may have been written relative to the folder of a configuration file, or to that of the crate under test.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> String {
    if error.kind() != ErrorKind::NotFound {
        return error.to_string();
    }
    let Some(there) = path.ancestors().skip(1).find(|folder| folder.is_dir()) else { return error.to_string() };
    let Ok(missing) = path.strip_prefix(there) else { return error.to_string() };
    if there.parent().is_none() {
        return error.to_string();
    }
    let begin =
        "a relative path begins at the folder of the configuration file, in code at that of the crate under test";
    for folder in there.ancestors().skip(1) {
        let near = folder.join(missing);
        if near.exists() {
            return format!("{error}; `{}` is there, and {begin}", shown_path(&near));
        }
    }
    let Some(first) = missing.components().next() else { return error.to_string() };
    let first = Path::new(&first).display().to_string();
    let mut names = Vec::new();
    for entry in fs::read_dir(there).into_iter().flatten().flatten() {
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let names = mapped(&names, String::as_str);
    let next = match nearest(&first, &names) {
        Some(near) => format!("the nearest name there is `{near}`"),
        None => begin.to_string(),
    };
    format!("{error}; `{}` has no `{first}`, and {next}", shown_path(there))
}
