//! One trial: a seed's binds and statements, run by a session and on one connection with every bind attached.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use multibind::rusqlite::types::Value;
use multibind::rusqlite::Connection;
use multibind::sessions::Route;
use multibind::{Error, Harness, Session};

use super::dice::Dice;
use super::one::{contents, run, sorted, values, Answer, One, Table};
use super::statement::{For, Statement, Writer};
use super::world::World;

/// How many statements and ends of units of work a trial has.
const STEPS: usize = 60;

/// The statements of a trial so far, for who has to find out what went wrong.
pub(crate) struct Trial {
    dice: Dice,
    world: World,
    one: One,
    log: String,
    steps: usize,
    /// How many answers were compared.
    pub(crate) compared: usize,
    /// The binds that the session's unit of work has a transaction on.
    session_in: BTreeSet<usize>,
    /// Whether the one connection was refused a lock that the session was not: what follows is not comparable.
    has_parted: bool,
}

/// Runs the trial of a seed. What went wrong comes with everything that was done.
pub(crate) fn trial(seed: u64) -> Result<usize, String> {
    let mut dice = Dice::of(seed);
    let world = World::of(&mut dice);
    let one = One::of(&world);
    let db = world.start();
    let mut trial = Trial {
        dice,
        world,
        one,
        log: String::new(),
        steps: STEPS,
        compared: 0,
        session_in: BTreeSet::new(),
        has_parted: false,
    };
    let done = trial.all(&db);
    let Trial { world, log, compared, .. } = trial;
    match done {
        Ok(()) => Ok(compared),
        Err(problem) => Err(format!("{world}{log}{problem}")),
    }
}

impl Trial {
    fn all(&mut self, db: &Harness) -> Result<(), String> {
        let mut session = db.session();
        while self.steps > 0 {
            self.block(db, &mut session, 0)?;
            if self.has_parted {
                return Ok(());
            }
            match self.dice.below(4) {
                0 => {
                    self.note("-- rollback");
                    session.rollback().map_err(|error| format!("rollback: {error}"))?;
                    self.end("ROLLBACK")?;
                }
                1 => {
                    self.note("-- dropped, and a new session");
                    session = db.session();
                    self.end("ROLLBACK")?;
                }
                _ => {
                    self.note("-- commit");
                    let committed = session.commit();
                    let expected = self.end("COMMIT");
                    match (committed, expected) {
                        (Ok(()), Ok(())) => {}
                        // One connection rolls everything back, and so does a session whose first commit fails.
                        (Err(Error::Commit { committed, .. }), Err(_)) => {
                            if !committed.is_empty() {
                                return Ok(());
                            }
                        }
                        (committed, expected) => {
                            return Err(format!("one connection: {expected:?}\nsession: {committed:?}"));
                        }
                    }
                    if self.dice.chance(25) {
                        self.same_contents(db)?;
                    }
                }
            }
        }
        self.same_contents(db)
    }

    fn end(&mut self, how: &str) -> Result<(), String> {
        self.session_in.clear();
        self.one.end(how)
    }

    fn note(&mut self, text: &str) {
        writeln!(self.log, "{text}").unwrap();
    }

    /// A few statements, some of them within a savepoint.
    fn block(&mut self, db: &Harness, session: &mut Session, depth: usize) -> Result<(), String> {
        for _ in 0..1 + self.dice.below(9) {
            if self.steps == 0 {
                return Ok(());
            }
            self.steps -= 1;
            if depth < 2 && self.dice.chance(6) {
                self.note(&format!("-- savepoint {depth}"));
                self.one.control(&format!("SAVEPOINT level_{depth}"))?;
                let mut savepoint = session.savepoint().map_err(|error| error.to_string())?;
                self.block(db, &mut savepoint, depth + 1)?;
                if self.dice.chance(50) {
                    self.note(&format!("-- release {depth}"));
                    savepoint.commit().map_err(|error| format!("release: {error}"))?;
                } else {
                    self.note(&format!("-- rollback to {depth}"));
                    savepoint.rollback().map_err(|error| format!("rollback to: {error}"))?;
                    self.one.control(&format!("ROLLBACK TO level_{depth}"))?;
                }
                self.one.control(&format!("RELEASE level_{depth}"))?;
                continue;
            }
            if self.dice.chance(12) {
                self.other(db)?;
            } else {
                self.statement(session)?;
            }
        }
        Ok(())
    }

