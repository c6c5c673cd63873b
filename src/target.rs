//! Cargo's target folder, in which a test's files go that outlive it.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the target folder of the program under test: `CARGO_TARGET_DIR` if that is an absolute path, else the one that a program is in.
pub(crate) fn of(exe: Option<&Path>) -> Option<PathBuf> {
    // A relative path is relative to where cargo was started, which is not known here.
    if let Some(said) = env::var_os("CARGO_TARGET_DIR")
        && Path::new(&said).is_absolute()
    {
        return Some(PathBuf::from(said));
    }
    exe.and_then(around)
}

/// Finds the target folder that a program is in. Cargo marks it, see <https://bford.info/cachedir/>.
fn around(exe: &Path) -> Option<PathBuf> {
    let mut next = exe.parent();
    while let Some(folder) = next {
        if folder.join("CACHEDIR.TAG").is_file() {
            return Some(folder.to_path_buf());
        }
        next = folder.parent();
    }
    // target/debug/deps/program
    let deps = exe.parent()?;
    let target = deps.parent()?.parent()?;
    deps.ends_with("deps").then(|| target.to_path_buf())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::around;

    #[test]
    fn the_target_folder_is_the_marked_one_around_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("built");
        fs::create_dir_all(target.join("triple/debug/deps")).unwrap();
        let exe = target.join("triple/debug/deps/landing-0123456789abcdef");
        assert_eq!(around(&exe), Some(target.join("triple")), "unmarked");
        fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
        assert_eq!(around(&exe), Some(target.clone()));
        assert_eq!(around(&folder.path().join("rust_out")), None);
    }
}
