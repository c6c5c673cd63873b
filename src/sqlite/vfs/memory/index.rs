//! The index of a WAL: memory that the connections of a database read and write together.
//!
//! See <https://sqlite.org/walformat.html#the_wal_index_file_format>. SQLite orders its reads and writes of it by the
//! locks and barriers of its file system; nothing here looks into it. On a disk it is a file ending in `-shm`, and the
//! life of that file is kept here: see `unixOpenSharedMemory` and `unixShmUnmap` in SQLite's source.

use std::alloc::{alloc_zeroed, dealloc, Layout};
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use rusqlite::ffi;

/// The bytes of one piece of it, as SQLite asks for them.
pub(super) const PIECE: usize = 32 * 1024;

/// One piece, at an address that stays and that suits any number SQLite keeps in it.
#[derive(Debug)]
struct Piece(NonNull<Words>);

type Words = [u64; PIECE / size_of::<u64>()];

// SAFETY: nothing here reads or writes what it points to while it lives; SQLite does, as with shared memory.
unsafe impl Send for Piece {}

impl Piece {
    /// Returns a piece of zeros; `None` where there is no memory. The allocator has zeros at hand, of which a connection that runs
    /// a few statements touches a few pages.
    fn new() -> Option<Piece> {
        // SAFETY: the layout has a size.
        NonNull::new(unsafe { alloc_zeroed(Layout::new::<Words>()) }.cast()).map(Piece)
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout and is given back once. A piece is dropped when no connection uses it.
        unsafe { dealloc(self.0.as_ptr().cast(), Layout::new::<Words>()) };
    }
}

/// The pieces there are, and the connections that use them.
#[derive(Debug, Default)]
pub(super) struct Index {
    pieces: Vec<Piece>,
    users: usize,
    /// Set where the first of its users may only read it: nobody has made it whole then, and nobody can use it, or lock
    /// it for itself, until all of them have left.
    is_unusable: bool,
    /// Set while there would be a file on a disk.
    exists: bool,
}

impl Index {
    /// Counts a connection that begins to use it.
    ///
    /// Its first user finds it empty, whatever others have left: between them, a connection that keeps the database to
    /// itself may have changed the log without it.
    pub(super) fn join(&mut self, reads_only: bool) -> Result<(), c_int> {
        if self.users == 0 {
            if reads_only && !self.exists {
                return Err(ffi::SQLITE_CANTOPEN);
            }
            self.pieces.clear();
            self.is_unusable = reads_only;
            self.exists = true;
        }
        self.users += 1;
        Ok(())
    }

    /// Returns the address of a piece, made now if `extend` says so; null where there is none.
    pub(super) fn piece(&mut self, number: usize, extend: bool) -> Result<*mut c_void, c_int> {
        if self.is_unusable {
            return Err(ffi::SQLITE_READONLY_CANTINIT);
        }
        while extend && number >= self.pieces.len() {
            self.pieces.try_reserve(1).map_err(|_| ffi::SQLITE_IOERR_NOMEM)?;
            self.pieces.push(Piece::new().ok_or(ffi::SQLITE_IOERR_NOMEM)?);
        }
        Ok(self.pieces.get(number).map_or(std::ptr::null_mut(), |piece| piece.0.as_ptr().cast()))
    }

    /// Returns the address of the first words, where there are any.
    pub(super) fn first(&self) -> Option<*mut u32> {
        self.pieces.first().map(|piece| piece.0.as_ptr().cast())
    }

    /// Returns whether nobody can use it before all its users have left.
    pub(super) fn is_unusable(&self) -> bool {
        self.is_unusable
    }

    /// Counts out a connection that has released every address. With the last one, `delete` removes it.
    pub(super) fn leave(&mut self, delete: bool) {
        self.users = self.users.saturating_sub(1);
        if self.users == 0 {
            self.pieces.clear();
            self.is_unusable = false;
            self.exists &= !delete;
        }
    }
}
