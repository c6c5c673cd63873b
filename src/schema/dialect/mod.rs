//! Advice about SQL that is not SQLite's: a server's, a shell's commands, tables that only SQLite itself writes.
//!
//! SQLite says where it stops reading. What stands there is tried in SQLite's way, and SQLite says whether that was it.

mod copied;
mod names;
mod run_comments;
mod servers;
mod stop;

use rusqlite::Connection;

pub(super) use self::run_comments::run_by_a_server;
use self::stop::{is_of_name, Stop};
use crate::error::{advised, sqlite_message};
use crate::list::has_name;
use crate::sqlite::script::has_letters_of_any;
use crate::sqlite::{number, open_copy};

/// Returns the problem of a statement that failed, with what the statement is and what to do.
pub(crate) fn explained(conn: &Connection, sql: &str, error: &rusqlite::Error, problem: String) -> String {
    match advice(conn, sql, error) {
        // What is a server's is not the application's.
        Some(advice) if problem == advised(error) => format!("{}: {advice}", sqlite_message(error)),
        Some(advice) => format!("{problem}: {advice}"),
        None => problem,
    }
}

/// Returns what a statement has made otherwise than a server would, without a word of SQLite's.
pub(super) fn misread(conn: &Connection, sql: &str) -> rusqlite::Result<Option<String>> {
    const WORDS: [&str; COUNTED.len() + 1] = [COUNTED[0], COUNTED[1], COUNTED[2], copied::WORD];
    // Most statements have the letters of none, and are read once.
    if !has_letters_of_any(sql, &WORDS) {
        return Ok(None);
    }
    match uncounted(conn, sql)? {
        Some(problem) => Ok(Some(problem)),
        None => copied::column(conn, sql),
    }
}

fn advice(conn: &Connection, sql: &str, error: &rusqlite::Error) -> Option<String> {
    let message = sqlite_message(error);
    if let Some(name) = message.strip_prefix("object name reserved for internal use: ") {
        return Some(format!("SQLite makes `{name}` by itself, so take the statement out"));
    }
    if message == "no such table: sqlite_sequence" {
        let when = "SQLite makes it with the first table that has an `AUTOINCREMENT` column";
        return Some(format!("{when}: run the statement after that, or take it out"));
    }
    if message.eq_ignore_ascii_case("no such function: now") || message.eq_ignore_ascii_case("unknown function: now()")
    {
        return Some("SQLite has `CURRENT_TIMESTAMP`".to_string());
    }
    if let Some(advice) = names::advice(conn, &message) {
        return Some(advice);
    }
    if message.starts_with("unsupported use of NULLS ") {
        return Some("an index of SQLite's has NULLs where its order puts them, so take `NULLS …` out".to_string());
    }
    if let Some(name) = message.strip_prefix("unknown database ") {
        return Some(format!("a schema makes the tables of its own bind alone, so leave `{name}.` out"));
    }
    let rusqlite::Error::SqlInputError { sql: prepared, offset, .. } = error else { return None };
    let stop = Stop { sql: prepared, at: usize::try_from(*offset).ok().filter(|at| prepared.is_char_boundary(*at))? };
    match message.as_str() {
        "near \".\": syntax error" if stop.is_at_start() => {
            Some(format!("`{}` is a command of the shell sqlite3, so take it out", first_line(sql)))
        }
        "unrecognized token: \"\\\"" if stop.is_at_start() => {
            Some(format!("`{}` is a command of the shell psql, so take it out", first_line(sql)))
        }
        "near \".\": syntax error" => parent_elsewhere(conn, &stop),
        "near \"(\": syntax error" => servers::advice("(", &stop).or_else(|| called_default(conn, &stop)),
        "unrecognized token: \":\"" if stop.rest().starts_with("::") => {
            Some("`::` is PostgreSQL's, and SQLite has `CAST(… AS …)`".to_string())
        }
        _ => {
            let token = message.strip_prefix("near \"")?.strip_suffix("\": syntax error")?;
            servers::advice(token, &stop)
        }
    }
}

fn first_line(sql: &str) -> &str {
    sql.trim_ascii().lines().next().unwrap_or_default().trim_ascii_end()
}

