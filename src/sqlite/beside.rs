//! Reading a database file on which the process may have locks.
//!
//! A process that closes a file loses all of its locks on it, also those that SQLite holds for the application's
//! connections: see "How To Corrupt An SQLite Database File", <https://sqlite.org/howtocorrupt.html>. SQLite's own file
//! system knows its locks, and closes a descriptor only when the last of them is released. So SQLite opens the file
//! here, reads and closes it; no lock is taken.

use std::ffi::c_int;
use std::fs;
use std::io;
use std::path::Path;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use super::platform::leave_no_access_time;

/// Reads a whole file; on Linux its time of access stays, where the system lets its owner have it so.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // SAFETY: the name ends with a NUL; SQLite gives null or a file system that lives as long as it is registered.
    match unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()).as_mut() } {
        Some(vfs) => SystemFile::open(vfs, path)?.read(path),
        // An SQLite without it, as on Windows, has no locks of this kind.
        None => fs::read(path),
    }
}

/// A file that SQLite's file system has open.
struct SystemFile {
    /// Room of the size that the file system asks for.
    file: Box<[u64]>,
    /// SQLite keeps a pointer to it.
    _name: Box<[u8]>,
}

impl SystemFile {
    fn open(vfs: &mut sqlite3_vfs, path: &Path) -> io::Result<SystemFile> {
        let path = path.as_os_str().as_encoded_bytes();
        let (Some(open), false) = (vfs.xOpen, path.contains(&0)) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        // The second NUL is where the parameters of a URI would be.
        let name = [path, b"\0\0"].concat().into_boxed_slice();
        let room = usize::try_from(vfs.szOsFile).unwrap_or_default().max(size_of::<sqlite3_file>());
        let mut file = vec![0_u64; room.div_ceil(size_of::<u64>())].into_boxed_slice();
        let flags = ffi::SQLITE_OPEN_READONLY | ffi::SQLITE_OPEN_MAIN_DB;
        // SAFETY: there is room for the file, the name lives as long as it is open, and no answer is asked for.
        let code = unsafe { open(vfs, name.as_ptr().cast(), file.as_mut_ptr().cast(), flags, std::ptr::null_mut()) };
        match code {
            ffi::SQLITE_OK => Ok(SystemFile { file, _name: name }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn file(&mut self) -> *mut sqlite3_file {
        self.file.as_mut_ptr().cast()
    }

    fn methods(&mut self) -> &'static sqlite3_io_methods {
        // SAFETY: a file that was opened has methods, which are constants of the file system.
        unsafe { &*(*self.file()).pMethods }
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        const MOST: usize = 1 << 20;
        self.leave_no_access_time(path)?;
        let (Some(size), Some(read)) = (self.methods().xFileSize, self.methods().xRead) else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        'again: loop {
            let mut bytes = 0;
            // SAFETY: the file is open, and the answer has a place.
            if unsafe { size(self.file(), &raw mut bytes) } != ffi::SQLITE_OK {
                return Err(io::Error::last_os_error());
            }
            let mut bytes = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
            let mut at = 0;
            for piece in bytes.chunks_mut(MOST) {
                let length = c_int::try_from(piece.len()).map_err(io::Error::other)?;
                // SAFETY: the file is open, and there is room for so many bytes.
                match unsafe { read(self.file(), piece.as_mut_ptr().cast(), length, at) } {
                    ffi::SQLITE_OK => {}
                    // It has become shorter meanwhile.
                    ffi::SQLITE_IOERR_SHORT_READ => continue 'again,
                    _ => return Err(io::Error::last_os_error()),
                }
                at += i64::from(length);
            }
            return Ok(bytes);
        }
    }

    /// Asks the system to leave the time of access.
    fn leave_no_access_time(&mut self, path: &Path) -> io::Result<()> {
        /// The beginning of SQLite's file; the descriptor is the one thing that SQLite does not report.
        #[repr(C)]
        struct Beginning {
            base: sqlite3_file,
            vfs: *const sqlite3_vfs,
            inode: *const u8,
            descriptor: c_int,
        }

        if size_of_val(&*self.file) < size_of::<Beginning>() {
            return Ok(());
        }
        // SAFETY: there are so many bytes, all of which were written at the start, and any are a number.
        let descriptor = unsafe { (*self.file().cast::<Beginning>()).descriptor };
        // An SQLite whose files begin otherwise has another number there, which is not that of this file.
        // SAFETY: SQLite closes the file after this.
        unsafe { leave_no_access_time(descriptor, path) }
    }
}

impl Drop for SystemFile {
    fn drop(&mut self) {
        if let Some(close) = self.methods().xClose {
            // SAFETY: the file is open, and is not used again.
            unsafe { close(self.file()) };
        }
    }
}
