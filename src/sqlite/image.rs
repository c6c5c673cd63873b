//! An image: a database made once, from which others are copied page by page.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{ffi, Connection, ErrorCode, OpenFlags};

use super::backup::{copy as back_up, Step};
use super::code::failure;
use super::counters::schema_version;
use super::named::Renamed;
use super::objects::Objects;
use super::on_connect::OnConnect;
use super::outline::{outline, outline_in};
use super::packed::FileBytes;
use super::pages::Pages;
use super::values::number;
use super::vfs::memory::{self, Initial};
use crate::error::is_lock;
use crate::sqlite::private::{open_in_memory, opening};
use crate::sync::lock;

/// A database made once and copied from then on, in private memory.
#[derive(Debug)]
pub(crate) struct Image {
    id: u64,
    version: i64,
    held: Held,
    /// The application's own code for the connections to what it is the image of.
    on_connect: Arc<[OnConnect]>,
    /// Its bytes as a file in WAL mode, made when a file is first asked for.
    file: OnceLock<FileBytes>,
    /// Its bytes as a file with a rollback journal, made when `memdb` first asks for them.
    bytes: OnceLock<Vec<u8>>,
    /// Its tables alone, made when a statement is first prepared with them; none where it has few rows.
    tables: OnceLock<Option<Arc<Image>>>,
    /// The objects of its schema, read when first asked for.
    objects: OnceLock<Objects>,
    /// Set if it is of what a running database became, which no other has.
    passing: bool,
    /// Set if what is prepared on its connection is prepared as on any other to such a database.
    lends: bool,
}

/// The holder of the database.
#[derive(Debug)]
enum Held {
    /// The connection that made it.
    Made(Mutex<Connection>),
    /// The bytes of a file in WAL mode, and a connection that has a copy of them, opened when first asked for.
    Read { file: FileBytes, conn: OnceLock<Mutex<Connection>> },
}

/// The number of bytes up to which a database is kept with its rows where its tables would do.
const FEW_ROWS: i64 = 128 * 1024;

impl Image {
    /// Returns the image that a private in-memory connection holds.
    pub(crate) fn new(conn: Connection) -> rusqlite::Result<Image> {
        Ok(Image::of(schema_version(&conn)?, Held::Made(Mutex::new(conn))))
    }

    /// Returns the image whose bytes are those of a file, as [`file`](Image::file) gives them; `None` if they are too short for a
    /// database.
    pub(crate) fn of_file(file: FileBytes) -> Option<Image> {
        let mut version = [0; SCHEMA_VERSION.end - SCHEMA_VERSION.start];
        file.read(SCHEMA_VERSION.start, &mut version);
        let is_long_enough = file.len() >= SCHEMA_VERSION.end;
        let version = i64::from(u32::from_be_bytes(version));
        is_long_enough.then(|| Image::of(version, Held::Read { file, conn: OnceLock::new() }).lending())
    }

    fn of(version: i64, held: Held) -> Image {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Image {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            version,
            held,
            on_connect: Arc::default(),
            file: OnceLock::new(),
            bytes: OnceLock::new(),
            tables: OnceLock::new(),
            objects: OnceLock::new(),
            passing: false,
            lends: false,
        }
    }

