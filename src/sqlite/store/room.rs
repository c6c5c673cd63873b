//! Bounded space: images that were not used for long make room for new ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::claim;
use crate::order::sort_by;

/// The ending of a finished image's name, and of one in the writing.
pub(super) const ENDING: &str = ".image";
pub(super) const UNFINISHED: &str = ".part";

/// The bounds of a folder: images, their bytes, and the time since an image's last use.
const MOST_IMAGES: usize = 256;
pub(super) const MOST_BYTES: u64 = 256 << 20;
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The time by which clocks of one folder may differ.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The time after which a file that was not finished is nobody's any more.
const FORGOTTEN: Duration = Duration::from_secs(3600);

/// Returns whether a time is more than a day ahead: the clock was set back. Such an image would be the newest for as long.
fn is_yet_to_come(at: SystemTime) -> bool {
    at.duration_since(SystemTime::now()).is_ok_and(|ahead| ahead > AHEAD)
}

/// Removes the images beyond the bounds, the longest unused first, and what ended processes have left.
pub(super) fn make(folder: &Path, new: &Path) {
    let mut images = Vec::<(SystemTime, u64, PathBuf)>::new();
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Ok(data) = entry.metadata() else { continue };
        let Ok(at) = data.modified() else { continue };
        let is_older = |than: Duration| at.elapsed().is_ok_and(|age| age > than) || is_yet_to_come(at);
        if name.ends_with(UNFINISHED) || name.ends_with(claim::ENDING) {
            if is_older(FORGOTTEN) {
                let _ = fs::remove_file(path);
            }
        } else if name.ends_with(ENDING) && path != new {
            if is_older(LONGEST) {
                let _ = fs::remove_file(path);
            } else {
                images.push((at, data.len(), path));
            }
        }
    }
    sort_by(&mut images, |a, b| b.cmp(a));
    let mut bytes = fs::metadata(new).map_or(0, |data| data.len());
    for (place, (_, size, path)) in images.iter().enumerate() {
        bytes += size;
        if place + 1 >= MOST_IMAGES || bytes > MOST_BYTES {
            let _ = fs::remove_file(path);
        }
    }
}
