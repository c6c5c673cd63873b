//! The function by which a file system of SQLite's opens files, exchanged for one of ours: the file system stays what it is,
//! under its name.

use std::ffi::CStr;
use std::mem::transmute;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use rusqlite::ffi;

use super::{File, Opens};

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
            let place = AtomicPtr::from_ptr((&raw mut (*found).xOpen).cast::<*mut ()>());
            let mut there = place.load(Ordering::Acquire);
            loop {
                self.0.store(there, Ordering::Release);
                match place.compare_exchange(there, ours as *mut (), Ordering::AcqRel, Ordering::Acquire) {
                    Ok(_) => return,
                    Err(other) => there = other,
                }
            }
        }
    }

    /// Returns the function that was there before, if there was one.
    pub(super) fn opens(&self) -> Option<Opens> {
        // SAFETY: what was there before ours is a function of this kind, or null.
        unsafe { transmute::<*mut (), Option<Opens>>(self.0.load(Ordering::Acquire)) }
    }
}
