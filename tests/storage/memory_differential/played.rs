//! What a schedule says, played on binds of one storage.

use std::ffi::{c_int, c_void};
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use multibind::rusqlite::backup::{Backup, StepResult};
use multibind::rusqlite::blob::ZeroBlob;
use multibind::rusqlite::config::DbConfig;
use multibind::rusqlite::{self, ffi, Connection, MAIN_DB};
use multibind::{Bind, Harness};

use super::schedule::{Step, SLOTS};
use crate::memory::binds::{control, ran};
use crate::serialized::serialize;

const TABLES: &str = "
    CREATE TABLE t (id INTEGER PRIMARY KEY, x);
    INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
    CREATE INDEX t_x ON t (x);
    CREATE TABLE b (id INTEGER PRIMARY KEY, x);
    INSERT INTO b VALUES (1, zeroblob(300)), (2, zeroblob(30000));
";

/// Two binds of one storage, and the connections of a schedule.
pub(crate) struct World {
    db: Harness,
    slots: Vec<Option<Rc<Connection>>>,
    said: Vec<String>,
}

impl World {
    pub(crate) fn new(storage: fn() -> Bind) -> World {
        let bind = || storage().schema(TABLES);
        let db = Harness::builder().bind("auth", bind()).bind("meta", bind()).start().unwrap();
        let mut world = World { db, slots: vec![None; SLOTS], said: Vec::new() };
        for slot in 0..SLOTS {
            world.open(slot, "");
        }
        world
    }

    /// What each step says, and all that is there in the end.
    pub(crate) fn play(mut self, steps: &[Step]) -> Vec<String> {
        self.take(steps);
        self.slots.clear();
        for key in ["auth", "meta"] {
            let conn = Connection::open(self.db.uri(key).unwrap()).unwrap();
            let bytes = serialize(&conn).map(|bytes| sum(&bytes));
            self.said.push(format!("{key}: {bytes:?}"));
            for sql in [
                "PRAGMA integrity_check",
                "PRAGMA journal_mode",
                "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema",
                "SELECT id, typeof(x), length(x), substr(x, 1, 20) FROM t ORDER BY id",
                "SELECT * FROM u ORDER BY 1",
                "SELECT id, hex(substr(x, 1, 9)), length(x) FROM b",
                "PRAGMA page_size",
                "PRAGMA page_count",
                "PRAGMA freelist_count",
                "PRAGMA user_version",
                "PRAGMA schema_version",
                "PRAGMA auto_vacuum",
                "INSERT INTO t (x) VALUES ('last')",
                "PRAGMA wal_checkpoint",
            ] {
                self.said.push(format!("{key}: {sql}: {}", ran(&conn, sql)));
            }
        }
        self.said
    }

    fn take(&mut self, steps: &[Step]) {
        for step in steps {
            let said = self.step(step);
            self.said.push(format!("{step:?}\n    {said}"));
        }
    }

    fn open(&mut self, slot: usize, parameters: &str) -> String {
        self.slots[slot] = None;
        let uri = self.uri("auth", parameters);
        match Connection::open(&uri) {
            Ok(conn) => {
                conn.busy_timeout(Duration::ZERO).unwrap();
                let size = parameters.split('&').find_map(|parameter| parameter.strip_prefix("mmap="));
                let set = size.map(|size| ran(&conn, &format!("PRAGMA mmap_size = {size}")));
                self.slots[slot] = Some(Rc::new(conn));
                set.unwrap_or_default()
            }
            Err(error) => said(error),
        }
    }

    fn uri(&self, key: &str, parameters: &str) -> String {
        let uri = self.db.uri(key).unwrap();
        let before = if uri.contains('?') { '&' } else { '?' };
        format!("{uri}{before}{parameters}")
    }

