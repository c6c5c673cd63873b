//! The SQL of servers at which SQLite stops, each with what to write in its place.

use super::stop::Stop;
use crate::list::has_name;

/// Returns what the SQL is at which SQLite stopped, and what to do, where it is a server's.
pub(super) fn advice(token: &str, stop: &Stop<'_>) -> Option<String> {
    let told = in_place(token, stop).or_else(|| {
        // Where it stands tells more than the token.
        let (word, first) = (stop.word_before(), stop.first_word());
        let is = |known: &str, found: &str| known.is_empty() || known.eq_ignore_ascii_case(found);
        let fits = |(known, before, begins, _): &&Place| is(known, token) && is(before, word) && is(begins, first);
        PLACES.iter().find(fits).map(|(_, _, _, words)| *words)
    });
    let told = told.or_else(|| {
        let (_, words) = TOKENS.iter().find(|(known, _)| token.eq_ignore_ascii_case(known))?;
        Some(*words)
    });
    told.map(str::to_string)
}

fn in_place(token: &str, stop: &Stop<'_>) -> Option<&'static str> {
    let (before, word) = (stop.before().trim_ascii_end(), stop.word_before());
    if token == "=" && has_name(&["engine", "charset", "row_format"], word)
        || token == "DEFAULT" && before.ends_with(')')
    {
        return Some("the options of a table are MySQL's, so take out what follows the last parenthesis");
    }
    if before.ends_with("\\'") {
        return Some("a backslash is a letter in SQLite's texts: write `''` for a quote in one");
    }
    if token.starts_with('\'') && word.eq_ignore_ascii_case("e") {
        return Some("`E'…'` is PostgreSQL's, and a backslash is a letter in SQLite's texts: write `'…'` with the letters themselves");
    }
    if token.starts_with('\'') && word.eq_ignore_ascii_case("b") {
        return Some("`b'…'` is a server's: write the number");
    }
    let listed = before.strip_suffix('(')?;
    let name = Stop { sql: listed, at: listed.len() }.word_before();
    if name.eq_ignore_ascii_case("enum") {
        return Some("SQLite has no `ENUM`, so write `TEXT` with a `CHECK`");
    }
    let to_name = listed.trim_ascii_end().strip_suffix(name).unwrap_or_default();
    let is_key = Stop { sql: to_name, at: to_name.len() }.word_before().eq_ignore_ascii_case("key");
    is_key.then_some("in SQLite an index is not a part of its table, so write `CREATE INDEX` after it")
}

/// A token at which SQLite stops, the word before it and the first one of the statement, each empty for any; and what to do.
type Place = (&'static str, &'static str, &'static str, &'static str);

const CHANGES: &str = "SQLite changes no column of a table: write the table as it is to be";
const CONSTRAINTS: &str = "SQLite adds no such constraint to a table and drops none: write the table as it is to be";
const INDEXES: &str = "in SQLite an index is not a part of its table: write `CREATE INDEX` or `DROP INDEX`";
const INHERITS: &str = "it is PostgreSQL's: take it out";
const ROW_SECURITY: &str = "SQLite has no users: take it out";
const COPIES: &str = "SQLite copies no table's columns: write them out";

const PLACES: [Place; 28] = [
    ("on", "current_timestamp", "", "`ON UPDATE CURRENT_TIMESTAMP` is MySQL's, so write a trigger"),
    ("or", "create", "", "SQLite replaces nothing as it creates, so write `DROP … IF EXISTS` before it"),
    ("as", "default", "", "`AS IDENTITY` is a server's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("", "concurrently", "", "`CONCURRENTLY` is PostgreSQL's, so take it out"),
    ("", "interval", "", "SQLite has no intervals, but `datetime(…, '+1 day')`"),
    ("set", "character", "", "the character set of a column is MySQL's: take it out"),
    ("set", "", "insert", "`INSERT … SET` is MySQL's, and SQLite has `INSERT INTO … (…) VALUES (…)`"),
    ("using", "exclude", "", "it is PostgreSQL's: take `EXCLUDE` and what follows it out"),
    ("using", "", "delete", "it is a server's: write `WHERE … IN (SELECT …)`"),
    ("by", "partition", "", "partitions are a server's: take `PARTITION BY` and what follows it out"),
    ("exists", "not", "alter", "SQLite has no `IF NOT EXISTS` for a column: take it out"),
    ("exists", "if", "alter", "SQLite has no `IF EXISTS` here: take it out"),
    (",", "", "alter", "an `ALTER TABLE` of SQLite's does one thing: write a statement for each"),
    ("foreign", "", "alter", CONSTRAINTS),
    ("unique", "", "alter", CONSTRAINTS),
    ("primary", "", "alter", CONSTRAINTS),
    ("constraint", "rename", "alter", "SQLite renames no constraint: take it out"),
    // An older SQLite stops here, a newer one at the kind that it does not add.
    ("constraint", "", "alter", CONSTRAINTS),
    ("key", "", "alter", INDEXES),
    ("index", "", "alter", INDEXES),
    ("(", "inherits", "", INHERITS),
    ("(", "nextval", "", "sequences are PostgreSQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("(", "set_config", "select", "it is a setting of PostgreSQL's: take it out"),
    ("(", "include", "create", "`INCLUDE` is PostgreSQL's: take it out, or name its columns as others of the index"),
    ("all", "including", "", COPIES),
    ("like", "", "create", COPIES),
    ("on", "", "drop", "SQLite drops an index by its name alone: take `ON …` out"),
    ("rename", "", "rename", "SQLite has `ALTER TABLE … RENAME TO …`"),
];

const TOKENS: [(&str, &str); 54] = [
    ("[]", "lists are PostgreSQL's: write `TEXT`, with a list of JSON in it"),
    ("after", "SQLite adds a column as the last one: take it out"),
    ("alter", CHANGES),
    ("at", "`AT TIME ZONE` is PostgreSQL's: take it out"),
    ("auto_increment", "it is MySQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("change", CHANGES),
    ("character", "the character set of a column is MySQL's: take it out"),
    ("comment", "SQLite keeps no comments: take it out"),
    ("copy", "it is PostgreSQL's: write `INSERT`, or the rows as a CSV file to `data`"),
    ("database", "it is a server's, and each bind is a database already: take it out"),
    ("delimiter", "it is a command of MySQL's shell: take it out"),
    ("disable", "it is PostgreSQL's: take it out"),
    ("do", "it is PostgreSQL's: take it out"),
    ("domain", "it is PostgreSQL's: write the type itself"),
    ("duplicate", "`ON DUPLICATE KEY` is MySQL's, and SQLite has `ON CONFLICT`"),
    ("enable", "it is PostgreSQL's: take it out"),
    ("execute", "a trigger's function is PostgreSQL's: write what it does, between `BEGIN` and `END`"),
    ("extension", "it is PostgreSQL's: take it out"),
    ("function", "SQLite keeps no functions: take it out, and register it with `on_connect`"),
    ("go", "it is a command of SQL Server's shell: take it out"),
    ("grant", "SQLite has no users: take it out"),
    ("ignore", "SQLite has `INSERT OR IGNORE`"),
    ("ilike", "it is PostgreSQL's, and SQLite's `LIKE` takes ASCII letters in either case"),
    ("include", "`INCLUDE` is PostgreSQL's: take it out, or name its columns as others of the index"),
    ("inherits", INHERITS),
    ("identity", "`AS IDENTITY` is a server's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("lock", "it is a server's: take it out"),
    ("materialized", "it is PostgreSQL's: write a view or a table"),
    ("max", "it is SQL Server's: write `TEXT` or `BLOB`"),
    ("modify", CHANGES),
    ("only", "it is PostgreSQL's: take the word out"),
    ("owner", "SQLite has no users: take it out"),
    ("partition", "it is a server's: take it out"),
    ("policy", ROW_SECURITY),
    ("procedure", "SQLite keeps no procedures: take it out"),
    ("public", "it is PostgreSQL's schema: take it out, and `ONLY` with it"),
    ("revoke", "SQLite has no users: take it out"),
    ("role", "SQLite has no users: take it out"),
    ("schema", "it is a server's, and each bind has one: take it out"),
    ("sequence", "it is PostgreSQL's, and in SQLite an `INTEGER PRIMARY KEY` counts by itself"),
    ("set", "it is a setting of a server: take it out, or write a pragma"),
    ("show", "it is MySQL's: take it out"),
    ("start", "SQLite has `BEGIN`"),
    ("tablespace", "it is a server's: take it out"),
    ("truncate", "SQLite has `DELETE FROM`"),
    ("type", "it is PostgreSQL's: write `TEXT` with a `CHECK`"),
    ("unlock", "it is a server's: take it out"),
    ("unlogged", "it is PostgreSQL's: take the word out"),
    ("unsigned", "it is MySQL's: take it out, or write a `CHECK`"),
    ("use", "it is MySQL's, and each bind is a database: take it out"),
    ("user", "SQLite has no users: take it out"),
    ("using", "SQLite has one kind of index: take `USING` and what follows it out"),
    ("zerofill", "it is MySQL's: take it out"),
    ("engine", "the options of a table are MySQL's, so take out what follows the last parenthesis"),
];
