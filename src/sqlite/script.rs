//! SQL scripts: where each statement ends, running one, and names inside SQL.

use std::ffi::CStr;
use std::fmt;

use rusqlite::{ffi, Connection};

use crate::list::mapped;

/// One statement of a script, from its first token to its semicolon.
///
/// Comments and blanks before it are left out; a statement that holds nothing else is not listed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement<'s> {
    pub(crate) text: &'s str,
    /// Its start in the script, in bytes.
    pub(crate) offset: usize,
    /// The line it starts on, counted from 1.
    pub(crate) line: usize,
}

/// The mark that some editors put before UTF-8.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Text that SQLite would read only up to its NUL character.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NulCharacter {
    /// The line it is on, counted from 1.
    pub(crate) line: usize,
}

impl fmt::Display for NulCharacter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the SQL has a NUL character, where SQLite would stop reading")
    }
}

/// Returns the statements of a script, as [`sqlite3_complete`](https://sqlite.org/c3ref/complete.html) tells them
/// apart, so that a trigger's body stays in one piece.
pub(crate) fn statements(script: &str) -> Result<Vec<Statement<'_>>, NulCharacter> {
    if let Some(at) = script.find('\0') {
        return Err(NulCharacter { line: line_at(script, at) });
    }
    let mut found = Found { script, statements: Vec::new(), counted: 0, line: 1 };
    let mut seen = Seen::default();
    // A byte order mark is part of no statement, but `sqlite3_complete` takes it for the start of one.
    let mut start = if script.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    start += leading_comments(&script[start..]);
    let mut from = start;
    while let Some(semicolon) = script[from..].find(';') {
        let end = from + semicolon + 1;
        seen.read(&script[from..end]);
        from = end;
        if seen.completed_by("") {
            found.push(start, end);
            start = end + leading_comments(&script[end..]);
            from = start;
            seen.forget();
        } else {
            seen.shorten();
        }
    }
    found.push(start, script.len());
    Ok(found.statements)
}

/// Returns whether a semicolon after the text would end a statement: it would not within a string, a comment or a
/// trigger.
pub(crate) fn could_end(text: &str) -> bool {
    let mut seen = Seen::default();
    seen.read(text);
    seen.completed_by(";")
}

/// Returns the line that the byte at `offset` is on, counted from 1.
pub(crate) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns a name as SQL writes it, whatever characters it has.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns a statement that inserts a row with a parameter for each of these columns into a table of `main`.
pub(crate) fn insert(verb: &str, table: &str, columns: &[&str]) -> String {
    let table = quote(table);
    if columns.is_empty() {
        return format!("{verb} INTO main.{table} DEFAULT VALUES");
    }
    let names = mapped(columns, |name| quote(name)).join(", ");
    format!("{verb} INTO main.{table} ({names}) VALUES ({})", vec!["?"; columns.len()].join(", "))
}

/// Returns whether the letters stand anywhere in the text, in whatever case: where they do not, no token is that word.
pub(crate) fn has_letters(text: &str, letters: &str) -> bool {
    has_letters_of_any(text, &[letters])
}

/// Returns whether the letters of any of these words stand anywhere in the text, in whatever case, which is found out in one pass.
pub(crate) fn has_letters_of_any(text: &str, words: &[&str]) -> bool {
    // For each byte the words that may begin with it, a bit each; those after the last bit have that in common.
    let mut beginning = [0_u8; 1 << u8::BITS];
    let bit_of = |at: usize| 1 << at.min(7);
    for (at, word) in words.iter().enumerate() {
        let Some(first) = word.as_bytes().first() else { return true };
        beginning[usize::from(first.to_ascii_lowercase())] |= bit_of(at);
        beginning[usize::from(first.to_ascii_uppercase())] |= bit_of(at);
    }
    let text = text.as_bytes();
    for (at, byte) in text.iter().enumerate() {
        let may_begin = beginning[usize::from(*byte)];
        if may_begin == 0 {
            continue;
        }
        for (number, word) in words.iter().enumerate() {
            if may_begin & bit_of(number) != 0 && begins_with(&text[at..], word) {
                return true;
            }
        }
    }
    false
}

