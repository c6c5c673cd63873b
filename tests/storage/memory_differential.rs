//! Random schedules, on binds in memory and on files: each step says the same on both.
//!
//! Each test runs alone in a process of its own. SQLite's connections share one cache, and when it writes pages early, which
//! can be seen, is decided by all that the process has open.

mod played;
mod resets;
mod schedule;
mod threads;

use std::time::{Duration, Instant, UNIX_EPOCH};

use multibind::Bind;

use crate::alone::alone;

use self::played::World;
use self::schedule::{schedule, shortened, Step};

/// How many seconds a test runs for, and the one schedule that it plays.
pub(crate) const SECONDS: &str = "MULTIBIND_VFS_SECONDS";
pub(crate) const SEED: &str = "MULTIBIND_VFS_SEED";

pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is no number")))
}

/// A seed that no other run has had.
pub(crate) fn some_seed() -> u64 {
    UNIX_EPOCH.elapsed().unwrap().as_secs() << 20
}

/// Where the two differ first: the step with what each says.
fn difference(steps: &[Step]) -> Option<String> {
    let (memory, file) = (World::new(Bind::memory).play(steps), World::new(Bind::temp_file).play(steps));
    let (memory, file) = memory.iter().zip(&file).find(|(memory, file)| memory != file)?;
    Some(format!("memory: {memory}\nfile:   {file}"))
}

fn check(seed: u64) {
    let steps = schedule(seed);
    if difference(&steps).is_none() {
        return;
    }
    let steps = shortened(steps, &|steps| difference(steps).is_some());
    let said = difference(&steps).unwrap_or_else(|| "it does not differ when it is played again".to_string());
    panic!("{said}\nafter {steps:#?}\n{SEED}={seed} plays it again");
}

#[test]
fn whatever_a_schedule_does_memory_answers_as_a_file() {
    if !alone() {
        return;
    }
    if let Some(seed) = number(SEED) {
        return check(seed);
    }
    let Some(seconds) = number(SECONDS) else { return (0..60).for_each(check) };
    let end = Instant::now() + Duration::from_secs(seconds);
    for seed in some_seed().. {
        check(seed);
        if Instant::now() > end {
            return;
        }
    }
}
