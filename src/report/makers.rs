//! The statements behind a change set: those that made its changes, and those whose changes did not stay.

use super::account::statement;
use super::came::came_about;
use super::clues::unfailed_before;
use super::table::{paragraph, say};
use super::words::times;
use crate::instrument::Calls;
use crate::list::mapped;
use crate::observe::{ChangeSet, Compared, Statement, TableChange};

/// The most tables and statements of each that are shown.
const TABLES: usize = 3;
const STATEMENTS: usize = 3;

/// Names the statements that made these changes; nothing of changes whose statements are not known. Where the bind is not the
/// one that was meant, or no line of a statement is known, its connection is named too.
pub(super) fn made(changes: &ChangeSet, tables: &[TableChange], is_wrong: &dyn Fn(&TableChange) -> bool) -> String {
    let mut report = String::new();
    for change in tables.iter().take(TABLES) {
        let makers = changes.makers(change);
        if makers.is_empty() {
            continue;
        }
        let title = format!("`{}` in `{}` was changed by", change.table, change.bind);
        report += &format!("{}\n{}\n\n", paragraph(&title, 0, 0), listed(&makers, &change.table));
        let is_asked = |maker: &&Statement| is_wrong(change) || maker.place().is_none();
        if let Some(came) = makers.last().filter(is_asked).and_then(|maker| changes.came(change, maker)) {
            report += &format!("{}\n\n", came_about(&came));
        }
    }
    report
}

/// Says of each table that was to change and did not what was tried; nothing where that is not known.
pub(super) fn missing(changes: &ChangeSet, tables: &[Compared]) -> String {
    let mut report = String::new();
    let without = tables.iter().filter(|table| table.found.is_empty() && !table.is_as_expected());
    for Compared { bind, table, .. } in without.take(TABLES) {
        let Some(attempts) = changes.attempts(bind, table) else { continue };
        if attempts.is_empty() {
            report += &format!("{}\n\n", paragraph(&format!("No statement wrote to `{table}` in `{bind}`."), 0, 0));
            if let Some(last) = changes.dropped_beside(bind, table).last() {
                let dropped = format!("A session that wrote to `{}` was dropped without `commit()`:", last.bind());
                report += &format!("{}\n{}\n\n", paragraph(&dropped, 0, 0), statement(last, None, 2));
            }
            continue;
        }
        let title = format!("Nothing has stayed in `{table}` of `{bind}` of");
        report += &format!("{}\n{}\n\n", paragraph(&title, 0, 0), listed(&attempts, table));
        if let Some(unfailed) = attempts.last().and_then(|last| changes.unfailed(last)) {
            report += &format!("{}\n\n", say(&unfailed_before(unfailed)));
        }
    }
    report
}

fn listed(statements: &[Statement], table: &str) -> String {
    let shown = &statements[statements.len().saturating_sub(STATEMENTS)..];
    let mut lines = Vec::<String>::new();
    let all = mapped(shown, |one| (statement(one, Some(table), 2), one));
    for alike in all.chunk_by(|(one, _), (next, _)| one == next) {
        let [(text, one), rest @ ..] = alike else { continue };
        lines.push(text.clone());
        if !rest.is_empty() {
            let from = ran_from(one, &mapped(rest, |(_, next)| *next));
            lines.push(format!("  {}", paragraph(&format!("ran {}{from}", times(alike.len())), 2, 6)));
        }
    }
    if shown.len() < statements.len() {
        lines.insert(0, format!("  {} others, and", statements.len() - shown.len()));
    }
    lines.join("\n")
}

/// Says from where the same statement ran again, as far as the calls that led to it tell.
fn ran_from(one: &Statement, again: &[&Statement]) -> String {
    let (mut is_same, mut is_one_call) = (true, true);
    for next in again {
        match one.compare_calls(next) {
            Calls::Differ(first, second) => return format!(": through {first}, and through {second}"),
            Calls::Same { is_one_call: is_one } => is_one_call &= is_one,
            Calls::Unknown => is_same = false,
        }
    }
    match (is_same, is_one_call) {
        (true, true) => ", by the same calls each time: one of these lines is in a loop".to_string(),
        (true, false) => " from that line, by two calls that stand on one line".to_string(),
        (false, _) => " from there".to_string(),
    }
}