fn begins_with(text: &[u8], word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

/// Steps through all rows of a prepared statement, so that all its effects have happened.
pub(crate) fn finish(statement: &mut rusqlite::Statement<'_>) -> rusqlite::Result<()> {
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(())
}

/// Returns the line of the script that SQLite's error is about: the place it gives, else where the statement starts.
pub(crate) fn error_line(script: &str, statement: &Statement<'_>, error: &rusqlite::Error) -> usize {
    match error {
        rusqlite::Error::SqlInputError { sql, offset, .. } => {
            let start = statement.offset + statement.text.len().saturating_sub(sql.len());
            line_at(script, start + usize::try_from(*offset).unwrap_or(0))
        }
        _ => statement.line,
    }
}

/// Returns whether the statement begins or ends a transaction, by the program that SQLite makes of it.
///
/// See [the opcode `AutoCommit`](https://sqlite.org/opcode.html#AutoCommit). A savepoint has none.
pub(crate) fn changes_transaction(conn: &Connection, sql: &str) -> rusqlite::Result<bool> {
    has_opcode(conn, sql, "AutoCommit")
}

/// Returns whether the statement changes a schema, which its connection then reads anew.
///
/// See [the opcode `ParseSchema`](https://sqlite.org/opcode.html#ParseSchema).
pub(crate) fn changes_schema(conn: &Connection, sql: &str) -> rusqlite::Result<bool> {
    has_opcode(conn, sql, "ParseSchema")
}

fn has_opcode(conn: &Connection, sql: &str, opcode: &str) -> rusqlite::Result<bool> {
    let mut explain = conn.prepare(&explained(sql))?;
    let mut rows = explain.raw_query();
    while let Some(row) = rows.next()? {
        if row.get_ref("opcode")?.as_str() == Ok(opcode) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the statement that lists the program of a statement. Semicolons may stand before that, and nothing can be
/// put before those.
pub(crate) fn explained(sql: &str) -> String {
    let statement = statements(sql).ok().and_then(|statements| statements.first().map(|one| one.text));
    format!("EXPLAIN {}", statement.unwrap_or(sql))
}

/// The statements found so far, and how far lines are counted.
struct Found<'s> {
    script: &'s str,
    statements: Vec<Statement<'s>>,
    counted: usize,
    line: usize,
}

impl Found<'_> {
    /// Adds what is between the two offsets, unless it is nothing or a semicolon alone.
    fn push(&mut self, start: usize, end: usize) {
        let text = self.script[start..end].trim_ascii_end();
        if text.is_empty() || text == ";" {
            return;
        }
        self.line += line_at(&self.script[self.counted..start], usize::MAX) - 1;
        self.counted = start;
        self.statements.push(Statement { text, offset: start, line: self.line });
    }
}

/// Returns the comments around the statements of a script, each with its line, counted from 1.
pub(crate) fn comments_around<'s>(script: &'s str, statements: &[Statement<'_>]) -> Vec<(usize, &'s str)> {
    let (mut comments, mut end) = (Vec::new(), 0);
    let starts = statements.iter().map(|statement| (statement.offset, statement.text.len()));
    for (start, length) in starts.chain([(script.len(), 0)]) {
        let mut at = end;
        while let Some(gap) = script.get(at..start).filter(|gap| !gap.is_empty()) {
            let blanks = gap.len() - gap.trim_start_matches([';', ' ', '\t', '\r', '\n', BYTE_ORDER_MARK]).len();
            at += blanks;
            let gap = &gap[blanks..];
            let comment = leading_comments_of(gap, true);
            if comment == 0 {
                break;
            }
            comments.push((line_at(script, at), &gap[..comment]));
            at += comment;
        }
        end = start + length;
    }
    comments
}

/// Returns how many bytes of blanks and comments the text starts with, as far as SQLite agrees that they are.
fn leading_comments(text: &str) -> usize {
    leading_comments_of(text, false)
}

/// Returns the same, or that of the first comment.
fn leading_comments_of(text: &str, first: bool) -> usize {
    let mut rest = text.trim_ascii_start();
    loop {
        let end = if rest.starts_with("--") {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|at| at + 2)
        } else {
            return text.len() - rest.len();
        };
        let end = end.unwrap_or(rest.len());
        if !only_comments(&rest[..end]) {
            return text.len() - rest.len();
        }
        rest = rest[end..].trim_ascii_start();
        if first {
            return text.len() - rest.len();
        }
    }
}

/// Returns whether SQLite sees no token in the text, a comment without an end included.
fn only_comments(text: &str) -> bool {
    let mut seen = Seen::default();
    seen.read(text);
    // After no token the last words begin a trigger, whose semicolon ends nothing; after any token they do not, but
    // within a trigger, where `x;` ends nothing either.
    ["\n", "*/"].iter().any(|close| {
        seen.completed_by(&format!("{close} x;")) && !seen.completed_by(&format!("{close} explain create trigger;"))
    })
}

