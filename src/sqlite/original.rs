//! An existing database that a bind starts as a copy of: read without a trace on it.
//!
//! SQLite itself cannot do that. It makes the index of a write-ahead log beside the file, brings the log into the file
//! when it closes it, or, where it takes the file for immutable, reads past the log. So the file, its log and its journal are
//! read as bytes, and SQLite makes of them in memory what it would make of them after a crash at that moment, which is
//! what was committed; its backup API copies that.

use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::beside;
use super::image::copy_pages;
use super::platform::open_without_access_time;
use super::values::number;
use super::vfs::memory::start_beside;
use crate::error::{shown_path, unreadable};
use crate::sqlite::private::opening;

/// The bytes of a database and of what SQLite keeps beside it, as they were at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    path: PathBuf,
    database: Vec<u8>,
    /// Empty where there is none.
    log: Vec<u8>,
    journal: Vec<u8>,
}

/// A digest of an original's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u64; 3]);

/// The suffixes of a database's name for its log and its journal.
const LOG: &str = "-wal";
const JOURNAL: &str = "-journal";

/// The time to look for a moment at which nobody writes, and how long between two looks.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);

/// The end of a journal that is a part of a commit over several files, see
/// <https://sqlite.org/fileformat2.html#the_rollback_journal>.
const OF_SEVERAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

impl Original {
    /// Reads a database, or says why that cannot be.
    ///
    /// It takes no lock, for those of SQLite would need it to be opened by SQLite. What is read twice in a row and is
    /// the same both times was there at a moment between.
    pub(crate) fn read(path: &Path) -> Result<Original, String> {
        let problem = |error: io::Error| format!("`{}` cannot be read: {}", shown_path(path), unreadable(path, &error));
        // SQLite too keeps the log of a linked database where the file itself is.
        let real = fs::canonicalize(path).map_err(problem)?;
        let kind = fs::metadata(&real).map_err(problem)?.file_type();
        if kind.is_dir() {
            return Err(format!("`{}` is a folder: name the database in it", shown_path(path)));
        }
        if !kind.is_file() {
            // A pipe that nobody writes to would be waited for without an end.
            return Err(format!("`{}` is no ordinary file", shown_path(path)));
        }
        let started = Instant::now();
        let mut first = Original::look(path, &real).map_err(problem)?;
        loop {
            let second = Original::look(path, &real).map_err(problem)?;
            if first == second {
                break;
            }
            if started.elapsed() > PATIENCE {
                return Err(format!(
                    "`{}` was written to all the time for {} seconds: copy it while its writers pause",
                    shown_path(path),
                    PATIENCE.as_secs()
                ));
            }
            thread::sleep(PAUSE);
            first = second;
        }
        if first.journal.ends_with(&OF_SEVERAL) {
            // SQLite would look for the other files, and clean up beside them.
            return Err(format!(
                "`{}` is in the middle of a commit over several files: let it end, or open it with SQLite to have it \
                 rolled back",
                shown_path(path)
            ));
        }
        Ok(first)
    }

    fn look(path: &Path, real: &Path) -> io::Result<Original> {
        let part = |ending: &str| {
            let mut name = OsString::from(real);
            name.push(ending);
            match open_without_access_time(Path::new(&name)).and_then(|file| bytes(&file)) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
                read => read,
            }
        };
        let (journal, log) = (part(JOURNAL)?, part(LOG)?);
        Ok(Original { path: path.to_path_buf(), database: beside::read(real)?, log, journal })
    }

    /// Returns the digest of its contents.
    pub(crate) fn digest(&self) -> Digest {
        let hash = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            (seed, &self.database, &self.log, &self.journal).hash(&mut hasher);
            hasher.finish()
        };
        Digest([self.database.len() as u64, hash(0), hash(1)])
    }

    /// Copies what is committed in it over a connection's database, or says why that cannot be.
    pub(crate) fn copy_into(&self, conn: &mut Connection) -> Result<(), String> {
        self.copied(conn).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                format!("`{}` is no SQLite database, or an encrypted one: {error}", shown_path(&self.path))
            }
            _ => format!("`{}` cannot be copied: {error}", shown_path(&self.path)),
        })
    }

    fn copied(&self, conn: &mut Connection) -> rusqlite::Result<()> {
        let mut beside = Vec::new();
        for (name, bytes) in [(LOG, &self.log), (JOURNAL, &self.journal)] {
            if !bytes.is_empty() {
                beside.push((name.to_string(), bytes.clone()));
            }
        }
        let memory = start_beside(self.database.clone().into(), beside)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let original = opening(|| Connection::open_with_flags(memory.uri(), flags))?;
        // Brings the log into the database, and makes the copy one that is not in WAL mode, which memory cannot be.
        original.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        number(&original, "SELECT count(*) FROM sqlite_schema")?;
        copy_pages(&original, conn, "main")
    }
}

fn bytes(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map(|_| bytes)
}
