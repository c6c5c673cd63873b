//! Scripts with a part for each bind, as one migration of Flask-Migrate has a function for each.
//!
//! A line `-- bind: KEY` begins the part of a bind. SQLite's ends of
//! statements tell a comment between two of them from text within one.

use super::comments;
use crate::error::{list, Error};
use crate::key::BindKey;
use crate::list::mapped;
use crate::nearest::nearest;
use crate::sqlite::script::{self, has_letters, line_at};

/// The problem of a comment that divides a script, and its line.
#[derive(Debug)]
pub(super) struct Misplaced {
    pub(super) line: usize,
    pub(super) problem: String,
}

/// The share of some binds in a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Everything, since it has no parts.
    All,
    /// Their parts, with blank lines where those of others are, so that lines keep their numbers.
    Parts(String),
    /// Parts, and none of them theirs.
    None,
}

/// A line that begins the part of a bind.
struct Mark<'s> {
    key: &'s str,
    /// The start of the line.
    start: usize,
}

/// Returns the share that the binds `keys`, of all those `configured`, have in a script.
pub(super) fn share(text: &str, keys: &[BindKey], configured: &[BindKey]) -> Result<Share, Misplaced> {
    // Most scripts have no such line.
    if !has_letters(text, "bind") {
        return Ok(Share::All);
    }
    // What SQLite cannot read is told when it runs.
    let Ok(statements) = script::statements(text) else { return Ok(Share::All) };
    let misplaced = |offset, problem| Misplaced { line: line_at(text, offset), problem };

    let mut marks = Vec::new();
    for comment in comments::between(text, &statements) {
        if let Some(key) = marked(comment.written).filter(|_| comment.is_line) {
            marks.push(Mark { key, start: comment.start });
        } else if let Some(key) = misspelt(comment.text, configured).filter(|_| !comment.written.contains('\n')) {
            let problem = format!(
                "`{}` begins no bind's part: write `-- bind: {key}`; a remark needs other words",
                comment.written
            );
            return Err(misplaced(comment.start, problem));
        }
    }
    for statement in &statements {
        if let Some(offset) = mark_within(statement.text) {
            let problem = format!(
                "the statement before this line has no `;`, so the line is part of it: end the statement that begins on \
                 line {}",
                statement.line
            );
            return Err(misplaced(statement.offset + offset, problem));
        }
    }

    let Some(first) = marks.first() else { return Ok(Share::All) };
    if let Some(early) = statements.first().filter(|statement| statement.offset < first.start) {
        let problem = "this statement stands before the first `-- bind:` line: say there which bind it is for";
        return Err(misplaced(early.offset, problem.to_string()));
    }
    for mark in &marks {
        if let Some(problem) = unknown(mark.key, configured) {
            return Err(misplaced(mark.start, problem));
        }
    }
    let ours = |mark: &Mark<'_>| keys.iter().any(|key| name(key) == mark.key);
    if !marks.iter().any(ours) {
        return Ok(Share::None);
    }
    let mut shared = blank(&text[..first.start]);
    for (at, mark) in marks.iter().enumerate() {
        let part = &text[mark.start..marks.get(at + 1).map_or(text.len(), |next| next.start)];
        shared.push_str(&if ours(mark) { part.to_string() } else { blank(part) });
    }
    Ok(Share::Parts(shared))
}

/// Returns the line of the first mark.
pub(super) fn first(text: &str) -> Option<usize> {
    if !has_letters(text, "bind:") {
        return None;
    }
    let statements = script::statements(text).ok()?;
    let comments = comments::between(text, &statements);
    let mark = comments.iter().find(|comment| comment.is_line && marked(comment.written).is_some())?;
    Some(line_at(text, mark.start))
}

/// Returns the key that a line marks the start of a part with.
fn marked(line: &str) -> Option<&str> {
    line.trim().strip_prefix("--")?.trim_start().strip_prefix("bind:").map(str::trim)
}

/// The words that somebody may write for `bind:`, the longer ones first.
const SPELLINGS: [&str; 7] = ["__bind_key__", "bind_key", "bind-key", "bind key", "bindkey", "binds", "bind"];