    fn tables(&mut self) -> Vec<Table> {
        (0..self.world.places.len()).flat_map(|place| self.one.tables(place)).collect()
    }

    /// Something that another connection does on one bind.
    fn other(&mut self, db: &Harness) -> Result<(), String> {
        // First, for it has the one connection read some binds, which others then change for the session alone.
        let tables = self.tables();
        // A join has no transaction on the binds that it reads, and the one connection has.
        let free =
            (0..self.world.places.len()).filter(|place| !self.one.is_in(*place) || self.session_in.contains(place));
        let free = free.collect::<Vec<_>>();
        if free.is_empty() {
            return Ok(());
        }
        let place = *self.dice.one(&free);
        let mut writer = Writer::new(&mut self.dice, &self.world, &tables, For::Other(place));
        let changes = writer.dice.chance(75);
        let Some((sql, _)) = (if changes { writer.change(self.steps) } else { writer.write() }) else { return Ok(()) };
        let key = self.world.places[place].key();
        self.note(&format!("-- by another connection, on {key}\n{};", sql.one));
        let conn = Connection::open(db.uri(key).unwrap()).unwrap();
        conn.busy_timeout(Duration::ZERO).unwrap();
        let (expected, found) = (self.one.other(place, &sql.one), run(&conn, &sql.one));
        match (&expected, &found) {
            (Ok(_), Ok(_)) => Ok(()),
            (Err(error), Err(_)) => {
                self.note(&format!("    -- {error}"));
                Ok(())
            }
            _ => Err(format!("one connection: {expected:?}\nbeside a session: {found:?}")),
        }
    }

    fn statement(&mut self, session: &mut Session) -> Result<(), String> {
        let tables = self.tables();
        let told = self.dice.below(self.world.places.len());
        let run = if self.dice.chance(8) { For::Told(told) } else { For::Session };
        let mut writer = Writer::new(&mut self.dice, &self.world, &tables, run);
        let written = match writer.dice.below(20) {
            0..=3 => writer.change(self.steps),
            4..=9 => writer.write(),
            _ => None,
        };
        let statement = match written {
            Some((sql, place)) => writer.done(sql, Some(place)),
            None => {
                let sql = writer.select();
                writer.done(sql, None)
            }
        };
        self.note(&format!("{};", statement.sql.session));
        if statement.sql.one != statement.sql.session {
            self.note(&format!("    -- {}", statement.sql.one));
        }
        let compared = self.compare(session, &statement);
        compared.map_err(|problem| {
            let visible = tables.iter().map(|table| format!("{}.{}", self.world.places[table.place].key(), table.name));
            format!("{problem}\ntables: {}", visible.collect::<Vec<_>>().join(", "))
        })
    }