    /// Locks the image's connection, which has run the application's own code.
    fn conn(&self) -> rusqlite::Result<MutexGuard<'_, Connection>> {
        let (file, opened) = match &self.held {
            Held::Made(conn) => return Ok(lock(conn)),
            Held::Read { file, conn } => (file, conn),
        };
        if let Some(conn) = opened.get() {
            return Ok(lock(conn));
        }
        let conn = opened_with(&without_wal_mark(&file.whole()))?;
        self.connect(&conn)?;
        Ok(lock(opened.get_or_init(|| Mutex::new(conn))))
    }

    /// Returns the tables of a connection's `main` schema without their rows, as its own open transaction left them.
    /// Nothing else is kept, however many times a schema changes beside a lot of rows.
    pub(crate) fn of_tables(conn: &Connection) -> rusqlite::Result<Image> {
        Ok(Image { passing: true, ..Image::new(outline(conn)?)? }.lending())
    }

    /// Returns an image of its tables with no rows, or with the few there are.
    pub(crate) fn tables(self: &Arc<Image>) -> rusqlite::Result<Arc<Image>> {
        let tables = match self.tables.get() {
            Some(tables) => tables,
            None => {
                let tables = self.outlined()?;
                self.tables.get_or_init(|| tables)
            }
        };
        Ok(Arc::clone(tables.as_ref().unwrap_or(self)))
    }

    fn outlined(&self) -> rusqlite::Result<Option<Arc<Image>>> {
        let conn = self.conn()?;
        let pages = number(&conn, "PRAGMA main.page_count")?;
        if pages.saturating_mul(number(&conn, "PRAGMA main.page_size")?) <= FEW_ROWS {
            return Ok(None);
        }
        let tables = Image::new(outline(&conn)?)?.lending();
        Ok(Some(Arc::new(Image { passing: self.passing, ..tables }.connected_as(self)?)))
    }

    /// Returns the objects of its schema. What an application's own code makes of a schema is known for no other image.
    pub(crate) fn objects(&self) -> rusqlite::Result<&Objects> {
        if let Some(objects) = self.objects.get() {
            return Ok(objects);
        }
        let objects = Objects::of(&*self.conn()?, self.on_connect.is_empty())?;
        Ok(self.objects.get_or_init(|| objects))
    }

    /// Returns whether it is of what a running database became: no database will start as it.
    pub(crate) fn is_passing(&self) -> bool {
        self.passing
    }

    /// Returns the image of what a connection's `main` schema holds committed.
    pub(crate) fn of_committed(conn: &Connection) -> rusqlite::Result<Image> {
        let mut copy = open_in_memory()?;
        copy_pages(conn, &mut copy, "main")?;
        Image::of_copy(copy)
    }

    /// Returns the image of what was committed in a running database, from a copy of its pages.
    pub(crate) fn of_copy(copy: Connection) -> rusqlite::Result<Image> {
        Ok(Image { passing: true, ..Image::new(copy)? })
    }

    /// Adds the objects of its schema, unless they were read of another.
    pub(crate) fn knowing(self, objects: Objects) -> Image {
        if objects.version() != self.version {
            return self;
        }
        Image { objects: objects.into(), ..self }
    }

    /// Says that the connection has nothing of its own: no temporary table, no attached database, nothing that was set on it.
    pub(crate) fn lending(self) -> Image {
        Image { lends: true, ..self }
    }

    /// Runs `look` on the image's connection, to prepare statements and run none. Its `main` schema has that name meanwhile, and foreign
    /// keys are enforced as is said. `None` where its connection has something of its own.
    pub(crate) fn lend<T>(
        &self,
        schema: &str,
        foreign_keys: bool,
        look: impl FnOnce(&Connection) -> T,
    ) -> rusqlite::Result<Option<T>> {
        if !self.lends || !self.on_connect.is_empty() {
            return Ok(None);
        }
        let conn = self.conn()?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, foreign_keys)?;
        let renamed = Renamed::new(&conn, schema)?;
        let looked = look(&conn);
        drop(renamed);
        Ok(Some(looked))
    }

    /// Adds the application's own code, which has run on the image's connection.
    pub(crate) fn connected(mut self, on_connect: &[OnConnect]) -> Image {
        self.on_connect = on_connect.into();
        self
    }

    /// Adds the code of another image, which runs on the image's connection now.
    pub(crate) fn connected_as(self, other: &Image) -> rusqlite::Result<Image> {
        other.connect(&*self.conn()?)?;
        Ok(self.connected(&other.on_connect))
    }

    /// Runs the application's own code on a connection that has a copy of the image.
    pub(crate) fn connect(&self, conn: &Connection) -> rusqlite::Result<()> {
        self.on_connect.iter().try_for_each(|connect| connect.run(conn))
    }

    /// Returns the application's own code.
    pub(crate) fn on_connect(&self) -> &[OnConnect] {
        &self.on_connect
    }

    /// Returns a number that no other image of the process has.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns SQLite's number for its schema.
    pub(crate) fn version(&self) -> i64 {
        self.version
    }

    /// Returns whether both hold the same tables and rows, as far as their bytes tell: where they differ, nothing is
    /// known.
    pub(crate) fn has_bytes_of(&self, other: &Image) -> rusqlite::Result<bool> {
        if self.id == other.id {
            return Ok(true);
        }
        // Locked in the order they were made, so that two who compare the same images do not wait for each other.
        let (first, second) = if self.id < other.id { (self, other) } else { (other, self) };
        let (first, second) = (first.conn()?, second.conn()?);
        let (first, second) = (serialized(&first)?, serialized(&second)?);
        Ok(contents(&first).eq(contents(&second)))
    }

    /// Copies the image over a connection's database, whatever that held.
    pub(crate) fn copy_into(&self, conn: &mut Connection, schema: &str) -> rusqlite::Result<()> {
        copy_pages(&*self.conn()?, conn, schema)
    }

    /// Copies the tables over a connection's database of that text encoding. Rows are copied where it is the image's.
    pub(crate) fn copy_tables_into(&self, conn: &mut Connection, schema: &str, encoding: &str) -> rusqlite::Result<()> {
        if self.objects()?.encoding() == encoding {
            return self.copy_into(conn, schema);
        }
        let tables = outline_in(&*self.conn()?, encoding)?;
        copy_pages(&tables, conn, schema)
    }

    /// Copies the image over a connection's database, whatever that holds and however large its pages are.
    ///
    /// SQLite's backup API changes the page size only of a file with a rollback journal. In WAL mode the pages get the
    /// image's size unless other connections are open; SQLite then keeps the size that the database has.
    pub(crate) fn copy_over(&self, conn: &mut Connection) -> rusqlite::Result<()> {
        let refused = match self.copy_into(conn, "main") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => error,
            copied => return copied,
        };
        let page_size = number(conn, "PRAGMA main.page_size")?;
        if page_size == number(&*self.conn()?, "PRAGMA main.page_size")? {
            return Err(refused);
        }
        match journal_mode(conn, "PRAGMA main.journal_mode = DELETE") {
            Ok(mode) if mode == "delete" => {
                let copied = self.copy_into(conn, "main");
                back_to_wal(conn)?;
                copied
            }
            // In memory there is no such mode; in a file other connections hold it.
            Ok(_) => copy_pages(&self.resized(page_size)?, conn, "main"),
            Err(error) if is_lock(&error) => copy_pages(&self.resized(page_size)?, conn, "main"),
            Err(error) => Err(error),
        }
    }

    /// Opens a copy of the image with pages of that size; `VACUUM INTO` keeps every rowid.
    fn resized(&self, page_size: i64) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let from = memory::start_beside(self.file()?, Vec::new())?;
        let to = memory::start_beside(FileBytes::default(), Vec::new())?;
        let original = opening(|| Connection::open_with_flags(from.uri(), flags))?;
        original.pragma_update(None, "page_size", page_size)?;
        original.execute("VACUUM INTO ?1", [to.uri()])?;
        opening(|| Connection::open_with_flags(to.uri(), flags))
    }

    /// Does the same from a second copy, for a database whose connections may block this thread: who needs the image in
    /// another harness is not blocked too.
    pub(crate) fn copy_apart_into(&self, conn: &mut Connection, schema: &str) -> rusqlite::Result<()> {
        copy_pages(&opened_with(self.bytes()?)?, conn, schema)
    }

    /// Runs `look` on the image's connection.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Connection) -> T) -> rusqlite::Result<T> {
        let mut conn = self.conn()?;
        Ok(look(&mut conn))
    }

    /// Returns whether nothing was ever written to it.
    pub(crate) fn is_empty(&self) -> rusqlite::Result<bool> {
        Ok(number(&*self.conn()?, "PRAGMA main.page_count")? == 0)
    }

    /// Returns the bytes of the database as a file in WAL mode.
    pub(crate) fn file(&self) -> rusqlite::Result<FileBytes> {
        if let Held::Read { file, .. } = &self.held {
            return Ok(file.clone());
        }
        if let Some(bytes) = self.file.get() {
            return Ok(bytes.clone());
        }
        let conn = self.conn()?;
        let mut pages = Pages::of(&conn)?;
        if pages.is_none() {
            // A database to which nothing was written has no header yet that could say how it is journalled.
            conn.execute_batch("PRAGMA user_version = 0")?;
            pages = Pages::of(&conn)?;
        }
        let file = pages.map_or_else(FileBytes::default, |mut pages| {
            set_wal_mark(&mut pages);
            pages.into()
        });
        Ok(self.file.get_or_init(|| file).clone())
    }

    /// Returns the bytes of the database as a file with a rollback journal.
    pub(crate) fn bytes(&self) -> rusqlite::Result<&[u8]> {
        if let Some(bytes) = self.bytes.get() {
            return Ok(bytes);
        }
        let bytes = match &self.held {
            Held::Made(conn) => without_wal_mark(&serialized(&lock(conn))?),
            Held::Read { file, .. } => without_wal_mark(&file.whole()),
        };
        Ok(self.bytes.get_or_init(|| bytes))
    }
}