/// The part of a statement that SQLite has been shown.
///
/// `sqlite3_complete` starts from the beginning each time it is asked, which a long text with many semicolons in it
/// makes slow. So where a statement grows long, [`Seen::shorten`] asks what kind of place it stopped in, and puts a
/// few characters that lead to such a place instead.
struct Seen {
    text: Vec<u8>,
    /// The length from which on shortening is worth the asking.
    patience: usize,
}

const PATIENCE: usize = 1024;

impl Default for Seen {
    fn default() -> Self {
        Seen { text: Vec::new(), patience: PATIENCE }
    }
}

/// Places inside a statement where a semicolon ends nothing: what leads into one, and out of it.
const QUOTED: [(&str, &str); 4] = [("'", "'"), ("\"", "\""), ("`", "`"), ("[", "]")];
const COMMENTED: [(&str, &str); 2] = [("--", "\n"), ("/*", "*/")];

impl Seen {
    fn read(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn forget(&mut self) {
        self.text.clear();
        self.patience = PATIENCE;
    }

    /// Returns whether a statement would be complete that goes on with `more`.
    fn completed_by(&mut self, more: &str) -> bool {
        let length = self.text.len();
        self.text.extend_from_slice(more.as_bytes());
        self.text.push(0);
        let complete = CStr::from_bytes_with_nul(&self.text).is_ok_and(complete);
        self.text.truncate(length);
        complete
    }

    fn shorten(&mut self) {
        if self.text.len() < self.patience {
            return;
        }
        match self.equivalent() {
            Some(text) => {
                self.forget();
                self.read(&text);
            }
            // Asked again when there is twice as much, so that all the asking stays in proportion.
            None => self.patience = 2 * self.text.len(),
        }
    }

    /// Returns a short text that SQLite would continue as it would this one, `None` in places that are short in
    /// practice.
    fn equivalent(&mut self) -> Option<String> {
        for (open, close) in QUOTED.iter().chain(&COMMENTED) {
            // Only in the midst of a statement that is no trigger and can no longer become one are both complete.
            if self.completed_by(&format!("{close} trigger;")) && self.completed_by(&format!("{close} create trigger;"))
            {
                return Some(format!("x {open}"));
            }
        }
        // A trigger's body, after a semicolon or in quotes. Not in a comment: `END` after it may or may not count.
        if self.completed_by("end;") {
            return Some("create trigger x;".to_string());
        }
        let quote = QUOTED.iter().find(|(_, close)| self.completed_by(&format!("{close};end;")))?;
        Some(format!("create trigger x {}", quote.0))
    }
}

/// Returns what [`sqlite3_complete`](https://sqlite.org/c3ref/complete.html) says of the text.
fn complete(sql: &CStr) -> bool {
    // SAFETY: the function reads the text up to its NUL, which a `CStr` has, and keeps nothing.
    unsafe { ffi::sqlite3_complete(sql.as_ptr()) == 1 }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(script: &str) -> Vec<(usize, &str)> {
        let statements = statements(script).unwrap();
        for statement in &statements {
            assert!(script[statement.offset..].starts_with(statement.text));
            assert_eq!(line_at(script, statement.offset), statement.line);
        }
        statements.into_iter().map(|statement| (statement.line, statement.text)).collect()
    }

    #[rstest]
    #[case::comments_before_a_statement("-- a;\n/* b;\n */ -- c\n\n SELECT 1;", &[(5, "SELECT 1;")])]
    #[case::comments_within("SELECT -- a;\n 1 /* ; */;\n;; SELECT 2 -- b", &[(1, "SELECT -- a;\n 1 /* ; */;"), (3, "SELECT 2 -- b")])]
    #[case::a_comment_without_end("SELECT 1; /* SELECT 2;", &[(1, "SELECT 1;")])]
    #[case::a_string_without_end("SELECT 1;\n'; SELECT 2;", &[(1, "SELECT 1;"), (2, "'; SELECT 2;")])]
    #[case::a_trigger("\nCREATE TEMP TRIGGER t BEGIN SELECT 1; END; END", &[(2, "CREATE TEMP TRIGGER t BEGIN SELECT 1; END;"), (2, "END")])]
    #[case::a_trigger_alone("/* why */ CREATE TRIGGER t BEGIN SELECT 1; END", &[(1, "CREATE TRIGGER t BEGIN SELECT 1; END")])]
    #[case::a_trigger_explained("EXPLAIN CREATE TRIGGER t BEGIN SELECT 1; END;", &[(1, "EXPLAIN CREATE TRIGGER t BEGIN SELECT 1; END;")])]
    #[case::marked_and_wide("\u{feff}SELECT '日本;';\r\nSELECT 2", &[(1, "SELECT '日本;';"), (2, "SELECT 2")])]
    #[case::no_blank_of_sql("\u{a0}SELECT 1", &[(1, "\u{a0}SELECT 1")])]
    fn a_statement_starts_at_its_first_token(#[case] script: &str, #[case] expected: &[(usize, &str)]) {
        assert_eq!(found(script), expected);
    }

    #[rstest]
    #[case::at_the_start("Serial key", &["serial"], true)]
    #[case::at_the_end("id bigSERIAL", &["like", "serial"], true)]
    #[case::cut_off("id seria", &["serial"], false)]
    #[case::begun_before("sserial", &["serial"], true)]
    #[case::none("CREATE TABLE t (id)", &["serial", "like"], false)]
    #[case::after_a_wide_letter("ü_LIKE", &["like"], true)]
    #[case::the_tenth("k", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "k"], true)]
    #[case::not_the_tenth("l", &["a", "b", "c", "d", "e", "f", "g", "h", "i", "k"], false)]
    #[case::no_letter("", &[""], true)]
    #[case::no_word("like", &[], false)]
    fn letters_are_found_in_any_case(#[case] text: &str, #[case] words: &[&str], #[case] has: bool) {
        assert_eq!(has_letters_of_any(text, words), has);
    }

    /// Asks SQLite about all of a statement at each semicolon, however long that takes.
    fn ends_without_shortening(script: &str) -> Vec<usize> {
        let (mut ends, mut start) = (Vec::new(), 0);
        for (at, _) in script.match_indices(';') {
            let mut seen = Seen::default();
            seen.read(&script[start..=at]);
            if seen.completed_by("") {
                ends.push(at + 1);
                start = at + 1;
            }
        }
        ends
    }

    #[rstest]
    #[case::in_a_string("SELECT 'it''s; ", "a; \"b; `c; [d; --e; /*f; ", "';")]
    #[case::in_a_name("SELECT \"", "a; 'b; `c; [d; --e; /*f; ", "\";")]
    #[case::in_a_name_of_mysql("SELECT `", "a; 'b; \"c; [d; --e; /*f; ", "`;")]
    #[case::in_a_name_of_microsoft("SELECT [", "a; 'b; \"c; `d; --e; /*f; ", "];")]
    #[case::in_a_block_comment("SELECT /*", "a; 'b; \"c; `d; [e; --f; ", "*/ 1;")]
    #[case::in_a_line_comment("SELECT --", "a; 'b; \"c; `d; [e; /*f; ", "\n1;")]
    #[case::in_a_comment_before_create("CREATE /*", "a; ", "*/ TRIGGER t BEGIN SELECT 1; END;")]
    #[case::in_a_comment_after_explain("EXPLAIN /*", "a; ", "*/ CREATE TRIGGER t BEGIN SELECT 1; END;")]
    #[case::in_a_comment_at_the_start("/*", "a; ", "*/ CREATE TRIGGER t BEGIN SELECT 1; END;")]
    #[case::in_many_strings("SELECT ", "'a;', \"b;\", `c;`, [d;], /* e; */ -- f;\n", "1;")]
    #[case::in_a_trigger("CREATE TRIGGER t BEGIN ", "SELECT 'END;'; -- x;\n SELECT CASE 1 WHEN 1 THEN 2 END; ", "END;")]
    #[case::in_a_string_of_a_trigger("CREATE TRIGGER t BEGIN SELECT '", "a; END; \"b;", "'; END;")]
    #[case::in_a_comment_of_a_trigger("CREATE TRIGGER t BEGIN SELECT 1; /*", "a; END; 'b;", "*/ END;")]
    fn a_long_statement_ends_where_sqlite_ends_it(#[case] start: &str, #[case] middle: &str, #[case] end: &str) {
        for repeated in [1, 50, 500] {
            let script = format!("{start}{}{end} SELECT 1; {start}{}{end}", middle.repeat(repeated), middle.repeat(3));
            let ends: Vec<_> = statements(&script).unwrap().iter().map(|s| s.offset + s.text.len()).collect();
            assert_eq!(ends, ends_without_shortening(&script));
            assert_eq!(ends.len(), 3);
        }
    }
}
