//! The calls by which a test or the application got a way to a database: its pool, a connection of it, its URI, its file.

use std::panic::Location;
use std::sync::{Arc, Mutex};

use super::place::Place;
use crate::key::{BindKey, Keys};
use crate::list::filtered;
use crate::sync::lock;

/// The most calls that are remembered of one database, and of all.
const OF_ONE: usize = 4;
const OF_ALL: usize = 256;

/// The most places that are captured.
const PLACES: usize = 32;

/// A way to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Connections of the harness's own.
    Pool,
    /// A text by which a driver opens connections.
    Address,
}

/// A line that asked for a way to a database.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) way: Way,
    /// The method of the harness.
    pub(crate) method: &'static str,
    /// The key that means the database first.
    pub(crate) database: BindKey,
    pub(crate) line: &'static Location<'static>,
    /// The place of the first call, if it was captured.
    pub(crate) place: Option<Arc<Place>>,
    /// Set if the line has asked again.
    pub(crate) again: bool,
}

/// The lines that have asked, the last of each database.
#[derive(Debug, Default)]
pub(super) struct Asking(Mutex<Asks>);

#[derive(Debug, Default)]
struct Asks {
    kept: Vec<Asked>,
    captured: usize,
}

impl Asking {
    /// Notes a call. A line that asks again costs no backtrace.
    pub(super) fn note(&self, database: &Keys, way: Way, method: &'static str, line: &'static Location<'static>) {
        let mut asks = lock(&self.0);
        let database = database.first();
        let known = |one: &Asked| one.database == *database && one.line == line && one.method == method;
        if let Some(at) = asks.kept.iter().position(known) {
            let mut asked = asks.kept.remove(at);
            asked.again = true;
            asks.kept.push(asked);
            return;
        }
        let is_full = asks.kept.iter().filter(|one| one.database == *database).count() == OF_ONE;
        if is_full && let Some(oldest) = asks.kept.iter().position(|one| one.database == *database) {
            asks.kept.remove(oldest);
        }
        if asks.kept.len() == OF_ALL {
            asks.kept.remove(0);
        }
        let may = asks.captured < PLACES;
        asks.captured += usize::from(may);
        let place = may.then(|| Arc::new(Place::capture()));
        asks.kept.push(Asked { way, method, database: database.clone(), line, place, again: false });
    }

    /// Returns the last calls for a way to a database, the oldest first.
    pub(super) fn of(&self, database: &Keys, way: Way) -> Vec<Asked> {
        filtered(&lock(&self.0).kept, |one| one.way == way && one.database == *database.first())
    }

    /// Returns the last calls for a way to any database.
    pub(super) fn all(&self, way: Way) -> Vec<Asked> {
        filtered(&lock(&self.0).kept, |one| one.way == way)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use super::{Asking, Way, OF_ALL, OF_ONE, PLACES};
    use crate::key::{BindKey, Keys};

    fn keys(number: usize) -> Keys {
        Keys::one(BindKey::from(format!("bind{number}")))
    }

    #[test]
    fn a_line_that_asks_again_is_kept_once_and_counts_as_the_last() {
        let (asking, auth) = (Asking::default(), keys(1));
        let first = line();
        let second = line();
        for line in [first, second, first] {
            asking.note(&auth, Way::Pool, "pool", line);
        }
        let lines = asking.of(&auth, Way::Pool);
        assert_eq!((lines.len(), lines[0].line, lines[1].line), (2, second, first));
        assert_eq!((lines[0].again, lines[1].again), (false, true));
        assert!(asking.of(&auth, Way::Address).is_empty() && asking.of(&keys(2), Way::Pool).is_empty());
    }

    #[test]
    fn the_last_lines_are_kept_of_each_database_and_few_backtraces() {
        let asking = Asking::default();
        let methods = ["pool", "connection", "pool_for", "connection_for", "uri"];
        for number in 0..OF_ALL {
            for method in methods {
                asking.note(&keys(number), Way::Pool, method, Location::caller());
            }
        }
        let last = asking.of(&keys(OF_ALL - 1), Way::Pool);
        assert_eq!(last.iter().map(|asked| asked.method).collect::<Vec<_>>(), methods[1..]);
        let all = (0..OF_ALL).flat_map(|number| asking.of(&keys(number), Way::Pool)).count();
        assert_eq!((all, last.len(), last[0].place.is_none()), (OF_ALL, OF_ONE, true));
        assert_eq!(crate::sync::lock(&asking.0).captured, PLACES);
    }

    #[track_caller]
    fn line() -> &'static Location<'static> {
        Location::caller()
    }
}
