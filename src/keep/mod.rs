//! The databases of a test, kept as files: when it fails, or by hand.

mod file_name;
mod folder;
mod page;
mod room;
mod saved;
mod write;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::harness::{Harness, Kept};
use saved::Saved;

impl Harness {
    /// Saves every database as an ordinary SQLite file in a folder, which is made if it is not there, and gives the files
    /// in the order of the binds.
    ///
    /// A file is named by its bind key, `auth.db`, or `default.db`; what a file name cannot hold is written as `%` and two
    /// digits for each byte. A file of that name is replaced. Beside them, `report.html` shows what happened, for a
    /// browser, `changes.txt` says what changed since the harness started, and `statements.txt` what ran while [`record`](Harness::record) recorded it. What is saved is what is committed; the files have a rollback journal, whatever the storage.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`](crate::Error::InUse) at once, and with nothing written, when another connection has a write
    /// transaction open on a bind in memory; [`Error::Sql`](crate::Error::Sql) when a bind cannot be read;
    /// [`Error::Io`](crate::Error::Io) for a file or folder that cannot be written.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    ///
    /// let files = db.save_to(folder.path())?;
    /// assert_eq!(files, [folder.path().join("auth.db")]);
    /// let conn = multibind::rusqlite::Connection::open(&files[0])?;
    /// assert_eq!(conn.query_row("SELECT name FROM user", [], |row| row.get::<_, String>(0))?, "ann");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn save_to(&self, dir: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        self.running().calls(|| write::all(self.running(), self.test_name(), dir.as_ref()))
    }
}

/// Saves the databases in a folder named by the test.
pub(crate) fn save(harness: &Harness) -> Kept {
    let folder = folder::of_test(harness.test_name());
    let running = harness.running();
    let databases = running.databases();
    let images = write::copies(&databases);
    match folder.replace(|dir, room| write::what_can_be(running, harness.test_name(), (&databases, &images), room, dir))
    {
        Ok((dir, saved)) => {
            room::make(folder.root(), &dir);
            Kept { told: told(&dir, &saved), folder: Some(dir), remove }
        }
        Err(error) => Kept { told: format!("multibind: nothing is kept: {error}"), folder: None, remove },
    }
}

/// Removes the files of a harness again, and not those of another that are in a folder of its own there.
fn remove(dir: PathBuf) {
    room::remove_files(&dir);
    // Goes only if it is empty now, as does that of the program.
    let _ = fs::remove_dir(&dir);
    let _ = dir.parent().map(fs::remove_dir);
}

/// The files that may stand beside the databases.
const BESIDE: [&str; 2] = [write::CHANGES, write::STATEMENTS];

/// The number of files that the line names; a dynamic bind may have very many databases.
const NAMED: usize = 20;

/// Writes where the files are, and which databases are not there.
fn told(dir: &Path, saved: &[Saved]) -> String {
    let (mut files, mut missing) = (Vec::new(), String::new());
    for database in saved {
        match &database.file {
            Ok(name) => files.push(name.as_str()),
            Err(problem) => {
                let _ = write!(missing, "\nmultibind: `{}` is not kept: {problem}", database.label);
            }
        }
    }
    let mut more = String::new();
    if files.len() > NAMED {
        more = format!(", and {} databases more", files.len() - NAMED);
        files.truncate(NAMED);
    }
    files.insert(0, page::PAGE);
    files.extend(BESIDE.iter().filter(|name| dir.join(name).is_file()));
    format!("multibind: kept in {}: {}{more}{missing}", near(dir, env::current_dir().ok()).display(), files.join(", "))
}

/// Returns a path as it is from the current folder, where it is below that.
fn near(path: &Path, current: Option<PathBuf>) -> &Path {
    current.and_then(|current| path.strip_prefix(current).ok()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_from_the_current_folder_where_it_is_below() {
        let kept = Path::new("/src/my_app/target/multibind/t");
        let from = |current: Option<&str>| near(kept, current.map(PathBuf::from)).to_str();
        assert_eq!(from(Some("/src/my_app")), Some("target/multibind/t"));
        assert_eq!([from(Some("/src/other")), from(None)], [kept.to_str(), kept.to_str()]);
    }
}