    fn step(&mut self, step: &Step) -> String {
        let (slot, none) = (slot(step), "no connection".to_string());
        let Some(conn) = self.slots[slot].clone() else {
            return if let Step::Open(_, parameters) = step { self.open(slot, parameters) } else { none };
        };
        match step {
            Step::Sql(_, sql) => {
                sql.split("; ").map(|sql| ran(&conn, sql).replace(&self.db.uri("meta").unwrap(), "meta")).collect()
            }
            Step::Open(_, parameters) => {
                drop(conn);
                self.open(slot, parameters)
            }
            Step::Close(_) => {
                drop(conn);
                self.slots[slot] = None;
                String::new()
            }
            Step::KeepLog(_, keep) => {
                format!("{:?}", conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, *keep))
            }
            Step::Control(_, operation, argument) => control(&conn, *operation, *argument),
            Step::Sizes(_) => {
                let size = |operation| size(&conn, operation);
                let journal = size(ffi::SQLITE_FCNTL_JOURNAL_POINTER);
                format!("{:?} {journal:?}", size(ffi::SQLITE_FCNTL_FILE_POINTER))
            }
            Step::Attach(_, attach) => {
                let uri = self.uri("meta", "");
                let done =
                    if *attach { conn.execute("ATTACH ?1 AS other", [&uri]) } else { conn.execute("DETACH other", []) };
                done.map_or_else(said, |_| String::new()).replace(&uri, "meta")
            }
            Step::Cursor(_, sql, inner) => self.cursor(&conn, sql, inner).unwrap_or_else(said),
            Step::Blob(_, row, write, inner) => self.blob(&conn, *row, *write, inner).unwrap_or_else(said),
            Step::CopyOut(_, pages, inner) => self.copy_out(&conn, *pages, inner).unwrap_or_else(said),
            Step::CopyIn(_, size, pages, inner) => {
                drop(conn);
                let taken = self.slots[slot].take().map(Rc::try_unwrap);
                match taken {
                    Some(Ok(mut conn)) => {
                        let copied = self.copy_in(&mut conn, *size, *pages, inner).unwrap_or_else(said);
                        // Another step may have opened one there.
                        if self.slots[slot].is_none() {
                            self.slots[slot] = Some(Rc::new(conn));
                        }
                        copied
                    }
                    Some(Err(used)) => {
                        self.slots[slot] = Some(used);
                        "in use".to_string()
                    }
                    None => none,
                }
            }
            Step::Serialize(_) => serialize(&conn)
                .map_or_else(said, |bytes| format!("{} {} {:?}", bytes.len(), sum(&bytes), bytes.get(..100))),
        }
    }

    fn cursor(&mut self, conn: &Connection, sql: &str, inner: &[Step]) -> rusqlite::Result<String> {
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        let first = rows.next()?.map(|row| row.get::<_, Option<i64>>(0)).transpose()?;
        let mut said = format!("{first:?}");
        self.take(inner);
        while let Some(row) = rows.next()? {
            write!(said, " {:?}", row.get_ref(0)?).unwrap();
        }
        Ok(said)
    }

    fn blob(&mut self, conn: &Connection, row: i64, write: bool, inner: &[Step]) -> rusqlite::Result<String> {
        use std::io::{Read, Write};
        let mut blob = conn.blob_open(MAIN_DB, "b", "x", row, !write)?;
        self.take(inner);
        let mut first = [0; 300];
        let done = if write { blob.write(b"written") } else { blob.read(&mut first) };
        let done = done.map_err(|error| error.to_string());
        let read = sum(&first);
        let moved = blob.reopen(row + 1).map_err(self::said);
        Ok(format!("{} {done:?} {read} {moved:?} {:?}", blob.size(), blob.close().map_err(self::said)))
    }

    fn copy_out(&mut self, conn: &Connection, pages: c_int, inner: &[Step]) -> rusqlite::Result<String> {
        let mut copy = Connection::open_in_memory()?;
        let mut said = self.copy(conn, &mut copy, pages, inner)?;
        for sql in ["PRAGMA integrity_check", "SELECT count(*), total(length(x)) FROM t"] {
            said += &ran(&copy, sql);
        }
        Ok(said)
    }

    fn copy_in(&mut self, conn: &mut Connection, size: u32, pages: c_int, inner: &[Step]) -> rusqlite::Result<String> {
        let from = Connection::open_in_memory()?;
        from.execute_batch(&format!("PRAGMA page_size = {size}; {TABLES}"))?;
        from.execute("INSERT INTO t (x) VALUES (?1)", [ZeroBlob((5 * size) as _)])?;
        self.copy(&from, conn, pages, inner)
    }

    fn copy(
        &mut self,
        from: &Connection,
        to: &mut Connection,
        pages: c_int,
        inner: &[Step],
    ) -> rusqlite::Result<String> {
        let backup = Backup::new(from, to)?;
        let mut said = String::new();
        let mut inner = inner.iter();
        // One that is always busy, or begins anew at each step, is given up.
        for _ in 0..200 {
            let stepped = backup.step(pages);
            let progress = backup.progress();
            write!(
                said,
                "{:?} {}/{} ",
                stepped.as_ref().map_err(ToString::to_string),
                progress.remaining,
                progress.pagecount
            )
            .unwrap();
            let busy = matches!(stepped, Ok(StepResult::Busy | StepResult::Locked));
            match inner.next() {
                Some(step) => self.take(std::slice::from_ref(step)),
                None if busy => break,
                None => {}
            }
            if !matches!(stepped, Ok(StepResult::More | StepResult::Busy | StepResult::Locked)) {
                break;
            }
        }
        Ok(said)
    }
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

fn slot(step: &Step) -> usize {
    match step {
        Step::Sql(slot, _)
        | Step::Open(slot, _)
        | Step::Close(slot)
        | Step::KeepLog(slot, _)
        | Step::Control(slot, ..)
        | Step::Sizes(slot)
        | Step::Attach(slot, _)
        | Step::Cursor(slot, ..)
        | Step::Blob(slot, ..)
        | Step::CopyOut(slot, ..)
        | Step::CopyIn(slot, ..)
        | Step::Serialize(slot) => *slot,
    }
}

/// SQLite's error with its full code.
fn said(error: rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => format!("{} {message:?}", code.extended_code),
        error => error.to_string(),
    }
}

/// The size of one of the connection's files: the one that the operation gives.
fn size(conn: &Connection, operation: c_int) -> Option<i64> {
    let mut file = std::ptr::null_mut::<ffi::sqlite3_file>();
    let place = (&raw mut file).cast::<c_void>();
    // SAFETY: the handle is open, the operation leaves the address of a file, and an open file has methods.
    unsafe {
        ffi::sqlite3_file_control(conn.handle(), c"main".as_ptr(), operation, place);
        let methods = file.as_ref()?.pMethods.as_ref()?;
        let mut size = 0;
        let code = methods.xFileSize?(file, &raw mut size);
        (code == ffi::SQLITE_OK).then_some(size)
    }
}
