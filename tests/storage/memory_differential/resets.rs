//! Statements of several connections with resets between them, on binds in memory and on files.

use multibind::rusqlite::Connection;
use multibind::{Bind, Harness};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::alone::alone;
use crate::memory::binds::{memory, plain, ran, start, text};

/// One step of one of three connections.
#[derive(Clone, Debug)]
enum Step {
    Sql(usize, String),
    Reopen(usize),
    Reset,
}

fn statement() -> impl Strategy<Value = String> {
    let fixed = [
        "BEGIN",
        "BEGIN IMMEDIATE",
        "BEGIN EXCLUSIVE",
        "COMMIT",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "ROLLBACK TO s",
        "RELEASE s",
        "SELECT count(*), max(id), total(length(x)) FROM t",
        "SELECT id, typeof(x), length(x) FROM t ORDER BY x, id",
        "DELETE FROM t WHERE id % 2",
        "UPDATE t SET x = x || 'u'",
        "CREATE TABLE u (y)",
        "INSERT INTO u SELECT x FROM t",
        "SELECT count(*) FROM u",
        "DROP TABLE u",
        "ALTER TABLE u ADD COLUMN z",
        "CREATE INDEX u_y ON u (y)",
        "VACUUM",
        "REINDEX",
        "PRAGMA wal_checkpoint(PASSIVE)",
        "PRAGMA wal_checkpoint(FULL)",
        "PRAGMA wal_checkpoint(RESTART)",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA journal_mode",
        "PRAGMA journal_mode = WAL",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA journal_mode = TRUNCATE",
        "PRAGMA journal_mode = PERSIST",
        "PRAGMA journal_mode = MEMORY",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA locking_mode = NORMAL",
        "PRAGMA page_size = 1024",
        "PRAGMA page_size = 65536",
        "PRAGMA auto_vacuum = FULL",
        "PRAGMA incremental_vacuum",
        "PRAGMA cache_size = 2",
        "PRAGMA cache_spill = 1",
        "PRAGMA wal_autocheckpoint = 1",
        "PRAGMA journal_size_limit = 0",
        "PRAGMA secure_delete = ON",
        "PRAGMA user_version = 7",
        "PRAGMA user_version",
        "PRAGMA page_count",
        "PRAGMA freelist_count",
        "PRAGMA quick_check",
        "PRAGMA data_version",
    ];
    prop_oneof![
        3 => proptest::sample::select(fixed.to_vec()).prop_map(str::to_string),
        2 => (1..200_i64).prop_map(|id| format!("INSERT OR REPLACE INTO t VALUES ({id}, 'row {id}')")),
        1 => (1..20_i64, 1..200_000_i64).prop_map(|(id, size)| {
            format!("INSERT OR REPLACE INTO t VALUES ({id}, zeroblob({size}))")
        }),
        1 => (1..3000_i64).prop_map(|rows| format!(
            "INSERT INTO t (x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
             SELECT printf('%.*c', i % 97, 'x') FROM n"
        )),
        1 => (1..200_i64).prop_map(|id| format!("DELETE FROM t WHERE id >= {id}")),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        40 => (0..3_usize, statement()).prop_map(|(conn, sql)| Step::Sql(conn, sql)),
        2 => (0..3_usize).prop_map(Step::Reopen),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 1..60)
}

/// Runs the steps and gives what each said, and all that is there in the end.
fn played(db: &Harness, steps: &[Step]) -> Vec<String> {
    let mut connections = (0..3).map(|_| Some(plain(db))).collect::<Vec<_>>();
    let (mut said, mut was_reset) = (Vec::new(), false);
    for step in steps {
        said.push(match step {
            Step::Sql(conn, sql) => {
                let told = ran(connections[*conn].as_ref().unwrap(), sql);
                match sql.as_str() {
                    // A count that every commit of another connection changes, for each in its own way.
                    "PRAGMA data_version" => String::new(),
                    // How much is in the log after a reset, which a file's goes through and memory's does not.
                    sql if was_reset && sql.starts_with("PRAGMA wal_checkpoint") => {
                        told.split(',').next().unwrap_or_default().to_string()
                    }
                    _ => told,
                }
            }
            Step::Reopen(conn) => {
                connections[*conn] = None;
                connections[*conn] = Some(plain(db));
                String::new()
            }
            // Whether it can be done is the storage's own: memory need not ask a connection that keeps it to itself.
            Step::Reset => {
                was_reset = true;
                let undone = connections.iter().flatten().all(Connection::is_autocommit);
                let kept = |conn: &Connection| text(conn, "PRAGMA locking_mode") == "Text(\"exclusive\")";
                match undone && !connections.iter().flatten().any(kept) {
                    true => db.reset().map_or_else(|error| error.to_string(), |()| "reset".to_string()),
                    false => String::new(),
                }
            }
        });
    }
    drop(connections);
    let conn = plain(db);
    for sql in [
        "PRAGMA integrity_check",
        "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema",
        "SELECT id, typeof(x), length(x), substr(x, 1, 20) FROM t ORDER BY id",
        "SELECT * FROM u ORDER BY 1",
        "PRAGMA journal_mode",
        "PRAGMA page_size",
        "PRAGMA page_count",
        "PRAGMA user_version",
    ] {
        said.push(format!("{sql}: {}", ran(&conn, sql)));
    }
    said
}

/// As many as the suite has time for; `PROPTEST_CASES=5000` for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

/// The same in each run; `PROPTEST_RNG_SEED` for others.
fn generated() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(0x77a1),
        fixed => fixed,
    };
    ProptestConfig { cases: cases(), rng_seed, failure_persistence: None, ..given }
}

#[test]
fn whatever_several_connections_do_memory_answers_as_a_file() {
    if !alone() {
        return;
    }
    proptest!(generated(), |(steps in steps(), looked_at in any::<bool>())| {
        let (memory, file) = (memory(), start(Bind::temp_file()));
        // The harness has a connection of its own from then on, which keeps the database in WAL mode. It opens none to look
        // at a bind in memory that nobody has written to.
        if looked_at {
            for db in [&memory, &file] {
                plain(db).execute("UPDATE t SET x = x", []).unwrap();
            }
            prop_assert!(memory.snapshot().is_ok() && file.snapshot().is_ok());
        }
        let steps = steps.into_iter().filter(|step| looked_at || !matches!(step, Step::Reset)).collect::<Vec<_>>();
        let (memory, file) = (played(&memory, &steps), played(&file, &steps));
        for (at, (memory, file)) in memory.iter().zip(&file).enumerate() {
            prop_assert_eq!(memory, file, "at {} of {:#?}", at, steps);
        }
    });
}
