//! Data files: CSV, JSON, SQL and TOML that fill the tables a test starts from.
//!
//! - **CSV**: the first record names the columns. Values are bound as text, and a column's
//!   [affinity](https://sqlite.org/datatype3.html#type_affinity) makes numbers of those that are numbers. A field without
//!   anything is `NULL`, or an empty text where the bind's options say so, a quoted one (`""`) always an empty text; in a numeric column
//!   either is `NULL`, and `true` and `false` are 1
//!   and 0.
//! - **JSON**, with the feature `json`: a list of objects, which may differ in their keys; a column that an object does not name gets its
//!   default. `true` and `false` are 1 and 0; a list or an object in a column is stored as the JSON text it is.
//! - In both, an integer that SQLite would make a real of is refused, and so is a number that it would make infinite.
//! - **SQL**: statements, run as they are after the other files of the same bind.
//! - **TOML**: rows of several tables and binds, which refer to each other by label; see [`scenario`].
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
mod scenario;
mod target;

use std::path::{Path, PathBuf};

use crate::config::resolve_path;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::schema::{check_whole, folder};
use crate::sqlite::script::has_letters;

pub(crate) use load::{load, Load};
pub(crate) use records::Format;
use records::{Content, Malformed, Records};
pub(crate) use rows::{rows, Expecting};
pub(crate) use save::{as_sql, Unwritten};
pub(crate) use scenario::{
    expected, not_one_key, ExpectedRow, ExpectedTable, Found, Labels, Link, LinkEnd, Refers, Scenario, Target,
};
pub(crate) use target::{distribute, Distributed};

/// A data file as it was read, its content not yet looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) content: Content,
    /// The bind it was given to, or that [`distribute`] has found.
    pub(crate) bind: Option<BindKey>,
    /// The table it is for, where [`distribute`] has found it; else the file's name says it.
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
        match (&self.content, self.format) {
            (Content::Rows(records), _) => Ok(Records::clone(records)),
            (Content::Text(text), Format::Csv) => csv::records(text, csv_empty_as_text),
            (Content::Text(text), Format::Json) => json::records(text),
            (Content::Text(_), Format::Sql | Format::Toml) => Ok(Records::default()),
        }
    }

    /// Returns whether it is SQL, which may do anything.
    pub(crate) fn is_script(&self) -> bool {
        self.format == Format::Sql
    }

    /// Returns whether the letters stand in what it says, as a function's name does that a statement calls.
    pub(crate) fn has_letters(&self, letters: &str) -> bool {
        match &self.content {
            Content::Text(text) => has_letters(text, letters),
            // Values, and no statement.
            Content::Rows(_) => false,
        }
    }

    fn error(&self, line: Option<usize>, problem: impl Into<String>) -> Error {
        error(&self.path, self.bind.as_ref(), line, problem)
    }
}

/// The data files that a path leads to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) files: Vec<DataFile>,
    /// Those whose rows are of several tables.
    pub(crate) scenarios: Vec<Scenario>,
}

impl Files {
    /// Reads the files of several paths, for the bind if it is known.
    pub(crate) fn at(paths: &[PathBuf], bind: Option<&BindKey>) -> Result<Files> {
        let mut all = Files::default();
        for path in paths {
            let Files { mut files, mut scenarios } = read(path, bind)?;
            all.files.append(&mut files);
            all.scenarios.append(&mut scenarios);
        }
        Ok(all)
    }

    fn add(&mut self, path: PathBuf, bind: Option<&BindKey>) -> Result<()> {
        if format_of(&path) == Some(Format::Toml) {
            let text =
                folder::text(&path).map_err(|unreadable| error(&path, bind, unreadable.line, unreadable.problem))?;
            self.scenarios.push(Scenario { path, text, bind: bind.cloned() });
        } else {
            self.files.push(read_file(path, bind)?);
        }
        Ok(())
    }
}

/// Reads a data file, or the data files of a folder in natural order, for the bind if it is known.
pub(crate) fn read(path: &Path, bind: Option<&BindKey>) -> Result<Files> {
    let path = resolve_path(path);
    let mut all = Files::default();
    if !path.is_dir() {
        all.add(path, bind)?;
        return Ok(all);
    }
    let files = folder::files(&path)
        .map_err(|failed| error(&path, bind, None, format!("the folder cannot be read: {failed}")))?;
    if files.is_empty() {
        return Err(error(&path, bind, None, "the folder has no data file: .csv, .json, .sql or .toml"));
    }
    for file in files {
        all.add(file, bind).map_err(in_folder)?;
    }
    Ok(all)
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
    let formats = [("csv", Format::Csv), ("json", Format::Json), ("sql", Format::Sql), ("toml", Format::Toml)];
    let found = formats.into_iter().find(|(extension, _)| folder::has_extension(path, extension));
    found.map(|(_, format)| format)
}

fn read_file(path: PathBuf, bind: Option<&BindKey>) -> Result<DataFile> {
    let Some(format) = format_of(&path) else {
        let problem = match path.extension() {
            _ if !path.exists() => "there is no such file or folder".to_string(),
            Some(found) => {
                format!("`.{}` is no kind of data file: they are .csv, .json, .sql and .toml", found.to_string_lossy())
            }
            None => "a file without an extension is no data file: they are .csv, .json, .sql and .toml".to_string(),
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
    Ok(DataFile { path, format, content: Content::Text(text), bind: bind.cloned(), table: None })
}

fn error(path: &Path, bind: Option<&BindKey>, line: Option<usize>, problem: impl Into<String>) -> Error {
    Error::Data { file: path.to_path_buf(), line, bind: bind.cloned(), problem: problem.into(), at: None }
}