impl Initial for Image {
    fn file(&self) -> rusqlite::Result<FileBytes> {
        Image::file(self)
    }
}

/// Returns the bytes of a connection's `main` schema; none where nothing was ever written.
fn serialized(conn: &Connection) -> rusqlite::Result<Vec<u8>> {
    Ok(Pages::of(conn)?.map(|pages| pages.to_vec()).unwrap_or_default())
}

/// The place of the write and read version in the file format: 1 for a rollback journal, 2 for WAL.
/// See <https://sqlite.org/fileformat2.html#file_format_version_numbers>.
const VERSIONS: std::ops::Range<usize> = 18..20;

/// The other parts of the file's header that bear on its history and not on its contents: the change counter, the
/// schema's number, and the last writer's mark. See <https://sqlite.org/fileformat2.html#the_database_header>.
const COUNTERS: [std::ops::Range<usize>; 3] = [24..28, SCHEMA_VERSION, 92..100];

/// The place of the schema's number, see <https://sqlite.org/fileformat2.html#schema_cookie>.
const SCHEMA_VERSION: std::ops::Range<usize> = 40..44;

/// Returns the bytes of a database, but for its header's marks and counters.
fn contents(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let [change, schema, writer] = COUNTERS;
    let parts = [0..VERSIONS.start, VERSIONS.end..change.start, change.end..schema.start, schema.end..writer.start];
    let parts = parts.into_iter().chain(std::iter::once(writer.end..bytes.len()));
    // A database that holds nothing has no bytes at all.
    parts.map(|part| bytes.get(part).unwrap_or_default())
}

