//! Costs of this crate beside code that a user would have written by hand, in one run.
//!
//! `cargo bench --bench by_hand` measures each pair with Criterion and ends with a table of ratios and their targets.
#![allow(clippy::unwrap_used, reason = "what does not go on here ends the benchmark")]

mod ratios;
mod schemas;

use std::cell::Cell;
use std::path::Path;

use criterion::{BatchSize, Criterion};
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};
use r2d2_sqlite::SqliteConnectionManager;
use ratios::Pair;
use schemas::{binds, ddl, FIRST_ROW, KEYS};

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    let mut criterion = Criterion::default().output_directory(&folder).configure_from_args();
    let pairs = [
        start(&mut criterion, "warm_start_10", "warm start and drop, 3 × 10 tables, first row", 10, 0.20),
        start(&mut criterion, "warm_start_50", "the same, 3 × 50 tables", 50, 0.08),
        cold_start(&mut criterion),
        file_start(&mut criterion),
        reset(&mut criterion),
        execute(&mut criterion),
        prepared_insert(&mut criterion),
        rows(&mut criterion),
        open(&mut criterion),
        query(&mut criterion),
        route(&mut criterion),
        assert_landed(&mut criterion),
        first_connection(&mut criterion),
    ];
    criterion.final_summary();
    ratios::print(&folder, &pairs);
}

/// Removes what a harness has SQLite call at each opening of the process, until the next one starts.
fn without_harness() {
    // SAFETY: it has no conditions.
    unsafe { multibind::rusqlite::ffi::sqlite3_reset_auto_extension() };
}

/// Opens three databases in memory with their tables and writes a row into the second.
fn by_hand(tables: &[String; 3]) -> [Connection; 3] {
    without_harness();
    let open = |ddl: &String| {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        conn.execute_batch(ddl).unwrap();
        conn
    };
    let databases = tables.each_ref().map(open);
    databases[1].execute(FIRST_ROW, []).unwrap();
    databases
}

/// Does the same with a harness and a session.
fn by_harness(tables: &[String; 3], bind: fn() -> Bind) -> Harness {
    let db = binds(tables, bind).without_images().start().unwrap();
    let mut session = db.session();
    session.execute(FIRST_ROW, []).unwrap();
    session.commit().unwrap();
    drop(session);
    db
}

fn start(criterion: &mut Criterion, group: &'static str, what: &'static str, tables: usize, target: f64) -> Pair {
    let tables = ddl(tables);
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| b.iter(|| by_hand(&tables)));
    bench.bench_function("multibind", |b| b.iter(|| by_harness(&tables, Bind::memory)));
    bench.finish();
    Pair { group, what, against: "open, DDL, insert", target }
}

fn cold_start(criterion: &mut Criterion) -> Pair {
    let group = "cold_start_10";
    // Never seen before in the process: a table of a name of its own in each bind.
    let count = Cell::new(0);
    let fresh = || {
        count.set(count.get() + 1);
        ddl(10).map(|ddl| format!("{ddl}CREATE TABLE cold_{} (x);", count.get()))
    };
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| b.iter_batched(fresh, |tables| by_hand(&tables), BatchSize::SmallInput));
    bench.bench_function("multibind", |b| {
        b.iter_batched(fresh, |tables| by_harness(&tables, Bind::memory), BatchSize::SmallInput);
    });
    bench.finish();
    Pair { group, what: "cold start, 3 × 10 tables, first row", against: "open, DDL, insert", target: 1.15 }
}

fn file_start(criterion: &mut Criterion) -> Pair {
    let group = "file_start_10";
    let tables = ddl(10);
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        without_harness();
        b.iter(|| {
            let folder = tempfile::tempdir().unwrap();
            let open = |(at, ddl): (usize, &String)| {
                let conn = Connection::open(folder.path().join(format!("{at}.db"))).unwrap();
                conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
                    .unwrap();
                conn.execute_batch(ddl).unwrap();
                conn
            };
            let databases = tables.iter().enumerate().map(open).collect::<Vec<_>>();
            databases[1].execute(FIRST_ROW, []).unwrap();
            (databases, folder)
        });
    });
    bench.bench_function("multibind", |b| b.iter(|| by_harness(&tables, Bind::temp_file)));
    bench.finish();
    Pair {
        group,
        what: "warm start with temp files, 3 × 10 tables, first row",
        against: "files, WAL, DDL, insert",
        target: 0.35,
    }
}

