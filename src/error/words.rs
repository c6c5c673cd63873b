//! Words of messages: places, names, lists, and the meaning of SQLite's answers.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::path::{Component, Path, PathBuf};

use super::conflict::Conflict;
use crate::key::BindKey;
use crate::list::mapped;
use crate::nearest::nearest;

/// Returns SQLite's message alone, without the statement that rusqlite adds to some.
pub(crate) fn sqlite_message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        error => error.to_string(),
    }
}

/// Returns an error and its causes, joined by colons. Of SQLite's errors the message is enough, and a cause that is already
/// in the message above it is left out.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let sqlite = error.downcast_ref::<rusqlite::Error>();
        let message = sqlite.map_or_else(|| error.to_string(), sqlite_message);
        if text.is_empty() {
            text = message;
        } else if !text.ends_with(&message) {
            text = format!("{text}: {message}");
        }
        next = if sqlite.is_some() { None } else { error.source() };
    }
    text
}

/// Returns SQLite's message, and what to do where a function or collation of the application is missing.
pub(crate) fn advised(error: &rusqlite::Error) -> String {
    let message = sqlite_message(error);
    let starts = ["no such collation sequence: ", "no such function: ", "unknown function: "];
    if starts.iter().any(|start| message.starts_with(start)) {
        format!("{message}; if it is the application's, give it to the harness with `on_connect`")
    } else if message == "no query solution" {
        // Of a table without rowids whose collation is not known, from the second statement on.
        format!("{message}; if a collation of the table is the application's, give it to the harness with `on_connect`")
    } else {
        message
    }
}

/// Returns whether an authorizer refused the statement.
pub(crate) fn is_denied(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::AuthorizationForStatementDenied)
}

/// Returns whether another connection holds a lock.
pub(crate) fn is_lock(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Returns a way out where the lock is of a kind that only a shared cache has.
pub(super) fn instead_of_a_shared_cache(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseLocked) => {
            ". A shared cache locks whole tables, for readers too; `Bind::memory()` does not"
        }
        _ => "",
    }
}

/// Returns `default, auth, meta`, or `none`.
pub(crate) fn list<T: fmt::Display>(items: &[T]) -> String {
    match items {
        [] => "none".to_string(),
        items => joined(items, ", "),
    }
}

/// Joins the items with a separator between them.
pub(crate) fn joined<T: fmt::Display>(items: &[T], separator: &str) -> String {
    let (mut text, mut before) = (String::new(), "");
    for item in items {
        push(&mut text, before, item);
        before = separator;
    }
    text
}

/// Joins a text of each item.
pub(crate) fn joined_by<T>(items: &[T], separator: &str, text: &dyn Fn(&T) -> String) -> String {
    mapped(items, text).join(separator)
}

/// Appends an item; apart from its caller, to be compiled once for all kinds of items.
fn push(text: &mut String, before: &str, item: &dyn fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(text, "{before}{item}");
}

