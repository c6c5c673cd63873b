//! The file system that SQLite opens: the databases of [`Memory`] and their journals. Other files are the system's.
//!
//! See <https://sqlite.org/vfs.html>. Each function here turns C's arguments into Rust's and calls the safe code beside
//! it. None of them panics: a panic in an `extern "C"` function ends the process.

use std::ffi::{c_char, c_int};
use std::sync::{Arc, OnceLock};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_vfs};

use super::super::gate::{Gate, OpenGate};
use super::super::register::FileSystem;
use super::super::system::system;
use super::contents::Contents;
use super::file::METHODS;
use super::held::Held;
use super::name::NAME;
use super::names::{access, delete, full_pathname, ours};
use super::open::{File, Open, Part, Settings, UseOfIndex};
use super::who::Opener;
use super::{find, Initial, Memory};
use crate::sqlite::callback::without_panic;
use crate::sqlite::packed::FileBytes;

/// Starts a database as an image, under a name that no other of the process has.
pub(crate) fn start(image: Arc<dyn Initial>, gate: Arc<dyn Gate>) -> rusqlite::Result<Arc<Memory>> {
    register()?;
    Ok(Memory::new(Contents::new(FileBytes::default()), Some(image), Vec::new(), gate))
}

/// Starts one with these bytes, beside a log or a journal, by what SQLite appends to the database's name.
pub(crate) fn start_beside(bytes: FileBytes, journals: Vec<(String, Vec<u8>)>) -> rusqlite::Result<Arc<Memory>> {
    register()?;
    Ok(Memory::new(Contents::new(bytes), None, journals, Arc::new(OpenGate)))
}

/// Makes the file system known to SQLite, once.
fn register() -> rusqlite::Result<()> {
    static REGISTERED: OnceLock<c_int> = OnceLock::new();
    // A file that is not ours is the system's, in the same place.
    let size = |system: c_int| system.max(c_int::try_from(size_of::<File>()).unwrap_or(c_int::MAX));
    FileSystem { name: &NAME, size, open, delete, access, full_pathname }.register_once(&REGISTERED)
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    without_panic(ffi::SQLITE_CANTOPEN, || {
        // SAFETY: SQLite passes the file system it found, a name that lives through the call, and room for a file.
        unsafe {
            (*file).pMethods = std::ptr::null();
            let Some((database, journal)) = ours(name) else {
                let system = system(vfs);
                return match (*system).xOpen {
                    Some(open) => open(system, name, file, flags, out_flags),
                    None => ffi::SQLITE_CANTOPEN,
                };
            };
            let opened = match open_ours(database, journal, flags, &Parameters::of(name, flags)) {
                Ok(opened) => opened,
                Err(code) => return code,
            };
            (*file.cast::<File>()).open = Box::into_raw(Box::new(opened));
            (*file).pMethods = &raw const METHODS;
            if !out_flags.is_null() {
                *out_flags = flags;
            }
        }
        ffi::SQLITE_OK
    })
}

/// The parameters of a database's URI that are for its file system.
#[derive(Default)]
struct Parameters {
    opener: Opener,
    reads_index: bool,
    risks_overwrites: bool,
}

impl Parameters {
    /// Reads those of a file that is opened; a journal has none.
    ///
    /// # Safety
    ///
    /// `name` is as SQLite passes it to `xOpen` with these flags: behind that of a main database lie the parameters.
    unsafe fn of(name: *const c_char, flags: c_int) -> Parameters {
        if flags & ffi::SQLITE_OPEN_MAIN_DB == 0 {
            return Parameters::default();
        }
        // SAFETY: by the caller.
        unsafe {
            Parameters {
                opener: Opener::of_uri(name),
                reads_index: ffi::sqlite3_uri_boolean(name, c"readonly_shm".as_ptr(), 0) != 0,
                risks_overwrites: ffi::sqlite3_uri_boolean(name, c"psow".as_ptr(), 1) == 0,
            }
        }
    }
}

/// Opens a database that lives, or a journal of it; only a journal is made by opening. Returns SQLite's code where it
/// cannot.
fn open_ours(database: &str, journal: &str, flags: c_int, parameters: &Parameters) -> Result<Open, c_int> {
    let memory = find(database).ok_or(ffi::SQLITE_CANTOPEN)?;
    let asks = |flag: c_int| flags & flag != 0;
    let part = if journal.is_empty() {
        if parameters.opener != Opener::Harness
            && let Some(code) = memory.gate.instead_of_open()
        {
            return Err(code);
        }
        memory.fill().map_err(|error| code_of(&error))?;
        let index = UseOfIndex { began: false, reads_only: parameters.reads_index };
        Part::Database { held: Held::new(parameters.opener), index }
    } else if asks(ffi::SQLITE_OPEN_MAIN_DB) {
        // Another database in the same folder, of which there is none.
        return Err(ffi::SQLITE_CANTOPEN);
    } else {
        let there = memory.journal(journal);
        let bytes = match there {
            Some(_) if asks(ffi::SQLITE_OPEN_EXCLUSIVE) => return Err(ffi::SQLITE_CANTOPEN),
            Some(bytes) => bytes,
            None if asks(ffi::SQLITE_OPEN_CREATE) => memory.journal_or_new(journal),
            None => return Err(ffi::SQLITE_CANTOPEN),
        };
        if asks(ffi::SQLITE_OPEN_DELETEONCLOSE) {
            // As on Unix: the name goes at once, and the bytes with who has opened it.
            memory.remove_journal(journal);
        }
        Part::Journal(bytes)
    };
    let (reads_only, overwrites_safely) = (asks(ffi::SQLITE_OPEN_READONLY), !parameters.risks_overwrites);
    let settings = Settings { overwrites_safely, ..Settings::default() };
    Ok(Open { memory, part, reads_only, overwrites_safely, settings })
}

/// Returns SQLite's code for an error, or that the file cannot be opened.
fn code_of(error: &rusqlite::Error) -> c_int {
    error.sqlite_error().map_or(ffi::SQLITE_CANTOPEN, |error| error.extended_code)
}
