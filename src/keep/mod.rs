//! The databases of a test, kept as files: when it fails, or by hand.

mod file_name;
mod folder;
mod room;
mod write;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::harness::Harness;
use write::Saved;

impl Harness {
    /// Saves every database as an ordinary SQLite file in a folder, which is made if it is not there, and gives the files
    /// in the order of the binds.
    ///
    /// A file is named by its bind key, `auth.db`, or `default.db`; what a file name cannot hold is written as `%` and two
    /// digits for each byte. A file of that name is replaced. Beside them, `changes.txt` says what changed since the
    /// harness started, and `statements.txt` what ran while [`record`](Harness::record) recorded it. What is saved is what is committed; the files have a rollback journal, whatever the storage.
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
    pub fn save_to(&self, dir: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        write::all(self.running(), dir.as_ref())
    }
}

/// Saves the databases in a folder named by the test, and returns what to print about it.
pub(crate) fn save(harness: &Harness) -> String {
    let folder = folder::of_test(harness.test_name());
    let running = harness.running();
    let databases = running.databases();
    let images = write::copies(&databases);
    match folder.replace(|dir, room| write::what_can_be(running, (&databases, &images), room, dir)) {
        Ok((dir, saved)) => {
            room::make(folder.root(), &dir);
            told(&dir, &saved)
        }
        Err(error) => format!("multibind: the databases of this test are not kept: {error}"),
    }
}

/// Writes where the files are and how to open them.
fn told(dir: &Path, saved: &[Saved]) -> String {
    let mut told = format!("multibind: the databases of this test are kept in {}\n", dir.display());
    let mut width = 0;
    for database in saved {
        width = width.max(database.label.chars().count());
    }
    for database in saved {
        let what = match &database.file {
            Ok(name) => format!("sqlite3 {}", quoted(&dir.join(name))),
            Err(problem) => format!("not kept: {problem}"),
        };
        let _ = writeln!(told, "  {:width$}  {what}", database.label);
    }
    let _ = write!(told, "The changes since the start are in {}", dir.join(write::CHANGES).display());
    let statements = dir.join(write::STATEMENTS);
    if statements.is_file() {
        let _ = write!(told, "\nThe statements that were recorded are in {}", statements.display());
    }
    told
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+@%=,:".contains(char);
    match (path.chars().all(plain), cfg!(windows)) {
        (true, _) => path,
        (false, true) => format!("\"{path}\""),
        (false, false) => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(windows))]
    fn a_path_is_one_word_for_a_shell() {
        assert_eq!(quoted(Path::new("/t/a--b/me%20ta.db")), "/t/a--b/me%20ta.db");
        assert_eq!(quoted(Path::new("/t/it's $HOME/x.db")), r"'/t/it'\''s $HOME/x.db'");
    }
}
