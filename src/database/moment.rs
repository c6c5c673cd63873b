//! The committed contents of several databases at one moment, read beside those who write.
//!
//! Each is read in a read transaction, which in WAL mode blocks nobody. All of them are of one moment: a
//! transaction is begun on one after another, and where a database was committed to since before the first began, all
//! begin again. So what the first saw, and when, is what the others were too.

use std::sync::Arc;

use rusqlite::{ffi, Connection};

use super::observer::leave_the_log;
use super::patience::Patience;
use super::Database;
use crate::error::is_lock;
use crate::list::retain;
use crate::sqlite::private::open_in_memory;
use crate::sqlite::{copy_pages, Image};

/// The number of databases that are read at one moment: each takes a connection. Of more, each is read at a moment of
/// its own.
const MOST: usize = 64;

/// Copies what each database holds committed at one moment.
///
/// The error is that of the database at a position. A lock that keeps others from reading is waited for as long as the
/// patience lasts.
pub(crate) fn at_one_moment(
    databases: &[&Database],
    patience: &Patience,
) -> Result<Vec<Arc<Image>>, (usize, rusqlite::Error)> {
    let mut order = (0..databases.len()).collect::<Vec<_>>();
    loop {
        match attempt(databases, &order) {
            Ok(Attempt::Copied(images)) => return Ok(images),
            Ok(Attempt::TooMany) => return each_at_its_own(databases, patience),
            // Whoever commits all the time is the first to begin, and then has the time that the others last.
            Ok(Attempt::Overtaken(at)) if patience.lasts() => {
                retain(&mut order, |other| *other != at);
                order.insert(0, at);
            }
            Ok(Attempt::Overtaken(at)) => return Err((at, overtaken())),
            Err((_, error)) if is_lock(&error) && patience.lasts() => patience.pause(),
            Err(failed) => return Err(failed),
        }
    }
}

/// Copies what one database holds committed.
pub(crate) fn committed(database: &Database, patience: &Patience) -> rusqlite::Result<Arc<Image>> {
    patience.look(&|| {
        let (begun, _) = Reading::of(database)?.begin()?;
        begun.image()
    })
}

fn each_at_its_own(databases: &[&Database], patience: &Patience) -> Result<Vec<Arc<Image>>, (usize, rusqlite::Error)> {
    let mut images = Vec::with_capacity(databases.len());
    for (at, database) in databases.iter().enumerate() {
        images.push(committed(database, patience).map_err(|error| (at, error))?);
    }
    Ok(images)
}

enum Attempt {
    Copied(Vec<Arc<Image>>),
    /// There was a commit to the database at a position.
    Overtaken(usize),
    TooMany,
}

/// A database that is to be read.
enum Reading<'d> {
    /// It is an image, to which nobody has written.
    Image(&'d Database, Arc<Image>),
    /// It is read on a connection, with the number of its last commit.
    Connection(&'d Database, Connection, i64),
}

/// A database whose state at one moment is held.
enum Begun<'d> {
    Image(Arc<Image>),
    /// The connection's transaction holds it.
    Transaction(&'d Database, Connection),
    /// A copy of its pages, for a transaction would not hold it.
    Copy(&'d Database, Connection),
}

impl<'d> Reading<'d> {
    fn of(database: &'d Database) -> rusqlite::Result<Reading<'d>> {
        if let Some(image) = database.unchanged() {
            return Ok(Reading::Image(database, image));
        }
        Ok(Reading::Connection(database, connect(database)?, 0))
    }

    /// Notes which commit is the last by now.
    fn note(&mut self) -> rusqlite::Result<()> {
        if let Reading::Connection(database, conn, version) = self {
            *version = last_commit(database, conn)?;
        }
        Ok(())
    }

    /// Begins to read, and tells whether nobody has committed since the note.
    fn begin(self) -> rusqlite::Result<(Begun<'d>, bool)> {
        match self {
            Reading::Image(database, image) => {
                if database.unchanged().is_some_and(|still| still.id() == image.id()) {
                    return Ok((Begun::Image(image), true));
                }
                let (begun, _) = Reading::Connection(database, connect(database)?, 0).begin()?;
                Ok((begun, false))
            }
            Reading::Connection(database, conn, version) if database.is_shared_cache() => {
                let mut copy = open_in_memory()?;
                // What is not committed is in the same pages, and a copy is refused.
                copy_pages(&conn, &mut copy, "main")
                    .map_err(|error| if is_lock(&error) { table_locked() } else { error })?;
                // At once: a writer that waited for the copy is the next to commit.
                let is_still = last_commit(database, &conn)? == version;
                Ok((Begun::Copy(database, copy), is_still))
            }
            Reading::Connection(database, conn, version) => {
                conn.execute_batch("BEGIN")?;
                let is_still = last_commit(database, &conn)? == version;
                Ok((Begun::Transaction(database, conn), is_still))
            }
        }
    }
}

impl Begun<'_> {
    /// Returns the image of what is held.
    fn image(self) -> rusqlite::Result<Arc<Image>> {
        let (database, image) = match self {
            Begun::Image(image) => return Ok(image),
            Begun::Transaction(database, conn) => (database, Image::of_committed(&conn)?),
            Begun::Copy(database, copy) => (database, Image::of_copy(copy)?),
        };
        image.connected_as(&database.image).map(Arc::new)
    }
}

fn attempt(databases: &[&Database], order: &[usize]) -> Result<Attempt, (usize, rusqlite::Error)> {
    let (mut reading, mut connections) = (Vec::with_capacity(order.len()), 0);
    for at in order {
        let of = Reading::of(databases[*at]).map_err(|error| (*at, error))?;
        connections += usize::from(matches!(of, Reading::Connection(..)));
        if connections > MOST {
            return Ok(Attempt::TooMany);
        }
        reading.push((*at, of));
    }
    for (at, of) in &mut reading {
        of.note().map_err(|error| (*at, error))?;
    }
    let mut begun = Vec::with_capacity(reading.len());
    for (at, of) in reading {
        let (of, is_still) = of.begin().map_err(|error| (at, error))?;
        // The moment is the one at which the first begins.
        if !is_still && !begun.is_empty() {
            return Ok(Attempt::Overtaken(at));
        }
        begun.push((at, of));
    }
    let mut images = vec![None; databases.len()];
    for (at, of) in begun {
        images[at] = Some(of.image().map_err(|error| (at, error))?);
    }
    Ok(Attempt::Copied(images.into_iter().flatten().collect()))
}

fn connect(database: &Database) -> rusqlite::Result<Connection> {
    let conn = database.observer()?;
    leave_the_log(&conn)?;
    Ok(conn)
}

/// Returns a number that changes with each commit by another connection, as this one has last read it.
fn last_commit(database: &Database, conn: &Connection) -> rusqlite::Result<i64> {
    database.store.last_commit(conn)
}

fn table_locked() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_LOCKED_SHAREDCACHE);
    rusqlite::Error::SqliteFailure(code, Some("database table is locked".to_string()))
}

fn overtaken() -> rusqlite::Error {
    let message = "others commit so fast that there is no moment at which all binds can be read";
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), Some(message.to_string()))
}
