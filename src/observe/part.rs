//! A part of the binds, or of their tables: put back, or written out, without the rest.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::snapshot::{committed, unreadable};
use crate::data::{as_sql, Unwritten};
use crate::database::{committed as read_committed, Database, Patience};
use crate::error::{Error, Result};
use crate::harness::{Bound, DynamicBind, Harness};
use crate::key::{BindKey, Selection};
use crate::list::has_name;
use crate::schema::{Metadata, TableInfo, TableKind};
use crate::sqlite::Image;

/// Some binds of a harness, or some tables of them; from [`Harness::part`].
///
/// ```
/// # use multibind::{row, Bind, Harness};
/// # let user = "CREATE TABLE user (name TEXT); CREATE TABLE country (code TEXT)";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
/// let auth = db.connection("auth")?;
/// auth.execute_batch("INSERT INTO country VALUES ('no'); INSERT INTO user VALUES ('ann')")?;
/// db.part("auth").except(["country"]).reset()?;
/// db.assert_not_landed("auth", "user", row! { name: "ann" });
/// db.assert_landed("auth", "country", row! { code: "no" });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing by itself: call `reset`, `restore` or `save_data`"]
pub struct Part<'h> {
    pub(crate) harness: &'h Harness,
    binds: Selection,
    tables: Tables,
}

/// The tables of a part, by names such as `user` and `auth.user`.
#[derive(Clone, Debug)]
enum Tables {
    All,
    Only(Vec<String>),
    Except(Vec<String>),
}

impl Harness {
    /// Returns a part of the binds, to [reset](Part::reset), to [restore](Part::restore) or to
    /// [write out](Part::save_data) without the rest.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let user = || Bind::memory().schema("CREATE TABLE user (name TEXT)");
    /// # let db = Harness::builder().default_bind(user()).bind("auth", user()).start()?;
    /// for key in [None, Some("auth")] {
    ///     db.connection(key)?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// }
    /// db.part("auth").reset()?;
    /// db.assert_landed(None, "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn part(&self, binds: impl Into<Selection>) -> Part<'_> {
        Part { harness: self, binds: binds.into(), tables: Tables::All }
    }
}

