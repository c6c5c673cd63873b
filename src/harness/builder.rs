//! From a configuration to running databases, or to an error and nothing.

use std::path::PathBuf;
use std::sync::Arc;

use super::dynamic::DynamicBind;
use super::end::Keeper;
use super::folder::Folder;
use super::running::{Bound, Place, Start};
use super::template::Blueprint;
use super::{references, Harness, Running};
use crate::config::{Bind, Config, DatabaseSpec, Resolved, Table, TableGroup};
use crate::data;
use crate::database::{Database, Uses};
use crate::error::{Error, Result};
use crate::instrument::{Recorder, Rules};
use crate::key::{BindKey, PerBind};
use crate::list::{filtered, try_mapped};
use crate::sorted::Sorted;

/// Binds from code; from [`Harness::builder`].
///
/// ```
/// use multibind::{Bind, Harness, Table};
///
/// let db = Harness::builder()
///     .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
///     .bind("auth", Bind::memdb())
///     .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)").bind_key("auth"))
///     .start()?;
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HarnessBuilder {
    config: Config,
    env: bool,
}

impl HarnessBuilder {
    /// Sets the default bind, whose key is `None`.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// assert_eq!(db.binds(), [BindKey::DEFAULT]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn default_bind(mut self, bind: Bind) -> HarnessBuilder {
        self.config = self.config.default_bind(bind);
        self
    }

    /// Adds a bind. A key that is there already, or cannot be one, is an error at start.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let builder = Harness::builder().bind("auth", Bind::memory());
    /// assert_eq!(builder.clone().start()?.binds().len(), 1);
    /// let error = builder.bind("auth", Bind::temp_file()).start().unwrap_err();
    /// assert_eq!(error.to_string(), "bind `auth` is configured twice");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn bind(mut self, key: impl Into<BindKey>, bind: Bind) -> HarnessBuilder {
        self.config = self.config.bind(key, bind);
        self
    }

    /// Registers a single table with the bind it belongs to.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, Table};
    /// let user = Table::new("CREATE TABLE user (name TEXT)").bind_key("auth");
    /// let db = Harness::builder().bind("auth", Bind::memory()).table(user).start()?;
    /// assert!(db.metadata("auth")?.table("user").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn table(mut self, table: Table) -> HarnessBuilder {
        self.config = self.config.table(table);
        self
    }

    /// Registers tables that share a bind key.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, Table, TableGroup};
    /// let accounts = TableGroup::new("auth")
    ///     .table(Table::new("CREATE TABLE user (name TEXT)"))
    ///     .table(Table::new("CREATE TABLE role (name TEXT)"));
    /// let db = Harness::builder().bind("auth", Bind::memory()).tables(accounts).start()?;
    /// assert_eq!(db.metadata("auth")?.tables().len(), 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn tables(mut self, group: TableGroup) -> HarnessBuilder {
        self.config = self.config.tables(group);
        self
    }

    /// Adds data files whose tables may be in any bind.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory().schema_path("fixtures/default"))
    ///     .bind("auth", Bind::memory().schema_path("fixtures/auth"))
    ///     .data("fixtures/data/auth") // with `user.csv`; only `auth` has a table of that name
    ///     .start()?;
    /// db.assert_landed("auth", "user", row! { username: "grace" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn data(mut self, path: impl Into<PathBuf>) -> HarnessBuilder {
        self.config = self.config.data(path);
        self
    }

    /// Declares that a column in one bind refers to a column in another, which SQLite cannot enforce: each as
    /// `bind.table.column`, with `main` for the default bind. See [`Config::reference`].
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT PRIMARY KEY)"))
    ///     .reference("main.post.author", "auth.user.name")
    ///     .start()?;
    /// db.connection(None)?.execute("INSERT INTO post VALUES ('ann')", [])?;
    /// assert_eq!(db.check_references()?[0].row(), &row! { author: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reference(mut self, from: impl Into<String>, to: impl Into<String>) -> HarnessBuilder {
        self.config = self.config.reference(from, to);
        self
    }

    /// Where the files of binds in [`Storage::TempFile`](crate::Storage::TempFile) are kept, in a private folder.
    ///
    /// Unless set, that is where `TMPDIR` says, else a RAM disk if the system has one with 256 MiB free (`/dev/shm` on
    /// Linux), else the system's folder for temporary files.
    ///
    /// On Linux, the process's first such folder in a place takes those away that ended processes left there.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let folder = tempfile::tempdir()?;
    /// let db = Harness::builder().default_bind(Bind::temp_file()).temp_dir(folder.path()).start()?;
    /// assert!(db.path(None)?.unwrap().starts_with(folder.path()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn temp_dir(mut self, path: impl Into<PathBuf>) -> HarnessBuilder {
        self.config = self.config.temp_dir(path);
        self
    }

    /// Lets `DATABASE_URL` and `DATABASE_URL_<KEY>` of the environment override the binds' URLs, as
    /// [`Config::with_env`] does.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # // SAFETY: nothing else runs in the process yet.
    /// # unsafe { std::env::set_var("DATABASE_URL_REPORTS", "postgresql://db.example/app") };
    /// // The environment has DATABASE_URL_REPORTS=postgresql://db.example/app.
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory())
    ///     .bind("app", Bind::url("postgresql://db.example/app"))
    ///     .bind("reports", Bind::memory())
    ///     .with_env()
    ///     .start()?;
    /// assert_eq!(db.uri("reports")?, db.uri("app")?);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn with_env(mut self) -> HarnessBuilder {
        self.env = true;
        self
    }

    /// Returns the configuration, with the URLs of the environment where they are asked for.
    pub(crate) fn into_config(self) -> Result<Config> {
        if self.env {
            self.config.with_env()
        } else {
            Ok(self.config)
        }
    }
}

