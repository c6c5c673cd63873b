//! A connection that wrote to a bind, in words: who opened it, and which line of the test or the application asked for the way.

use std::thread;

use super::account::{called_from, under};
use super::table::{paragraph, say};
use crate::instrument::{Asked, Attached, OpenedBy, Opening};
use crate::key::BindKey;
use crate::observe::{Came, Given, SetUp};

/// Says how a connection came about.
pub(super) fn came_about(came: &Came) -> String {
    let Came { number, opening, first, .. } = came;
    let connection = format!("Connection {number} to `{}`", opening.names.first());
    let mut found = way(came, &connection);
    if let Some(first) = first {
        found.push_str(&format!("\n{}", under("It first wrote", None, &[first])));
    }
    found
}

/// Says who opened a connection, or attached the bind to it, and by which address.
fn way(came: &Came, connection: &str) -> String {
    let Came { attached, opening, given, .. } = came;
    let mut found = match attached {
        Some((bind, attached)) => attaches(connection, bind, attached.as_ref()),
        None if opening.by == OpenedBy::Pool => {
            return given_by(&format!("{connection} came from"), "or from", given.lines());
        }
        // A thread of a pool's opened it, which says less than the lines that got its address.
        None if opening.place.as_ref().is_none_or(|place| place.text().is_none()) => {
            return addressed(connection, opening, given);
        }
        None => opened(connection, opening),
    };
    match (attached, given) {
        (Some((bind, _)), Given::SetUp(set_up)) => {
            found.push_str(&format!("\n{}", say(&format!("The address of `{bind}` was {}.", one_of(set_up)))));
        }
        (Some((bind, _)), Given::Lines(lines)) => {
            found.push_str(&address(&format!("The address of `{bind}` came from"), lines));
        }
        (None, given) => found.push_str(&address("Its address came from", given.lines())),
    }
    found
}

/// Says whose address a connection has that no line of the application's own opened.
fn addressed(connection: &str, opening: &Opening, given: &Given) -> String {
    let lines = match given {
        Given::SetUp(set_up) => {
            let found = opened(connection, opening);
            return format!("{found}\n{}", say(&format!("Its address was {}.", one_of(set_up))));
        }
        Given::Lines(lines) if lines.is_empty() => return opened(connection, opening),
        Given::Lines(lines) => lines,
    };
    let by_a_call = match lines.as_slice() {
        [one] if !one.again => one.place.as_ref().and_then(|place| Some((one, place.text()?, place.calls_a_test()?))),
        _ => None,
    };
    let Some((asked, given_at, (at, callers))) = by_a_call else {
        return given_by(&format!("{connection} has an address that came from"), "or from", lines);
    };
    let mut found = say(&format!("{connection} has the address that the application asked for"));
    for line in std::iter::once(format!("at {at}")).chain(called_from(&callers)) {
        found.push_str(&format!("\n  {}", paragraph(&line, 2, 6)));
    }
    let given_at = paragraph(&format!("at {given_at}"), 2, 6);
    format!("{found}\nand was given by `db.{}`\n  {given_at}", asked.method)
}

/// Says that a set-up asked for an address among those of other databases.
fn one_of(set_up: &SetUp) -> String {
    let SetUp { function, databases } = set_up;
    format!("among those of {databases} binds that `{function}` asked for")
}

/// Says that a connection had attached the database of another bind.
fn attaches(connection: &str, bind: &BindKey, attached: Option<&Attached>) -> String {
    let Some(Attached { schema, place, .. }) = attached else {
        return say(&format!("{connection} had attached `{bind}`."));
    };
    let mut found = say(&format!("{connection} had attached `{bind}` as `{schema}`"));
    if let Some(place) = place {
        let at = place.text().map(|text| format!("at {text}"));
        for line in at.into_iter().chain(called_from(&place.lines_of_callers())) {
            found.push_str(&format!("\n  {}", paragraph(&line, 2, 6)));
        }
    }
    found
}

/// Says who opened a connection, and where that is known on a line of its own.
fn opened(connection: &str, opening: &Opening) -> String {
    let place = opening.place.as_ref().and_then(|place| Some((place.text()?, place.lines_of_callers())));
    match place {
        Some((place, callers)) => {
            let at = paragraph(&format!("at {place}"), 2, 6);
            let mut opened = format!("{}\n  {at}", say(&format!("{connection} was opened")));
            if let Some(callers) = called_from(&callers) {
                opened.push_str(&format!("\n  {}", paragraph(&callers, 2, 6)));
            }
            opened
        }
        None => match opening.thread.name() {
            _ if opening.thread.id() == thread::current().id() => {
                say(&format!("{connection} was opened on the test's thread."))
            }
            Some(name) => say(&format!("{connection} was opened on thread `{name}`.")),
            None => say(&format!("{connection} was opened on an unnamed thread.")),
        },
    }
}

/// Says that nobody has opened a connection to a bind, and who could have.
pub(super) fn unopened(bind: &BindKey, given: &Given) -> String {
    let found = say(&format!("Nothing in this process has opened a connection to `{bind}`."));
    found + &address("Its address came from", given.lines())
}

/// The most lines that got a way to a database which are named.
const LINES: usize = 2;

/// Names the lines by which an address was got; nothing where none is known.
fn address(first: &str, given: &[Asked]) -> String {
    if given.is_empty() {
        return String::new();
    }
    format!("\n{}", given_by(first, "and from", given))
}

/// Names the last lines by which a way to a database was got.
fn given_by(first: &str, next: &str, given: &[Asked]) -> String {
    let mut found = String::new();
    for asked in &given[given.len().saturating_sub(LINES)..] {
        let lead = if found.is_empty() { first.to_string() } else { format!("\n{next}") };
        found.push_str(&format!("{lead} `db.{}`", asked.method));
        for line in asked_at(asked) {
            found.push_str(&format!("\n  {}", paragraph(&line, 2, 6)));
        }
    }
    found
}

/// Returns the place of a line, and its callers where it asked once.
fn asked_at(asked: &Asked) -> Vec<String> {
    let Some((place, text)) = asked.place.as_ref().and_then(|place| Some((place, place.text()?))) else {
        return vec![format!("at {}:{}", asked.line.file(), asked.line.line())];
    };
    let mut lines = vec![format!("at {text}")];
    if asked.again {
        lines.push("several times".to_string());
    } else {
        lines.extend(called_from(&place.lines_of_callers()));
    }
    lines
}
