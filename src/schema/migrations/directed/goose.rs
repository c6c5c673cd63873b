//! goose's files: `-- +goose Up` begins what leads up, `-- +goose Down` what leads back, and a line that ends in a
//! semicolon ends a statement, but between `-- +goose StatementBegin` and `-- +goose StatementEnd`.

use super::super::super::marked::Misplaced;
use super::section::{ends_statement, lines, Direction, Section};
use crate::sqlite::script::line_at;

/// Returns whether goose reads the line as one of its own.
pub(super) fn is_annotation(line: &str) -> bool {
    line.trim_start().starts_with("--") && line.contains("+goose")
}

/// Returns the version of a file name: the number before the first `_`.
pub(super) fn version_of(name: &str) -> Option<i64> {
    let (version, _) = name.split_once('_')?;
    let is_migration = name.ends_with(".sql") || name.ends_with(".go");
    version.parse().ok().filter(|version| is_migration && *version > 0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Annotation {
    Up,
    Down,
    Begin,
    End,
    NoTransaction,
    Substitute,
    NoSubstitute,
}

const ANNOTATIONS: [(&str, Annotation); 7] = [
    ("Up", Annotation::Up),
    ("Down", Annotation::Down),
    ("StatementBegin", Annotation::Begin),
    ("StatementEnd", Annotation::End),
    ("NO TRANSACTION", Annotation::NoTransaction),
    ("ENVSUB ON", Annotation::Substitute),
    ("ENVSUB OFF", Annotation::NoSubstitute),
];

/// Returns a line of goose's own, or what is wrong with it.
fn annotation(line: &str) -> Result<Annotation, String> {
    let words = line.replace("--", "").replacen("+goose", "", 1);
    let known = |(name, _): &&(&str, Annotation)| name.eq_ignore_ascii_case(words.trim());
    match ANNOTATIONS.iter().find(known) {
        Some((_, annotation)) if !line.starts_with([' ', '\t']) => Ok(*annotation),
        Some((name, _)) => Err(format!("goose takes no blank before this: write `-- +goose {name}`")),
        None => Err(format!(
            "goose knows no `{}`: it has Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF",
            line.trim()
        )),
    }
}

/// The state of reading a file.
struct Reading {
    direction: Option<Direction>,
    /// The start of the statement that is being read.
    statement: Option<usize>,
    /// The `StatementBegin` whose end has not come.
    block: Option<usize>,
    in_transaction: bool,
}

/// Returns the section of a file that leads in a direction, a piece for each statement.
pub(super) fn sections(text: &str, direction: Direction) -> Result<Vec<Section>, Misplaced> {
    let misplaced = |offset, problem: String| Misplaced { line: line_at(text, offset), problem };
    let unfinished = |offset| {
        let problem =
            "goose wants a `;` at the end of the last line of this statement, and finds none before what follows it";
        misplaced(offset, problem.to_string())
    };
    let mut reading = Reading { direction: None, statement: None, block: None, in_transaction: true };
    let (mut start, mut end, mut pieces) = (None, text.len(), Vec::new());
    for line in lines(text) {
        let wanted = reading.direction == Some(direction);
        if is_annotation(line.text) {
            let fail = |problem: &str| Err(misplaced(line.start, problem.to_string()));
            match annotation(line.text).map_err(|problem| misplaced(line.start, problem))? {
                Annotation::Up if reading.direction.is_some() => {
                    return fail("a second `-- +goose Up`, where goose takes one");
                }
                Annotation::Down if reading.direction != Some(Direction::Up) || reading.block.is_some() => {
                    return fail("goose wants `-- +goose Up` before this, and its statements ended");
                }
                Annotation::Up => reading.direction = Some(Direction::Up),
                Annotation::Down => {
                    if let Some(statement) = reading.statement {
                        return Err(unfinished(statement));
                    }
                    if wanted {
                        end = line.start;
                    }
                    reading.direction = Some(Direction::Down);
                }
                Annotation::Begin if reading.direction.is_none() || reading.block.is_some() => {
                    return fail("goose wants `-- +goose StatementBegin` after Up or Down, and not within another");
                }
                Annotation::Begin => reading.block = Some(line.next),
                Annotation::End => match reading.block.take() {
                    Some(block) if text[block..line.start].trim().is_empty() => {
                        return fail("nothing stands between this and `-- +goose StatementBegin`: remove both lines");
                    }
                    Some(block) => {
                        if wanted {
                            pieces.push(reading.statement.unwrap_or(block)..line.start);
                        }
                        reading.statement = None;
                    }
                    None => return fail("goose wants `-- +goose StatementBegin` before this"),
                },
                Annotation::NoTransaction => reading.in_transaction = false,
                Annotation::Substitute => {
                    return fail(
                        "goose puts environment variables into what follows, which a schema cannot have: write \
                                 their values",
                    );
                }
                Annotation::NoSubstitute => {}
            }
            if reading.direction == Some(direction) && start.is_none() {
                start = Some(line.next);
            }
            continue;
        }
        let is_comment = line.text.trim().is_empty() || line.text.trim_start().starts_with("--");
        if is_comment && reading.statement.is_none() {
            continue;
        }
        if reading.direction.is_none() {
            return Err(misplaced(line.start, "goose wants `-- +goose Up` before the first statement".to_string()));
        }
        // goose does not look where the statements of the other direction end.
        if wanted {
            let statement = *reading.statement.get_or_insert(line.start);
            if reading.block.is_none() && ends_statement(line.text) {
                pieces.push(statement..line.next);
                reading.statement = None;
            }
        }
    }
    if let Some(block) = reading.block {
        return Err(misplaced(block.saturating_sub(1), "this block has no `-- +goose StatementEnd`".to_string()));
    }
    if let Some(statement) = reading.statement {
        return Err(unfinished(statement));
    }
    let Some(start) = start else {
        let problem = match direction {
            Direction::Up => "goose wants a line `-- +goose Up` first".to_string(),
            Direction::Down => return Ok(Vec::new()),
        };
        return Err(misplaced(0, problem));
    };
    Ok(vec![Section { range: start..end, pieces, in_transaction: reading.in_transaction }])
}
