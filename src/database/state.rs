//! The contents of a database: compared with those of before, copied out, and put back.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::known::Known;
use super::observer::leave_the_log;
use super::Database;
use crate::error::{is_lock, Error, Result};
use crate::sqlite::hold::check_free;
use crate::sqlite::number;
use crate::sqlite::{self, Image};
use crate::sync::lock;

impl Database {
    /// Makes a new database what its image is.
    pub(super) fn fill(&self) -> Result<()> {
        if self.store.fill(&self.image, self.key())? {
            return Ok(());
        }
        // Nobody has a connection yet.
        self.overwrite_at_once(&self.image, false).map_err(Error::sql(self.key()))
    }

    /// Replaces what the database holds by an image's pages, with its connections left open.
    pub(crate) fn overwrite(&self, image: &Arc<Image>) -> rusqlite::Result<()> {
        let mut looks = 0;
        loop {
            looks += 1;
            match self.overwrite_at_once(image, self.store.shares_cache()) {
                // A connection that opens or closes has the database to itself for a moment.
                Err(error) if is_lock(&error) && looks < LOOKS => std::thread::sleep(BETWEEN_LOOKS),
                done => return done,
            }
        }
    }

    /// Replaces them without waiting: `may_block` where a statement that runs on another connection holds a mutex that
    /// this needs.
    fn overwrite_at_once(&self, image: &Arc<Image>, may_block: bool) -> rusqlite::Result<()> {
        {
            let mut known = lock(&self.known);
            if known.is_copy(self.store.commits_settled()) && known.image.id() == image.id() {
                return Ok(());
            }
            if let Some(replaced) = self.store.replace(image)? {
                let (version, commits) = (Some(replaced.schema.into()), Some(replaced.commits));
                *known = Known { image: Arc::clone(image), tables: None, version, commits, copied: commits };
                return Ok(());
            }
        }
        self.observe_at_once(|conn| {
            let mut known = lock(&self.known);
            if known.copied.is_some() && known.is_copy(self.store.commits(conn)?) && known.image.id() == image.id() {
                // Nothing was committed since it was copied. What is about to be must not be passed over.
                conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
                return conn.prepare_cached("ROLLBACK")?.execute([]).map(drop);
            }
            let before = self.moment(conn)?;
            let copied = if may_block { image.copy_apart_into(conn, "main") } else { image.copy_over(conn) };
            match copied {
                // Of another page size.
                Err(error) if may_block && error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
                    image.copy_over(conn)?
                }
                copied => copied?,
            }
            // The copy is done; a lock that blocks a look at it now does no harm later.
            let version = sqlite::schema_version(conn).ok();
            let after = self.moment(conn).ok().filter(|after| after.is_one_copy_after(&before));
            let (version, commits) = match (version, after) {
                (Some(version), Some(after)) => (Some(version), after.commits),
                // Another has committed just before or after the copy, and the tables may be other ones by now.
                _ => (None, None),
            };
            *known = Known { image: Arc::clone(image), tables: None, version, commits, copied: commits };
            Ok(())
        })
    }

    /// Returns the moment, to find out whether somebody commits from now on.
    fn moment(&self, conn: &Connection) -> rusqlite::Result<Moment> {
        let commits = self.store.commits(conn)?;
        let of_others = number(conn, "PRAGMA data_version")?;
        Ok(Moment { commits, of_others })
    }

    /// Returns the image that the database is, where nothing was committed since it was copied in and nothing is about
    /// to be.
    pub(crate) fn unchanged(&self) -> Option<Arc<Image>> {
        let known = lock(&self.known);
        known.is_copy(self.store.commits_settled()).then(|| Arc::clone(&known.image))
    }

    /// Fails at once where another connection has a transaction open that [`overwrite`](Database::overwrite) would
    /// have to wait for.
    pub(crate) fn check_free(&self) -> rusqlite::Result<()> {
        self.observe_at_once(|conn| check_free(conn))
    }

    /// Returns how many commits there have been, where a number says so without a look.
    pub(crate) fn commits_seen(&self) -> Option<u64> {
        self.store.commits_seen()
    }

    /// Returns a number that changes with every commit, where others may commit beside a transaction that reads; `None`
    /// where such a transaction keeps them out. Numbers of a file are to be compared that the same counter gave, which
    /// is opened here unless it is.
    pub(crate) fn beside_readers(&self, counter: &mut Option<Connection>) -> rusqlite::Result<Option<u64>> {
        self.store.commits_beside_readers(counter, &|| {
            let conn = self.observer()?;
            leave_the_log(&conn)?;
            Ok(conn)
        })
    }

    /// Returns an image that has the tables as they are committed now, whoever made them; the same one until they
    /// change. Where somebody's lock blocks a look, those of the last look.
    pub(crate) fn tables(&self) -> rusqlite::Result<Arc<Image>> {
        self.tables_within(LOOKS)
    }

    /// Returns the same, without waiting for a lock.
    pub(crate) fn tables_at_once(&self) -> rusqlite::Result<Arc<Image>> {
        self.tables_within(1)
    }

    fn tables_within(&self, most: usize) -> rusqlite::Result<Arc<Image>> {
        let mut looks = 0;
        loop {
            looks += 1;
            match self.look_at_tables() {
                Err(error) if is_lock(&error) => {
                    if looks == most {
                        return lock(&self.known).tables();
                    }
                    std::thread::sleep(BETWEEN_LOOKS);
                }
                looked => return looked,
            }
        }
    }

    fn look_at_tables(&self) -> rusqlite::Result<Arc<Image>> {
        if let Some(commits) = self.store.commits_seen() {
            // Without a connection, as long as nobody has committed.
            let known = lock(&self.known);
            if known.commits == Some(commits) {
                return known.tables();
            }
        }
        self.look(|conn| {
            let mut known = lock(&self.known);
            let commits = self.store.commits(conn)?;
            if commits.is_some() && commits == known.commits {
                return known.tables();
            }
            let version = sqlite::schema_version(conn)?;
            if known.version != Some(version) {
                known.tables = Some(Arc::new(Image::of_tables(conn)?.connected_as(&self.image)?));
                known.version = Some(version);
                known.copied = None;
            }
            known.commits = commits;
            known.tables()
        })
    }
}

/// The number of looks for tables while a lock blocks them: longer than a commit takes, and shorter than somebody's
/// open transaction is worth waiting for.
const LOOKS: usize = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// A moment, by the commits before it.
struct Moment {
    /// The number of commits, by whichever connection, where a number says so.
    commits: Option<u64>,
    /// A number that changes with those of other connections, which do not share a cache with this one.
    of_others: i64,
}

impl Moment {
    /// Returns whether nobody has committed since but who made one copy.
    fn is_one_copy_after(&self, before: &Moment) -> bool {
        let counted = self.commits.zip(before.commits).is_none_or(|(now, then)| now == then + 1);
        counted && self.of_others == before.of_others
    }
}
