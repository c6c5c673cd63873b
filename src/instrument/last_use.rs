//! The thread that has used a connection last, noted as each of its statements begins for the price of one store.

use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;

use super::handle::Handle;
use super::state::thread_number;

/// The places of marks. Of connections that share one, the mark of the last is there, and of the others no thread is known.
const PLACES: usize = 1024;

/// The marks, each of a connection and a thread.
static USED: [AtomicUsize; PLACES] = [const { AtomicUsize::new(0) }; PLACES];

/// Notes that this thread is given a connection.
pub(crate) fn is_lent(conn: &Connection) {
    note(Handle::of(conn).address());
}

/// Notes that this thread uses the connection at an address.
pub(super) fn note(address: usize) {
    note_on(address, thread_number());
}

/// Notes that the thread of a number has used it.
pub(super) fn note_on(address: usize, thread: usize) {
    place(address).store(mark(address, thread), Ordering::Relaxed);
}

/// Returns whether the thread of a number is known to have used the connection at an address last.
pub(super) fn is_on(address: usize, thread: usize) -> bool {
    place(address).load(Ordering::Relaxed) == mark(address, thread)
}

fn place(address: usize) -> &'static AtomicUsize {
    // An allocation begins at a multiple of sixteen.
    &USED[(address >> 4 ^ address >> 14) % PLACES]
}

/// Returns a number of both. Threads are counted, and what is allocated often differs in few bits alone: in the number these do not
/// make up for each other.
fn mark(address: usize, thread: usize) -> usize {
    /// Odd, and its bits are as those of a random number.
    const SPREAD: usize = 0x9e37_79b9_7f4a_7c15_u64 as usize;
    address ^ thread.wrapping_mul(SPREAD)
}

#[cfg(test)]
mod tests {
    use super::{is_on, mark, note, note_on, place};
    use crate::instrument::state::thread_number;

    #[test]
    fn the_last_thread_is_known_and_no_other() {
        let connections = [Box::new([0_u8; 800]), Box::new([0_u8; 800])];
        let address = connections[0].as_ptr().addr();
        note(address);
        assert!(is_on(address, thread_number()));
        let there = std::thread::spawn(move || {
            note(address);
            thread_number()
        });
        let there = there.join().unwrap();
        assert!(is_on(address, there) && !is_on(address, thread_number()));
        note_on(address, thread_number());
        assert!(is_on(address, thread_number()));
    }

    #[test]
    fn of_two_connections_at_one_place_the_first_is_nobodys() {
        let (one, other) = (0x7f00_0000_1230, 0x7f00_0000_1230 + (1 << 24));
        assert!(std::ptr::eq(place(one), place(other)));
        assert_ne!(mark(one, 8), mark(other, 8));
        let near = one ^ 1 << 32;
        assert_ne!(mark(one, 8), mark(near, 9));
        note_on(one, 8);
        note_on(other, 8);
        assert!(!is_on(one, 8) && is_on(other, 8));
    }
}
