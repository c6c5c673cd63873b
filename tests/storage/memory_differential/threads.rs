//! Threads that open, write, check and close at random: nothing that was committed is lost, and nothing is malformed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use multibind::changes::Snapshot;
use multibind::rusqlite::config::DbConfig;
use multibind::rusqlite::{self, Connection, ErrorCode};
use multibind::{row, Bind, Harness};
use rstest::rstest;

use super::schedule::Dice;
use super::{number, some_seed, SECONDS, SEED};
use crate::alone::alone;
use crate::memory::binds::{is_whole, rows};

const THREADS: i64 = 3;

/// The rows of a thread that are committed.
type Committed = BTreeSet<(i64, i64)>;

/// The journals of a round. No round leaves WAL mode while others open the database: a plain file does not survive that.
///
/// `PRAGMA journal_mode = DELETE` closes the log under an exclusive lock, shares the file again, looks for a log once more, and
/// only then writes into the header that there is none. A connection that opens between those two steps still reads "WAL"
/// there and starts a new log. The first goes on with the size of the file that it saw, so that it either reports the database
/// to be malformed or overwrites page 1. RELIABILITY.md has the steps.
#[derive(Clone, Copy)]
enum Journals {
    Wal,
    Rollback,
    /// From a rollback journal to WAL, at some time.
    RollbackThenWal,
}

impl Journals {
    fn of(seed: u64) -> Self {
        // Apart from the seed's remainders by 2 and by 3, which decide on other things.
        match (seed / 6) % 3 {
            0 => Self::Wal,
            1 => Self::Rollback,
            _ => Self::RollbackThenWal,
        }
    }

    /// The pragmas on a journal that a connection may begin with.
    fn pragmas(self) -> [&'static str; 4] {
        match self {
            Self::Rollback => [
                "PRAGMA journal_mode = DELETE",
                "PRAGMA journal_mode = DELETE",
                "PRAGMA journal_mode = PERSIST",
                "PRAGMA journal_mode = TRUNCATE",
            ],
            Self::Wal | Self::RollbackThenWal => [
                "PRAGMA journal_mode = WAL",
                "PRAGMA journal_mode = WAL",
                "PRAGMA wal_autocheckpoint = 1",
                "PRAGMA wal_autocheckpoint = 0",
            ],
        }
    }

    /// Leaves WAL mode where the round begins without, while no other connection is open.
    fn begin(self, db: &Harness) {
        if matches!(self, Self::Rollback | Self::RollbackThenWal) {
            let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
            let mode = conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
            assert_eq!(mode.unwrap(), "delete");
        }
    }
}

/// What a connection begins with, besides the pragmas on its journal; the usual most often.
const MANNERS: [&str; 8] = [
    "SELECT 1",
    "SELECT 1",
    "SELECT 1",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA wal_autocheckpoint = 1",
    "PRAGMA cache_size = 2",
    "PRAGMA mmap_size = 1000000",
];

const BETWEEN: [&str; 9] = [
    "SELECT count(*) FROM log",
    "SELECT count(*) FROM log",
    "PRAGMA quick_check",
    "PRAGMA wal_checkpoint(PASSIVE)",
    "PRAGMA wal_checkpoint(FULL)",
    "PRAGMA wal_checkpoint(RESTART)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA locking_mode = NORMAL",
    "VACUUM",
];

/// Runs it and returns whether no lock kept it from that; any other error fails the test.
fn did(conn: &Connection, sql: &str, seed: u64) -> bool {
    match rows(conn, sql) {
        Ok(rows) => {
            if sql == "PRAGMA quick_check" {
                assert_eq!(format!("{rows:?}"), "[[Text(\"ok\")]]", "{SEED}={seed}");
            }
            true
        }
        Err(rusqlite::Error::SqliteFailure(error, message)) => {
            let waits = [ErrorCode::DatabaseBusy, ErrorCode::DatabaseLocked, ErrorCode::FileLockingProtocolFailed];
            // A `VACUUM` within a transaction and a log that is not there are errors without harm.
            let harmless = error.extended_code == rusqlite::ffi::SQLITE_ERROR;
            assert!(waits.contains(&error.code) || harmless, "{sql}: {error:?} {message:?}, {SEED}={seed}");
            false
        }
        Err(error) => panic!("{sql}: {error}, {SEED}={seed}"),
    }
}