fn reset(criterion: &mut Criterion) -> Pair {
    let group = "reset_1000_rows";
    let tables = ddl(10);
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| b.iter(|| binds(&tables, Bind::memory).start().unwrap()));
    let db = binds(&tables, Bind::memory).start().unwrap();
    let fill = || {
        let mut conn = db.connection("b1").unwrap();
        let rows = conn.transaction().unwrap();
        for at in 0..1000 {
            rows.execute("INSERT INTO b1_t0 (name, size) VALUES (?1, 1)", [at]).unwrap();
        }
        rows.commit().unwrap();
    };
    bench.bench_function("multibind", |b| b.iter_batched(fill, |()| db.reset().unwrap(), BatchSize::PerIteration));
    bench.finish();
    Pair { group, what: "`reset()` after 1,000 rows", against: "a warm start", target: 1.0 }
}

const INSERT: &str = "INSERT INTO b0_t1 (size, name) VALUES (1, ?1)";
const SELECT: &str = "SELECT id, name FROM b0_t1 LIMIT 1000";

fn execute(criterion: &mut Criterion) -> Pair {
    let group = "execute_insert";
    let tables = ddl(10);
    let next = Cell::new(0_i64);
    let name = || next.replace(next.get() + 1);
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let [conn, ..] = by_hand(&tables);
        conn.execute_batch("BEGIN").unwrap();
        b.iter(|| conn.prepare_cached(INSERT).unwrap().execute([name()]).unwrap());
    });
    bench.bench_function("multibind", |b| {
        let mut session = binds(&tables, Bind::memory).start().unwrap().session();
        b.iter(|| session.execute(INSERT, [name()]).unwrap());
    });
    bench.finish();
    Pair {
        group,
        what: "`session.execute`, an insert in a transaction",
        against: "`prepare_cached` + `execute`",
        target: 1.5,
    }
}

fn prepared_insert(criterion: &mut Criterion) -> Pair {
    let group = "prepared_insert";
    let tables = ddl(10);
    let next = Cell::new(0_i64);
    let name = || next.replace(next.get() + 1);
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let [conn, ..] = by_hand(&tables);
        conn.execute_batch("BEGIN").unwrap();
        b.iter(|| conn.prepare_cached(INSERT).unwrap().execute([name()]).unwrap());
    });
    bench.bench_function("multibind", |b| {
        let db = binds(&tables, Bind::memory).start().unwrap();
        let conn = db.pool("b0").unwrap().get().unwrap();
        conn.execute_batch("BEGIN").unwrap();
        b.iter(|| conn.prepare_cached(INSERT).unwrap().execute([name()]).unwrap());
    });
    bench.finish();
    let what = "an insert on a pooled connection, in a transaction";
    Pair { group, what, against: "`prepare_cached` + `execute`", target: 1.35 }
}

fn rows(criterion: &mut Criterion) -> Pair {
    let group = "pooled_rows";
    let tables = ddl(10);
    let fill = |conn: &Connection| {
        conn.execute_batch("BEGIN").unwrap();
        for number in 0..1_000 {
            conn.prepare_cached(INSERT).unwrap().execute([number]).unwrap();
        }
        conn.execute_batch("COMMIT").unwrap();
    };
    let read = |conn: &Connection| {
        let mut statement = conn.prepare_cached(SELECT).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<Vec<(i64, String)>, _>>().unwrap()
    };
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let [conn, ..] = by_hand(&tables);
        fill(&conn);
        b.iter(|| read(&conn));
    });
    bench.bench_function("multibind", |b| {
        let db = binds(&tables, Bind::memory).start().unwrap();
        let conn = db.pool("b0").unwrap().get().unwrap();
        fill(&conn);
        b.iter(|| read(&conn));
    });
    bench.finish();
    Pair { group, what: "1,000 rows read on a pooled connection", against: "`query_map`, collected", target: 1.05 }
}

fn open(criterion: &mut Criterion) -> Pair {
    let group = "open_connection";
    let tables = ddl(10);
    let open = |address: &str| {
        let conn = Connection::open(address).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = ON; SELECT 1 FROM b0_t1").unwrap();
    };
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = folder.path().join("b0.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF").unwrap();
        conn.execute_batch(&tables[0]).unwrap();
        without_harness();
        b.iter(|| open(path.to_str().unwrap()));
    });
    bench.bench_function("multibind", |b| {
        let db = binds(&tables, Bind::temp_file).start().unwrap();
        // One is open beside it, as by hand.
        let _conn = db.connection("b0").unwrap();
        let uri = db.uri("b0").unwrap();
        b.iter(|| open(&uri));
    });
    bench.finish();
    Pair {
        group,
        what: "a connection that the application opens to a file",
        against: "`Connection::open`",
        target: 1.3,
    }
}

