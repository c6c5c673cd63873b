//! Three databases of ten tables and one row with sqlx: as `#[sqlx::test]` sets up its own, and as pools in memory.

use std::borrow::Cow;
use std::time::Instant;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::testing::{TestArgs, TestFn};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlitePool};

const KEYS: [&str; 3] = ["b0", "b1", "b2"];

/// One migration for each database, with all of its tables.
fn migrator(key: &str) -> &'static Migrator {
    let table = |at| {
        format!(
            "CREATE TABLE {key}_t{at} (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER, share REAL, note TEXT);\
             CREATE INDEX {key}_i{at} ON {key}_t{at} (size);"
        )
    };
    let sql = AssertSqlSafe((0..10).map(table).collect::<String>()).into_sql_str();
    let migration = Migration::new(1, Cow::Borrowed("tables"), MigrationType::Simple, sql, false);
    // As long as the process, like the one that `#[sqlx::test]` embeds.
    Box::leak(Box::new(Migrator::with_migrations(vec![migration])))
}

async fn insert(pool: SqlitePool) {
    sqlx::query("INSERT INTO b1_t0 (name, size) VALUES ('first', 1)").execute(&pool).await.unwrap();
}

async fn nothing(_: SqlitePool) {}

/// What the attribute makes of three functions that take a pool.
fn by_attribute(migrators: &[&'static Migrator; 3]) {
    let run = |path, migrator, first_row| {
        let mut args = TestArgs::new(path);
        args.migrator(migrator);
        match first_row {
            true => (insert as fn(SqlitePool) -> _).run_test(args),
            false => (nothing as fn(SqlitePool) -> _).run_test(args),
        }
    };
    run("peers::b0", migrators[0], false);
    run("peers::b1", migrators[1], true);
    run("peers::b2", migrators[2], false);
}

async fn in_memory(migrators: &[&'static Migrator; 3]) {
    let mut pools = Vec::new();
    for migrator in migrators {
        // Each connection to `:memory:` is a database of its own, so there must be only one.
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        migrator.run(&pool).await.unwrap();
        pools.push(pool);
    }
    insert(pools[1].clone()).await;
    for pool in pools {
        pool.close().await;
    }
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
    let migrators = KEYS.map(migrator);
    measure("sqlx 0.9.0: what `#[sqlx::test]` does, three times, files", rounds, || by_attribute(&migrators));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    measure("sqlx 0.9.0: three pools in memory, migrations", rounds, || runtime.block_on(in_memory(&migrators)));
}