/// What one thread does, and what it has committed.
fn written(db: &Harness, thread: i64, seed: u64) -> Committed {
    let journals = Journals::of(seed);
    let mut dice = Dice::new(seed.wrapping_mul(7).wrapping_add(thread.unsigned_abs()));
    let (mut committed, mut next) = (Committed::new(), 0);
    for _ in 0..25 {
        let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
        conn.busy_timeout(Duration::from_millis(dice.one(&[0, 1, 5, 20]))).unwrap();
        let keep = dice.once_in(3);
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).unwrap();
        let manner = if dice.once_in(3) { dice.one(&journals.pragmas()) } else { dice.one(&MANNERS) };
        did(&conn, manner, seed);
        for _ in 0..dice.below(5) {
            if dice.once_in(3) {
                did(&conn, dice.one(&BETWEEN), seed);
            }
            next += 1;
            let begin = dice.one(&["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"]);
            let insert = format!("INSERT INTO log VALUES ({thread}, {next}, zeroblob({}))", dice.below(9000));
            if did(&conn, begin, seed)
                && did(&conn, &insert, seed)
                && did(&conn, "UPDATE total SET n = n + 1", seed)
                && !dice.once_in(8)
                && did(&conn, "COMMIT", seed)
            {
                committed.insert((thread, next));
            } else if !conn.is_autocommit() && dice.once_in(2) {
                // Otherwise the connection is closed in the midst of it, or goes on with it.
                assert!(did(&conn, "ROLLBACK", seed), "{SEED}={seed}");
            }
            if !conn.is_autocommit() {
                break;
            }
        }
    }
    committed
}

/// Looks at the bind as the harness does, which sees rows, or that it is locked.
fn look(db: &Harness, before: &Snapshot, done: &AtomicBool, seed: u64) {
    while !done.load(Ordering::Relaxed) {
        let rows = db.locate("total", row! {}).map(|found| found.len());
        let changed = db.changes_since(before).map(|changes| changes.to_string());
        for error in [rows.err(), changed.err()].into_iter().flatten() {
            assert!(error.to_string().contains("locked"), "{error:?}, {SEED}={seed}");
        }
    }
}

fn check(storage: fn() -> Bind, seed: u64) {
    let schema = "CREATE TABLE log (thread, n, x, PRIMARY KEY (thread, n)); CREATE TABLE total (n);
                  INSERT INTO total VALUES (0)";
    let bind = storage().schema(schema).busy_timeout(Duration::from_millis(5));
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    let (before, done) = (db.snapshot().unwrap(), AtomicBool::new(false));
    Journals::of(seed).begin(&db);
    let committed = thread::scope(|scope| {
        let (db, before, done) = (&db, &before, &done);
        let threads = (0..THREADS).map(|thread| scope.spawn(move || written(db, thread, seed))).collect::<Vec<_>>();
        // In every other round, the harness looks on.
        let looking = seed.is_multiple_of(2).then(|| scope.spawn(move || look(db, before, done, seed)));
        let written = threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>();
        done.store(true, Ordering::Relaxed);
        if let Some(looking) = looking {
            looking.join().unwrap();
        }
        written.into_iter().flat_map(Result::unwrap).collect::<Committed>()
    });
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    is_whole(&conn);
    {
        let mut log = conn.prepare("SELECT thread, n FROM log").unwrap();
        let log = log.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(log.collect::<Result<Committed, _>>().unwrap(), committed, "{SEED}={seed}");
    }
    let total = conn.query_row("SELECT n FROM total", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(usize::try_from(total), Ok(committed.len()), "{SEED}={seed}");
    // The log may be left to the reset, with or without somebody who knows what is in it.
    let kept = seed.is_multiple_of(3).then(|| Connection::open(db.uri("auth").unwrap()).unwrap());
    let count = |conn: &Connection| conn.query_row("SELECT count(*) FROM log", [], |row| row.get::<_, i64>(0)).unwrap();
    kept.iter().for_each(|conn| assert_eq!(usize::try_from(count(conn)), Ok(committed.len())));
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    drop(conn);
    db.reset().unwrap();
    for conn in kept.iter().chain([&Connection::open(db.uri("auth").unwrap()).unwrap()]) {
        assert_eq!(count(conn), 0, "{SEED}={seed}");
        is_whole(conn);
    }
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
fn threads_that_open_and_close_in_every_manner_lose_nothing(#[case] storage: fn() -> Bind) {
    if !alone() {
        return;
    }
    if let Some(seed) = number(SEED) {
        return check(storage, seed);
    }
    let Some(seconds) = number(SECONDS) else { return (0..18).for_each(|seed| check(storage, seed)) };
    let end = Instant::now() + Duration::from_secs(seconds);
    for seed in some_seed().. {
        check(storage, seed);
        if Instant::now() > end {
            return;
        }
    }
}