/// Returns a foreign key whose parent is in another bind, where that is what SQLite does not read: without the bind's name it makes a
/// foreign key of it.
fn parent_elsewhere(conn: &Connection, stop: &Stop<'_>) -> Option<String> {
    let start = stop.name_before();
    let repaired = format!("{}{}", stop.sql.get(..start)?, stop.rest().strip_prefix('.')?);
    let copy = open_copy(conn).ok()?;
    let made = (|| {
        let keys =
            "SELECT count(*) FROM sqlite_schema AS t CROSS JOIN pragma_foreign_key_list(t.name) WHERE t.type = 'table'";
        let before = number(&copy, keys)?;
        copy.execute_batch(&repaired)?;
        rusqlite::Result::Ok(number(&copy, keys)? > before)
    })();
    // A further one of the kind keeps SQLite from making it.
    let reads_on = || read_beyond(conn, &repaired, start);
    let bind = stop.sql.get(start..stop.at)?;
    if !made.unwrap_or_else(|_: rusqlite::Error| reads_on()) {
        let problem = format!("SQLite takes no name of a database here, so leave `{bind}.` out");
        return reads_on().then_some(problem);
    }
    Some(format!(
        "SQLite has no foreign key into another database, here `{bind}`. Give the table the bind key of its parent; or declare a \
         reference in place of the foreign key, with `reference` or `[[references]]`; or leave `{bind}.` out, where the parent \
         is in this bind"
    ))
}

/// Returns whether SQLite reads a statement, or does so beyond a place.
fn read_beyond(conn: &Connection, sql: &str, place: usize) -> bool {
    match conn.prepare(sql) {
        Ok(_) => true,
        Err(rusqlite::Error::SqlInputError { offset, .. }) => usize::try_from(offset).is_ok_and(|at| at > place),
        Err(_) => false,
    }
}

/// Returns a default that calls a function, where that is what SQLite does not read: in parentheses it does.
fn called_default(conn: &Connection, stop: &Stop<'_>) -> Option<String> {
    /// The most closing parentheses that are tried.
    const TRIED: usize = 16;
    let start = stop.name_before();
    let name = stop.sql.get(start..stop.at)?;
    let moments = ["current_timestamp", "current_date", "current_time"];
    if has_name(&moments, name) {
        return Some(format!("SQLite has `{name}` without parentheses"));
    }
    let (head, call) = (stop.sql.get(..start)?, stop.sql.get(start..)?);
    call.match_indices(')').take(TRIED).find(|(end, _)| {
        let (call, tail) = call.split_at(end + 1);
        read_beyond(conn, &format!("{head}({call}){tail}"), start + call.len() + 1)
    })?;
    let known = conn.prepare("SELECT 1 FROM pragma_function_list WHERE name = ? COLLATE NOCASE");
    let is_known = known.and_then(|mut known| known.exists([name])).unwrap_or(false);
    let problem = "SQLite reads a default that calls a function in parentheses only";
    Some(if is_known {
        format!("{problem}, so write them around `{name}(…)`")
    } else if name.eq_ignore_ascii_case("now") {
        format!("{problem}, and has no function `{name}`, so write `DEFAULT CURRENT_TIMESTAMP`")
    } else {
        format!(
            "{problem}, and has no function `{name}`, so leave the default out, or register the function with `on_connect` and \
             write them around `{name}(…)`"
        )
    })
}

/// The words in a column's type by which a server counts, and SQLite does not: it takes them for any name of a type.
const COUNTING: [&str; 8] =
    ["serial", "serial2", "serial4", "serial8", "bigserial", "smallserial", "auto_increment", "identity"];

/// Words one of which is in each of those.
const COUNTED: [&str; 3] = ["serial", "auto_increment", "identity"];

/// Returns the problem of a column that a server would number, which SQLite leaves `NULL`; asked only where a statement has such
/// letters.
fn uncounted(conn: &Connection, sql: &str) -> rusqlite::Result<Option<String>> {
    if !has_letters_of_any(sql, &COUNTED) {
        return Ok(None);
    }
    uncounted_column(conn, false)
}

/// Returns the problem of such a column in the tables as they are; also of one that is `NOT NULL`, where `whole` says so. SQLite refuses a row that
/// does not give its value.
pub(crate) fn uncounted_column(conn: &Connection, whole: bool) -> rusqlite::Result<Option<String>> {
    let columns = "SELECT t.name, c.name, c.type, c.\"notnull\" FROM main.sqlite_schema AS t \
        CROSS JOIN pragma_table_xinfo(t.name, 'main') AS c WHERE t.type = 'table' AND t.rootpage > 0 ORDER BY t.rowid, c.cid";
    let mut columns = conn.prepare(columns)?;
    let mut rows = columns.query([])?;
    while let Some(row) = rows.next()? {
        let declared = row.get::<_, Option<String>>(2)?.unwrap_or_default();
        let is_counting = |word: &str| has_name(&COUNTING, word);
        if (whole || !row.get(3)?) && declared.split(|letter: char| !is_of_name(letter)).any(is_counting) {
            let (table, column): (String, String) = (row.get(0)?, row.get(1)?);
            let or = if whole { "" } else { ", or `NOT NULL` where the application gives the value" };
            return Ok(Some(format!(
                "column `{column}` of table `{table}` has the type `{declared}`, by which a server numbers its rows: to SQLite it is \
                 any name, and the column gets no value. Write `INTEGER PRIMARY KEY`, which counts by itself{or}"
            )));
        }
    }
    Ok(None)
}
