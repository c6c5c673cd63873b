//! The words for connections on which the application has replaced an instrument.

use super::table::paragraph;
use super::words::enumerated;
use crate::instrument::{Displaced, OpenedBy, Opening};
use crate::list::mapped;
use crate::sqlite::Slot;

/// The number of connections that are named.
const SHOWN: usize = 5;

/// Names each connection with what the application has replaced on it, and says what to do.
pub(crate) fn displaced(connections: &[Displaced]) -> String {
    let (shown, hidden) = connections.split_at(connections.len().min(SHOWN));
    let mut lines = mapped(shown, |one| format!("  {}", paragraph(&connection(one), 2, 4)));
    match hidden.len() {
        0 => {}
        1 => lines.push("  1 more connection likewise".to_string()),
        more => lines.push(format!("  {more} more connections likewise")),
    }
    format!("{}\n\n{}", lines.join("\n"), paragraph(ADVICE, 0, 0))
}

/// The advice where an instrument was replaced.
const ADVICE: &str = "SQLite has one trace, one authorizer and one commit hook for each connection, and the \
                      application's stay. Set them on no connection that this part of the test uses, or assert on \
                      what changed: `db.changes_since(&before)`.";

/// Names a connection, what the application has replaced on it, and where it was opened.
fn connection(displaced: &Displaced) -> String {
    let lost = enumerated(&mapped(&displaced.lost, |slot| instrument(*slot).to_string()));
    let closed = if displaced.is_open { "" } else { ", and closed since" };
    format!(
        "On connection {} to bind `{}`, {}{closed}, the application has replaced the {lost} of the harness.",
        displaced.connection,
        displaced.names.first(),
        opening(&displaced.opened)
    )
}

fn instrument(slot: Slot) -> &'static str {
    match slot {
        Slot::Trace => "trace",
        Slot::Authorizer => "authorizer",
        Slot::CommitHook => "commit hook",
        Slot::UpdateHook => "update hook",
    }
}

/// Says where a connection was opened.
fn opening(opening: &Opening) -> String {
    match opening.by {
        OpenedBy::Pool => return "of the harness's pool".to_string(),
        OpenedBy::Session => return "of a session".to_string(),
        OpenedBy::Application => {}
    }
    let thread = match opening.thread.name() {
        Some(name) => format!("on thread `{name}`"),
        None => "on a thread without a name".to_string(),
    };
    match opening.place.as_ref().and_then(|place| place.text()) {
        Some(place) => format!("opened {thread} at {place}"),
        None => format!("opened {thread}"),
    }
}
