//! Advice about SQL that is not SQLite's: a server's, a shell's commands, tables that only SQLite itself writes.
//!
//! SQLite says where it stops reading. What stands there is tried in SQLite's way, and SQLite says whether that was it.

use rusqlite::Connection;

use crate::error::sqlite_message;
use crate::list::has_name;
use crate::sqlite::script::has_letters;
use crate::sqlite::{number, open_copy};

/// Returns the problem of a statement that failed, with what the statement is and what to do.
pub(crate) fn explained(conn: &Connection, sql: &str, error: &rusqlite::Error, problem: String) -> String {
    match advice(conn, sql, error) {
        Some(advice) => format!("{problem}: {advice}"),
        None => problem,
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
        "near \"(\": syntax error" => called_default(conn, &stop),
        "unrecognized token: \":\"" if stop.rest().starts_with("::") => {
            Some("`::` is PostgreSQL's, and SQLite has `CAST(… AS …)`".to_string())
        }
        _ => {
            let token = message.strip_prefix("near \"")?.strip_suffix("\": syntax error")?;
            of_a_server(token, &stop)
        }
    }
}

/// The place where SQLite stopped reading a statement.
struct Stop<'s> {
    sql: &'s str,
    at: usize,
}

impl<'s> Stop<'s> {
    fn before(&self) -> &'s str {
        self.sql.get(..self.at).unwrap_or_default()
    }

    fn rest(&self) -> &'s str {
        self.sql.get(self.at..).unwrap_or_default()
    }

    fn is_at_start(&self) -> bool {
        self.before().trim_ascii().is_empty()
    }

    /// Returns where the name begins that ends where SQLite stopped, in quotes or not.
    fn name_before(&self) -> usize {
        let before = self.before();
        let opening = match before.as_bytes().last() {
            Some(b'"') => Some('"'),
            Some(b'`') => Some('`'),
            Some(b']') => Some('['),
            _ => None,
        };
        match opening {
            Some(quote) => before.get(..before.len() - 1).and_then(|name| name.rfind(quote)).unwrap_or(self.at),
            None => before
                .rfind(|letter: char| !is_of_name(letter))
                .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8)),
        }
    }

    /// Returns the word that ends before the blanks where SQLite stopped.
    fn word_before(&self) -> &'s str {
        let before = self.before().trim_ascii_end();
        let stop = Stop { sql: before, at: before.len() };
        before.get(stop.name_before()..).unwrap_or_default()
    }
}

