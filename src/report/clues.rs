//! The clues of a landing's report in words.

use std::sync::Arc;

use rusqlite::types::Value;

use super::account::{called_from, doing, ran_on, sql_lines, statement, under, unprepared};
use super::came::{came_about, unopened};
use super::lock::time;
use super::table::{paragraph, say};
use super::words::{cut, enumerated, quoted, times};
use crate::error::capitalized;
use crate::instrument::{Place, Stray, ThreadState, Unprepared};
use crate::key::BindKey;
use crate::list::mapped;
use crate::observe::{
    Author, Clue, Fate, KeyAction, Last, Replaced, RollbackBy, Statement, StillOpen, Unenforced, Unfailed,
};
use crate::row::Shown;

/// The characters of SQLite's message that are shown.
const MESSAGE: usize = 200;
/// The characters of a value that are shown.
const VALUE: usize = 40;
/// The number of statements that may have written a row which are shown.
const WRITERS_SHOWN: usize = 3;

/// The reasons for which SQLite takes a statement and changes nothing.
const WITHOUT_ERROR: &str =
    "SQLite reported no error: the statement skipped the row, by OR IGNORE, by DO NOTHING, by a WHERE that \
                             matches no row, or by a trigger.";

/// Writes a clue in one paragraph.
pub(super) fn clue(clue: &Clue) -> String {
    match clue {
        Clue::Written { bind, table, author, rows } => {
            let (row, was) = if *rows == 1 { ("The row", "was") } else { ("The rows", "were") };
            authored(&format!("{row} in `{bind}` {was}"), table, author)
        }
        Clue::Nearest { bind, table, author, at_start, met_by } => {
            let was = match at_start.as_slice() {
                [] => format!("The nearest row in `{bind}` was"),
                columns => format!("The nearest row in `{bind}` had {} at the start, and was", values(columns)),
            };
            let found = authored(&was, table, author);
            if met_by.is_empty() {
                return found;
            }
            let met =
                format!("The INSERT was given a key that this row had already, {}, and so updated it.", values(met_by));
            format!("{found}\n{}", say(&met))
        }
        Clue::Earlier { bind, table, last } => {
            listed(&format!("Before that, the same row of `{table}` in `{bind}` was written by"), Some(table), last)
        }
        Clue::Created { bind, statement } => {
            under(&format!("The table in `{bind}` was created by"), None, &[statement])
        }
        Clue::Lost { bind, table, last, .. } => {
            let found = listed(&lost(bind, table, last), Some(table), last);
            if last.statements.iter().any(|one| one.fate() != Fate::Nothing) {
                return found;
            }
            format!("{found}\n{}", say(WITHOUT_ERROR))
        }
        Clue::Failed { statement } => {
            under("Before that, a statement of the same transaction failed:", None, &[statement])
        }
        Clue::Unfailed { unfailed } => say(&unfailed_before(*unfailed)),
        Clue::FailedIn { statement } => {
            under("After that, a statement of the same transaction failed:", None, &[statement])
        }
        Clue::Open { bind, table, last, open: is_open } => open(bind, table, last, is_open.as_ref()),
        Clue::Came { came } => came_about(came),
        Clue::Unopened { bind, given, .. } => unopened(bind, given),
        Clue::Removed { bind, table, put, by } => removed(bind, table, put, by),
        Clue::NotDeleted { bind, table } => say(&format!("No DELETE has run on `{table}` in `{bind}`.")),
        Clue::Trigger { bind, trigger, text, statement } => {
            triggered(bind, trigger, text.as_deref(), statement.as_deref())
        }
        Clue::Gone { bind, table, by } => {
            let row = if by.statements.len() > 1 { "Rows" } else { "A row" };
            let were = if by.statements.len() > 1 { "were" } else { "was" };
            listed(&format!("{row} of `{table}` in `{bind}` {were} deleted by"), Some(table), by)
        }
        Clue::Beside { last, after } => listed(&beside(last, after.as_ref()), None, last),
        Clue::Half { binds } => say(&format!(
            "The unit of work is half committed: what it wrote to {} was committed.",
            quoted(binds, "and")
        )),
        Clue::Changed { bind, table, last } => {
            let what = if last.statements.len() == 1 { "statement" } else { "statements" };
            listed(&format!("The last {what} that changed rows of `{table}` in `{bind}`:"), Some(table), last)
        }
        Clue::Key { actions, replaced } => keys(actions, replaced.as_ref()),
        Clue::DroppedSession { last } => {
            let binds = binds_of(last);
            let (who, were) = if last.statements.len() > 1 { ("Sessions", "were") } else { ("A session", "was") };
            let dropped = format!("{who} that wrote to {} {were} dropped without `commit()`:", quoted(&binds, "and"));
            listed(&dropped, None, last)
        }
        Clue::Broken { bind, table, parent, last, why, key } => {
            let breaks = format!("The row of `{table}` in `{bind}` refers to a row of `{parent}` that is not there.");
            let Some(last) = last else { return say(&breaks) };
            let mut found = listed(&format!("{breaks} Foreign keys were off on the connection of:"), Some(table), last);
            if let Some(why) = why {
                found.push_str(&format!("\n{}", unenforced(why)));
            }
            if let Some(key) = key {
                found.push_str(&format!("\n{}", say(&format!("With foreign keys on: {}.", acts(key)))));
            }
            found
        }
        Clue::Fault { bind, fault, times: count } => say(&format!(
            "A fault that the test set on `{bind}` triggered {}: {fault}.",
            times(usize::try_from(*count).unwrap_or(usize::MAX))
        )),
        Clue::Outside { stray, is_open, table, last } => outside(stray, *is_open, table, last),
        Clue::NothingWritten { table, is_partial, anything, reads_log } => {
            let log = "One that SQLite refused to prepare is not seen: the application reads SQLite's log itself.";
            let found = nothing_written(table, *is_partial, *anything);
            say(&if *reads_log { found } else { format!("{found} {log}") })
        }
        Clue::Unprepared { one, times: count } => {
            let in_all = if *count > 1 { format!(" {}", times(*count)) } else { String::new() };
            refused(&format!("SQLite refused this statement{in_all}"), one)
        }
        Clue::UnpreparedBefore { one } => refused("Before that, SQLite refused a statement on the same thread", one),
    }
}