impl<'h> Part<'h> {
    /// Takes only these tables of it, each as `user` or `auth.user`; the others are left alone.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let tables = "CREATE TABLE user (name TEXT); CREATE TABLE log (event TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(tables)).start()?;
    /// db.connection("auth")?.execute_batch("INSERT INTO user VALUES ('ann'); INSERT INTO log VALUES ('sign-up')")?;
    /// db.part("auth").only(["log"]).reset()?;
    /// db.assert_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn only<T: Into<String>>(self, tables: impl IntoIterator<Item = T>) -> Part<'h> {
        Part { tables: Tables::Only(tables.into_iter().map(Into::into).collect()), ..self }
    }

    /// Leaves these tables alone, each as `role` or `auth.role`: they stay as they are, and are not written out.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let tables = "CREATE TABLE user (name TEXT); CREATE TABLE country (code TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(tables)).start()?;
    /// db.connection("auth")?.execute("INSERT INTO country VALUES ('no')", [])?;
    /// db.part(..).except(["auth.country"]).reset()?;
    /// db.assert_landed("auth", "country", row! { code: "no" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn except<T: Into<String>>(self, tables: impl IntoIterator<Item = T>) -> Part<'h> {
        Part { tables: Tables::Except(tables.into_iter().map(Into::into).collect()), ..self }
    }

    /// Writes its rows into a folder as data files, one for each database, such as `auth.sql`, and returns them.
    ///
    /// [`Bind::data`](crate::Bind::data) and [`Harness::load_data`] read them back, into the same tables: each value has its
    /// type, byte for byte, and each row its rowid. The rows are those that are committed, parents before children; generated
    /// columns are computed again, and `AUTOINCREMENT` counts on from the largest id. A file of that name is replaced.
    ///
    /// They are read back into a copy first: what would not become the same is an error, and nothing is written for its bind.
    ///
    /// # Errors
    ///
    /// Those of [`Harness::snapshot`]; [`Error::UnknownBind`] and [`Error::UnknownTable`] for what is not there;
    /// [`Error::Io`] where a file cannot be written, or a key is no file's name; [`Error::Config`] for a table whose rows cannot be
    /// written: a virtual table that has rows, and one that a trigger changes as they are inserted.
    /// [`except`](Part::except) leaves it out.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let user = "CREATE TABLE user (name TEXT, face BLOB)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann', x'ff00')", [])?;
    /// db.part("auth").save_data(folder.path())?;
    /// let written = std::fs::read_to_string(folder.path().join("auth.sql"))?;
    /// assert_eq!(written, "INSERT INTO \"user\" (\"name\", \"face\") VALUES ('ann', x'ff00');\n");
    ///
    /// db.reset()?;
    /// db.load_data(folder.path())?;
    /// db.assert_landed("auth", "user", row! { name: "ann", face: vec![255, 0] });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn save_data(&self, dir: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        self.harness.running().called(None, self.written(dir.as_ref()))
    }

    /// Returns the databases that it is of; for all binds, those that lag too.
    pub(super) fn databases(&self) -> Result<Vec<Arc<Bound>>> {
        let running = self.harness.running();
        if self.binds.keys().is_none() {
            return Ok(running.databases());
        }
        running.selected(&self.binds)
    }

    /// Returns whether it has the bind of a key.
    pub(super) fn has_bind(&self, key: &BindKey) -> bool {
        self.binds.keys().is_none_or(|keys| keys.contains(key))
    }

    /// Returns whether it has a table of a bind, by its name alone or with the bind's key.
    pub(super) fn has_table(&self, key: &BindKey, table: &str) -> bool {
        let is_it = |name: &str| name.eq_ignore_ascii_case(table);
        let is_named = |names: &[String]| names.iter().any(|name| is_it(name) || within(key, name).is_some_and(is_it));
        match &self.tables {
            Tables::All => true,
            Tables::Only(names) => is_named(names),
            Tables::Except(names) => !is_named(names),
        }
    }

    /// Returns whether it has the databases of a dynamic bind, those too that were closed.
    pub(super) fn has_all_of(&self, bind: &DynamicBind) -> bool {
        self.binds.keys().is_none_or(|keys| keys.contains(bind.key()))
    }

    /// Returns what a database becomes that goes back to an image: that, with the tables that are left alone.
    pub(super) fn image(&self, database: &Database, to: &Arc<Image>, all: &[Arc<Bound>]) -> Result<Arc<Image>> {
        if matches!(self.tables, Tables::All) {
            return Ok(Arc::clone(to));
        }
        let key = database.key();
        let now = now(database)?;
        let (then, is) = (Metadata::of(to, key)?, Metadata::of(&now, key)?);
        let mut left = Vec::new();
        for table in is.tables().iter().chain(then.tables()) {
            if self.takes(database, table.name(), all) || has_name(&left, table.name()) {
                continue;
            }
            if is_virtual(table) {
                return Err(self.no_virtual(key, table.name()));
            }
            left.push(table.name().to_string());
        }
        if left.is_empty() {
            return Ok(Arc::clone(to));
        }
        to.with_tables_of(&now, &left).map(Arc::new).map_err(Error::sql(key))
    }

    fn no_virtual(&self, key: &BindKey, table: &str) -> Error {
        let problem = format!(
            "`{table}` in bind `{key}` is a virtual table, whose rows are in tables of its own: it cannot be left alone. Put it \
             back too, and fill it again"
        );
        Error::Config { file: None, line: None, bind: Some(key.clone()), problem, at: None }
    }

    /// Returns whether it has a table of a database.
    fn takes(&self, database: &Database, table: &str, all: &[Arc<Bound>]) -> bool {
        let is_named = |names: &[String]| names.iter().any(|name| names_it(name, database, table, all));
        match &self.tables {
            Tables::All => true,
            Tables::Only(names) => is_named(names),
            Tables::Except(names) => !is_named(names),
        }
    }

    /// Refuses a name that no table has: now, or at start.
    pub(super) fn check_tables(&self, databases: &[Arc<Bound>]) -> Result<()> {
        let (Tables::Only(names) | Tables::Except(names)) = &self.tables else { return Ok(()) };
        let mut there = Vec::with_capacity(databases.len());
        for database in databases {
            let (now, start) = (now(database)?, database.image());
            there.push([Metadata::of(&now, database.key())?, Metadata::of(start, database.key())?]);
        }
        for name in names {
            let is_there = databases.iter().zip(&there).any(|(database, metadata)| {
                let mut tables = metadata.iter().flat_map(Metadata::tables);
                tables.any(|table| names_it(name, database, table.name(), databases))
            });
            if !is_there {
                return Err(match databases {
                    [one] => {
                        let (bind, table) = (one.key().clone(), name.clone());
                        Error::NotInBind { bind, table, found: Vec::new(), nearest: Vec::new(), at: None }
                    }
                    _ => Error::UnknownTable { table: name.clone(), nearest: Vec::new(), at: None },
                });
            }
        }
        Ok(())
    }

    fn written(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let databases = self.databases()?;
        self.check_tables(&databases)?;
        fs::create_dir_all(dir).map_err(Error::io("create the folder", dir))?;
        let mut files = Vec::with_capacity(databases.len());
        for (database, image) in databases.iter().zip(committed(&databases)?) {
            let key = database.key();
            let metadata = Metadata::of(&image, key)?;
            let takes = |table: &str| self.takes(database, table, &databases);
            let sql = as_sql(&image, &metadata, &takes).map_err(Error::sql(key))?;
            let sql = sql.map_err(|Unwritten { table, problem }| {
                let problem = format!(
                    "the rows of `{table}` in bind `{key}` cannot be written as data: it {problem}. Leave it out with \
                     `except([\"{key}.{table}\"])`"
                );
                Error::Config { file: None, line: None, bind: Some(key.clone()), problem, at: None }
            })?;
            let name = format!("{key}.sql");
            let file = dir.join(&name);
            if file.file_name() != Some(name.as_ref()) || file.parent() != Some(dir) {
                let problem = std::io::Error::other("the bind's key is no file's name");
                return Err(Error::io("write the data", &file)(problem));
            }
            fs::write(&file, sql).map_err(Error::io("write the data", &file))?;
            files.push(file);
        }
        Ok(files)
    }
}

/// Returns whether a name, `user` or `auth.user`, is that of a table of a database.
fn names_it(name: &str, database: &Database, table: &str, all: &[Arc<Bound>]) -> bool {
    let is_it = |name: &str| name.eq_ignore_ascii_case(table);
    if database.keys().iter().any(|key| within(key, name).is_some_and(is_it)) {
        return true;
    }
    let is_qualified = all.iter().any(|other| other.keys().iter().any(|key| within(key, name).is_some()));
    !is_qualified && is_it(name)
}

/// Returns what follows a bind's key and a dot.
fn within<'n>(key: &BindKey, name: &'n str) -> Option<&'n str> {
    let after = |key: &str| name.strip_prefix(key)?.strip_prefix('.');
    after(&key.to_string()).or_else(|| after(key.schema_name()))
}

fn is_virtual(table: &TableInfo) -> bool {
    table.kind() == TableKind::Virtual
}

/// Returns what a database has committed.
fn now(database: &Database) -> Result<Arc<Image>> {
    read_committed(database, &Patience::new()).map_err(|source| unreadable(database, source))
}
