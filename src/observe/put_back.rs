//! The way back: to the start, and to a snapshot, of every bind or of a part.

use super::part::Part;
use super::snapshot::Snapshot;
use crate::database::Database;
use crate::error::{is_lock, Error, Result};
use crate::harness::{Harness, RunningBind};
use crate::instrument::PutBackTo;
use crate::key::BindKey;
use crate::sqlite::vfs::Opener;

impl Harness {
    /// Restores every bind to a snapshot: tables, rows, `AUTOINCREMENT` counters and the pragmas that a database keeps
    /// (`user_version`, `application_id`), and what [`metadata`](Harness::metadata) says of it. Of a part,
    /// [`part`](Harness::part) does so.
    ///
    /// A database of a [dynamic bind](crate::Bind::dynamic) that nobody had used at that moment is put back to what it was
    /// made as; one that was closed since is made again, unless that is what it was.
    ///
    /// Connections and pools stay usable. Only SQLite's own count of schema changes (`PRAGMA schema_version`) is
    /// another than before, so that they notice. The journal mode stays as it is, and so does the page size of a file that
    /// another connection has open in WAL mode.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignSnapshot`] for a snapshot of another harness; [`Error::Restore`] at once, and with nothing
    /// restored in any bind, when another connection has a transaction or an unfinished query open that would see its
    /// database change under it. Where storage fails later, it says which binds were restored.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x); INSERT INTO t VALUES (1)")).start()?;
    /// let before = db.snapshot()?;
    /// let conn = db.connection(None)?;
    /// conn.execute("DROP TABLE t", [])?;
    /// db.restore(&before)?;
    /// assert_eq!(conn.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0))?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.running().called(None, self.part(..).put_back(snapshot))
    }
}

impl Part<'_> {
    /// Puts it back to what it was at start, as [`Harness::reset`] does everything.
    ///
    /// A table that is left alone keeps its definition, rows, indexes, triggers and counter; no foreign key is checked. Nobody
    /// may write to it meanwhile: what is written between the reading and the end is lost.
    ///
    /// # Errors
    ///
    /// - Those of [`Harness::reset`].
    /// - [`Error::UnknownBind`] for a bind, [`Error::UnknownTable`] for a table that is not there.
    /// - [`Error::Config`] for a virtual table that would be left alone: its rows are in tables of its own.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// db.part("auth").reset()?;
    /// db.assert_not_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn reset(&self) -> Result<()> {
        self.harness.running().called(None, self.start_again())
    }

    /// Restores it to a snapshot, as [`Harness::restore`] does everything; tables are left alone as by [`reset`](Part::reset).
    ///
    /// # Errors
    ///
    /// Those of [`Harness::restore`] and of [`reset`](Part::reset).
    ///
    /// ```
    /// # use multibind::{changes, row, Bind, Harness};
    /// # let user = || Bind::memory().schema("CREATE TABLE user (name TEXT)");
    /// # let db = Harness::builder().default_bind(user()).bind("auth", user()).start()?;
    /// let before = db.snapshot()?;
    /// for key in [None, Some("auth")] {
    ///     db.connection(key)?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// }
    /// db.part("auth").restore(&before)?;
    /// db.changes_since(&before)?.assert(changes! { "main.user" => +1 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.harness.running().called(None, self.put_back(snapshot))
    }

    fn start_again(&self) -> Result<()> {
        let databases = self.databases()?;
        let mut images = Vec::with_capacity(databases.len());
        for database in &databases {
            images.push(self.image(database, database.image(), &databases)?);
        }
        self.check_tables(&databases)?;
        for (database, image) in databases.iter().zip(&images) {
            self.harness.overwritten(database, image)?;
        }
        Ok(())
    }

    /// Puts it back to its state in a snapshot.
    fn put_back(&self, snapshot: &Snapshot) -> Result<()> {
        let running = self.harness.running();
        snapshot.check(running)?;
        for place in running.binds().values() {
            let RunningBind::Dynamic(bind) = place else { continue };
            if !self.has_all_of(bind) {
                continue;
            }
            for (key, state) in snapshot.closed_since(bind, &bind.databases()) {
                if !state.image.has_bytes_of(bind.image()).map_err(Error::sql(key))? {
                    running.make_again(key)?;
                }
            }
        }
        let databases = self.databases()?;
        self.check_tables(&databases)?;
        let mut images = Vec::with_capacity(databases.len());
        for database in &databases {
            let to = snapshot.state_of(database).map_or(database.image(), |state| &state.image);
            let image = self.image(database, to, &databases)?;
            // A database that stays as it is disturbs nobody.
            if database.unchanged().is_none_or(|own| own.id() != image.id()) {
                database.check_free().map_err(failed(database, &[]))?;
            }
            images.push(image);
        }
        let mut restored = Vec::new();
        for (database, image) in databases.iter().zip(&images) {
            let state = snapshot.state_of(database);
            database.overwrite(image).map_err(failed(database, &restored))?;
            database.set_standing(state.map(|state| state.standing.clone()).unwrap_or_default());
            let to = if state.is_some() { PutBackTo::Own(snapshot.at) } else { PutBackTo::Start };
            running.recorder().is_put_back(database.keys(), to);
            restored.push(database.key().clone());
        }
        Ok(())
    }
}

fn failed<'a>(database: &'a Database, restored: &'a [BindKey]) -> impl FnOnce(rusqlite::Error) -> Error + 'a {
    move |source| {
        let conflict = is_lock(&source).then(|| database.blocker(Opener::Harness, 0)).flatten();
        let (failed, restored) = (database.key().clone(), restored.to_vec());
        Error::Restore { failed, restored, conflict, source, at: None }
    }
}
