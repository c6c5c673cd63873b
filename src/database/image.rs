//! An image: a database made once, from which others are copied page by page.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{ffi, Connection};

use super::connect::number;
use super::lock;
use crate::config::OnConnect;

/// A database made once and copied from then on, in private memory.
#[derive(Debug)]
pub(crate) struct Image {
    id: u64,
    version: i64,
    conn: Mutex<Connection>,
    /// Whether code of the user's has had its connection, and may have put functions on it, or anything else.
    lent: bool,
    /// The application's own code for the connections to what it is the image of.
    on_connect: Arc<[OnConnect]>,
    /// Its bytes as a file in WAL mode, made when a file is first asked for.
    file: OnceLock<Arc<[u8]>>,
    /// Its bytes as a file with a rollback journal, made when `memdb` first asks for them.
    bytes: OnceLock<Vec<u8>>,
}

impl Image {
    /// The image that a private in-memory connection holds.
    pub(crate) fn new(conn: Connection) -> rusqlite::Result<Image> {
        Image::of(conn, false)
    }

    /// The same, of a connection that code of the user's has had.
    pub(crate) fn of_lent(conn: Connection) -> rusqlite::Result<Image> {
        Image::of(conn, true)
    }

    fn of(conn: Connection, lent: bool) -> rusqlite::Result<Image> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Ok(Image {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            version: schema_version(&conn)?,
            conn: Mutex::new(conn),
            lent,
            on_connect: Arc::default(),
            file: OnceLock::new(),
            bytes: OnceLock::new(),
        })
    }

    /// The image of what a connection's `main` schema holds, with what its own open transaction wrote.
    ///
    /// Only for a connection that no other can write beside: one of a file or of `memdb`, or one that holds a
    /// shared cache's write transaction.
    pub(crate) fn of_transaction(conn: &Connection) -> rusqlite::Result<Image> {
        let mut bytes = serialized(conn)?;
        clear_wal_mark(&mut bytes);
        let mut copy = Connection::open_in_memory()?;
        if !bytes.is_empty() {
            copy.deserialize_read_exact("main", bytes.as_slice(), bytes.len(), false)?;
        }
        Image::new(copy)
    }

    /// The image of what a connection's `main` schema holds committed.
    pub(crate) fn of_committed(conn: &Connection) -> rusqlite::Result<Image> {
        let mut copy = Connection::open_in_memory()?;
        copy_pages(conn, &mut copy, "main")?;
        Image::new(copy)
    }

    /// The same with the application's own code, which has run on its connection.
    pub(crate) fn connected(mut self, on_connect: &[OnConnect]) -> Image {
        self.lent |= !on_connect.is_empty();
        self.on_connect = on_connect.into();
        self
    }

    /// The same with the code of another image, which runs on its connection now.
    pub(crate) fn connected_as(self, other: &Image) -> rusqlite::Result<Image> {
        other.connect(&lock(&self.conn))?;
        Ok(self.connected(&other.on_connect))
    }

    /// Runs the application's own code on a connection that has a copy of the image.
    pub(crate) fn connect(&self, conn: &Connection) -> rusqlite::Result<()> {
        self.on_connect.iter().try_for_each(|connect| connect.run(conn))
    }

    /// The application's own code.
    pub(crate) fn on_connect(&self) -> &[OnConnect] {
        &self.on_connect
    }

    /// A number that no other image of the process has.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// SQLite's number for its schema.
    pub(crate) fn version(&self) -> i64 {
        self.version
    }

    /// Whether both hold the same tables and rows, as far as their bytes tell: where they differ, nothing is known.
    pub(crate) fn has_bytes_of(&self, other: &Image) -> rusqlite::Result<bool> {
        if self.id == other.id {
            return Ok(true);
        }
        // Locked in the order they were made, so that two who compare the same images do not wait for each other.
        let (first, second) = if self.id < other.id { (self, other) } else { (other, self) };
        let (first, second) = (lock(&first.conn), lock(&second.conn));
        let (first, second) = (serialized(&first)?, serialized(&second)?);
        Ok(contents(&first).eq(contents(&second)))
    }

    /// Copies the image over a connection's database, whatever that held.
    pub(crate) fn copy_into(&self, conn: &mut Connection, schema: &str) -> rusqlite::Result<()> {
        copy_pages(&lock(&self.conn), conn, schema)
    }

    /// Runs `look` on the image's connection.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Connection) -> T) -> T {
        look(&mut lock(&self.conn))
    }

    /// Runs `look` on the image's connection if statements mean there what they mean on a new connection to a copy;
    /// pragmas may have been set on it, but for the one of foreign keys none bears on what a name means.
    pub(crate) fn with_plain<T>(&self, look: impl FnOnce(&Connection) -> T) -> Option<T> {
        let conn = lock(&self.conn);
        let plain = !self.lent && conn.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY) == Ok(true);
        plain.then(|| look(&conn))
    }

    /// The bytes of the database as a file in WAL mode.
    pub(crate) fn file(&self) -> rusqlite::Result<Arc<[u8]>> {
        if let Some(bytes) = self.file.get() {
            return Ok(Arc::clone(bytes));
        }
        let conn = lock(&self.conn);
        let mut pages = serialized(&conn)?;
        if pages.is_empty() {
            // A database to which nothing was written has no header yet that could say how it is journalled.
            conn.execute_batch("PRAGMA user_version = 0")?;
            pages = serialized(&conn)?;
        }
        let mut bytes: Arc<[u8]> = pages[..].into();
        set_wal_mark(Arc::make_mut(&mut bytes));
        Ok(Arc::clone(self.file.get_or_init(|| bytes)))
    }

    /// The bytes of the database as a file with a rollback journal.
    pub(crate) fn bytes(&self) -> rusqlite::Result<&[u8]> {
        if let Some(bytes) = self.bytes.get() {
            return Ok(bytes);
        }
        let mut bytes = serialized(&lock(&self.conn))?;
        clear_wal_mark(&mut bytes);
        Ok(self.bytes.get_or_init(|| bytes))
    }
}

