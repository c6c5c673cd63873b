//! What a database holds: told from what it held before, copied out, and put back.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{ffi, Connection};

use super::connect::number;
use super::hold::{hold, Against};
use super::image::{self, Image};
use super::{connect, lock, Database, Location};
use crate::error::is_lock;

/// The tables of a database when last looked at.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) image: Arc<Image>,
    /// SQLite's number for the schema, which every change of it changes.
    pub(super) version: i64,
    /// The count of commits at that time, where there is one to see.
    pub(super) commits: Option<u64>,
    /// The count when the image was copied in; the database is the image as long as it stands.
    pub(super) copied: Option<u64>,
}

impl Database {
    /// Puts an image's pages over what the database holds, with its connections left open.
    pub(crate) fn overwrite(&self, image: &Arc<Image>) -> rusqlite::Result<()> {
        let mut looks = 0;
        loop {
            looks += 1;
            match self.overwrite_at_once(image) {
                // A connection that opens or closes has the database to itself for a moment.
                Err(error) if is_lock(&error) && looks < LOOKS => std::thread::sleep(BETWEEN_LOOKS),
                done => return done,
            }
        }
    }

    fn overwrite_at_once(&self, image: &Arc<Image>) -> rusqlite::Result<()> {
        if let Location::Memory(memory) = &self.location {
            let mut known = lock(&self.known);
            // What is about to be committed must not be passed over, so a writer is looked for first.
            let has_writer = memory.has_writer();
            if known.copied == Some(memory.commits()) && known.image.id() == image.id() {
                return if has_writer { Err(image::busy(ffi::SQLITE_BUSY)) } else { Ok(()) };
            }
            let same_schema = u32::try_from(known.version).ok().filter(|_| known.image.id() == image.id());
            if let Some(replaced) = memory.replace(image.file()?, same_schema) {
                let (version, commits) = (replaced.schema.into(), Some(replaced.commits));
                *known = Known { image: Arc::clone(image), version, commits, copied: commits };
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
            image.copy_into(conn, "main")?;
            // It is done; whatever is in the way of a look at it now is in nobody's way later.
            let version = image::schema_version(conn).ok();
            let after = self.moment(conn).ok().filter(|after| after.is_one_copy_after(&before));
            let (version, commits) = match (version, after) {
                (Some(version), Some(after)) => (version, after.commits),
                // Another has committed just before or after the copy, and the tables may be other ones by now.
                _ => (UNKNOWN, None),
            };
            *known = Known { image: Arc::clone(image), version, commits, copied: commits };
            Ok(())
        })
    }

    /// What tells whether somebody commits from now on.
    fn moment(&self, conn: &Connection) -> rusqlite::Result<Moment> {
        let commits = self.commits(conn)?;
        let of_others = number(conn, "PRAGMA data_version")?;
        Ok(Moment { commits, of_others })
    }

    /// An image of what is committed now. Fails at once where another connection has a write transaction open.
    pub(crate) fn committed(&self) -> rusqlite::Result<Arc<Image>> {
        if let Some(image) = self.unchanged() {
            return Ok(image);
        }
        let image = self.observe(|conn| hold(conn, Against::Writers, self.busy_timeout(), Image::of_transaction))?;
        image.connected_as(&self.image).map(Arc::new)
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
        self.observe(|conn| hold(conn, Against::Everyone, self.busy_timeout(), |_| Ok(())))
    }

    /// How many commits there have been, where a number tells; elsewhere only reading does.
    fn commits(&self, conn: &Connection) -> rusqlite::Result<Option<u64>> {
        match &self.location {
            Location::Memory(memory) => Ok(Some(memory.commits())),
            Location::SharedCache(_) => connect::commits(conn).map(|commits| Some(commits.into())),
            Location::MemDb(_) | Location::File(_) => Ok(None),
        }
    }

    /// An image that has the tables as they are committed now, whoever made them; the same one until they change. Where
    /// somebody's lock is in the way of looking, those of the last look.
    pub(crate) fn tables(&self) -> rusqlite::Result<Arc<Image>> {
        let mut looks = 0;
        loop {
            looks += 1;
            match self.look_at_tables() {
                Err(error) if is_lock(&error) => {
                    if looks == LOOKS {
                        return Ok(Arc::clone(&lock(&self.known).image));
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
                return Ok(Arc::clone(&known.image));
            }
        }
        self.observe_at_once(|conn| {
            let mut known = lock(&self.known);
            let commits = self.commits(conn)?;
            if commits.is_some() && commits == known.commits {
                return Ok(Arc::clone(&known.image));
            }
            conn.busy_timeout(Duration::ZERO)?;
            let version = image::schema_version(conn);
            conn.busy_timeout(self.busy_timeout())?;
            let version = version?;
            if version != known.version {
                known.image = Arc::new(Image::of_committed(conn)?.connected_as(&self.image)?);
                known.version = version;
                known.copied = None;
            }
            known.commits = commits;
            Ok(Arc::clone(&known.image))
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
