//! sql-migrate's files: `-- +migrate Up` begins what leads up, `-- +migrate Down` what leads back, and a line that ends in
//! a semicolon ends a statement, but between `-- +migrate StatementBegin` and `-- +migrate StatementEnd`.

use std::cmp::Ordering;

use super::super::super::marked::Misplaced;
use super::section::{ends_statement, lines, Direction, Section};
use crate::sqlite::script::line_at;

const COMMAND: &str = "-- +migrate ";

/// Returns whether the line is meant for the tool, whatever its spelling.
pub(super) fn is_command(line: &str) -> bool {
    let comment = line.trim_start().strip_prefix("--").map(str::trim_start);
    comment.is_some_and(|comment| {
        let word = comment.split_whitespace().next().unwrap_or_default();
        word.eq_ignore_ascii_case("+migrate")
    })
}

/// Returns the number that a file name begins with.
fn number(name: &str) -> Option<Result<i64, std::num::ParseIntError>> {
    let digits = name.len() - name.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    (digits > 0).then(|| name[..digits].parse())
}

/// Returns the version of a file name, which is the whole name; `None` for one that sql-migrate cannot order.
pub(super) fn version_of(name: &str) -> Option<String> {
    let can_be_ordered = !matches!(number(name), Some(Err(_)));
    (name.ends_with(".sql") && can_be_ordered).then(|| name.to_string())
}

/// Compares names by the numbers that they begin with, those without one last; else as text.
pub(super) fn order(one: &str, other: &str) -> Ordering {
    match (number(one), number(other)) {
        (Some(Ok(one)), Some(Ok(other))) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        _ => Ordering::Equal,
    }
    .then_with(|| one.cmp(other))
}

/// Returns the sections of a file that lead in a direction, a piece for each statement.
pub(super) fn sections(text: &str, direction: Direction) -> Result<Vec<Section>, Misplaced> {
    let misplaced = |offset, problem: String| Misplaced { line: line_at(text, offset), problem };
    let unfinished =
        |offset| misplaced(offset, "sql-migrate wants a `;` at the end of the last line of this statement".to_string());
    let (mut current, mut statement, mut block) = (None, None, None);
    let mut in_transaction = true;
    let mut sections: Vec<Section> = Vec::new();
    let close = |sections: &mut Vec<Section>, end: usize| {
        if let Some(last) = sections.last_mut().filter(|last| last.range.end == text.len()) {
            last.range.end = end;
        }
    };
    for line in lines(text) {
        if is_command(line.text) {
            let fail = |problem: &str| Err(misplaced(line.start, problem.to_string()));
            let mut words = line.text.strip_prefix(COMMAND).unwrap_or_default().split_whitespace();
            match words.next() {
                Some(name @ ("Up" | "Down")) => {
                    if let Some(statement) = statement {
                        return Err(unfinished(statement));
                    }
                    if block.is_some() {
                        return fail("sql-migrate wants `-- +migrate StatementEnd` before this");
                    }
                    let begun = if name == "Up" { Direction::Up } else { Direction::Down };
                    close(&mut sections, line.start);
                    current = Some(begun);
                    if begun == direction {
                        in_transaction &= !words.any(|option| option == "notransaction");
                        sections.push(Section {
                            range: line.next..text.len(),
                            pieces: Vec::new(),
                            in_transaction: true,
                        });
                    }
                }
                Some("StatementBegin") if current.is_some() && block.is_none() => block = Some(line.next),
                Some("StatementEnd") if block.is_some() => {
                    let start = statement.take().or(block.take()).unwrap_or(line.start);
                    block = None;
                    if let (Some(last), true) = (sections.last_mut(), current == Some(direction)) {
                        last.pieces.push(start..line.start);
                    }
                }
                Some("StatementBegin" | "StatementEnd") => {
                    return fail("sql-migrate wants StatementBegin and StatementEnd in turn, after Up or Down");
                }
                _ => {
                    return fail(
                        "sql-migrate passes over this line: it knows `-- +migrate Up`, `-- +migrate Down`, \
                                 `-- +migrate StatementBegin` and `-- +migrate StatementEnd`, spelt so",
                    );
                }
            }
            continue;
        }
        if line.text.starts_with("-- ") || line.text.trim().is_empty() && statement.is_none() {
            continue;
        }
        if current.is_none() {
            if line.text.trim_start().starts_with("--") {
                continue;
            }
            let problem = "sql-migrate passes over what stands before `-- +migrate Up`: move this below it";
            return Err(misplaced(line.start, problem.to_string()));
        }
        let start = *statement.get_or_insert(line.start);
        if block.is_none() && ends_statement(line.text) {
            if let (Some(last), true) = (sections.last_mut(), current == Some(direction)) {
                last.pieces.push(start..line.next);
            }
            statement = None;
        }
    }
    if let Some(block) = block {
        return Err(misplaced(block.saturating_sub(1), "this block has no `-- +migrate StatementEnd`".to_string()));
    }
    if let Some(statement) = statement {
        return Err(unfinished(statement));
    }
    Ok(joined(sections, in_transaction))
}

/// Returns the sections as one, for sql-migrate runs all that a file has in a direction in one transaction.
fn joined(sections: Vec<Section>, in_transaction: bool) -> Vec<Section> {
    let mut joined: Option<Section> = None;
    for section in sections {
        match &mut joined {
            None => joined = Some(Section { in_transaction, ..section }),
            Some(joined) => {
                joined.range.end = section.range.end;
                joined.pieces.extend(section.pieces);
            }
        }
    }
    joined.into_iter().collect()
}
