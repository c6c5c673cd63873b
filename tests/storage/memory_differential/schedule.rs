//! Random schedules: the steps of several connections, in an order that a seed decides.

use std::ffi::c_int;

use multibind::rusqlite::ffi;

/// How many connections a schedule has.
pub(crate) const SLOTS: usize = 4;

/// One step of a schedule. `usize` is the connection's slot.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Sql(usize, String),
    /// Closes what the slot holds and opens a connection with these parameters of a URI.
    Open(usize, &'static str),
    Close(usize),
    /// Sets `SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE`.
    KeepLog(usize, bool),
    /// Calls `sqlite3_file_control` with a number.
    Control(usize, c_int, i64),
    /// Compares the sizes of the database and of its journal, as the connection's own files are.
    Sizes(usize),
    /// Attaches the other bind, or detaches it.
    Attach(usize, bool),
    /// Reads some rows, takes the other steps, and reads the rest.
    Cursor(usize, &'static str, Vec<Step>),
    /// Opens a blob, takes the other steps, and reads it or writes to it.
    Blob(usize, i64, bool, Vec<Step>),
    /// Copies the database out, so many pages at a time, with the other steps between two of them.
    CopyOut(usize, c_int, Vec<Step>),
    /// Copies a database with pages of that size in, likewise.
    CopyIn(usize, u32, c_int, Vec<Step>),
    /// Copies the database that one connection sees over that of another.
    Serialize(usize),
}

impl Step {
    fn inner(&self) -> Option<&Vec<Step>> {
        match self {
            Step::Cursor(_, _, inner)
            | Step::Blob(_, _, _, inner)
            | Step::CopyOut(_, _, inner)
            | Step::CopyIn(_, _, _, inner) => Some(inner),
            _ => None,
        }
    }

    fn with_inner(&self, other: Vec<Step>) -> Step {
        let mut step = self.clone();
        if let Step::Cursor(_, _, inner)
        | Step::Blob(_, _, _, inner)
        | Step::CopyOut(_, _, inner)
        | Step::CopyIn(_, _, _, inner) = &mut step
        {
            *inner = other;
        }
        step
    }
}

/// Numbers that a seed decides, by the generator SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

const TRANSACTIONS: [&str; 14] = [
    "BEGIN",
    "BEGIN IMMEDIATE",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "COMMIT",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "RELEASE s",
    "RELEASE s",
    "PRAGMA data_version",
    "PRAGMA quick_check",
];

const MODES: [&str; 30] = [
    "PRAGMA journal_mode",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA journal_mode = TRUNCATE",
    "PRAGMA journal_mode = PERSIST",
    "PRAGMA journal_mode = MEMORY",
    "PRAGMA journal_mode = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA locking_mode = NORMAL",
    "PRAGMA locking_mode = NORMAL",
    "PRAGMA locking_mode",
    "PRAGMA wal_checkpoint(PASSIVE)",
    "PRAGMA wal_checkpoint(FULL)",
    "PRAGMA wal_checkpoint(RESTART)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA wal_autocheckpoint = 1",
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA wal_autocheckpoint = 10",
    "PRAGMA journal_size_limit = 0",
    "PRAGMA journal_size_limit = 5000",
    "PRAGMA journal_size_limit = -1",
    "PRAGMA synchronous = OFF",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA synchronous = EXTRA",
    "PRAGMA mmap_size",
];

const SHAPES: [&str; 32] = [
    "PRAGMA page_size",
    "PRAGMA page_size = 512",
    "PRAGMA page_size = 1024",
    "PRAGMA page_size = 8192",
    "PRAGMA page_size = 65536",
    "PRAGMA auto_vacuum = FULL",
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA auto_vacuum = NONE",
    "PRAGMA incremental_vacuum",
    "PRAGMA incremental_vacuum(2)",
    "PRAGMA cache_size = 2",
    "PRAGMA cache_size = 200",
    "PRAGMA cache_spill = 1",
    "PRAGMA secure_delete = ON",
    "PRAGMA secure_delete = OFF",
    "PRAGMA max_page_count = 60",
    "PRAGMA max_page_count = 100000",
    "PRAGMA user_version = 7",
    "PRAGMA user_version",
    "PRAGMA schema_version",
    "PRAGMA page_count",
    "PRAGMA freelist_count",
    "PRAGMA integrity_check",
    "PRAGMA query_only = ON",
    "PRAGMA query_only = OFF",
    "PRAGMA shrink_memory",
    "PRAGMA optimize",
    "ANALYZE",
    "VACUUM",
    "VACUUM",
    "VACUUM",
    "REINDEX",
];

const TABLES: [&str; 14] = [
    "CREATE TABLE u (y)",
    "CREATE TABLE u (y)",
    "INSERT INTO u SELECT x FROM t",
    "INSERT INTO u VALUES (zeroblob(3000))",
    "SELECT count(*) FROM u",
    "DROP TABLE u",
    "ALTER TABLE u ADD COLUMN z",
    "CREATE INDEX u_y ON u (y)",
    "DROP INDEX u_y",
    "INSERT INTO other.t (x) SELECT x FROM main.t LIMIT 3",
    "UPDATE other.t SET x = x || '.'",
    "BEGIN; INSERT INTO main.t (x) VALUES ('both'); INSERT INTO other.t (x) VALUES ('both'); COMMIT",
    "SELECT count(*), max(id) FROM other.t",
    "PRAGMA other.journal_mode = DELETE",
];

const ROWS: [&str; 8] = [
    "SELECT count(*), max(id), total(length(x)) FROM t",
    "SELECT count(*), max(id), total(length(x)) FROM t",
    "SELECT id, typeof(x), length(x), substr(x, 1, 9) FROM t ORDER BY x, id LIMIT 20",
    "DELETE FROM t WHERE id % 2",
    "UPDATE t SET x = x || 'u' WHERE id < 30",
    "DELETE FROM t",
    "SELECT name, rootpage FROM sqlite_schema",
    "UPDATE b SET x = zeroblob(length(x) + 1)",
];

/// What only schedules without mapped files have, since one that is mapped has fewer pages in its cache: when those are
/// written early differs, and so does when others see that the log began anew.
const UNMAPPED: [&str; 3] = ["PRAGMA data_version", "PRAGMA cache_size = 2", "PRAGMA cache_spill = 1"];

fn sql(dice: &mut Dice, maps: bool) -> String {
    loop {
        let sql = any_sql(dice);
        if !maps || !UNMAPPED.contains(&sql.as_str()) {
            return sql;
        }
    }
}

fn any_sql(dice: &mut Dice) -> String {
    match dice.below(20) {
        0..4 => dice.one(&TRANSACTIONS).to_string(),
        4..8 => dice.one(&MODES).to_string(),
        8..10 => dice.one(&SHAPES).to_string(),
        10..12 => dice.one(&TABLES).to_string(),
        12..14 => dice.one(&ROWS).to_string(),
        14 => format!("INSERT OR REPLACE INTO t VALUES ({}, zeroblob({}))", dice.below(20), dice.below(60_000)),
        15 => format!(
            "INSERT INTO t (x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
             SELECT printf('%.*c', i % 97, 'x') FROM n",
            1 + dice.below(400)
        ),
        16 => format!("DELETE FROM t WHERE id >= {}", dice.below(200)),
        _ => {
            let id = dice.below(200);
            format!("INSERT OR REPLACE INTO t VALUES ({id}, 'row {id}')")
        }
    }
}

/// The ways in which a connection is opened, the usual one most often.
const OPENINGS: [&str; 17] = [
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "mode=ro",
    "mode=ro",
    "mode=rw&psow=0",
    "readonly_shm=1",
    "cache=shared",
    "mode=ro&readonly_shm=1",
    "nolock=1",
    "immutable=1",
    "mode=ro&nolock=1",
];

/// Those where files are mapped: `mmap` is no parameter of SQLite's, and is set as soon as they are open. None
/// reads what others change under it, which it would see at other times.
const MAPPED: [&str; 6] = [
    "mmap=100000",
    "mmap=3000000000",
    "mmap=3000000000&mode=ro",
    "mmap=20000&readonly_shm=1",
    "mmap=1000000&psow=0",
    "",
];

const CONTROLS: [(c_int, [i64; 4]); 10] = [
    (ffi::SQLITE_FCNTL_SIZE_HINT, [1, 5000, 50_000, 300_000]),
    (ffi::SQLITE_FCNTL_LOCKSTATE, [0; 4]),
    (ffi::SQLITE_FCNTL_LAST_ERRNO, [0; 4]),
    (ffi::SQLITE_FCNTL_CHUNK_SIZE, [0, 0, 4096, 40_000]),
    (ffi::SQLITE_FCNTL_PERSIST_WAL, [0xffff_ffff, 0, 1, 1]),
    (ffi::SQLITE_FCNTL_POWERSAFE_OVERWRITE, [0xffff_ffff, 0, 1, 0xffff_ffff]),
    (ffi::SQLITE_FCNTL_MMAP_SIZE, [-1; 4]),
    (ffi::SQLITE_FCNTL_HAS_MOVED, [0; 4]),
    (ffi::SQLITE_FCNTL_DATA_VERSION, [0; 4]),
    (ffi::SQLITE_FCNTL_EXTERNAL_READER, [0; 4]),
];

fn step(dice: &mut Dice, maps: bool, depth: usize) -> Step {
    let slot = dice.below(SLOTS);
    let inner = |dice: &mut Dice| (0..dice.below(6)).map(|_| step(dice, maps, depth + 1)).collect();
    match dice.below(if depth < 2 { 100 } else { 88 }) {
        0..72 => Step::Sql(slot, sql(dice, maps)),
        72..77 if maps => Step::Open(slot, dice.one(&MAPPED)),
        72..77 => Step::Open(slot, dice.one(&OPENINGS)),
        77 => Step::Close(slot),
        78..80 => Step::KeepLog(slot, !dice.once_in(3)),
        80..83 => {
            // The hint of a size cuts a file that is mapped, under those who have it mapped too.
            let (operation, arguments) = dice.one(if maps { &CONTROLS[1..] } else { &CONTROLS });
            Step::Control(slot, operation, dice.one(&arguments))
        }
        83..86 => Step::Sizes(slot),
        86 => Step::Attach(slot, !dice.once_in(4)),
        // Of a page that is free it gives what the connection has in its cache, where a mapped file has none.
        87 if maps => Step::Sizes(slot),
        87 => Step::Serialize(slot),
        88..92 => {
            let query = ["SELECT id, length(x) FROM t", "SELECT id FROM t ORDER BY x", "SELECT 1 FROM sqlite_schema"];
            Step::Cursor(slot, dice.one(&query), inner(dice))
        }
        92..95 => Step::Blob(slot, 1 + dice.below(3) as i64, dice.once_in(2), inner(dice)),
        95..98 => Step::CopyOut(slot, dice.one(&[1, 3, 1000, -1]), inner(dice)),
        _ => Step::CopyIn(slot, dice.one(&[512, 4096, 4096, 16_384]), dice.one(&[2, 1000, -1]), inner(dice)),
    }
}

/// The schedule of a seed.
pub(crate) fn schedule(seed: u64) -> Vec<Step> {
    let mut dice = Dice::new(seed);
    let (maps, steps) = (dice.once_in(4), 10 + dice.below(70));
    (0..steps).map(|_| step(&mut dice, maps, 0)).collect()
}

/// A part of the schedule for which `fails` still holds, found by leaving out steps.
pub(crate) fn shortened(mut steps: Vec<Step>, fails: &dyn Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut piece = steps.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + piece).min(fewer.len()));
            if fails(&fewer) {
                steps = fewer;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    for at in 0..steps.len() {
        let Some(inner) = steps[at].inner().cloned() else { continue };
        let put = |inner: &[Step]| {
            let mut with = steps.clone();
            with[at] = with[at].with_inner(inner.to_vec());
            with
        };
        let inner = if inner.is_empty() { inner } else { shortened(inner, &|inner| fails(&put(inner))) };
        steps = put(&inner);
    }
    steps
}
