//! What the user wrote: binds, tables and options, from code, TOML or the environment. Opens no database.

mod bind;
mod draft;
mod dynamic;
mod env;
mod environment;
mod file;
mod flask;
mod migration_version;
mod mirror;
mod model;
mod options;
mod origin;
mod paths;
mod redact;
mod reference;
mod resolve;
mod source;
mod stand_in;
mod standing;
mod storage;
mod suggest;
mod table;
mod value;
mod variables;

pub use bind::Bind;
pub(crate) use dynamic::Chooser;
use environment::{Choice, Environment};
pub use migration_version::MigrationVersion;
pub use model::Model;
pub(crate) use options::{process_wide, EngineOptions, Reading};
pub(crate) use paths::resolve_path;
pub(crate) use reference::ReferenceText;
pub(crate) use resolve::{DatabaseSpec, Replica, Resolved};
pub(crate) use source::{Migrator, SchemaSource};
pub use standing::Lag;
pub use storage::Storage;
pub use table::{Table, TableGroup};
use variables::Variables;

use std::path::PathBuf;

use crate::key::BindKey;
use crate::list::mapped;
use crate::sqlite::OnConnect;

/// The binds of an application as the user wrote them, before anything is started.
///
/// Read from TOML with [`Config::from_file`] or [`Config::from_toml`], or made from code with the methods here;
/// [`Harness::from_config`](crate::Harness::from_config) starts it. Nothing is opened, and keys, URLs and options are
/// only checked, when it is started. The guide's chapter [Configuration](crate::guide::configuration) has all that can be
/// said.
///
/// ```
/// use multibind::{Bind, BindKey, Config, Harness};
///
/// let config = Config::new()
///     .bind("auth", Bind::url("mysql://db.example/users").schema("CREATE TABLE user (id INTEGER PRIMARY KEY)"))
///     .default_bind(Bind::url("sqlite:///app.db"));
/// let db = Harness::from_config(config)?;
/// assert_eq!(db.binds(), [BindKey::DEFAULT, BindKey::from("auth")]);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Config {
    /// In the order configured, the default bind among them.
    binds: Vec<(BindKey, Bind)>,
    /// Tables registered one by one, each with its bind key.
    tables: Vec<Table>,
    /// Data files whose tables may be in any bind.
    data: Vec<PathBuf>,
    /// Engine options for every bind; a bind's own win.
    options: EngineOptions,
    /// Engine options for the default bind, if one is configured; its own win.
    default_options: EngineOptions,
    /// Where files are kept, where the user says.
    temp_dir: Option<PathBuf>,
    /// References that cross from one bind into another.
    references: Vec<ReferenceText>,
    /// What a file says of its environments, until one is chosen.
    environments: Vec<Environment>,
    choice: Choice,
    /// Where variables are looked up.
    variables: Variables,
}

impl Config {
    /// A configuration without binds.
    ///
    /// ```
    /// use multibind::{Config, Harness};
    ///
    /// let error = Harness::from_config(Config::new()).unwrap_err();
    /// assert_eq!(error.to_string(), "no bind is configured: set a default or a named bind");
    /// ```
    pub fn new() -> Config {
        Config::default()
    }

    /// Adds the default bind.
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new().default_bind(Bind::memory());
    /// ```
    pub fn default_bind(self, bind: Bind) -> Config {
        self.bind(BindKey::DEFAULT, bind)
    }

    /// Adds a bind. A key that is there already, ASCII case aside, is an error at start, as is one that is reserved.
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new().bind("auth", Bind::memory()).bind("meta", Bind::temp_file());
    /// ```
    pub fn bind(mut self, key: impl Into<BindKey>, bind: Bind) -> Config {
        self.binds.push((key.into(), bind));
        self
    }

    /// Registers a table with the bind it belongs to. A bind that is not configured is an error at start.
    ///
    /// ```
    /// use multibind::{Bind, Config, Table};
    ///
    /// let user = Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)").bind_key("auth");
    /// let config = Config::new().bind("auth", Bind::memory()).table(user);
    /// ```
    pub fn table(mut self, table: Table) -> Config {
        self.tables.push(table);
        self
    }

    /// Registers the tables of a group and of the groups in it; a member without a key of its own has the group's.
    ///
    /// ```
    /// use multibind::{Bind, Config, Table, TableGroup};
    ///
    /// let accounts = TableGroup::new("auth").table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)"));
    /// let config = Config::new().bind("auth", Bind::memory()).tables(accounts);
    /// ```
    pub fn tables(mut self, group: TableGroup) -> Config {
        self.tables.append(&mut group.flattened(None));
        self
    }

    /// Adds code of the application's that runs on every connection that the harness opens to any bind, before the
    /// [bind's own](Bind::on_connect).
    ///
    /// ```
    /// # use multibind::{rusqlite, Bind, Config, Harness};
    /// let config = Config::from_file("fixtures/binds.toml")?
    ///     .on_connect(|conn| conn.execute_batch("PRAGMA case_sensitive_like = ON"));
    /// let db = Harness::from_config(config)?;
    /// let alike: bool = db.connection("auth")?.query_row("SELECT 'ann' LIKE 'ANN'", [], |row| row.get(0))?;
    /// assert!(!alike);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_connect<F, E>(mut self, connect: F) -> Config
    where
        F: Fn(&rusqlite::Connection) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.options.on_connect.push(OnConnect::new(connect));
        self
    }

    /// Adds data whose tables may be in any bind: a CSV, SQL or (with the feature `json`) JSON file, or a folder of them.
    ///
    /// A relative path is looked for in the folder of the crate under test. What belongs to a bind that is known is
    /// better told with [`Bind::data`].
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new().default_bind(Bind::memory()).data("fixtures/data");
    /// ```
    pub fn data(mut self, path: impl Into<PathBuf>) -> Config {
        self.data.push(path.into());
        self
    }

    /// Where the files of binds in [`Storage::TempFile`] are kept, in a private folder.
    ///
    /// Unless set, that is where `TMPDIR` says, else a RAM disk if the system has one with room, else the system's
    /// folder for temporary files. A relative path is looked for in the folder of the crate under test.
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new().default_bind(Bind::temp_file()).temp_dir("target");
    /// ```
    pub fn temp_dir(mut self, path: impl Into<PathBuf>) -> Config {
        self.temp_dir = Some(resolve_path(&path.into()));
        self
    }

    /// The folder set for files.
    pub(crate) fn chosen_folder(&self) -> Option<&std::path::Path> {
        self.temp_dir.as_deref()
    }

    /// The data files whose tables may be in any bind, by absolute paths.
    pub(crate) fn shared_data(&self) -> Vec<PathBuf> {
        mapped(&self.data, |path| resolve_path(path))
    }
}
