//! The user's configuration: binds, tables and options, from code, TOML or the environment. No database is opened.

mod bind;
mod change;
mod chooser;
mod draft;
mod env;
mod environment;
mod file;
mod flask;
mod lag;
mod migration_version;
mod mirror;
mod model;
mod options;
mod origin;
mod paths;
mod redact;
mod reference;
mod resolve;
mod settle;
mod source;
mod spec;
mod stand_in;
mod storage;
mod suggest;
mod table;
pub(crate) mod value;
mod variables;
mod written;

pub use bind::Bind;
pub(crate) use chooser::Chooser;
pub use lag::Lag;
pub use migration_version::MigrationVersion;
pub use model::Model;
pub(crate) use options::{process_wide, DataOptions, EngineOptions};
pub(crate) use paths::resolve_path;
pub(crate) use reference::ReferenceText;
pub(crate) use settle::Settled;
pub(crate) use source::{Migrator, SchemaSource};
pub(crate) use spec::{DatabaseSpec, Replica, Resolved};
pub use storage::Storage;
pub use table::{Table, TableGroup};

use std::panic::Location;
use std::path::PathBuf;

use crate::key::{BindKey, Selection};
use crate::sqlite::OnConnect;
use change::Change;
use environment::Environment;
use origin::Origin;
use variables::Variables;
pub(crate) use written::ImageFolder;
use written::{DenyOutside, Written};

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
#[must_use = "it starts no database by itself: call `start()`"]
pub struct Config {
    /// The part that holds in every environment.
    written: Written,
    environments: Vec<Environment>,
    /// Changes to the binds, in their order.
    changes: Vec<Change>,
    /// The environment that the code chooses.
    chosen: Option<String>,
    /// Set where variables override the URLs of binds.
    urls_from_variables: bool,
    variables: Variables,
}

impl Config {
    /// Creates a configuration without binds.
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

    /// Adds a bind. A key that is there already, ASCII case aside, is an error at start, as is one that is reserved:
    /// [`change`](Config::change) is for a bind of a file.
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new().bind("auth", Bind::memory()).bind("meta", Bind::temp_file());
    /// ```
    pub fn bind(mut self, key: impl Into<BindKey>, bind: Bind) -> Config {
        self.written.binds.push((key.into(), bind));
        self
    }

    /// Changes binds that the configuration has: those of a file, for the most part.
    ///
    /// The change is made when the harness starts, to what the file and its [environment](Config::environment) say, and wins
    /// over both. Changes are made in the order in which they are written here. For `..` that is every bind but mirrors: they
    /// have the storage, tables and options of their source.
    ///
    /// # Errors
    ///
    /// At start, [`Error::UnknownBind`](crate::Error::UnknownBind) or [`Error::NoDefaultBind`](crate::Error::NoDefaultBind) for a
    /// key that is not configured.
    ///
    /// ```
    /// use multibind::binds::Storage;
    /// use multibind::{Bind, Config, Harness};
    ///
    /// let config = Config::from_file("fixtures/binds.toml")?
    ///     .change("auth", |auth| auth.without_schema().without_data().schema("CREATE TABLE member (name TEXT)"))
    ///     .change(.., |bind| bind.storage(Storage::TempFile)) // every bind in a file
    ///     .bind("audit", Bind::memory()); // one more
    /// let db = Harness::from_config(config)?;
    /// assert!(db.path("auth")?.is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn change<F>(mut self, binds: impl Into<Selection>, change: F) -> Config
    where
        F: Fn(Bind) -> Bind + Send + Sync + 'static,
    {
        self.changes.push(Change::new(binds.into(), change));
        self
    }

    /// Registers a table with the bind it belongs to. A bind that is not configured is an error at start.
    ///
    /// ```
    /// use multibind::tables::Table;
    /// use multibind::{Bind, Config};
    ///
    /// let user = Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)").bind_key("auth");
    /// let config = Config::new().bind("auth", Bind::memory()).table(user);
    /// ```
    pub fn table(mut self, table: Table) -> Config {
        self.written.tables.push(table);
        self
    }