pub(super) fn clear_wal_mark(bytes: &mut [u8]) {
    if let Some(versions) = bytes.get_mut(VERSIONS) {
        versions.fill(1);
    }
}

fn without_wal_mark(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    clear_wal_mark(&mut bytes);
    bytes
}

/// Opens a private database with a copy of these bytes.
fn opened_with(bytes: &[u8]) -> rusqlite::Result<Connection> {
    let mut conn = open_in_memory()?;
    if !bytes.is_empty() {
        Pages::copied(bytes)?.fill(&mut conn, "main")?;
    }
    Ok(conn)
}

fn set_wal_mark(bytes: &mut [u8]) {
    if let Some(versions) = bytes.get_mut(VERSIONS) {
        versions.fill(2);
    }
}

fn journal_mode(conn: &Connection, sql: &str) -> rusqlite::Result<String> {
    conn.query_row(sql, [], |row| row.get(0))
}

/// Turns WAL mode on again, which a connection that just opened can block for a moment.
fn back_to_wal(conn: &Connection) -> rusqlite::Result<()> {
    const TRIES: usize = 50;
    const PAUSE: Duration = Duration::from_millis(1);
    for _ in 0..TRIES {
        match journal_mode(conn, "PRAGMA main.journal_mode = WAL") {
            Err(error) if is_lock(&error) => std::thread::sleep(PAUSE),
            done => return done.map(drop),
        }
    }
    let problem =
        "the database was put back, but another connection blocks `PRAGMA journal_mode = WAL`: end its transaction";
    Err(failure(ffi::SQLITE_ERROR, problem))
}

/// Copies all pages in one step of SQLite's backup API.
pub(crate) fn copy_pages(from: &Connection, to: &mut Connection, schema: &str) -> rusqlite::Result<()> {
    match back_up(from, to, schema, -1)? {
        Step::Done => Ok(()),
        Step::Locked => Err(busy(ffi::SQLITE_LOCKED)),
        Step::More | Step::Busy => Err(busy(ffi::SQLITE_BUSY)),
    }
}

pub(crate) fn busy(code: std::ffi::c_int) -> rusqlite::Error {
    let message = "the database is in use: a transaction or an unfinished query is open on another connection";
    failure(code, message)
}
