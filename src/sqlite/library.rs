//! The SQLite library of this process.

use std::ffi::CStr;
use std::sync::OnceLock;

use rusqlite::ffi;

use crate::error::{Error, Result};

/// The oldest SQLite that all tests are run with, in the form of `sqlite3_libversion_number`. An older one reports other
/// databases and accesses: a guard would miss connections, and a session guess.
const OLDEST: i32 = 3_046_000;

/// The parts that every harness needs, by the option that leaves each out. Without one of the others that it needs, such as
/// the authorizer, a program is not linked.
const NEEDED: [&CStr; 10] = [
    c"OMIT_ATTACH",
    c"OMIT_EXPLAIN",
    c"OMIT_FLAG_PRAGMAS",
    c"OMIT_MEMORYDB",
    c"OMIT_PRAGMA",
    c"OMIT_SCHEMA_PRAGMAS",
    c"OMIT_SHARED_CACHE",
    c"OMIT_TEMPDB",
    c"OMIT_VIRTUALTABLE",
    c"OMIT_WAL",
];

/// Fails where the library cannot do what every harness needs.
pub(crate) fn check() -> Result<()> {
    static LACK: OnceLock<Option<String>> = OnceLock::new();
    // SAFETY: the name ends with a NUL, and is not kept.
    let is_set = |option: &CStr| unsafe { ffi::sqlite3_compileoption_used(option.as_ptr()) } != 0;
    match LACK.get_or_init(|| lack(rusqlite::version_number(), is_set)) {
        Some(problem) => Err(Error::Library { problem: problem.clone(), at: None }),
        None => Ok(()),
    }
}

fn lack(version: i32, is_set: impl Fn(&CStr) -> bool) -> Option<String> {
    let shown = |version: i32| format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000);
    if version < OLDEST {
        return Some(format!("is {}, and {} is the oldest that multibind goes with", shown(version), shown(OLDEST)));
    }
    let without = NEEDED.into_iter().find(|option| is_set(option))?.to_string_lossy();
    Some(format!("was compiled with SQLITE_{without}, and multibind needs what that leaves out"))
}

/// Has SQLite take the seed of its random numbers from the system now, if it has not before.
pub(crate) fn seed() {
    let mut byte = 0_u8;
    // SAFETY: one byte is asked for, and there is room for it.
    unsafe { ffi::sqlite3_randomness(1, (&raw mut byte).cast()) };
}

/// Returns what tells it from another: its source, and the options that it was compiled with.
pub(crate) fn library() -> Vec<u8> {
    let mut parts = Vec::new();
    // SAFETY: SQLite gives a text that lives as long as the process and ends with a NUL.
    parts.extend_from_slice(unsafe { CStr::from_ptr(ffi::sqlite3_sourceid()) }.to_bytes());
    for number in 0.. {
        // SAFETY: any number will do; SQLite gives null after the last, else a text that lives as long as the process.
        let option = unsafe { ffi::sqlite3_compileoption_get(number) };
        if option.is_null() {
            break;
        }
        parts.push(b' ');
        // SAFETY: it is not null, and ends with a NUL.
        parts.extend_from_slice(unsafe { CStr::from_ptr(option) }.to_bytes());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::{check, lack};

    #[test]
    fn the_library_of_this_process_has_all_that_is_needed() {
        check().unwrap();
    }

    #[test]
    fn an_old_library_is_refused_and_so_is_one_that_lacks_a_part() {
        assert_eq!(lack(3_046_000, |_| false), None);
        assert_eq!(lack(3_045_003, |_| false).unwrap(), "is 3.45.3, and 3.46.0 is the oldest that multibind goes with");
        assert_eq!(
            lack(3_046_000, |option| option == c"OMIT_WAL").unwrap(),
            "was compiled with SQLITE_OMIT_WAL, and multibind needs what that leaves out"
        );
    }
}