    /// Registers the tables of a group and of the groups in it; a member without a key of its own has the group's.
    ///
    /// ```
    /// use multibind::tables::{Table, TableGroup};
    /// use multibind::{Bind, Config};
    ///
    /// let accounts = TableGroup::new("auth").table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)"));
    /// let config = Config::new().bind("auth", Bind::memory()).tables(accounts);
    /// ```
    pub fn tables(mut self, group: TableGroup) -> Config {
        self.written.tables.append(&mut group.flattened(None));
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
        self.written.options.on_connect.push(OnConnect::new(connect));
        self
    }

    /// Adds data whose tables may be in any bind: a CSV, SQL, TOML or (with the feature `json`) JSON file, or a folder of them.
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
        self.written.data.push(path.into());
        self
    }

    /// Sets the folder in which a private one has the files of binds in [`Storage::TempFile`].
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
        self.written.temp_dir = Some(resolve_path(&path.into()));
        self
    }

    /// Sets the folder of stored images: what one process makes of a bind's schema and data, the next reads from there.
    ///
    /// Unless set, that is the folder that `MULTIBIND_IMAGES` names, else `multibind/images` in the target folder. A relative path
    /// is looked for in the folder of the crate under test. With `MULTIBIND_IMAGES=off` nothing is stored or read.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let cache = folder.path().join("images");
    /// let bind = || Bind::memory().schema("CREATE TABLE user (name TEXT)");
    /// let db = Harness::builder().default_bind(bind()).images_in(&cache).start()?;
    /// # if std::env::var_os("MULTIBIND_IMAGES").is_none() {
    /// assert_eq!(std::fs::read_dir(&cache)?.count(), 1);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn images_in(mut self, path: impl Into<PathBuf>) -> Config {
        self.written.images = Some(ImageFolder::In(resolve_path(&path.into())));
        self
    }

    /// Makes every bind of its schema and data, whatever an earlier process has stored, and stores nothing.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let db = Harness::builder().default_bind(Bind::memory()).without_images().start()?;
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn without_images(mut self) -> Config {
        self.written.images = Some(ImageFolder::Nowhere);
        self
    }

    /// Refuses each connection that the process opens to what is no bind of a harness, from the start of the harness to its
    /// end, as [`Harness::deny_outside`](crate::Harness::deny_outside) does; `false` lets them through, whatever a file says.
    ///
    /// When the harness is dropped, it panics if it has refused one and
    /// [`refused_outside`](crate::Harness::refused_outside) was never called.
    ///
    /// ```standalone_crate
    /// use multibind::{rusqlite::Connection, Bind, Harness};
    ///
    /// let db = Harness::builder().default_bind(Bind::memory()).deny_outside(true).start()?;
    /// assert!(Connection::open_in_memory().is_err());
    /// assert_eq!(db.refused_outside().len(), 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn deny_outside(mut self, denies: bool) -> Config {
        let by = format!("`deny_outside(true)` at {}", Location::caller());
        self.written.deny_outside = Some(DenyOutside { denies, by });
        self
    }

    /// Declares that a column in one bind refers to a column in another: each as `bind.table.column`, with `default` or, as in
    /// SQL, `main` for the default bind.
    ///
    /// [`Session::commit`](crate::Session::commit) then refuses rows that would be orphans, and
    /// [`Harness::check_references`](crate::Harness::check_references) finds those that other connections made. A bind,
    /// a table or a column that does not exist is an error at start.
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new()
    ///     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT)"))
    ///     .reference("auth.nut.tree_name", "default.tree.name");
    /// ```
    pub fn reference(mut self, from: impl Into<String>, to: impl Into<String>) -> Config {
        self.written.references.push(ReferenceText { from: from.into(), to: to.into(), origin: Origin::Code });
        self
    }
}