/// Says that no error was the reason, and where to look for one.
pub(super) fn unfailed_before(unfailed: Unfailed) -> String {
    let Unfailed { is_of_savepoint, is_sure, by } = unfailed;
    let of = if is_of_savepoint { "within that savepoint" } else { "of that transaction" };
    let had = if is_sure { "had failed" } else { "is known to have failed" };
    let next = match by {
        RollbackBy::Call => {
            "the code itself asked for the rollback. Look for the condition or the error that leads to that line"
        }
        RollbackBy::Drop => "the code reached no commit. It is missing, or a `return` or a `?` leaves before it",
        RollbackBy::Future => "the code was stopped at an `.await` before its commit, by a timeout or a `select!`",
        RollbackBy::Unknown => "the code asked for the rollback, or left before its commit",
    };
    format!("No statement {of} {had}: {next}.")
}

/// Shows a trigger, with who created it.
fn triggered(bind: &BindKey, trigger: &str, text: Option<&str>, statement: Option<&Statement>) -> String {
    let mut lines = text.map(sql_lines).unwrap_or_default();
    if let Some(statement) = statement {
        lines.push(match statement.place() {
            Some(place) => format!("created at {place}"),
            None => format!("created {}", ran_on(statement)),
        });
        lines.extend(called_from(&statement.lines_of_callers()));
    } else {
        lines.push("which was there at the start".to_string());
    }
    let mut shown = say(&format!("The trigger `{trigger}` in `{bind}`:"));
    for line in lines {
        shown.push_str(&format!("\n  {}", paragraph(&line, 2, 6)));
    }
    shown
}

/// Says by which keys rows followed others, and which of those were replaced.
fn keys(actions: &[KeyAction], replaced: Option<&Replaced>) -> String {
    let mut sentences = Vec::new();
    if let Some(Replaced { table, keys }) = replaced {
        let on = match keys.as_slice() {
            [] => String::new(),
            [key] => format!(" on {}", columns(key)),
            several => format!(" on one of {}", enumerated(&mapped(several, |key| columns(key)))),
        };
        sentences.push(format!(
            "The statement conflicted with a row of `{table}`{on}, and replaced it: SQLite deletes that row, then inserts \
             the new one."
        ));
    }
    for action in actions.iter().rev() {
        sentences.push(format!("{}.", acts(action)));
    }
    say(&sentences.join(" "))
}