/// The bytes of a connection's `main` schema; none where nothing was ever written, for which older SQLites say that there
/// is no memory.
fn serialized(conn: &Connection) -> rusqlite::Result<Vec<u8>> {
    if number(conn, "PRAGMA main.page_count")? == 0 {
        return Ok(Vec::new());
    }
    Ok(conn.serialize("main")?.to_vec())
}

/// SQLite's number for a schema, see <https://sqlite.org/pragma.html#pragma_schema_version>.
pub(crate) fn schema_version(conn: &Connection) -> rusqlite::Result<i64> {
    number(conn, "PRAGMA schema_version")
}

/// Where the file format keeps its write and read version: 1 for a rollback journal, 2 for WAL.
/// See <https://sqlite.org/fileformat2.html#file_format_version_numbers>.
const VERSIONS: std::ops::Range<usize> = 18..20;

/// What else in the file's header tells of its history and not of what it holds: the change counter, the schema's
/// number, and the last writer's mark. See <https://sqlite.org/fileformat2.html#the_database_header>.
const COUNTERS: [std::ops::Range<usize>; 3] = [24..28, 40..44, 92..100];

/// The bytes of a database, but for its header's marks and counters.
fn contents(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let [change, schema, writer] = COUNTERS;
    let parts = [0..VERSIONS.start, VERSIONS.end..change.start, change.end..schema.start, schema.end..writer.start];
    let parts = parts.into_iter().chain(std::iter::once(writer.end..bytes.len()));
    // A database that holds nothing has no bytes at all.
    parts.map(|part| bytes.get(part).unwrap_or_default())
}

fn clear_wal_mark(bytes: &mut [u8]) {
    if let Some(versions) = bytes.get_mut(VERSIONS) {
        versions.fill(1);
    }
}

fn set_wal_mark(bytes: &mut [u8]) {
    if let Some(versions) = bytes.get_mut(VERSIONS) {
        versions.fill(2);
    }
}

/// One step of SQLite's backup API over all pages.
pub(crate) fn copy_pages(from: &Connection, to: &mut Connection, schema: &str) -> rusqlite::Result<()> {
    use rusqlite::backup::StepResult;
    let backup = Backup::new_with_names(from, "main", to, schema)?;
    match backup.step(-1)? {
        StepResult::Done => Ok(()),
        StepResult::Locked => Err(busy(ffi::SQLITE_LOCKED)),
        _ => Err(busy(ffi::SQLITE_BUSY)),
    }
}

pub(super) fn busy(code: std::ffi::c_int) -> rusqlite::Error {
    let message = "the database is in use: a transaction or an unfinished query is open on another connection";
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.to_string()))
}
