//! Comments whose SQL MySQL runs, `/*!50003 CREATE TRIGGER … */`, and which are comments to SQLite.

use crate::list::has_name;
use crate::sqlite::script::{comments_around, Statement};

/// The statements in such a comment that make something or change rows. A dump has settings in others.
const MAKES: [&str; 6] = ["create", "drop", "insert", "update", "delete", "replace"];

/// Returns the first comment that MySQL would run, with its line, and what to do.
pub(in crate::schema) fn run_by_a_server(script: &str, statements: &[Statement<'_>]) -> Option<(usize, String)> {
    const BEGINNING: &str = "/*!";
    if !script.contains(BEGINNING) {
        return None;
    }
    for (line, comment) in comments_around(script, statements) {
        let Some(sql) = comment.strip_prefix(BEGINNING) else { continue };
        let sql = sql.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_ascii_start();
        let word = sql.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        if has_name(&MAKES, word) {
            let begins = comment.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
            let problem = format!(
                "`{begins} …` is a comment to SQLite, which does nothing for it, and MySQL runs it: write what it makes as a statement of \
                 SQLite's, or take it out"
            );
            return Some((line, problem));
        }
    }
    None
}