/// Says what a key does to the rows that refer to another.
fn acts(key: &KeyAction) -> String {
    let KeyAction { table, columns: own, parent, parent_columns, on_update, action } = key;
    let (on, when) = if *on_update {
        ("ON UPDATE", format!("changing a row of `{parent}`"))
    } else {
        ("ON DELETE", format!("deleting a row of `{parent}`"))
    };
    let then = match (action.as_str(), on_update) {
        ("CASCADE", false) => format!("deletes the rows of `{table}` that refer to it"),
        ("CASCADE", true) => format!("changes the rows of `{table}` that refer to it"),
        ("SET NULL", _) => format!("sets {} to NULL in the rows of `{table}` that refer to it", columns(own)),
        _ => format!("sets {} to the default in the rows of `{table}` that refer to it", columns(own)),
    };
    let refers = format!("{} of `{table}` refers to {} of `{parent}`", columns(own), columns(parent_columns));
    format!("{refers} {on} {action}, so {when} {then}")
}

fn columns(names: &[String]) -> String {
    enumerated(&mapped(names, |name| format!("`{name}`")))
}

/// Writes columns with their values.
fn values(columns: &[(String, Value)]) -> String {
    enumerated(&mapped(columns, |(name, value)| format!("`{name}` = {}", cut(&Shown(value).to_string(), VALUE))))
}

/// Says that a transaction is open, since when, and whether it was waited for.
fn open(bind: &BindKey, table: &str, last: &Last, open: Option<&StillOpen>) -> String {
    let is_session = last.statements.iter().any(Statement::is_from_session);
    let first = if is_session { ": `session.commit()` first?" } else { ":" };
    let Some(open) = open else {
        let is = format!("A transaction that wrote to `{table}` in `{bind}` is still open{first}");
        return listed(&is, Some(table), last);
    };
    let been = time(open.open());
    let Some(after) = open.ended_after() else {
        let is = format!("A transaction that wrote to `{table}` in `{bind}` is still open{first}");
        let mut found = listed(&is, Some(table), last);
        let begun = open.begun();
        if let Some(place) = begun.as_ref().and_then(|place| place.text())
            && last.statements.iter().all(|one| one.place() != Some(place))
        {
            found.push_str(&format!("\n  {}", paragraph(&format!("it began at {place}"), 2, 6)));
        }
        let mut more = match open.in_vain {
            Some(waited) => format!("open for {been} when this assertion failed, and still {} later", time(waited)),
            None => format!("open for {been} when this assertion failed"),
        };
        if let Some((thread, state)) = &open.thread {
            more = format!("{more}; {}", doing(thread, *state));
            if open.in_vain.is_some() && *state == ThreadState::Idle {
                more.push_str(", so no commit is under way");
            }
        }
        found.push_str(&format!("\n  {}", paragraph(&more, 2, 6)));
        if let Some(last) = &open.last {
            found.push_str(&format!("\n  the last that it wrote:\n{}", statement(last, None, 4)));
        }
        return found;
    };
    let is = format!("A transaction that wrote to `{table}` in `{bind}` was open as this assertion looked:");
    let ended = format!(
        "it ended {} later: the assertion was too early. `db.within(limit)` gives assertions that wait for a commit",
        time(after)
    );
    format!("{}\n  {}", listed(&is, Some(table), last), paragraph(&ended, 2, 6))
}

/// Says that a row was written and deleted again.
fn removed(bind: &BindKey, table: &str, put: &Statement, by: &Last) -> String {
    let is_itself = by.statements.iter().all(|one| one.recorded().number == put.recorded().number);
    let mut found = under(
        &format!("A row was written to `{table}` in `{bind}`, and deleted again. It was written by"),
        Some(table),
        &[put],
    );
    if is_itself {
        let trigger = put.trigger_that_deletes(table);
        let how = trigger.map_or(String::new(), |trigger| format!(": its trigger `{trigger}` deletes from `{table}`"));
        found.push_str(&format!("\n{}", say(&format!("and deleted by the same statement{how}"))));
    } else {
        found.push_str(&format!("\n{}", listed("and deleted by", Some(table), by)));
    }
    found
}

/// Says why a connection enforced no foreign keys.
pub(super) fn unenforced(why: &Unenforced) -> String {
    let at = |place: &Option<Arc<Place>>| match place.as_ref().and_then(|place| place.text()) {
        Some(place) => format!("\n  {}", paragraph(&format!("at {place}"), 2, 6)),
        None => String::new(),
    };
    match why {
        Unenforced::SwitchedOff(place) => {
            format!("  `PRAGMA foreign_keys` was switched off on that connection{}", at(place))
        }
        Unenforced::NeverOn(opening) => format!(
            "  `PRAGMA foreign_keys` was never switched on on that connection, which was opened{}",
            at(&opening.place)
        ),
    }
}

