//! One measurement, in a process that makes no other.

use std::time::{Duration, Instant};

use multibind::binds::Storage;
use multibind::rusqlite::Connection;
use multibind::{Bind, Config, Harness};

use crate::schemas::{binds, ddl, tables_of, FIRST_ROW, KEYS};

/// Numbers of cycles after which memory is read.
pub(crate) const MARKS: [usize; 4] = [1_000, 5_000, 10_000, 20_000];

/// Measures and returns the numbers, with a space between.
pub(crate) fn run(what: &[&str]) -> String {
    let numbers = match what {
        ["point", binds, tables] => point(binds.parse().unwrap(), tables.parse().unwrap()),
        ["alive", "hand"] => alive_by_hand(),
        ["alive", what] => alive(*what == "pooled"),
        ["cycles", what] => cycles(what),
        _ => unreachable!("nothing to measure is called {what:?}"),
    };
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

/// Returns the resident memory in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

fn threads() -> f64 {
    std::fs::read_dir("/proc/self/task").unwrap().count() as f64
}

fn grown(binds: usize, tables: usize) -> Config {
    let bind = |builder: Config, at: usize| {
        let key = format!("b{at}");
        builder.bind(&key, Bind::memory().schema(tables_of(&key, tables)))
    };
    (0..binds).fold(Harness::builder(), bind)
}

/// Returns the time of a warm start and drop in ms and the memory of a harness in MiB.
fn point(binds: usize, tables: usize) -> Vec<f64> {
    let builder = grown(binds, tables);
    let start = || builder.clone().start().unwrap();

    // The first makes the images and stays, so that no freed memory is there for those that are counted.
    let first = start();
    let many = (20_000 / (binds * (tables + 5))).clamp(4, 1000);
    let before = resident();
    let alive = (0..many).map(|_| start()).collect::<Vec<_>>();
    let mebibytes = (resident() - before) / many as f64;
    drop((first, alive));

    const LEAST: usize = 15;
    const LONG_ENOUGH: Duration = Duration::from_millis(500);
    let begun = Instant::now();
    let mut samples = Vec::new();
    while samples.len() < LEAST || begun.elapsed() < LONG_ENOUGH {
        let builder = builder.clone();
        let begin = Instant::now();
        drop(builder.start().unwrap());
        samples.push(begin.elapsed());
    }
    samples.sort_unstable();
    vec![samples[samples.len() / 2].as_secs_f64() * 1000.0, mebibytes]
}

const ALIVE: usize = 1000;

fn alive_by_hand() -> Vec<f64> {
    let tables = ddl(10);
    let open = |ddl: &String| {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(ddl).unwrap();
        conn
    };
    let before = resident();
    let databases = (0..ALIVE).map(|_| tables.each_ref().map(open)).collect::<Vec<_>>();
    let numbers = vec![threads(), resident() - before];
    drop(databases);
    numbers
}

fn alive(pooled: bool) -> Vec<f64> {
    let tables = ddl(10);
    // Before the first of its kind: the images that are made once are counted.
    let before = resident();
    let start = |_| {
        let db = binds(&tables, Bind::memory).start().unwrap();
        let connections = match pooled {
            true => KEYS.iter().map(|key| db.connection(*key).unwrap()).collect(),
            false => Vec::new(),
        };
        (connections, db)
    };
    let harnesses = (0..ALIVE).map(start).collect::<Vec<_>>();
    let numbers = vec![threads(), resident() - before];
    drop(harnesses);
    numbers
}

fn cycles(what: &str) -> Vec<f64> {
    let storage = match what {
        "shared_cache" => Storage::SharedCache,
        "memdb" => Storage::MemDb,
        "temp_file" => Storage::TempFile,
        _ => Storage::Memory,
    };
    let pooled = what == "pooled";
    let tables = ddl(10);
    let mut done = 0;
    let cycle = || {
        let builder = KEYS.iter().zip(&tables).fold(Harness::builder(), |builder, (key, ddl)| {
            builder.bind(*key, Bind::default().storage(storage).schema(ddl.as_str()))
        });
        let db = builder.start().unwrap();
        if pooled {
            KEYS.iter().for_each(|key| drop(db.connection(*key).unwrap()));
        }
        let mut session = db.session();
        session.execute(FIRST_ROW, []).unwrap();
        session.commit().unwrap();
    };
    let look = |mark| {
        (done..mark).for_each(|_| cycle());
        done = mark;
        resident()
    };
    MARKS.map(look).to_vec()
}
