//! The index of a WAL: memory that the connections of a database read and write together.
//!
//! See <https://sqlite.org/walformat.html#the_wal_index_file_format>. SQLite orders its reads and writes of it by the
//! locks and barriers of its file system; nothing here looks into it.

use std::ffi::c_void;

/// The bytes of one piece of it, as SQLite asks for them.
pub(super) const PIECE: usize = 32 * 1024;

/// One piece, at an address that stays and that suits any number SQLite keeps in it.
#[derive(Debug)]
struct Piece(*mut [u64]);

// SAFETY: nothing here reads or writes what it points to while it lives; SQLite does, in the way of a shared memory.
unsafe impl Send for Piece {}

impl Piece {
    fn new() -> Piece {
        Piece(Box::into_raw(vec![0; PIECE / size_of::<u64>()].into_boxed_slice()))
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // SAFETY: it comes from `Box::into_raw` and is given back once. A piece is dropped when no connection uses it.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// The pieces there are, and how many connections use them.
#[derive(Debug, Default)]
pub(super) struct Index {
    pieces: Vec<Piece>,
    users: usize,
}

impl Index {
    /// Counts a connection that begins to use it.
    pub(super) fn join(&mut self) {
        self.users += 1;
    }

    /// The address of a piece, made now if `extend` says so; null where there is none.
    pub(super) fn piece(&mut self, number: usize, extend: bool) -> *mut c_void {
        if extend && number >= self.pieces.len() {
            self.pieces.resize_with(number + 1, Piece::new);
        }
        self.pieces.get(number).map_or(std::ptr::null_mut(), |piece| piece.0.cast())
    }

    /// The address of the first words, where there are any.
    pub(super) fn first(&self) -> Option<*mut u32> {
        self.pieces.first().map(|piece| piece.0.cast())
    }

    /// Counts out a connection that has let go of every address. With the last one, it can be thrown away.
    pub(super) fn leave(&mut self, throw_away: bool) {
        self.users = self.users.saturating_sub(1);
        if self.users == 0 && throw_away {
            self.pieces.clear();
        }
    }
}
