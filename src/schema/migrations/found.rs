//! The files and folders of a folder of migrations.

use std::path::{Path, PathBuf};

use super::super::folder::{entries, has_extension, is_hidden};
use super::super::marked;
use super::super::migration::Problem;
use crate::error::list;
use crate::key::Keys;

/// The content of a folder, but for hidden files and the folders of binds in it.
pub(super) struct Found {
    pub(super) folder: PathBuf,
    pub(super) files: Vec<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
    pub(super) hidden_folders: Vec<PathBuf>,
}

impl Found {
    pub(super) fn read(folder: &Path, binds: &[&str]) -> Result<Found, Problem> {
        let mut found =
            Found { folder: folder.to_path_buf(), files: Vec::new(), folders: Vec::new(), hidden_folders: Vec::new() };
        for path in entries(folder).map_err(|error| format!("the folder cannot be read: {error}"))? {
            let hidden = is_hidden(&path);
            if !path.is_dir() {
                if !hidden {
                    found.files.push(path);
                }
            } else if hidden {
                found.hidden_folders.push(path);
            } else if !binds.contains(&&*name(&path)) {
                found.folders.push(path);
            }
        }
        Ok(found)
    }

    /// Returns the files whose names end in `.sql`, in either case.
    pub(super) fn sql_files(&self) -> Vec<&Path> {
        let mut sql = Vec::new();
        for file in &self.files {
            if has_extension(file, "sql") {
                sql.push(file.as_path());
            }
        }
        sql
    }

    /// Returns an SQL file of an inner folder, which no layout reads.
    pub(super) fn sql_within(&self) -> Result<Option<String>, Problem> {
        for folder in &self.folders {
            let shown = name(folder);
            let inner = entries(folder).map_err(|error| format!("its folder `{shown}` cannot be read: {error}"))?;
            if let Some(file) =
                inner.iter().find(|path| has_extension(path, "sql") && !is_hidden(path) && path.is_file())
            {
                return Ok(Some(format!("{shown}/{}", name(file))));
            }
        }
        Ok(None)
    }

    /// Returns the error about a folder without SQL.
    pub(super) fn nothing(&self, keys: &Keys, binds: &[&str]) -> Problem {
        let key = marked::name(keys.first());
        let has = |name: &str| self.folder.join(name).exists();
        if has("alembic.ini") || has("env.py") {
            let problem = "it is Alembic's folder, whose migrations are Python: write their SQL with `flask db upgrade --sql` and \
                           give the folder with what that has written";
            return Problem::from(problem.to_string());
        }
        let found = match binds {
            [] => {
                match self.files.iter().find(|file| PROGRAMS.iter().any(|extension| has_extension(file, extension))) {
                    Some(file) => format!(", but `{}`, which is a program: a schema is SQL", name(file)),
                    None => String::new(),
                }
            }
            [one] => format!(", but a folder of the bind {one}: make one named `{key}`"),
            binds => format!(", but folders of the binds {}: make one named `{key}`", list(binds)),
        };
        Problem::from(format!("the folder has no `.sql` file{found}"))
    }
}

/// The extensions of migrations that are programs.
const PROGRAMS: [&str; 7] = ["py", "rb", "js", "ts", "go", "rs", "php"];

/// Returns the last part of a path, as messages show it.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns a file's name without its extension.
pub(super) fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
