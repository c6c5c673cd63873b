//! The SQLite library of this process.

use std::ffi::CStr;

use rusqlite::ffi;

/// Has SQLite take the seed of its random numbers from the system now, if it has not before.
pub(crate) fn seed() {
    let mut byte = 0_u8;
    // SAFETY: one byte is asked for, and there is room for it.
    unsafe { ffi::sqlite3_randomness(1, (&raw mut byte).cast()) };
}

/// Returns what tells it from another: its source, and the options that it was compiled with.
pub(crate) fn library() -> String {
    let mut parts = Vec::new();
    // SAFETY: SQLite gives a text that lives as long as the process and ends with a NUL.
    parts.push(unsafe { CStr::from_ptr(ffi::sqlite3_sourceid()) }.to_string_lossy());
    for number in 0.. {
        // SAFETY: any number will do; SQLite gives null after the last, else a text that lives as long as the process.
        let option = unsafe { ffi::sqlite3_compileoption_get(number) };
        if option.is_null() {
            break;
        }
        // SAFETY: it is not null, and ends with a NUL.
        parts.push(unsafe { CStr::from_ptr(option) }.to_string_lossy());
    }
    parts.join(" ")
}
