//! Random binds, tables, statements and changes by others: a session gives what one connection gives that every bind is
//! attached to.
//!
//! What a session does otherwise, as the guide says, and what is therefore expected or left out:
//!
//! - a statement that writes one bind and names another is an error, also where SQLite would never read the other;
//! - so is a name without a key that several binds have, and one that is made without a key where no bind is the default;
//! - an index or a trigger without a key belongs to its table's bind;
//! - with `on(key)`, SQL names the bind by that key, and not by another of the same database;
//! - a join has no transaction on a bind that it only reads, so others act on it for its next statement;
//! - `changes()` and its like, temporary tables, `RAISE (ROLLBACK)` and deferred constraints, which see or end the
//!   transaction of one bind alone.
//!
//! Left open by SQLite, and so not compared: the order of rows, which of two equal numbers a compound keeps, the text
//! of a plan.
//!
//! A fixed number of seeds, always the same ones. `MULTIBIND_DISPATCH_SECONDS=3600` runs others for as long;
//! `MULTIBIND_DISPATCH_SEED=7` runs one.

mod change;
mod dice;
mod one;
mod statement;
mod trial;
mod world;

use std::time::{Duration, Instant, SystemTime};

use rstest::rstest;

use self::trial::trial;

/// How many seeds are run unless a time is given.
const SEEDS: u64 = 150;

/// Seeds that once found a difference.
const FOUND: [u64; 13] = [
    // An FTS5 table whose creation a savepoint undoes: SQLite fails at the commit.
    1_882_975_863_049_239,
    1_882_978_199_275_066,
    1_882_978_199_277_317,
    // The schema number that a failed `ALTER TABLE` leaves with a connection.
    1_882_978_199_276_607,
    // A statement for one bind that fails and made its unit of work read.
    1_882_978_199_278_712,
    // A bind that the one connection has read and the session has not.
    1_882_973_796_303_121,
    1_882_978_199_274_243,
    // A trigger beside another one that is broken.
    1_882_982_008_754_092,
    // A statement that fails on a bind with two keys.
    1_882_996_203_847_797,
    // A broken view that is there already.
    1_882_994_629_673_516,
    // A table-valued function by which a session reads the bind that it is told.
    1_882_982_008_755_306,
    1_882_982_008_756_729,
    1_882_992_433_954_838,
];

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} has to be a number: {value}")))
}

/// In four parts, each on a thread of its own.
#[rstest]
fn a_session_gives_what_one_connection_with_every_bind_attached_gives(#[values(0, 1, 2, 3)] part: u64) {
    if let Some(seed) = asked("MULTIBIND_DISPATCH_SEED") {
        if part > 0 {
            return;
        }
        return assert_same(seed).map(drop).unwrap_or_else(|problem| panic!("{problem}"));
    }
    let Some(seconds) = asked("MULTIBIND_DISPATCH_SECONDS") else {
        let seeds = (0..SEEDS).chain(FOUND).skip(part as usize).step_by(4);
        let compared = seeds.map(|seed| assert_same(seed).unwrap_or_else(|problem| panic!("{problem}")));
        let compared = compared.sum::<usize>();
        assert!(compared > 500, "only {compared} answers could be compared");
        return;
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    let first = (SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() << 20) | (part << 18);
    let (mut seeds, mut compared, mut failed) = (0, 0, Vec::new());
    while Instant::now() < end && failed.len() < 400 {
        match assert_same(first + seeds) {
            Ok(more) => compared += more,
            Err(problem) => {
                eprintln!("{problem}");
                failed.push(first + seeds);
            }
        }
        seeds += 1;
    }
    eprintln!("{compared} answers of {seeds} seeds compared");
    assert!(failed.is_empty(), "these seeds failed: {failed:?}");
}

fn assert_same(seed: u64) -> Result<usize, String> {
    let ran = std::panic::catch_unwind(|| trial(seed)).unwrap_or_else(|_| Err("it panicked".to_string()));
    ran.map_err(|problem| format!("{problem}\nrepeat it with MULTIBIND_DISPATCH_SEED={seed}\n"))
}
