//! Lines that seem to begin a way back, in a form that no tool known here has.

use super::super::super::comments;
use super::super::super::marked::Misplaced;
use crate::sqlite::script::{self, line_at};

/// The words by which tools begin a way back.
const BACK: [&str; 8] = ["down", "downs", "undo", "rollback", "revert", "downgrade", "backward", "backwards"];

/// The words that may stand beside them.
const BESIDE: [&str; 8] = ["migrate", "migration", "migrations", "section", "script", "begin", "start", "part"];

/// Signs with which tools begin their own lines.
const SIGNS: [char; 10] = ['+', '@', '!', '#', '/', '=', '-', '[', '{', '<'];

/// Refuses a text that has statements after a line which seems to begin a way back: they would run.
pub(in super::super::super) fn check(text: &str) -> Result<(), Misplaced> {
    let lower = |comment: &str| comment.to_ascii_lowercase();
    let suspicious =
        |line: &str| BACK.iter().any(|word| lower(line).contains(word)) || lower(line).contains("drop below");
    // Most files have no such word, and are not read for where their statements end.
    if !text.lines().any(|line| line.trim_start().starts_with("--") && suspicious(line)) {
        return Ok(());
    }
    // What SQLite cannot read is reported when it runs.
    let Ok(statements) = script::statements(text) else { return Ok(()) };
    for comment in comments::between(text, &statements) {
        if !statements.iter().any(|statement| statement.offset > comment.start) {
            continue;
        }
        let line = line_at(text, comment.start);
        if comment.text.starts_with("Running downgrade ") {
            let problem = "it is the output of a downgrade, which leads back: give the output of \
                           `flask db upgrade --sql`, or of `alembic upgrade head --sql`";
            return Err(Misplaced { line, problem: problem.to_string() });
        }
        if begins_a_way_back(comment.text) {
            let problem = format!(
                "`{}` seems to begin what leads back, in a form that no tool known here has, and the statements after it \
                 would run: write `-- migrate:up` and `-- migrate:down` as dbmate has them, or move what leads back into a \
                 file of its own whose name ends in `.down.sql`; a remark needs other words",
                comment.written
            );
            return Err(Misplaced { line, problem });
        }
    }
    Ok(())
}

fn begins_a_way_back(comment: &str) -> bool {
    let lower = comment.to_ascii_lowercase();
    let mut words = Vec::new();
    for word in lower.split(|letter: char| !letter.is_alphanumeric()) {
        if !word.is_empty() {
            words.push(word);
        }
    }
    let is_back = |word: &&str| BACK.contains(word);
    match words.as_slice() {
        ["create", "above", "drop", "below"] => true,
        [word] => is_back(word),
        [one, other] if is_back(one) || is_back(other) => {
            BESIDE.contains(one) || BESIDE.contains(other) || comment.starts_with(SIGNS)
        }
        [_, _, _] => words.iter().any(is_back) && comment.starts_with(SIGNS),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::of_micrate("+micrate Down", true)]
    #[case::of_node("Down Migration", true)]
    #[case::of_play("!Downs", true)]
    #[case::of_mybatis("//@UNDO", true)]
    #[case::of_shmig("==== DOWN ====", true)]
    #[case::of_tern("-- create above / drop below ----", true)]
    #[case::of_rambler("rambler down", false)]
    #[case::plain("Down", true)]
    #[case::up("Up", false)]
    #[case::a_remark("users that are down for maintenance", false)]
    #[case::a_short_remark("top down", false)]
    #[case::nothing("", false)]
    fn a_way_back_begins_with_few_words(#[case] comment: &str, #[case] expected: bool) {
        assert_eq!(begins_a_way_back(comment), expected);
    }
}
