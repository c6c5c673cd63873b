//! The table of an open file's methods, see <https://sqlite.org/c3ref/io_methods.html>.

/// Makes the table of a version from the functions of these names where it stands.
macro_rules! io_methods {
    ($version:expr) => {
        sqlite3_io_methods {
            iVersion: $version,
            xClose: Some(close),
            xRead: Some(read),
            xWrite: Some(write),
            xTruncate: Some(truncate),
            xSync: Some(sync),
            xFileSize: Some(file_size),
            xLock: Some(lock_file),
            xUnlock: Some(unlock_file),
            xCheckReservedLock: Some(check_reserved_lock),
            xFileControl: Some(file_control),
            xSectorSize: Some(sector_size),
            xDeviceCharacteristics: Some(device_characteristics),
            xShmMap: Some(shm_map),
            xShmLock: Some(shm_lock),
            xShmBarrier: Some(shm_barrier),
            xShmUnmap: Some(shm_unmap),
            xFetch: Some(fetch),
            xUnfetch: Some(unfetch),
        }
    };
}

pub(super) use io_methods;
