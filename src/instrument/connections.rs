//! The connections of this process to binds that are open, each followed from its opening to its close.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, Weak};
use std::thread::ThreadId;

use rusqlite::ffi;

use super::connected::Connected;
use super::displaced::Displaced;
use super::extension::resets_now;
use super::handle::{Handle, Standing};
use super::opening::StillOpen;
use super::recorder::Recorder;
use super::settle::take_unsettled;
use super::state::{mode, Mode};
use super::threads::{here, lives, ThreadState};
use super::unprepared::unattributed;
use super::waits::Waiting;
use crate::list::{filtered, retain};
use crate::sorted::Sorted;
use crate::sqlite::callback::without_panic;

/// The connections of this process to binds that are open, by their addresses.
static CONNECTED: RwLock<Sorted<usize, Arc<Connected>>> = RwLock::new(Sorted::new());

/// The number of changes of that list. It is read without the list's lock: a connection that this thread uses is neither followed
/// nor closed meanwhile by another.
static CHANGES: AtomicUsize = AtomicUsize::new(0);

/// Locks the list to change it.
fn changing() -> RwLockWriteGuard<'static, Sorted<usize, Arc<Connected>>> {
    let connected = CONNECTED.write().unwrap_or_else(PoisonError::into_inner);
    CHANGES.fetch_add(1, Ordering::Release);
    connected
}

/// Follows a connection from here on.
pub(super) fn follow(connection: Connected) {
    let address = connection.address();
    let before = changing().insert(address, Arc::new(connection));
    drop(before);
}

thread_local! {
    /// Set while a statement was refused on this thread whose connection is not known.
    static UNPREPARED: Cell<bool> = const { Cell::new(false) };

    /// The address of the connection that was last found on this thread, the number of changes of the list then, and the connection.
    static FOUND: RefCell<(usize, usize, Weak<Connected>)> = const { RefCell::new((0, 0, Weak::new())) };
}

/// Notes that SQLite refuses a statement on this thread.
pub(super) fn fails_to_prepare() {
    UNPREPARED.set(true);
}

/// Finds the connections of the statements that were refused: the one that their thread has used last and whose last call has failed
/// so.
fn attribute() {
    let waiting = unattributed();
    if waiting.is_empty() {
        return;
    }
    let mut failed = Vec::new();
    for (address, connection) in CONNECTED.read().unwrap_or_else(PoisonError::into_inner).entries() {
        if let Some(error) = listed(*address).error_if_unused() {
            failed.push((error, Arc::clone(connection)));
        }
    }
    let mut elsewhere = Vec::new();
    for unprepared in waiting {
        // Only a connection with a mutex tells its message.
        let mut here = filtered(&failed, |((code, message), one)| {
            let is_alike = message.as_ref().is_none_or(|message| *message == unprepared.message);
            *code == unprepared.code && is_alike && one.is_used_on(unprepared.thread_number)
        });
        // The error of one that has refused another may be that one's.
        if here.len() > 1 {
            retain(&mut here, |(_, one)| !one.has_refused());
        }
        match here.as_slice() {
            [(_, one)] => unprepared.is_on(one.refuses(unprepared.thread_number)),
            [] => elsewhere.push(unprepared),
            _ => {}
        }
    }
    // A pool opens a connection on another thread than the one that uses it. The error of one that has refused a statement is
    // that statement's, and that of one that had failed so before is another's.
    for unprepared in elsewhere.into_iter().rev() {
        let fresh = filtered(&failed, |((code, message), one)| {
            let is_alike = match message {
                Some(message) => *message == unprepared.message,
                None => one.is_fresh() && !unprepared.failed_before.contains(&one.address),
            };
            *code == unprepared.code && is_alike && !one.has_refused()
        });
        if let [(_, one)] = fresh.as_slice() {
            unprepared.is_on(one.refuses(unprepared.thread_number));
        }
    }
}

/// Returns the addresses of the pools' connections that nobody is known to have used, and whose last call has failed with a code.
pub(super) fn fresh_and_failed(code: c_int) -> Vec<usize> {
    let mut failed = Vec::new();
    for (address, connection) in CONNECTED.read().unwrap_or_else(PoisonError::into_inner).entries() {
        if connection.is_fresh() && standing(*address).is_some_and(|(_, last)| last == code) {
            failed.push(*address);
        }
    }
    failed
}

/// Settles the last statement that has ended on this thread, if it is not: SQLite has returned from it.
pub(super) fn settle_here() {
    settle_others(0);
}

/// Settles it unless it was one of the connection at an address.
pub(super) fn settle_others(than: usize) {
    // What this crate prepares within a callback comes before SQLite has returned from the statement.
    if matches!(mode(), Mode::Judged(_)) {
        return;
    }
    if UNPREPARED.try_with(Cell::take).unwrap_or(false) {
        without_panic((), attribute);
    }
    let Some(address) = take_unsettled(|address| address != than) else { return };
    // A callback calls this, and goes on afterwards.
    without_panic((), || {
        let thread = here();
        let found = {
            let connected = CONNECTED.read().unwrap_or_else(PoisonError::into_inner);
            // It may have been given to another thread meanwhile, which is within a statement.
            let own = connected.get(&address).filter(|connection| connection.is_unsettled(thread));
            own.and_then(|connection| Some((Arc::clone(connection), standing(address)?)))
        };
        if let Some((connection, (standing, code))) = found {
            connection.settle(standing, code);
        }
    });
}