fn query(criterion: &mut Criterion) -> Pair {
    let group = "query_1000_rows";
    let tables = ddl(10);
    let row = |row: &multibind::rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let [conn, ..] = by_hand(&tables);
        for at in 0..1000 {
            conn.execute(INSERT, [at]).unwrap();
        }
        conn.execute_batch("BEGIN").unwrap();
        b.iter(|| {
            let mut select = conn.prepare_cached(SELECT).unwrap();
            let rows = select.query_map([], row).unwrap();
            rows.collect::<multibind::rusqlite::Result<Vec<_>>>().unwrap()
        });
    });
    bench.bench_function("multibind", |b| {
        let mut session = binds(&tables, Bind::memory).start().unwrap().session();
        for at in 0..1000 {
            session.execute(INSERT, [at]).unwrap();
        }
        session.commit().unwrap();
        b.iter(|| session.query(SELECT, [], row).unwrap());
    });
    bench.finish();
    Pair { group, what: "`session.query` of 1,000 rows", against: "`query_map`, collected", target: 1.05 }
}

fn route(criterion: &mut Criterion) -> Pair {
    let group = "new_statement";
    let tables = ddl(10);
    let next = Cell::new(0_i64);
    let sql = || {
        let at = next.replace(next.get() + 1);
        format!("SELECT name, size, {at} FROM b0_t3 WHERE size = {at}")
    };
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let [conn, ..] = by_hand(&tables);
        b.iter_batched(sql, |sql| drop(conn.prepare(&sql).unwrap()), BatchSize::SmallInput);
    });
    bench.bench_function("multibind", |b| {
        let mut session = binds(&tables, Bind::memory).start().unwrap().session();
        session.query(SELECT, [], |_| Ok(())).unwrap();
        b.iter_batched(sql, |sql| session.route(&sql).unwrap(), BatchSize::SmallInput);
    });
    bench.finish();
    Pair { group, what: "the route of a new statement", against: "`prepare` of it", target: 4.0 }
}

fn assert_landed(criterion: &mut Criterion) -> Pair {
    let group = "assert_landed";
    let tables = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT NOT NULL UNIQUE, b INTEGER, c REAL, d TEXT)";
    let bind = || Bind::memory().schema(tables);
    let db = Harness::builder().bind(KEYS[0], bind()).bind(KEYS[1], bind()).bind(KEYS[2], bind()).start().unwrap();
    for key in KEYS {
        let mut conn = db.connection(key).unwrap();
        let rows = conn.transaction().unwrap();
        for at in 0..10_000 {
            rows.execute("INSERT INTO t (a, b) VALUES (?1, 1)", [at]).unwrap();
        }
        rows.commit().unwrap();
    }
    db.connection(KEYS[1]).unwrap().execute("INSERT INTO t (a, d) VALUES ('x', 'needle')", []).unwrap();
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let connections = KEYS.map(|key| Connection::open(db.uri(key).unwrap()).unwrap());
        b.iter(|| {
            connections.each_ref().map(|conn| {
                let mut select = conn.prepare_cached("SELECT * FROM t WHERE d IS ?1").unwrap();
                let found = select.query_map(["needle"], |row| row.get::<_, i64>(0)).unwrap();
                found.count()
            })
        });
    });
    bench.bench_function("multibind", |b| {
        b.iter(|| {
            db.assert_landed(KEYS[1], "t", row! { d: "needle" });
        });
    });
    bench.finish();
    Pair { group, what: "`assert_landed` on 3 × 10,000 rows", against: "three `SELECT`s", target: 1.5 }
}

fn first_connection(criterion: &mut Criterion) -> Pair {
    let group = "first_connection";
    let next = Cell::new(0);
    let mut bench = criterion.benchmark_group(group);
    bench.bench_function("hand", |b| {
        let pool = |()| {
            let uri = format!("file:by-hand-{}?mode=memory&cache=shared", next.replace(next.get() + 1));
            // With a limit of age its threads would stay half a minute longer than the pool.
            let builder = r2d2::Pool::builder().max_lifetime(None).idle_timeout(None);
            let pool = builder.build(SqliteConnectionManager::file(uri)).unwrap();
            let conn = pool.get().unwrap();
            drop(conn);
            pool
        };
        b.iter_batched(threads_to_end, pool, BatchSize::PerIteration);
    });
    let start = || Harness::builder().default_bind(Bind::memory()).start().unwrap();
    bench.bench_function("multibind", |b| {
        b.iter_batched(
            start,
            |db| {
                drop(db.connection(None).unwrap());
                db
            },
            BatchSize::PerIteration,
        );
    });
    bench.finish();
    Pair { group, what: "the first connection of a pool", against: "`Pool::build` + `get`", target: 0.6 }
}

/// Waits until the threads of dropped pools have ended: dropping a pool does not, and a process has room for a limited
/// number. Returns at once where they cannot be counted.
fn threads_to_end() {
    const FEW: usize = 16;
    while std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > FEW) {
        std::thread::yield_now();
    }
}
