//! Data files: CSV, JSON and SQL that fill the tables a test starts from.
//!
//! - **CSV**: the first record names the columns. Values are bound as text, and a column's
//!   [affinity](https://sqlite.org/datatype3.html#type_affinity) makes numbers of those that are numbers. A field without
//!   anything is `NULL`, or an empty text where the bind's options say so, a quoted one (`""`) always an empty text; in a numeric column
//!   either is `NULL`, and `true` and `false` are 1
//!   and 0.
//! - **JSON**, with the feature `json`: a list of objects, which may differ in their keys; a column that an object does not name gets its
//!   default. `true` and `false` are 1 and 0; a list or an object in a column is stored as the JSON text it is.
//! - In both, an integer that SQLite would make a real of is refused, and so is a number that it would make infinite.
//! - **SQL**: statements, run as they are after the CSV and JSON files of the same bind.
//!
//! A CSV or JSON file is named after its table. Where the bind is not given, the name says it: `auth.user.csv` is for the
//! table `user` of the bind `auth`, `default.post.csv` for the default bind's `post`; a table that only one bind has needs no
//! bind. An SQL file without a given bind is named `auth.sql` or `auth.anything.sql`.

mod csv;
mod fit;
#[cfg(feature = "json")]
mod json;
#[cfg(not(feature = "json"))]
#[path = "json_off.rs"]
mod json;
mod load;
mod records;
mod rows;
mod save;
mod target;

use std::path::{Path, PathBuf};

use crate::config::resolve_path;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::list::try_mapped;
use crate::schema::{check_whole, folder};

pub(crate) use load::{load, Load};
pub(crate) use records::Format;
use records::{Malformed, Records};
pub(crate) use rows::{rows, Expecting};
pub(crate) use save::as_sql;
pub(crate) use target::assign;

/// A data file as it was read, its content not yet looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) text: String,
    /// The bind it was given to, or that [`assign`] has found.
    pub(crate) bind: Option<BindKey>,
    /// The table it is for, where [`assign`] has found it; else the file's name says it.
    pub(crate) table: Option<String>,
}

impl DataFile {
    /// Returns the file's name without its extension.
    fn stem(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    /// Returns the file's name alone.
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.path.file_name().unwrap_or_default().to_string_lossy()
    }

    fn records(&self, csv_empty_as_text: bool) -> Result<Records, Malformed> {
        match self.format {
            Format::Csv => csv::records(&self.text, csv_empty_as_text),
            Format::Json => json::records(&self.text),
            Format::Sql => Ok(Records::default()),
        }
    }

    fn error(&self, line: Option<usize>, problem: impl Into<String>) -> Error {
        error(&self.path, self.bind.as_ref(), line, problem)
    }
}

/// Reads a data file, or the data files of a folder in natural order, for the bind if it is known.
pub(crate) fn read(path: &Path, bind: Option<&BindKey>) -> Result<Vec<DataFile>> {
    let path = resolve_path(path);
    if !path.is_dir() {
        return Ok(vec![read_file(path, bind)?]);
    }
    let files = folder::files(&path)
        .map_err(|failed| error(&path, bind, None, format!("the folder cannot be read: {failed}")))?;
    if files.is_empty() {
        return Err(error(&path, bind, None, "the folder has no data file: .csv, .json or .sql"));
    }
    try_mapped(&files, |file| read_file(file.clone(), bind).map_err(in_folder))
}

/// Adds to an error about a file of a folder what to do with the file.
fn in_folder(error: Error) -> Error {
    match error {
        Error::Data { file, line, bind, problem, .. } if format_of(&file).is_none() => {
            let problem = format!("{problem}; move it out of the folder, or hide it with a dot in front of its name");
            Error::Data { file, line, bind, problem, at: None }
        }
        error => error,
    }
}

/// Returns the format of a file, by its name.
fn format_of(path: &Path) -> Option<Format> {
    let formats = [("csv", Format::Csv), ("json", Format::Json), ("sql", Format::Sql)];
    let found = formats.into_iter().find(|(extension, _)| folder::has_extension(path, extension));
    found.map(|(_, format)| format)
}

fn read_file(path: PathBuf, bind: Option<&BindKey>) -> Result<DataFile> {
    let Some(format) = format_of(&path) else {
        let problem = match path.extension() {
            _ if !path.exists() => "there is no such file or folder".to_string(),
            Some(found) => {
                format!("`.{}` is no kind of data file: they are .csv, .json and .sql", found.to_string_lossy())
            }
            None => "a file without an extension is no data file: they are .csv, .json and .sql".to_string(),
        };
        return Err(error(&path, bind, None, problem));
    };
    if path.file_stem().is_none_or(|stem| stem.to_str().is_none()) {
        return Err(error(&path, bind, None, "the file's name is not UTF-8, and it says which table the data is for"));
    }
    let text = folder::text(&path).map_err(|unreadable| error(&path, bind, unreadable.line, unreadable.problem))?;
    if format == Format::Sql {
        check_whole(&text).map_err(|(line, problem)| error(&path, bind, Some(line), problem))?;
    }
    Ok(DataFile { path, format, text, bind: bind.cloned(), table: None })
}

fn error(path: &Path, bind: Option<&BindKey>, line: Option<usize>, problem: impl Into<String>) -> Error {
    Error::Data { file: path.to_path_buf(), line, bind: bind.cloned(), problem: problem.into(), at: None }
}
