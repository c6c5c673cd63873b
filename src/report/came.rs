//! A connection that wrote to a bind, in words: who opened it, and which line of the test or the application asked for the way.

use std::thread;

use super::account::{called_from, sql_lines, under};
use super::table::{paragraph, say};
use crate::instrument::{Asked, Attached, OpenedBy, Opening};
use crate::key::BindKey;
use crate::observe::{Came, Given, SetUp, Statement};

/// Says how a connection came about.
pub(super) fn came_about(came: &Came) -> String {
    let Came { number, attached, opening, given, first, .. } = came;
    let own = opening.names.first();
    let connection = format!("Connection {number} to `{own}`");
    let mut found = match attached {
        Some((bind, attached)) => attaches(&connection, bind, attached.as_ref()),
        None if opening.by == OpenedBy::Pool => {
            return given_by(&format!("{connection} came from"), "or from", given.lines());
        }
        // A thread of a pool's opened it, which says less than the lines that got its address.
        None if opening.place.as_ref().is_none_or(|place| place.text().is_none()) => {
            return addressed(came, &connection);
        }
        None => opened(&connection, opening),
    };
    found.push_str(&match (attached, given) {
        (Some((bind, _)), Given::SetUp(set_up)) => {
            format!("\n{}", set_up_of(&format!("The address of `{bind}`"), "the wrong address was attached", set_up))
        }
        (Some((bind, _)), Given::Lines(lines)) => address(&format!("The address of `{bind}` came from"), lines),
        (None, Given::SetUp(set_up)) => {
            format!("\n{}", set_up_of("Its address", "the wrong address was opened", set_up))
        }
        (None, Given::Lines(lines)) => address("Its address came from", lines),
    });
    found + &first_wrote(first.as_deref())
}

/// Says whose address a connection has that no line of the application's own opened.
fn addressed(came: &Came, connection: &str) -> String {
    let Came { number, opening, given, first, .. } = came;
    let own = opening.names.first();
    let lines = match given {
        Given::SetUp(set_up) => {
            let address = format!("Connection {number} is to `{own}`: its address");
            return set_up_of(&address, "the statement was run on the wrong connection", set_up)
                + &first_wrote(first.as_deref());
        }
        Given::Lines(lines) if lines.is_empty() => return opened(connection, opening) + &first_wrote(first.as_deref()),
        Given::Lines(lines) => lines,
    };
    let by_a_call = match lines.as_slice() {
        [one] if !one.again => one.place.as_ref().and_then(|place| place.calls_a_test()),
        _ => None,
    };
    let Some((at, callers)) = by_a_call else {
        let found = given_by(&format!("{connection} has an address that came from"), "or from", lines);
        return found + &first_wrote(first.as_deref());
    };
    let mut found = say(&format!("Connection {number} is to `{own}`. The application asked for that address once:"));
    for line in std::iter::once(format!("at {at}")).chain(called_from(&callers)) {
        found.push_str(&format!("\n  {}", paragraph(&line, 2, 6)));
    }
    match first {
        Some(first) => {
            let wrote = sql_lines(first.sql_with_values()).into_iter().chain(called_from(&first.lines_of_callers()));
            found.push_str(&format!("\n{}", say("It was opened for another statement, and then kept:")));
            for line in wrote {
                found.push_str(&format!("\n  {}", paragraph(&line, 2, 6)));
            }
            found
        }
        None => found,
    }
}

/// Names the first statement that wrote on a connection.
fn first_wrote(first: Option<&Statement>) -> String {
    first.map_or(String::new(), |first| format!("\n{}", under("It first wrote", None, &[first])))
}

/// Says which line of a set-up an address comes from, and what follows if that line is right.
fn set_up_of(address: &str, then: &str, set_up: &SetUp) -> String {
    let SetUp { function, databases, line } = set_up;
    say(&format!("{address} was asked for at {line}, where `{function}` asks for those of {databases} binds. If it mixes none of them up, {then}."))
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