fn is_of_name(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
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

/// The words at which SQLite stops in the SQL of servers, each with its meaning.
const OF_SERVERS: [(&str, &str); 40] = [
    ("alter", "SQLite changes no column of a table: write the table as it is to be"),
    ("auto_increment", "it is MySQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("character", "the character set of a column is MySQL's: take it out"),
    ("comment", "SQLite keeps no comments: take it out"),
    ("copy", "it is PostgreSQL's: write `INSERT`, or the rows as a CSV file to `data`"),
    ("database", "it is a server's, and each bind is a database already: take it out"),
    ("delimiter", "it is a command of MySQL's shell: take it out"),
    ("do", "it is PostgreSQL's: take it out"),
    ("domain", "it is PostgreSQL's: write the type itself"),
    ("duplicate", "`ON DUPLICATE KEY` is MySQL's, and SQLite has `ON CONFLICT`"),
    ("extension", "it is PostgreSQL's: take it out"),
    ("function", "SQLite keeps no functions: take it out, and register it with `on_connect`"),
    ("go", "it is a command of SQL Server's shell: take it out"),
    ("grant", "SQLite has no users: take it out"),
    ("ignore", "SQLite has `INSERT OR IGNORE`"),
    ("ilike", "it is PostgreSQL's, and SQLite's `LIKE` takes ASCII letters in either case"),
    ("inherits", "it is PostgreSQL's: take it out"),
    ("identity", "`AS IDENTITY` is a server's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("lock", "it is a server's: take it out"),
    ("materialized", "it is PostgreSQL's: write a view or a table"),
    ("max", "it is SQL Server's: write `TEXT` or `BLOB`"),
    ("only", "it is PostgreSQL's: take the word out"),
    ("owner", "SQLite has no users: take it out"),
    ("partition", "it is a server's: take it out"),
    ("procedure", "SQLite keeps no procedures: take it out"),
    ("public", "it is PostgreSQL's schema: take it out, and `ONLY` with it"),
    ("revoke", "SQLite has no users: take it out"),
    ("role", "SQLite has no users: take it out"),
    ("schema", "it is a server's, and each bind has one: take it out"),
    ("sequence", "it is PostgreSQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("set", "it is a setting of a server: take it out, or write a pragma"),
    ("start", "SQLite has `BEGIN`"),
    ("tablespace", "it is a server's: take it out"),
    ("truncate", "SQLite has `DELETE FROM`"),
    ("show", "it is MySQL's: take it out"),
    ("type", "it is PostgreSQL's: write `TEXT` with a `CHECK`"),
    ("unlock", "it is a server's: take it out"),
    ("use", "it is MySQL's, and each bind is a database: take it out"),
    ("user", "SQLite has no users: take it out"),
    ("using", "SQLite has one kind of index: take `USING` and what follows it out"),
];

fn of_a_server(token: &str, stop: &Stop<'_>) -> Option<String> {
    let word = stop.word_before();
    let before = |words: &[&str]| has_name(words, word);
    let after_table = stop.before().trim_ascii_end().ends_with(')');
    if token == "=" && before(&["engine", "charset", "row_format"]) || token == "DEFAULT" && after_table {
        return Some("the options of a table are MySQL's, so take out what follows the last parenthesis".to_string());
    }
    if token.eq_ignore_ascii_case("on") && before(&["current_timestamp"]) {
        return Some("`ON UPDATE CURRENT_TIMESTAMP` is MySQL's, so write a trigger".to_string());
    }
    if token.eq_ignore_ascii_case("or") && before(&["create"]) {
        return Some("SQLite replaces nothing as it creates, so write `DROP … IF EXISTS` before it".to_string());
    }
    if token.eq_ignore_ascii_case("as") && before(&["default"]) {
        return Some(
            "`AS IDENTITY` is a server's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself".to_string(),
        );
    }
    if before(&["concurrently"]) {
        return Some("`CONCURRENTLY` is PostgreSQL's, so take it out".to_string());
    }
    if before(&["interval"]) {
        return Some("SQLite has no intervals, but `datetime(…, '+1 day')`".to_string());
    }
    if let Some(listed) = stop.before().trim_ascii_end().strip_suffix('(') {
        let of_list = Stop { sql: listed, at: listed.len() };
        let name = of_list.word_before();
        if name.eq_ignore_ascii_case("enum") {
            return Some("SQLite has no `ENUM`, so write `TEXT` with a `CHECK`".to_string());
        }
        let to_name = listed.trim_ascii_end().strip_suffix(name).unwrap_or_default();
        if (Stop { sql: to_name, at: to_name.len() }).word_before().eq_ignore_ascii_case("key") {
            return Some("in SQLite an index is not a part of its table, so write `CREATE INDEX` after it".to_string());
        }
    }
    let (_, words) = OF_SERVERS.iter().find(|(known, _)| token.eq_ignore_ascii_case(known))?;
    Some((*words).to_string())
}

/// The words in a column's type by which a server counts, and SQLite does not: it takes them for any name of a type.
const COUNTING: [&str; 8] =
    ["serial", "serial2", "serial4", "serial8", "bigserial", "smallserial", "auto_increment", "identity"];

/// Returns the problem of a column that a server would number, which SQLite leaves `NULL`; asked only where a statement has such
/// letters.
pub(super) fn uncounted(conn: &Connection, sql: &str) -> rusqlite::Result<Option<String>> {
    if !["serial", "auto_increment", "identity"].iter().any(|word| has_letters(sql, word)) {
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