/// Returns a name as SQL has it, in quotes where it needs them.
pub(crate) fn sql_name(name: &str) -> String {
    if is_identifier(name) {
        return name.to_string();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns whether a name needs no quotes, in SQL and in a shell: ASCII letters, digits and `_`, and no digit first.
pub(crate) fn is_identifier(name: &str) -> bool {
    for (at, byte) in name.bytes().enumerate() {
        if byte != b'_' && !byte.is_ascii_alphabetic() && (at == 0 || !byte.is_ascii_digit()) {
            return false;
        }
    }
    !name.is_empty()
}

/// Returns a key as code has it as an argument.
pub(crate) fn argument(bind: &BindKey) -> String {
    format!("{:?}", bind.to_string())
}

/// Writes keys as a test writes them in an argument.
pub(crate) fn arguments(keys: &[BindKey]) -> String {
    match keys {
        [key] => argument(key),
        keys => format!("[{}]", joined_by(keys, ", ", &argument)),
    }
}

/// Returns the ways to say which of these binds is meant: in SQL and in code.
pub(super) fn say_which(binds: &[BindKey], table: &str) -> String {
    format!(": say which, with {}", ways_to_say_which(binds, table))
}

/// Returns an example of each of those ways.
pub(super) fn ways_to_say_which(binds: &[BindKey], table: &str) -> String {
    // One whose key is the same in both.
    let Some(example) = binds.iter().find(|bind| !bind.is_default()).or(binds.first()) else { return String::new() };
    let (schema, table, key) = (sql_name(example.schema_name()), sql_name(table), argument(example));
    format!("`{schema}.{table}` in the SQL or with `on({key})`")
}

/// The holder of a lock of which nothing is known.
pub(crate) const OPEN: &str = "another connection has a transaction or an unfinished query open on it";

/// Returns the holder of a lock, as far as it is known.
pub(crate) fn held(conflict: &Option<Box<Conflict>>, otherwise: &str) -> String {
    match conflict {
        Some(conflict) => conflict.to_string(),
        None => otherwise.to_string(),
    }
}

/// Returns a text with a capital, for the start of a sentence.
pub(crate) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// Returns what to do about a lock, where the error is one.
pub(super) fn in_the_way(error: &rusqlite::Error, conflict: &Option<Box<Conflict>>) -> String {
    if !is_lock(error) {
        return String::new();
    }
    format!(": {}. Commit it, roll it back or drop it first; an uncommitted session counts", held(conflict, OPEN))
}

/// Names the constraint that failed, which SQLite's own message does not.
pub(super) fn by_a_hook(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error() {
        Some(failure) if failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_COMMITHOOK => {
            ", since a commit hook refused it"
        }
        _ => "",
    }
}

/// Returns a hint at the key that was probably meant.
pub(super) fn meant(bind: &BindKey, configured: &[BindKey]) -> String {
    let Some(asked) = bind.as_str() else { return String::new() };
    if asked.eq_ignore_ascii_case("default") || asked.eq_ignore_ascii_case("main") {
        return "; the default bind's key is `default`".to_string();
    }
    let mut names = Vec::with_capacity(configured.len());
    for bind in configured {
        if let Some(name) = bind.as_str() {
            names.push(name);
        }
    }
    match nearest(asked, &names) {
        Some(near) => format!("; the nearest is `{near}`"),
        None => String::new(),
    }
}

pub(super) fn other_spelling(bind: &BindKey, first: &BindKey) -> String {
    if bind == first {
        return String::new();
    }
    format!(": `{first}` differs only in case, and SQL compares names without it")
}

/// Returns a path as it is shown: without `.`, and without a folder that `..` leaves again.
pub(crate) fn shown_path(path: &Path) -> String {
    let mut shown = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(shown.components().next_back(), Some(Component::Normal(_))) => {
                shown.pop();
            }
            part => shown.push(part),
        }
    }
    // The current folder itself has no other name.
    let shown = if shown.as_os_str().is_empty() { path } else { &shown };
    shown.display().to_string()
}

pub(super) fn place(file: &Option<PathBuf>, line: Option<usize>) -> String {
    match (file.as_deref().map(shown_path), line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        (None, Some(line)) => format!("line {line}: "),
        (None, None) => String::new(),
    }
}

pub(super) fn at(file: &Option<PathBuf>, line: Option<usize>) -> String {
    match place(file, line).trim_end_matches(": ") {
        "" => String::new(),
        place => format!(" at {place}"),
    }
}

pub(super) fn in_file(file: &Path, line: Option<usize>, bind: Option<&BindKey>) -> String {
    let mut text = shown_path(file);
    if let Some(line) = line {
        text = format!("{text}:{line}");
    }
    if let Some(bind) = bind {
        text = format!("{text} (bind `{bind}`)");
    }
    text
}

pub(super) fn nearest_tables(nearest: &[(BindKey, String)]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    let mut names = Vec::with_capacity(nearest.len());
    for (bind, table) in nearest {
        names.push(format!("`{table}` in {bind}"));
    }
    format!("; the nearest names are {}", list(&names))
}

/// Returns the replicas that there are, or how to configure one.
pub(super) fn configured_replicas(replicas: &[BindKey]) -> String {
    match replicas {
        [] => "none is configured: set `mirror` and `read_only` on a bind to make it one".to_string(),
        replicas => format!("configured are {}", list(replicas)),
    }
}

pub(super) fn elsewhere(found: &[BindKey]) -> String {
    match found {
        [] => String::new(),
        found => format!(", but in {}", list(found)),
    }
}

/// Returns the statement on a line of its own, cut where it is long; nothing where there is none.
pub(super) fn statement<'s>(sql: impl Into<Option<&'s str>>) -> String {
    match sql.into().map(str::trim) {
        None | Some("") => String::new(),
        Some(sql) => format!("\n  in: {}", shown(sql)),
    }
}

/// Returns a text for people, cut where it is long; a NUL character would end it in some tools.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 300;
    if text.contains('\0') {
        return shown(&text.replace('\0', "\\0")).into_owned().into();
    }
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} … ({} bytes)", &text[..end], text.len()).into(),
        None => text.into(),
    }
}

/// Returns the message of a panic.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("with a value that is not text")
}
