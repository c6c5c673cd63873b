//! What a database holds: told from what it held before, copied out, and put back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::observer::leave_the_log;
use super::{connect, Database, Location};
use crate::error::{is_lock, Error, Result};
use crate::sqlite::hold::check_free;
use crate::sqlite::image::{self, Image};
use crate::sqlite::number;
use crate::sqlite::vfs::disk::can_have_log;
use crate::sync::lock;

/// The tables of a database when last looked at.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) image: Arc<Image>,
    /// Its tables where they are no longer the image's.
    pub(super) tables: Option<Arc<Image>>,
    /// SQLite's number for the schema, which every change of it changes.
    pub(super) version: i64,
    /// The count of commits at that time, where there is one to see.
    pub(super) commits: Option<u64>,
    /// The count when the image was copied in; the database is the image as long as it stands.
    pub(super) copied: Option<u64>,
}

impl Known {
    fn tables(&self) -> rusqlite::Result<Arc<Image>> {
        self.tables.as_ref().map_or_else(|| self.image.tables(), |tables| Ok(Arc::clone(tables)))
    }
}

impl Database {
    /// Makes a new database what its image is. One in memory is from the start.
    pub(super) fn fill(&self) -> Result<()> {
        let sql = || Error::sql(self.key(), "");
        match &self.location {
            Location::Memory(_) => Ok(()),
            Location::File(path) => {
                let write = |bytes: &[u8]| {
                    let written = std::fs::write(path, bytes).map_err(Error::io("write", path));
                    written.map_err(Error::of_bind(self.key()))
                };
                write(&self.image.file().map_err(sql())?)?;
                self.check_path(path)?;
                if can_have_log(&self.location.uri()).map_err(sql())? {
                    return Ok(());
                }
                // As SQLite does there when it is asked for a log: it keeps a rollback journal.
                write(self.image.bytes().map_err(sql())?)
            }
            Location::SharedCache(_) | Location::MemDb(_) => self.fill_from(&self.image).map_err(sql()),
        }
    }

    /// Checks that SQLite opens a file whose path is not of the usual kind: one that it does not open would be noticed only
    /// when a pool gives no connection.
    fn check_path(&self, path: &Path) -> Result<()> {
        /// SQLite takes 512 bytes on most systems, and on Windows a few less than 260 characters.
        const USUAL: usize = 200;
        // SQLite resolves links before it measures.
        let real = std::fs::canonicalize(path).map_err(Error::io("find", path)).map_err(Error::of_bind(self.key()))?;
        if real.as_os_str().len() <= USUAL && real.to_str().is_some() {
            return Ok(());
        }
        let opened = self.open().map(drop).map_err(std::io::Error::other).map_err(Error::io("open", path));
        opened.map_err(Error::of_bind(self.key()))
    }

    /// Puts an image's pages over what the database holds, with its connections left open.
    pub(crate) fn overwrite(&self, image: &Arc<Image>) -> rusqlite::Result<()> {
        let mut looks = 0;
        loop {
            looks += 1;
            match self.overwrite_at_once(image, self.is_shared_cache()) {
                // A connection that opens or closes has the database to itself for a moment.
                Err(error) if is_lock(&error) && looks < LOOKS => std::thread::sleep(BETWEEN_LOOKS),
                done => return done,
            }
        }
    }

    /// The same where nobody has a connection yet.
    pub(super) fn fill_from(&self, image: &Arc<Image>) -> rusqlite::Result<()> {
        self.overwrite_at_once(image, false)
    }