/// Starts the binds of a configuration; `keeper` saves the databases where they are to be kept.
pub(crate) fn start(config: Config, keeper: Keeper) -> Result<Harness> {
    let config = &config.settled()?;
    let Resolved { sources, replicas } = config.resolve()?;
    let blueprints = sources.try_map(|_, spec| Blueprint::read(spec))?;
    let histories = blueprints.map(|_, blueprint| blueprint.history());
    let shared = try_mapped(&config.shared_data(), |path| data::read(path, None))?.concat();
    let blueprints = if shared.is_empty() { blueprints } else { with_data(&sources, blueprints, shared)? };
    let starts = blueprints.try_map(|bind, blueprint| {
        Ok::<_, Error>(Start { template: blueprint.template()?, history: Arc::clone(&histories[bind]) })
    })?;
    check_parents(&sources, &starts)?;
    let references =
        references::resolve(config, &sources, &|bind| starts[bind].template.metadata(sources[bind].key()))?;

    // Those whose databases are not copies of one image.
    let anew = blueprints.try_map_into(|bind, blueprint| {
        let differ = sources[bind].dynamic.is_some() && starts[bind].template.is_fleeting();
        Ok::<_, Error>(differ.then(|| blueprint.into_owned()))
    })?;

    let (recorder, rules) = (Arc::<Recorder>::default(), Arc::<Rules>::default());
    let folder = Folder::new(config.chosen_folder());
    let (mut taken, mut urls) = (Vec::new(), Sorted::default());
    for spec in sources.values() {
        for (key, url) in &spec.urls {
            urls.insert(key.clone(), url.to_string());
        }
        if let Some(named) = &spec.identity {
            taken.push((named.clone(), spec.key().clone()));
        }
    }
    let taken = Arc::from(taken);
    let mut anew = anew;
    let mut binds = sources.try_map_into(|bind, mut spec| {
        let start = starts[bind].clone();
        if let Some(chooser) = spec.dynamic.take() {
            let watched = (Arc::clone(&recorder), Arc::clone(&rules));
            let dynamic = DynamicBind::new(spec, chooser, Arc::clone(&taken), start, anew[bind].take(), watched);
            return Ok(Place::Dynamic(Box::new(dynamic)));
        }
        let image = Arc::clone(&start.template.image);
        let ways = filtered(&spec.made_for, |key| !spec.keys.contains(key));
        let uses = Uses { read_only: spec.read_only, replica: None, ways };
        let file = || folder.file(&bind.to_string());
        let database = Database::start(spec.keys, spec.storage, spec.options, uses, image, &file)?;
        database.watch().report_to(&recorder, &rules, database.keys().clone());
        Ok(Place::Fixed(Arc::new(Bound::new(database, start))))
    })?;
    for (replica, spec) in replicas {
        let start = starts[replica.source].clone();
        let of = match &binds[replica.source] {
            Place::Fixed(of) => of,
            Place::Dynamic(of) => return Err(of.not_said()),
        };
        let uses = Uses { read_only: true, replica: Some((replica, of.key().clone())), ways: Vec::new() };
        let database = if replica.lags {
            let image = Arc::clone(&start.template.image);
            let number = binds.len();
            let file = || folder.file(&number.to_string());
            Database::start(spec.keys, spec.storage, spec.options, uses, image, &file)?
        } else {
            Database::way_to(of, spec.keys, spec.options, uses)?
        };
        database.watch().report_to(&recorder, &rules, database.keys().clone());
        binds.push(Place::Fixed(Arc::new(Bound::new(database, start))));
    }
    Ok(Harness::of(Running::new(binds, folder, references, recorder, rules, urls), keeper))
}

/// The blueprints where data for any bind is given: each file goes to the bind that has its table.
fn with_data<'s>(
    specs: &PerBind<DatabaseSpec>,
    blueprints: PerBind<Blueprint<'s>>,
    shared: Vec<data::DataFile>,
) -> Result<PerBind<Blueprint<'s>>> {
    let tables = blueprints.try_map(|bind, blueprint| blueprint.template()?.metadata(specs[bind].key()))?;
    let targets = tables.map(|bind, tables| (&specs[bind].made_for, &**tables));
    let mut own = specs.map(|_, _| Vec::new());
    for mut file in shared {
        let bind = data::assign(&mut file, &targets)?;
        own[bind].push(file);
    }
    blueprints.try_map_into(|bind, blueprint| Ok(blueprint.with(std::mem::take(&mut own[bind]))))
}

/// Refuses a foreign key whose parent is not in its own bind but in another: SQLite would fail only when a row is
/// written.
fn check_parents(specs: &PerBind<DatabaseSpec>, starts: &PerBind<Start>) -> Result<()> {
    for (bind, spec) in specs.iter().filter(|(_, spec)| !spec.allow_missing_parents) {
        for (table, parent) in starts[bind].template.missing_parents() {
            let mut found = Vec::new();
            for (other, spec) in specs.iter() {
                if other != bind && starts[other].template.metadata(spec.key())?.table(parent).is_some() {
                    found.push(spec.key().clone());
                }
            }
            if !found.is_empty() {
                let (bind, table, parent) = (spec.key().clone(), table.clone(), parent.clone());
                return Err(Error::ForeignParent { bind, table, parent, found });
            }
        }
    }
    Ok(())
}
