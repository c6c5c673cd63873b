//! Tables of the selected binds: made, dropped, read back; data loaded.

use std::path::Path;
use std::sync::Arc;

use super::reference::Reference;
use super::Harness;
use crate::data::{self, Distributed, Load, Target};
use crate::error::{Error, Result};
use crate::key::{BindKey, PerBind, Selection};
use crate::list::{mapped, retain};

use crate::schema::{self, Metadata};

impl Harness {
    /// Makes the tables of the selected binds that are not there, with their indexes, views and triggers.
    ///
    /// `start` has made them already; this is for after [`drop_all`](Harness::drop_all). It loads no data. Each bind
    /// is one transaction. As in Flask-SQLAlchemy, `..` stands for all binds, but for replicas that
    /// [lag](crate::Bind::lag), which follow their source.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] for a key that is not configured, before anything is done;
    /// [`Error::Schema`] for a bind whose tables SQLite did not make.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// db.drop_all(None)?;
    /// db.create_all(None)?;
    /// db.create_all(..)?;
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create_all(&self, selection: impl Into<Selection>) -> Result<()> {
        self.running().calls(|| {
            for bound in self.running().selected(&selection.into())? {
                let mut conn = bound.connect()?;
                let metadata = bound.metadata()?;
                bound.watch().ours(|| schema::create_all(&mut conn, &metadata, bound.key()))?;
            }
            Ok(())
        })
    }

    /// Drops the tables, views and triggers of the selected binds that their [`metadata`](Harness::metadata) lists, children
    /// before parents.
    ///
    /// As in Flask-SQLAlchemy, what others have made stays, unless [`reflect`](Harness::reflect) has read it. Each bind is
    /// one transaction; other binds are left alone. The metadata keeps what was there, so that
    /// [`create_all`](Harness::create_all) can make it again.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] for a key that is not configured, before anything is done;
    /// [`Error::Schema`] for a bind whose tables SQLite did not drop, which then has them all.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// db.drop_all(..)?;
    /// assert!(db.connection(None)?.prepare("SELECT x FROM t").is_err());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn drop_all(&self, selection: impl Into<Selection>) -> Result<()> {
        self.running().calls(|| {
            for bound in self.running().selected(&selection.into())? {
                let (mut conn, metadata) = (bound.connect()?, bound.metadata()?);
                bound.watch().ours(|| schema::drop_all(&mut conn, &metadata, bound.key()))?;
            }
            Ok(())
        })
    }

    /// Reads the tables of the selected binds from their databases, with what others created or changed, into their
    /// [`metadata`](Harness::metadata).
    ///
    /// As in Flask-SQLAlchemy, a table that the metadata lists and the database lacks stays listed, with its indexes and
    /// triggers, so that [`create_all`](Harness::create_all) can create it again. `reset` and
    /// [`migrate_to`](Harness::migrate_to) forget it.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] for a key that is not configured; [`Error::Sql`] for a bind
    /// that could not be read.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory()).start()?;
    /// db.connection(None)?.execute("CREATE TABLE made_later (x)", [])?;
    /// db.reflect(None)?;
    /// assert!(db.metadata(None)?.table("made_later").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn reflect(&self, selection: impl Into<Selection>) -> Result<()> {
        self.running().calls(|| {
            for bound in self.running().selected(&selection.into())? {
                let known = bound.metadata()?;
                let mut metadata = Metadata::read(&bound.connect()?, bound.key())?;
                metadata.keep(&known);
                bound.set_reflected(Some(Arc::new(metadata)));
            }
            Ok(())
        })
    }

    /// Loads a data file, or the data files of a folder, and gives the number of rows they had.
    ///
    /// A CSV or JSON file is named after its table: `user.csv` where one bind has that table, else with the bind's key,
    /// `auth.user.csv` (`default` stands for the default bind). An SQL file is named after its bind, `auth.sql` or
    /// `auth.more.sql`; of a [TOML file](crate::guide::scenarios) each row names its bind. [`Bind::data`](crate::Bind::data) has what files may hold. A relative path is looked for
    /// in the folder of the crate under test.
    ///
    /// Each bind's rows are one transaction, and none is committed before all are complete.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] with file and line, and nothing is loaded in any bind; [`Error::Locked`] when another connection
    /// has a transaction open on one. [`Error::Commit`] when a commit itself fails, which says what became of each bind.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("user.csv");
    /// # std::fs::write(&file, "id,name\n1,ann\n")?;
    /// let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (id INT, name TEXT)")).start()?;
    /// assert_eq!(db.load_data(&file)?, 1);
    /// db.assert_landed("auth", "user", row! { id: 1, name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn load_data(&self, path: impl AsRef<Path>) -> Result<usize> {
        self.running().calls(|| {
            self.running().recorder().runs_unseen("load_data");
            // Replicas get theirs from these.
            let mut databases = self.running().databases();
            retain(&mut databases, |database| !database.lags());
            let databases = PerBind::new(databases);
            let keys = databases.map(|_, database| database.all_keys());
            let files = data::read(path.as_ref(), None)?;
            let read = databases.try_map(|_, database| {
                let conn = database.connect()?;
                Ok::<_, Error>((Metadata::read(&conn, database.key())?, conn))
            })?;
            let targets = read.map(|at, (metadata, conn)| {
                let key = databases[at].key();
                let affinities =
                    |table: &str, columns: &[&str]| schema::affinities(conn, table, columns).map_err(Error::sql(key));
                Target { keys: &keys[at], metadata, affinities: Box::new(affinities) }
            });
            let links = mapped(self.running().references(), Reference::link);
            let known = self.running().labels();
            let Distributed { files: mut of_each, labels } = data::distribute(files, &targets, &links, &known)?;
            drop(targets);
            drop(read);
            let mut parts = Vec::new();
            for (at, database) in databases.iter() {
                let files = std::mem::take(&mut of_each[at]);
                if !files.is_empty() {
                    parts.push((database, files, database.connect()?));
                }
            }
            let mut loads = Vec::new();
            for (database, files, conn) in &mut parts {
                let (key, reading) = (database.key(), database.reading());
                loads.push(Load { key, conn, files: std::mem::take(files), reading });
            }
            let rows = data::load(loads)?;
            self.running().add_labels(&labels);
            Ok(rows)
        })
    }

    /// Returns the tables of a bind, as SQLite reported them at start and when [`reflect`](Harness::reflect) or
    /// [`migrate_to`](Harness::migrate_to) last asked; of a [dynamic bind](crate::Bind::dynamic) those that each of its
    /// databases is created with.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured.
    ///
    /// ```
    /// # let db = multibind::Harness::builder().default_bind(multibind::Bind::memory().schema("CREATE TABLE t (x INT)")).start()?;
    /// let metadata = db.metadata(None)?;
    /// let columns = metadata.table("t").unwrap().columns();
    /// assert_eq!(columns[0].declared_type(), "INT");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn metadata(&self, key: impl Into<BindKey>) -> Result<Arc<Metadata>> {
        self.running().calls(|| {
            let key = key.into();
            match self.running().dynamic(&key) {
                Ok(bind) => bind.metadata(),
                Err(_) => self.running().home_of(&key)?.metadata(),
            }
        })
    }
}