    /// `may_block` where a statement that runs on another connection holds a mutex that this needs.
    fn overwrite_at_once(&self, image: &Arc<Image>, may_block: bool) -> rusqlite::Result<()> {
        if let Location::Memory(memory) = &self.location {
            let mut known = lock(&self.known);
            // What is about to be committed must not be passed over, so a writer is looked for first.
            let has_writer = memory.has_writer();
            if !has_writer && known.copied == Some(memory.commits()) && known.image.id() == image.id() {
                return Ok(());
            }
            if let Some(replaced) = memory.replace(image.file()?) {
                let (version, commits) = (replaced.schema.into(), Some(replaced.commits));
                *known = Known { image: Arc::clone(image), tables: None, version, commits, copied: commits };
                return Ok(());
            }
        }
        self.observe_at_once(|conn| {
            let mut known = lock(&self.known);
            if known.copied.is_some() && known.copied == self.commits(conn)? && known.image.id() == image.id() {
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
            // It is done; whatever is in the way of a look at it now is in nobody's way later.
            let version = image::schema_version(conn).ok();
            let after = self.moment(conn).ok().filter(|after| after.is_one_copy_after(&before));
            let (version, commits) = match (version, after) {
                (Some(version), Some(after)) => (version, after.commits),
                // Another has committed just before or after the copy, and the tables may be other ones by now.
                _ => (UNKNOWN, None),
            };
            *known = Known { image: Arc::clone(image), tables: None, version, commits, copied: commits };
            Ok(())
        })
    }

    /// What tells whether somebody commits from now on.
    fn moment(&self, conn: &Connection) -> rusqlite::Result<Moment> {
        let commits = self.commits(conn)?;
        let of_others = number(conn, "PRAGMA data_version")?;
        Ok(Moment { commits, of_others })
    }

    /// The image that the database is, where nothing was committed since it was copied in and nothing is about to be.
    pub(crate) fn unchanged(&self) -> Option<Arc<Image>> {
        let Location::Memory(memory) = &self.location else { return None };
        let known = lock(&self.known);
        // What is about to be committed must not be passed over, so a writer is looked for first.
        let has_writer = memory.has_writer();
        (!has_writer && known.copied == Some(memory.commits())).then(|| Arc::clone(&known.image))
    }

    /// Fails at once where another connection has a transaction open that [`overwrite`](Database::overwrite) would
    /// have to wait for.
    pub(crate) fn check_free(&self) -> rusqlite::Result<()> {
        self.observe_at_once(|conn| check_free(conn))
    }

    /// How many commits there have been, where a number tells; elsewhere only reading does.
    fn commits(&self, conn: &Connection) -> rusqlite::Result<Option<u64>> {
        match &self.location {
            Location::Memory(memory) => Ok(Some(memory.commits())),
            Location::SharedCache(_) => connect::commits(conn).map(|commits| Some(commits.into())),
            Location::MemDb(_) | Location::File(_) => Ok(None),
        }
    }

    /// How many commits there have been, where a number tells without a look.
    pub(crate) fn commits_seen(&self) -> Option<u64> {
        match &self.location {
            Location::Memory(memory) => Some(memory.commits()),
            Location::SharedCache(_) | Location::MemDb(_) | Location::File(_) => None,
        }
    }

    /// Returns a number that changes with every commit, where others may commit beside a transaction that reads; `None` where
    /// such a transaction keeps them out. Numbers of a file are to be compared that the same counter gave, which is opened here
    /// unless it is.
    pub(crate) fn beside_readers(&self, counter: &mut Option<Connection>) -> rusqlite::Result<Option<u64>> {
        match &self.location {
            Location::Memory(memory) => Ok(Some(memory.commits())),
            Location::File(_) => {
                let conn = match counter {
                    Some(conn) => conn,
                    none => {
                        let conn = self.observer()?;
                        leave_the_log(&conn)?;
                        none.insert(conn)
                    }
                };
                // It is up to date after a read.
                image::schema_version(conn)?;
                connect::commits(conn).map(|commits| Some(commits.into()))
            }
            Location::SharedCache(_) | Location::MemDb(_) => Ok(None),
        }
    }

    /// An image that has the tables as they are committed now, whoever made them; the same one until they change. Where
    /// somebody's lock is in the way of looking, those of the last look.
    pub(crate) fn tables(&self) -> rusqlite::Result<Arc<Image>> {
        self.tables_within(LOOKS)
    }

    /// The same, without waiting for a lock.
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
        if let Location::Memory(memory) = &self.location {
            // Without a connection, as long as nobody has committed.
            let known = lock(&self.known);
            if known.commits == Some(memory.commits()) {
                return known.tables();
            }
        }
        self.look(|conn| {
            let mut known = lock(&self.known);
            let commits = self.commits(conn)?;
            if commits.is_some() && commits == known.commits {
                return known.tables();
            }
            let version = image::schema_version(conn)?;
            if version != known.version {
                known.tables = Some(Arc::new(Image::of_tables(conn)?.connected_as(&self.image)?));
                known.version = version;
                known.copied = None;
            }
            known.commits = commits;
            known.tables()
        })
    }
}

/// How often tables are looked for while a lock is in the way: longer than a commit takes, and shorter than somebody's
/// open transaction is worth waiting for.
const LOOKS: usize = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// No number of a schema, which is never negative.
const UNKNOWN: i64 = -1;

/// A moment as the commits before it tell it.
struct Moment {
    /// How many there were, by whichever connection, where a number tells.
    commits: Option<u64>,
    /// A number that changes with those of other connections, which do not share a cache with this one.
    of_others: i64,
}

impl Moment {
    /// Whether nobody has committed since but who made one copy.
    fn is_one_copy_after(&self, before: &Moment) -> bool {
        let counted = self.commits.zip(before.commits).is_none_or(|(now, then)| now == then + 1);
        counted && self.of_others == before.of_others
    }
}
