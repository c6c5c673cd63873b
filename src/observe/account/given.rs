//! The lines that got the address of a database, and whether these are a set-up's, which gets one for each.

use crate::instrument::{Asked, Recorder, Way};
use crate::key::{BindKey, Keys};

/// The lines that got a way to a database.
pub(crate) enum Given {
    /// The last of them, the oldest first.
    Lines(Vec<Asked>),
    /// All are of a set-up: which of its addresses the application used, they do not say.
    SetUp(SetUp),
}

/// A function with a line for the address of each of several databases.
pub(crate) struct SetUp {
    pub(crate) function: String,
    pub(crate) databases: usize,
    /// The line of the database's own.
    pub(crate) line: String,
}

impl Given {
    /// Finds the lines that got a way to a database.
    pub(in crate::observe) fn of(recorder: &Recorder, database: &Keys, way: Way) -> Given {
        let lines = recorder.given(database, way);
        let all = recorder.given_any(way);
        let mut found = None;
        for asked in &lines {
            match set_up(asked, &all) {
                Some(one) => found = Some(one),
                None => return Given::Lines(lines),
            }
        }
        found.filter(|_| way == Way::Address).map_or(Given::Lines(lines), Given::SetUp)
    }

    /// Returns the lines that say more than that there is a set-up.
    pub(crate) fn lines(&self) -> &[Asked] {
        match self {
            Given::Lines(lines) => lines,
            Given::SetUp(_) => &[],
        }
    }
}

/// Returns the set-up that a line is of: its own function, or the one that called that.
fn set_up(asked: &Asked, all: &[Asked]) -> Option<SetUp> {
    let own = |one: &Asked| {
        let place = one.place.as_ref().filter(|place| place.has_callers(0))?;
        Some((place.function()?.to_string(), format!("{}:{}", one.line.file(), one.line.line())))
    };
    let callers = |one: &Asked| {
        let place = one.place.as_ref().filter(|place| place.has_callers(1) && one.line == asked.line)?;
        place.caller().map(|(line, function)| (function.to_string(), line.to_string()))
    };
    by(asked, all, &own).or_else(|| by(asked, all, &callers))
}

/// Returns the set-up among the functions that are found with their lines: each line got one database, and none was got twice
/// in one form, as by a line that was copied and not changed.
fn by(asked: &Asked, all: &[Asked], find: &dyn Fn(&Asked) -> Option<(String, String)>) -> Option<SetUp> {
    let (function, _) = find(asked)?;
    let (mut known, mut databases) = (Vec::<(String, &Asked)>::new(), Vec::<&BindKey>::new());
    for one in all {
        let Some((_, line)) = find(one).filter(|(own, _)| *own == function) else { continue };
        let is_odd = |(other, known): &(String, &Asked)| {
            let is_same = known.database == one.database;
            if *other == line {
                !is_same
            } else {
                is_same && known.method == one.method
            }
        };
        if known.iter().any(is_odd) {
            return None;
        }
        if !databases.contains(&&one.database) {
            databases.push(&one.database);
        }
        known.push((line, one));
    }
    let line = format!("{}:{}", asked.line.file(), asked.line.line());
    (databases.len() > 1).then_some(SetUp { function, databases: databases.len(), line })
}
