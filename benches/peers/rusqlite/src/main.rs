//! Three binds of ten tables and one row with rusqlite by hand, and with multibind.

#[path = "../../../by_hand/schemas.rs"]
mod schemas;

use std::time::Instant;

use multibind::rusqlite::Connection;
use multibind::Bind;
use schemas::{binds, ddl, FIRST_ROW};

fn by_hand(tables: &[String; 3]) {
    let open = |ddl: &String| {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        conn.execute_batch(ddl).unwrap();
        conn
    };
    let databases = tables.each_ref().map(open);
    databases[1].execute(FIRST_ROW, []).unwrap();
}

fn by_harness(tables: &[String; 3], bind: fn() -> Bind) {
    let db = binds(tables, bind).start().unwrap();
    let mut session = db.session();
    session.execute(FIRST_ROW, []).unwrap();
    session.commit().unwrap();
}

fn measure(name: &str, rounds: usize, mut one_test: impl FnMut()) {
    (0..5).for_each(|_| one_test());
    let sample = |_| {
        let begin = Instant::now();
        one_test();
        begin.elapsed().as_secs_f64() * 1000.0
    };
    let mut samples = (0..rounds).map(sample).collect::<Vec<_>>();
    samples.sort_by(f64::total_cmp);
    println!("{name}\t{}\t{rounds}", samples[rounds / 2]);
}

fn main() {
    let rounds = std::env::args().nth(1).unwrap().parse().unwrap();
    let tables = ddl(10);
    measure("rusqlite 0.40 by hand, in memory", rounds, || by_hand(&tables));
    let mut next = 0;
    measure("multibind, in memory, tables never seen before", rounds, || {
        next += 1;
        let tables = tables.each_ref().map(|ddl| format!("{ddl}CREATE TABLE cold_{next} (x);"));
        by_harness(&tables, Bind::memory);
    });
    measure("multibind, temp files", rounds, || by_harness(&tables, Bind::temp_file));
    measure("multibind, in memory", rounds, || by_harness(&tables, Bind::memory));
}
