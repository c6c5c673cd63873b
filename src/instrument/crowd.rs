//! A crowd of threads that open and close connections beside each other, over harnesses that start and end meanwhile: nothing
//! is lost, and nothing is left in what the instruments share.
//!
//! It is small unless the variable `MULTIBIND_CROWD` says otherwise: `64x16` for 64 threads of 16 connections each. `tests/races`
//! runs it under tools that find races.

use std::env;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{connections, number, outside, placed, strays, watch};
use crate::{Bind, Harness};

/// The variable that is set in the process in which the test runs alone.
const ALONE: &str = "MULTIBIND_TEST_ALONE";

const TABLE: &str = "CREATE TABLE visit (thread INTEGER, number INTEGER)";
const INSERT: &str = "INSERT INTO visit VALUES (?1, ?2)";

/// Returns what is kept in each registry.
fn kept() -> [(&'static str, usize); 6] {
    [
        ("connections", connections::kept()),
        ("watches", watch::kept()),
        ("faults", number::kept()),
        ("databases", placed::kept()),
        ("strays", strays::kept()),
        ("bans", outside::kept()),
    ]
}

fn started(thread: usize) -> Harness {
    let bind = [Bind::memory, Bind::temp_file, Bind::shared_cache, Bind::memdb][thread % 4];
    let builder = Harness::builder().default_bind(bind().schema(TABLE)).bind("meta", Bind::memory().schema(TABLE));
    builder.start().unwrap()
}

fn count(conn: &Connection) -> usize {
    let count: i64 = conn.query_row("SELECT count(*) FROM visit", [], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

/// Opens connections to a harness of this thread's and to one that all threads share, and to nothing of either.
fn visit(shared: &Harness, thread: usize, connections: usize) -> Vec<Connection> {
    let db = started(thread);
    let log = thread.is_multiple_of(2).then(|| db.record());
    let guard = thread.is_multiple_of(3).then(|| db.deny_writes("meta"));
    let mut left = Vec::new();
    for number in 0..connections {
        let values = [i64::try_from(thread).unwrap(), i64::try_from(number).unwrap()];
        let own = Connection::open(db.uri(None).unwrap()).unwrap();
        own.busy_timeout(Duration::from_secs(60)).unwrap();
        own.execute(INSERT, values).unwrap();
        let meta = Connection::open(db.uri("meta").unwrap()).unwrap();
        assert_eq!(meta.execute(INSERT, values).is_err(), guard.is_some());
        let of_all = Connection::open(shared.uri(None).unwrap()).unwrap();
        of_all.busy_timeout(Duration::from_secs(60)).unwrap();
        of_all.execute(INSERT, values).unwrap();
        let stray = Connection::open_in_memory().unwrap();
        stray.execute_batch(TABLE).unwrap();
        stray.execute(INSERT, values).unwrap();
        if number % 8 == 0 {
            left.push(stray);
            left.push(meta);
        }
    }
    assert_eq!(count(&db.connection(None).unwrap()), connections);
    if let Some(log) = log {
        let written = log.on(None).unwrap().iter().filter(|ran| ran.sql() == INSERT && ran.rows_changed() == 1).count();
        assert_eq!(written, connections);
    }
    if let Some(guard) = guard {
        assert_eq!(guard.refused().len(), connections);
    }
    let outside = db.running().presence().outside();
    assert!(outside.iter().any(|one| one.statements.iter().any(|ran| ran.thread.id() == thread::current().id())));
    // Some connections are closed after the harness has ended.
    left
}

#[test]
fn a_crowd_of_connections_loses_and_leaves_nothing() {
    let size = env::var("MULTIBIND_CROWD").unwrap_or_else(|_| "8x8".to_string());
    if env::var_os(ALONE).is_none() {
        let name = "instrument::crowd::a_crowd_of_connections_loses_and_leaves_nothing";
        let mut alone = Command::new(env::current_exe().unwrap());
        let run = alone.args(["--exact", name, "--test-threads=1"]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
        return;
    }
    let (threads, connections) = size.split_once('x').unwrap();
    let (threads, connections) = (threads.parse::<usize>().unwrap(), connections.parse::<usize>().unwrap());
    let shared = Arc::new(started(1));
    let log = shared.record();
    let barrier = Arc::new(Barrier::new(threads));
    let mut running = Vec::new();
    for thread in 0..threads {
        let (shared, barrier) = (Arc::clone(&shared), Arc::clone(&barrier));
        running.push(thread::spawn(move || {
            barrier.wait();
            visit(&shared, thread, connections)
        }));
    }
    let left: Vec<_> = running.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let all = threads * connections;
    assert_eq!(count(&shared.connection(None).unwrap()), all);
    let written = log.on(None).unwrap().iter().filter(|ran| ran.sql() == INSERT && ran.rows_changed() == 1).count();
    assert_eq!(written, all);
    // The others' marks go with the connections, not only with their database.
    let marks = number::kept();
    assert!(marks <= left.len() + threads * 8, "{marks} for {} connections", left.len());
    drop((log, shared, left));
    // A pool's thread may still be opening a connection, which it then closes.
    let begun = Instant::now();
    while kept().iter().any(|(_, kept)| *kept > 0) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", kept());
        thread::yield_now();
    }
}