    /// Runs a statement by both and compares.
    fn compare(&mut self, session: &mut Session, statement: &Statement) -> Result<(), String> {
        let Statement { sql, uses, writes, .. } = statement;
        let crosses = writes.is_some() && uses.len() > 1;
        let must_fail = crosses || statement.is_ambiguous || statement.is_homeless;
        let route = match statement.run {
            For::Session => Some(session.route(&sql.session)),
            _ => None,
        };
        let answer = match statement.run {
            For::Session => session.query(&sql.session, [], values),
            For::Told(place) => {
                session.on(self.world.places[place].keys[0]).and_then(|mut on| on.query(&sql.session, [], values))
            }
            For::Other(_) => return Err("nobody's statement".to_string()),
        };
        let answer = answer.map(sorted);
        let has_two_keys = |place: &usize| self.world.places[*place].keys.len() > 1;
        match &answer {
            // One database by two of its keys; the other connection has only one.
            Err(Error::Statement { problem, .. })
                if writes.iter().any(has_two_keys) && problem.contains("keys of one") =>
            {
                return Ok(());
            }
            _ => {}
        }
        if must_fail {
            let why = match (crosses, statement.is_ambiguous) {
                (_, true) => "a name is in several binds",
                (true, _) => "it writes one bind and reads another",
                _ => "there is no default bind",
            };
            if let Some(Ok(route)) = route {
                return Err(format!("{why}, and yet route: {route}"));
            }
            return match answer {
                Ok(_) => Err(format!("{why}, and yet it ran")),
                Err(_) => Ok(()),
            };
        }
        if uses.is_empty() && matches!(answer, Err(Error::NoDefaultBind { .. })) && !self.world.has_default() {
            return Ok(());
        }
        let was_in = uses.iter().any(|place| self.one.is_in(*place));
        let expected = self.one.run(&sql.one);
        // Its transaction is on every bind that it has read, a session's only on those that it has not read in a join.
        if answer.is_ok() && expected.as_ref().is_err_and(|error| error.contains("database is locked")) {
            (self.has_parted, self.steps) = (true, 0);
            return Ok(());
        }
        self.compared += 1;
        // A table-valued function reads `main`, and with `on(key)` that is the bind.
        if let (For::Told(place), true) = (statement.run, uses.is_empty()) {
            self.one.read(place);
        }
        // By a join, and by two keys of one database, a session reads on another connection. For an `EXPLAIN` a virtual
        // table may have been read, on one of the two.
        if let [place] = uses.iter().copied().collect::<Vec<_>>()[..]
            && !was_in
            && expected.is_ok()
            && self.one.is_in(place)
            && !has_two_keys(&place)
            && !sql.one.starts_with("EXPLAIN")
        {
            self.session_in.insert(place);
        }
        same(&sql.session, &expected, &answer)?;
        match route {
            Some(Ok(route)) if expected.is_ok() => self.same_route(&route, statement),
            Some(Err(error)) if expected.is_ok() => Err(format!("route: {error}")),
            _ => Ok(()),
        }
    }

    /// Compares what `route` says with what a statement names.
    fn same_route(&self, route: &Route, statement: &Statement) -> Result<(), String> {
        let Statement { sql, uses, writes, .. } = statement;
        let writes = writes.map(|place| self.world.places[place].key());
        let uses = uses.iter().map(|place| self.world.places[*place].key()).collect::<Vec<_>>();
        // It writes nothing where there is nothing to drop or no index, and SQLite says so.
        let may_do_nothing = sql.one.starts_with("REINDEX") || sql.one.contains(" EXISTS ");
        if route.writes() != writes.as_slice() && !(may_do_nothing && route.writes().is_empty()) {
            return Err(format!("route does not say that it writes {writes:?}: {route}"));
        }
        if writes.is_none() && route.reads() != uses {
            return Err(format!("route does not say that it reads {uses:?}: {route}"));
        }
        Ok(())
    }

    /// Compares what is committed in every bind.
    fn same_contents(&self, db: &Harness) -> Result<(), String> {
        for (at, place) in self.world.places.iter().enumerate() {
            let conn = Connection::open(db.uri(place.key()).unwrap()).unwrap();
            let (expected, found) = (self.one.contents(at), contents(&conn));
            if let Some((expected, found)) = expected.iter().zip(&found).find(|(expected, found)| expected != found) {
                return Err(format!(
                    "bind {}\none connection: {}\nsession: {}",
                    place.key(),
                    shown(expected),
                    shown(found)
                ));
            }
            if expected.len() != found.len() {
                return Err(format!(
                    "bind {} has {} tables, and should have {}",
                    place.key(),
                    found.len(),
                    expected.len()
                ));
            }
        }
        Ok(())
    }
}

fn same(sql: &str, expected: &Answer, found: &Result<Vec<Vec<Value>>, Error>) -> Result<(), String> {
    match (expected, found) {
        // The text of a plan has the order in it that SQLite found best there.
        (Ok(_), Ok(_)) if sql.starts_with("EXPLAIN") => Ok(()),
        (Ok(expected), Ok(found)) if expected == found => Ok(()),
        (Err(_), Err(_)) => Ok(()),
        (expected, Ok(found)) => {
            Err(format!("one connection: {}\nsession: {}", shown(expected), shown(&Ok(found.clone()))))
        }
        (expected, Err(error)) => Err(format!("one connection: {}\nsession: {error}", shown(expected))),
    }
}

fn shown(answer: &Answer) -> String {
    match answer {
        Ok(rows) => rows.iter().map(|row| format!("\n  {row:?}")).collect(),
        Err(error) => format!("error: {error}"),
    }
}
