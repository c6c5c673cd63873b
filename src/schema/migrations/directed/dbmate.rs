//! dbmate's files: `-- migrate:up` begins what leads up, `-- migrate:down` what leads back.

use super::super::super::marked::Misplaced;
use super::section::{lines, Direction, Line, Section};
use crate::sqlite::script::line_at;

/// Returns the direction that a line begins.
pub(super) fn begins(line: &str) -> Option<Direction> {
    let directive = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    let direction = |word: &str, direction| {
        let rest = directive.strip_prefix(word)?;
        rest.chars().next().is_none_or(char::is_whitespace).then_some(direction)
    };
    direction("up", Direction::Up).or_else(|| direction("down", Direction::Down))
}

/// Returns the version of a file name: the digits that it begins with.
pub(super) fn version_of(name: &str) -> Option<String> {
    let digits = name.len() - name.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    (digits > 0 && name.ends_with(".sql")).then(|| name[..digits].to_string())
}

/// Returns the sections of a file that lead in a direction. Each is handed to SQLite whole.
pub(super) fn sections(text: &str, direction: Direction) -> Result<Vec<Section>, Misplaced> {
    let misplaced = |offset, problem: &str| Misplaced { line: line_at(text, offset), problem: problem.to_string() };
    let mut begun: Vec<(Direction, Line<'_>)> = Vec::new();
    for line in lines(text) {
        let Some(direction) = begins(line.text) else {
            let is_statement = !line.text.trim().is_empty() && !line.text.trim_start().starts_with("--");
            if begun.is_empty() && is_statement {
                return Err(misplaced(line.start, "dbmate takes nothing before `-- migrate:up`: move this below it"));
            }
            continue;
        };
        match (direction, begun.len()) {
            (Direction::Up, 0) | (Direction::Down, 1) => begun.push((direction, line)),
            (Direction::Up, 1) => return Err(lacks_down(text, begun.last())),
            (Direction::Down, 0) => return Err(misplaced(line.start, "dbmate wants `-- migrate:up` before this")),
            _ => {
                let problem =
                    "a file has one `-- migrate:up` and one `-- migrate:down`: the versions of dbmate differ in what \
                               they do with more, so give this a file of its own";
                return Err(misplaced(line.start, problem));
            }
        }
    }
    if begun.last().is_none_or(|(last, _)| *last == Direction::Up) {
        return Err(lacks_down(text, begun.last()));
    }
    let mut sections = Vec::new();
    for (at, (begins, line)) in begun.iter().enumerate() {
        let range = line.start..begun.get(at + 1).map_or(text.len(), |(_, next)| next.start);
        if *begins == direction {
            // The last of several values counts, as in dbmate.
            let transaction = line.text.split_whitespace().rfind(|option| option.starts_with("transaction:"));
            let in_transaction = transaction != Some("transaction:false");
            sections.push(Section { pieces: vec![range.clone()], range, in_transaction });
        }
    }
    Ok(sections)
}

/// Returns the error about a part that leads up and has none that leads back after it.
fn lacks_down(text: &str, up: Option<&(Direction, Line<'_>)>) -> Misplaced {
    let line = line_at(text, up.map_or(0, |(_, line)| line.start));
    let problem = "dbmate wants a `-- migrate:down` after each `-- migrate:up`, if an empty one".to_string();
    Misplaced { line, problem }
}