/// Returns the key of a comment that seems meant to begin a bind's part, and is no mark in its spelling.
fn misspelt(comment: &str, configured: &[BindKey]) -> Option<String> {
    const SIGNS: [char; 12] = ['-', '+', '@', '!', '#', '/', '*', '=', '[', '<', '{', ' '];
    let lower = comment.to_ascii_lowercase();
    let bare = lower.trim_start_matches(SIGNS);
    let spelling = SPELLINGS.iter().find(|spelling| bare.starts_with(**spelling))?;
    // The letters of the comment as they are, for keys differ by case.
    let rest = &comment[comment.len() - bare.len() + spelling.len()..];
    let key = rest.trim_start();
    let separated = key.starts_with([':', '=']);
    if !separated && (key.len() == rest.len() || key.is_empty()) {
        return None;
    }
    let key = key.trim_matches(|letter: char| letter.is_whitespace() || "\"'`:=;*/-+<>[]{}()".contains(letter));
    let names = mapped(configured, name);
    let known = |key: &str| names.iter().copied().find(|name| name.eq_ignore_ascii_case(key));
    if let Some(known) = known(key) {
        return Some(known.to_string());
    }
    if key.is_empty() {
        return None;
    }
    let mut words =
        key.split(|letter: char| letter.is_whitespace() || ",&+|/".contains(letter)).filter(|word| !word.is_empty());
    if let Some(first) = words.clone().next().and_then(known)
        && words.all(|word| word == "and" || known(word).is_some())
    {
        return Some(first.to_string());
    }
    // A sentence that begins with the word is a remark.
    let one_word = separated && !key.contains(char::is_whitespace);
    nearest(key, &names).or(one_word.then_some(key)).map(str::to_string)
}

/// Returns the place in a statement where a line would begin a part, were the statement ended before it.
fn mark_within(statement: &str) -> Option<usize> {
    for (newline, _) in statement.match_indices('\n') {
        let (before, line) = statement.split_at(newline + 1);
        let line = line.lines().next().unwrap_or_default();
        if marked(line).is_some() && script::could_end(before) {
            return Some(newline + 1);
        }
    }
    None
}

/// Returns the problem of the key of a part.
fn unknown(key: &str, configured: &[BindKey]) -> Option<String> {
    if key.is_empty() {
        return Some(format!("`-- bind:` names no bind: after it goes a key, `{DEFAULT}` for the default bind"));
    }
    if configured.iter().any(|bind| name(bind) == key) {
        return None;
    }
    if key == DEFAULT || key == "main" {
        let problem = if configured.contains(&BindKey::DEFAULT) {
            format!("`{key}` is no key: the default bind's part begins with `-- bind: {DEFAULT}`")
        } else {
            format!("no default bind: configured are {}", list(configured))
        };
        return Some(problem);
    }
    Some(Error::UnknownBind { bind: BindKey::from(key), configured: configured.to_vec(), at: None }.to_string())
}

/// Returns the name of a bind in the lines that divide a file.
pub(super) fn name(bind: &BindKey) -> &str {
    bind.as_str().unwrap_or(DEFAULT)
}

/// Returns the text with a blank for every byte, and its lines.
fn blank(text: &str) -> String {
    let mut blank = String::with_capacity(text.len());
    for byte in text.bytes() {
        blank.push(if byte == b'\n' { '\n' } else { ' ' });
    }
    blank
}

/// The name of the default bind.
const DEFAULT: &str = "default";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::no_mark("CREATE TABLE a (x);", Share::All)]
    #[case::a_mark_in_a_string("SELECT '\n-- bind: auth\n';", Share::All)]
    #[case::a_mark_in_a_comment("/*\n-- bind: auth\n*/ SELECT 1; /*\n-- bind: auth\n", Share::All)]
    #[case::a_mark_in_a_trigger("CREATE TRIGGER t BEGIN SELECT 1;\n-- bind: auth\nEND;", Share::All)]
    #[case::a_remark("SELECT 1; -- bind: auth", Share::All)]
    #[case::one_part("-- bind: auth\nA;\n", Share::Parts("-- bind: auth\nA;\n".to_string()))]
    #[case::of_others("-- bind: meta\nA;\n", Share::None)]
    #[case::twice("--bind:auth\nA;\n  -- bind: meta\nB;\n-- bind: auth\r\nC;", Share::Parts("--bind:auth\nA;\n               \n  \n-- bind: auth\r\nC;".to_string()))]
    #[case::empty("-- bind: meta\nA;\n-- bind: auth", Share::Parts("             \n  \n-- bind: auth".to_string()))]
    fn a_bind_has_the_parts_that_begin_between_statements(#[case] text: &str, #[case] expected: Share) {
        let configured = [BindKey::DEFAULT, "auth".into(), "meta".into()];
        assert_eq!(share(text, &["auth".into()], &configured).unwrap(), expected);
    }
}
