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
    let is_unreported = |one: &Displaced| one.opened.is_none();
    let (replaced, unreported) = (!connections.iter().all(is_unreported), connections.iter().any(is_unreported));
    let mut text = lines.join("\n");
    for advice in [(ADVICE, replaced), (UNREPORTED, unreported)].iter().filter(|(_, is_due)| *is_due) {
        text += &format!("\n\n{}", paragraph(advice.0, 0, 0));
    }
    text
}

/// The advice where an instrument was replaced.
const ADVICE: &str = "SQLite has one trace, one authorizer and one commit hook for each connection, and the \
                      application's stay. Set them on no connection that this part of the test uses, or assert on \
                      what changed: `db.changes_since(&before)`.";

/// The advice where openings were not reported.
const UNREPORTED: &str =
    "Take extensions away one by one, by `sqlite3_cancel_auto_extension`, or assert on what changed: \
                          `db.changes_since(&before)`.";

/// Names a connection, what the application has replaced on it, and where it was opened.
fn connection(displaced: &Displaced) -> String {
    let Some(opened) = &displaced.opened else {
        return "The application has called `sqlite3_reset_auto_extension`, by which SQLite reports each opening: the \
                connections that it opened after that, to whichever bind, were not seen."
            .to_string();
    };
    let lost = enumerated(&mapped(&displaced.lost, |slot| instrument(*slot).to_string()));
    let closed = if displaced.is_open { "" } else { ", and closed since" };
    format!(
        "On connection {} to bind `{}`, {}{closed}, the application has replaced the {lost} of the harness.",
        displaced.connection,
        opened.names.first(),
        opening(opened)
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