/// Reads the numbers of a connection that is listed and its last result, under the list's lock. `None` while another thread uses
/// it.
fn standing(address: usize) -> Option<(Standing, c_int)> {
    listed(address).standing_if_unused()
}

/// Returns a connection that is listed, under the list's lock: it is not closed yet.
fn listed(address: usize) -> Handle {
    // SAFETY: the structure of what is listed is not freed, and the value is not kept.
    unsafe { Handle::new(ptr::with_exposed_provenance_mut(address)) }
}

/// Settles what can be of the statements of a harness that have ended on this thread.
pub(super) fn settle_all(recorder: &Arc<Recorder>) {
    attribute();
    let thread = here();
    let mut found = Vec::new();
    for (address, connection) in CONNECTED.read().unwrap_or_else(PoisonError::into_inner).entries() {
        if connection.is_of(recorder) && connection.is_unsettled(thread) {
            found.extend(standing(*address).map(|standing| (Arc::clone(connection), standing)));
        }
    }
    for (connection, (standing, code)) in found {
        connection.settle(standing, code);
    }
}

/// Returns the statement of this thread that goes on, on a connection of a harness, the last that began.
pub(super) fn waiting(recorder: &Arc<Recorder>) -> Waiting {
    let thread = here();
    let connected = CONNECTED.read().unwrap_or_else(PoisonError::into_inner);
    let own = connected.entries().iter().filter(|(_, connection)| connection.is_of(recorder));
    let last = own.filter_map(|(_, connection)| connection.runs_on(thread)).max_by_key(|(at, _)| *at);
    last.map(|(_, waiting)| waiting).unwrap_or_default()
}

/// Returns the state of a thread that has run a statement which was recorded.
pub(crate) fn state_of(thread: ThreadId) -> ThreadState {
    if !lives(thread) {
        return ThreadState::Ended;
    }
    let connected = CONNECTED.read().unwrap_or_else(PoisonError::into_inner);
    let is_in = connected.entries().iter().any(|(_, connection)| connection.runs_on(thread).is_some());
    if is_in {
        ThreadState::InStatement
    } else {
        ThreadState::Idle
    }
}

/// Returns a connection, if it is one to a bind.
pub(super) fn connected(handle: &Handle) -> Option<Arc<Connected>> {
    connected_at(handle.address())
}

/// Returns the connection at an address, if it is one to a bind.
pub(super) fn connected_at(address: usize) -> Option<Arc<Connected>> {
    let changes = CHANGES.load(Ordering::Acquire);
    let again = |found: &RefCell<(usize, usize, Weak<Connected>)>| {
        let found = found.borrow();
        if (found.0, found.1) == (address, changes) {
            found.2.upgrade()
        } else {
            None
        }
    };
    // A thread that ends has none.
    if let Some(connection) = FOUND.try_with(again).ok().flatten() {
        return Some(connection);
    }
    let connection = CONNECTED.read().unwrap_or_else(PoisonError::into_inner).get(&address).cloned()?;
    let _ = FOUND.try_with(|found| found.replace((address, changes, Arc::downgrade(&connection))));
    Some(connection)
}

/// Returns the number of connections that are followed.
#[cfg(test)]
pub(super) fn kept() -> usize {
    CONNECTED.read().unwrap_or_else(PoisonError::into_inner).entries().len()
}

/// Forgets the connections of a database that is gone, by the address of its watch.
pub(super) fn disconnect_all(watch: usize) {
    let mut connected = changing();
    connected.retain(|(_, connection)| !connection.is_watched_by(watch));
}

/// Notes that the application closes a connection, and whether it leaves statements.
///
/// # Safety
///
/// The connection is open and this thread's.
pub(super) unsafe fn is_closed(db: *mut ffi::sqlite3) {
    let Some(connection) = connected_at(db.addr()) else { return };
    // SAFETY: as the caller says.
    connection.is_closed(unsafe { !ffi::sqlite3_next_stmt(db, ptr::null_mut()).is_null() });
}

/// Follows the close of a connection, which rolls its transaction back.
///
/// # Safety
///
/// The structure of the connection is not freed yet.
pub(super) unsafe fn closes(db: *mut ffi::sqlite3) {
    let Some(gone) = changing().remove(&db.addr()) else { return };
    // SAFETY: as the caller says.
    unsafe { gone.closes(db) };
}

/// Returns the connections of a harness that are open, those that wait in its pools among them.
pub(crate) fn still_open(recorder: &Arc<Recorder>) -> Vec<StillOpen> {
    let mut open = Vec::new();
    for (_, connection) in CONNECTED.read().unwrap_or_else(PoisonError::into_inner).entries() {
        if connection.is_of(recorder) {
            open.push(connection.still_open());
        }
    }
    open
}

/// Returns the connections of a harness on which the application has replaced an instrument: those that are open, and those
/// that were closed since a [moment](Recorder::displaced_so_far).
pub(crate) fn displaced(recorder: &Arc<Recorder>, since: u64) -> Vec<Displaced> {
    let mut displaced = Vec::new();
    // A connection is closed under the lock.
    for (address, connection) in CONNECTED.read().unwrap_or_else(PoisonError::into_inner).entries() {
        if connection.is_of(recorder) {
            // SAFETY: what is listed is not closed yet.
            displaced.extend(unsafe { connection.displaced(ptr::with_exposed_provenance_mut(*address), true) });
        }
    }
    displaced.extend(recorder.displaced_since(since));
    if recorder.resets != resets_now() {
        displaced.push(Displaced::unreported());
    }
    displaced.sort_by_key(|displaced| displaced.connection);
    displaced
}
