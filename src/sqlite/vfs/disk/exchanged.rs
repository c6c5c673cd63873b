//! The functions by which a file system of SQLite's opens files and sleeps, exchanged for ours: the file system stays what it
//! is, under its name.

use std::ffi::CStr;
use std::mem::transmute;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use rusqlite::ffi;

use super::{File, Opens, Sleeps};

/// The function that was there before ours.
pub(super) struct Exchanged(AtomicPtr<()>);

impl Exchanged {
    pub(super) const fn new() -> Exchanged {
        Exchanged(AtomicPtr::new(ptr::null_mut()))
    }

    /// Makes the file system of a name open files by `ours`, or the default one, and keeps the function before. One whose
    /// files have no room for ours stays as it is. Called once for each.
    pub(super) fn exchange(&self, name: Option<&CStr>, ours: Opens) {
        // SAFETY: a null name asks for the default file system. A file system lives as long as it is registered: those of
        // SQLite's own always. Its `xOpen` is a pointer that SQLite reads at each opening, and is exchanged as a whole; with
        // null in it, SQLite could open nothing.
        unsafe {
            let found = ffi::sqlite3_vfs_find(name.map_or(ptr::null(), CStr::as_ptr));
            let Some(size) = found.as_ref().and_then(|found| usize::try_from(found.szOsFile).ok()) else { return };
            if size < size_of::<File>() {
                return;
            }
            self.put((&raw mut (*found).xOpen).cast(), ours as *mut ());
        }
    }

    /// Makes the default file system sleep by `ours`, and keeps the function before. Called once.
    pub(super) fn exchange_sleep(&self, ours: Sleeps) {
        // SAFETY: as for `exchange`; SQLite reads `xSleep` at each wait.
        unsafe {
            let found = ffi::sqlite3_vfs_find(ptr::null());
            if !found.is_null() {
                self.put((&raw mut (*found).xSleep).cast(), ours as *mut ());
            }
        }
    }

    /// Exchanges the function in a place, as a whole.
    ///
    /// # Safety
    ///
    /// The place has a pointer to a function, and is never freed.
    unsafe fn put(&self, place: *mut *mut (), ours: *mut ()) {
        // SAFETY: by the caller.
        let place = unsafe { AtomicPtr::from_ptr(place) };
        let mut there = place.load(Ordering::Acquire);
        loop {
            self.0.store(there, Ordering::Release);
            match place.compare_exchange(there, ours, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(other) => there = other,
            }
        }
    }

    /// Returns the function that opened files before, if there was one.
    pub(super) fn opens(&self) -> Option<Opens> {
        // SAFETY: what was there before ours is a function of this kind, or null.
        unsafe { transmute::<*mut (), Option<Opens>>(self.0.load(Ordering::Acquire)) }
    }
    /// Returns the function that slept before, if there was one.
    pub(super) fn sleeps(&self) -> Option<Sleeps> {
        // SAFETY: what was there before ours is a function of this kind, or null.
        unsafe { transmute::<*mut (), Option<Sleeps>>(self.0.load(Ordering::Acquire)) }
    }
}
