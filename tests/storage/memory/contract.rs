//! What SQLite asks of a file system and an application can see: a bind in memory answers as a file does.

use std::ffi::{c_char, c_int, CStr};

use insta::assert_snapshot;
use multibind::rusqlite::config::DbConfig;
use multibind::rusqlite::{ffi, Connection};
use multibind::{row, Bind, Harness};
use rstest::rstest;

use super::binds::{control, is_whole, memory, ran, start, text};

/// A connection by the bind's URI with these parameters.
fn open(db: &Harness, parameters: &str) -> Connection {
    let uri = db.uri("auth").unwrap();
    let before = if uri.contains('?') { '&' } else { '?' };
    let conn = Connection::open(format!("{uri}{before}{parameters}")).unwrap();
    conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    conn
}

/// What the same connections say of a bind in memory and of a file.
fn same(say: impl Fn(&Harness) -> Vec<String>) -> Vec<String> {
    let said = say(&memory());
    assert_eq!(said, say(&start(Bind::temp_file())));
    said
}

fn keep_log(conn: &Connection) {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
fn a_stale_wal_index_is_not_used_for_an_exclusive_log(#[case] storage: fn() -> Bind) {
    let db = start(storage());
    for round in 0..6 {
        let shared = open(&db, "");
        keep_log(&shared);
        shared.execute("INSERT INTO t (x) VALUES ('shared')", []).unwrap();
        drop(shared);
        let alone = open(&db, "");
        if round % 3 != 0 {
            keep_log(&alone);
        }
        alone.execute_batch("PRAGMA locking_mode = EXCLUSIVE").unwrap();
        for _ in 0..=round {
            alone.execute("INSERT INTO t (x) VALUES (zeroblob(9000))", []).unwrap();
        }
        drop(alone);
    }
    let conn = open(&db, "");
    is_whole(&conn);
    assert_eq!(text(&conn, "SELECT count(*) FROM t"), "Integer(30)");
    db.reset().unwrap();
    assert_eq!(text(&conn, "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
}

#[rstest]
#[case::delete("delete")]
#[case::truncate("truncate")]
#[case::persist("persist")]
#[case::memory("memory")]
#[case::off("off")]
fn writes_without_a_lock_are_seen_and_undone(#[case] mode: &str) {
    let db = memory();
    let conn = open(&db, "");
    ran(&conn, "PRAGMA journal_mode = DELETE");
    drop(conn);
    db.reset().unwrap();
    let before = db.snapshot().unwrap();
    for _ in 0..3 {
        let unlocked = open(&db, "nolock=1");
        assert_eq!(text(&unlocked, &format!("PRAGMA journal_mode = {mode}")), format!("Text({mode:?})"));
        unlocked.execute_batch("INSERT INTO t (x) VALUES ('new'); CREATE TABLE made (x)").unwrap();
        db.assert_landed("auth", "t", row! { x: "new" });
        assert!(db.locate("made", row! {}).is_ok());
        db.changes_since(&before).unwrap().assert_only("auth");
        db.reset().unwrap();
        assert_eq!(text(&open(&db, ""), "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
        db.assert_not_landed("auth", "t", row! { x: "new" });
        assert!(db.locate("made", row! {}).is_err());
    }
    let unlocked = open(&db, "nolock=1");
    unlocked.execute("UPDATE t SET x = 'changed' WHERE id = 1", []).unwrap();
    db.restore(&before).unwrap();
    assert_eq!(text(&open(&db, ""), "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
}

#[test]
fn a_connection_that_reads_only_writes_nothing_back() {
    let said = same(|db| {
        let writer = open(db, "");
        keep_log(&writer);
        writer.execute("INSERT INTO t (x) VALUES ('d')", []).unwrap();
        let reader = open(db, "mode=ro");
        let mut said = vec![ran(&reader, "SELECT count(*) FROM t")];
        for kind in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
            said.push(ran(&reader, &format!("PRAGMA wal_checkpoint({kind})")));
        }
        drop(writer);
        said.push(ran(&reader, "PRAGMA journal_mode = DELETE"));
        said.push(ran(&reader, "PRAGMA locking_mode = EXCLUSIVE"));
        said.push(ran(&reader, "SELECT count(*) FROM t"));
        // As the last one, it leaves the log to be read.
        drop(reader);
        let last = open(db, "");
        said.push(ran(&last, "PRAGMA wal_checkpoint(PASSIVE)"));
        said.push(ran(&last, "SELECT count(*) FROM t"));
        said
    });
    let said = said.iter().map(|said| said.trim_end()).collect::<Vec<_>>().join("\n");
    assert_snapshot!(said, @r#"
    [Integer(4)]
    778 disk I/O error
    778 disk I/O error
    778 disk I/O error
    778 disk I/O error
    3850 disk I/O error
    [Text("exclusive")]
    [Integer(4)]
    [Integer(0), Integer(2), Integer(2)]
    [Integer(4)]
    "#);
}

#[test]
fn mmap_size_is_set_and_told() {
    let said = same(|db| {
        let conn = open(db, "");
        let mut said = Vec::new();
        for pragma in ["", " = 8192", "", " = 100000000000", "", " = -1", " = 0", ""] {
            said.push(ran(&conn, &format!("PRAGMA mmap_size{pragma}")));
            said.push(ran(&conn, "INSERT INTO t (x) VALUES (zeroblob(9000))"));
            said.push(ran(&conn, "SELECT count(*), total(length(x)) FROM t"));
        }
        said
    });
    assert_eq!(said[3], "[Integer(8192)]\n");
}

#[test]
fn the_pools_connections_to_a_file_map_it_too() {
    let db = start(Bind::temp_file());
    let conn = db.connection("auth").unwrap();
    assert_eq!(text(&conn, "PRAGMA mmap_size = 8192"), "Integer(8192)");
    assert_eq!(text(&conn, "SELECT group_concat(x) FROM t"), "Text(\"a,b,c\")");
}

#[test]
fn a_log_that_is_to_stay_stays() {
    for (keep, left) in [(0, 0), (1, 1)] {
        let said = same(|db| {
            let conn = open(db, "");
            let mut said = vec![control(&conn, ffi::SQLITE_FCNTL_PERSIST_WAL, keep)];
            said.push(ran(&conn, "INSERT INTO t (x) VALUES ('d')"));
            drop(conn);
            let conn = open(db, "readonly_shm=1");
            said.push(ran(&conn, "SELECT count(*) FROM t"));
            said
        });
        // Without the log, its index is gone too, and there is nothing that could be read only.
        assert_eq!(said[2].starts_with("14 "), left == 0, "{said:?}");
    }
}

#[rstest]
#[case::lock_state(ffi::SQLITE_FCNTL_LOCKSTATE, 0)]
#[case::last_error(ffi::SQLITE_FCNTL_LAST_ERRNO, 0)]
#[case::has_moved(ffi::SQLITE_FCNTL_HAS_MOVED, 7)]
#[case::external_reader(ffi::SQLITE_FCNTL_EXTERNAL_READER, 7)]
#[case::keeps_log(ffi::SQLITE_FCNTL_PERSIST_WAL, u32::MAX.into())]
#[case::safe_overwrite(ffi::SQLITE_FCNTL_POWERSAFE_OVERWRITE, u32::MAX.into())]
#[case::unsafe_overwrite(ffi::SQLITE_FCNTL_POWERSAFE_OVERWRITE, 0)]
#[case::chunk(ffi::SQLITE_FCNTL_CHUNK_SIZE, 70_000)]
#[case::size(ffi::SQLITE_FCNTL_SIZE_HINT, 200_000)]
#[case::mapped(ffi::SQLITE_FCNTL_MMAP_SIZE, -1)]
#[case::data_version(ffi::SQLITE_FCNTL_DATA_VERSION, 0)]
#[case::unknown(12_345, 0)]
fn a_file_control_answers_as_that_of_a_file(#[case] operation: c_int, #[case] argument: i64) {
    for parameters in ["", "mode=ro", "psow=0"] {
        same(|db| {
            let conn = open(db, parameters);
            let mut said = Vec::new();
            for mode in ["WAL", "DELETE", "PERSIST"] {
                said.push(ran(&conn, &format!("PRAGMA journal_mode = {mode}")));
                said.push(control(&conn, operation, argument));
                for sql in ["BEGIN IMMEDIATE", "INSERT INTO t (x) VALUES (zeroblob(5000))"] {
                    said.push(ran(&conn, sql));
                    said.push(control(&conn, operation, argument));
                }
                said.push(ran(&conn, "COMMIT"));
                said.push(control(&conn, ffi::SQLITE_FCNTL_POWERSAFE_OVERWRITE, u32::MAX.into()));
                said.push(ran(&conn, "PRAGMA wal_checkpoint"));
            }
            said
        });
    }
}

#[test]
fn file_system_and_temporary_names_are_reported() {
    let text = |db: &Harness, operation: c_int| {
        let conn = open(db, "");
        let mut text = std::ptr::null_mut::<c_char>();
        let place = (&raw mut text).cast();
        // SAFETY: the handle is open, and the operation leaves a text of its own, which is given back.
        unsafe {
            assert_eq!(ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), operation, place), ffi::SQLITE_OK);
            let found = CStr::from_ptr(text).to_str().unwrap().to_string();
            ffi::sqlite3_free(text.cast());
            found
        }
    };
    let (memory, file) = (memory(), start(Bind::temp_file()));
    let folder = |name: String| std::path::Path::new(&name).parent().map(std::path::PathBuf::from);
    let temporary = |db| folder(text(db, ffi::SQLITE_FCNTL_TEMPFILENAME));
    assert_eq!(temporary(&memory), temporary(&file));
    let uri = memory.uri("auth").unwrap();
    assert!(uri.ends_with(&format!("vfs={}", text(&memory, ffi::SQLITE_FCNTL_VFSNAME))), "{uri}");
}

#[rstest]
#[case("-wal")]
#[case("-journal")]
#[case("x")]
fn no_database_is_made_of_a_name_beside_it(#[case] ending: &str) {
    let db = memory();
    let conn = open(&db, "");
    conn.execute("INSERT INTO t (x) VALUES ('d')", []).unwrap();
    let uri = db.uri("auth").unwrap().replace(".db", &format!(".db{ending}"));
    let beside = Connection::open(&uri);
    let error = beside.and_then(|conn| conn.execute("CREATE TABLE made (x)", [])).unwrap_err();
    assert!(error.to_string().starts_with("unable to open database file"), "{error}");
    assert_eq!(text(&open(&db, ""), "SELECT count(*) FROM t"), "Integer(4)");
}