/// Returns the binds of statements, each once.
fn binds_of(last: &Last) -> Vec<BindKey> {
    let mut binds = Vec::<BindKey>::new();
    for statement in &last.statements {
        if !binds.contains(statement.bind()) {
            binds.push(statement.bind().clone());
        }
    }
    binds
}

/// Says that the thread wrote elsewhere, and what became of that.
fn beside(last: &Last, after: Option<&BindKey>) -> String {
    let binds = binds_of(last);
    let all = |is: &dyn Fn(Fate) -> bool| last.statements.iter().all(|statement| is(statement.fate()));
    let (that, was) = if last.statements.len() == 1 { ("that write", "was") } else { ("those writes", "were") };
    let became = if all(&|fate| fate == Fate::FailedItself) {
        format!("{that} failed")
    } else if all(&|fate| fate == Fate::Nothing) {
        format!("{that} changed no row")
    } else if all(&|fate| !matches!(fate, Fate::FailedItself | Fate::Nothing)) {
        format!("{that} {was} rolled back")
    } else {
        format!("nothing of {that} is there")
    };
    let when = after.map_or(String::new(), |bind| format!(" after `{bind}` was committed"));
    format!("The thread that wrote the row also wrote to {}, and {became}{when}:", quoted(&binds, "and"))
}

/// Says what became of writes that are not there.
fn lost(bind: &BindKey, table: &str, last: &Last) -> String {
    let all = |is: &dyn Fn(Fate) -> bool| last.statements.iter().all(|statement| is(statement.fate()));
    let (a, s) = if last.statements.len() == 1 { ("A ", "") } else { ("", "s") };
    let were = if s.is_empty() { "was" } else { "were" };
    let sentence = if all(&|fate| fate == Fate::FailedItself) {
        format!("{a}write{s} to `{table}` in `{bind}` failed:")
    } else if all(&|fate| fate == Fate::Nothing) {
        format!("{a}write{s} to `{table}` in `{bind}` changed no row:")
    } else if all(&|fate| !matches!(fate, Fate::FailedItself | Fate::Nothing)) {
        format!("{a}write{s} to `{table}` in `{bind}` {were} rolled back:")
    } else {
        format!("Writes to `{table}` in `{bind}` of which nothing is there:")
    };
    capitalized(&sentence)
}

/// Names a database that is no harness's, and what wrote to it.
fn outside(stray: &Stray, is_open: bool, table: &str, last: &Last) -> String {
    let is = format!("Written to `{table}` of {}, which is not a bind:", stray.database());
    let written = listed(&is, Some(table), last);
    let opened = match stray.place() {
        Some(place) => format!("the database was opened at {place}"),
        None => format!("the database was {}", stray.opening()),
    };
    let still = if is_open { "" } else { "\n  and is closed" };
    format!("{written}\n  {}{still}", paragraph(&opened, 2, 6))
}

fn nothing_written(table: &str, is_partial: bool, anything: bool) -> String {
    match (is_partial, anything) {
        (true, _) => format!("None of the last statements wrote to a table `{table}`, in any bind."),
        (false, true) => format!("No statement wrote to a table `{table}`, in any bind."),
        (false, false) => {
            "Nothing was written to any bind of this harness. Does the code under test take its connections \
             from it?"
                .to_string()
        }
    }
}

/// Names a statement that SQLite refused to prepare.
fn refused(line: &str, one: &Unprepared) -> String {
    let on = one.on().map_or(String::new(), |on| format!(" on `{}`", on.names.first()));
    let mut found = say(&format!("{line}{on}: {}", cut(&one.message, MESSAGE)));
    for line in unprepared(one) {
        found.push_str(&format!("\n  {}", paragraph(&line, 2, 6)));
    }
    found
}

/// Says by what a row was written.
fn authored(row: &str, table: &str, author: &Author) -> String {
    match author {
        Author::One(one) => under(&format!("{row} written by"), Some(table), &[one]),
        Author::OneOf(several) => {
            let last = several[several.len().saturating_sub(WRITERS_SHOWN)..].iter().collect::<Vec<_>>();
            under(&format!("{row} written by one of these:"), Some(table), &last)
        }
        Author::Start => say(&format!("{row} there at the start.")),
        Author::Unknown => say(&format!("{row} written by no statement that was recorded.")),
    }
}

/// Writes statements under a line.
fn listed(line: &str, table: Option<&str>, last: &Last) -> String {
    let shown = last.statements.iter().collect::<Vec<_>>();
    match last.before {
        0 => under(line, table, &shown),
        1 => format!("{}\n  1 more before these.", under(line, table, &shown)),
        more => format!("{}\n  {more} more before these.", under(line, table, &shown)),
    }
}
