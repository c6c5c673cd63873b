//! The bind that a statement names and that is not configured.

use super::ambiguity::make_in;
use super::catalog::Catalog;
use super::stage::Stage;
use crate::error::{sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::sqlite::objects::NameKind;
use crate::sqlite::script::quote;

/// Returns the error for a statement whose schema name is no bind's, if that is why SQLite answers with `message` on a
/// stage without decoys.
pub(super) fn unknown_bind(catalog: &Catalog, bare: &Stage, sql: &str, message: &str) -> Result<Option<Error>> {
    let schema = if let Some(written) = message.strip_prefix("unknown database ") {
        bare.read_name(written)
    } else if let Some((_, schema)) = message.split_once(" cannot reference objects in database ") {
        Some(schema.to_string())
    } else {
        named_schema(bare, sql, message)?
    };
    let Some(schema) = schema else { return Ok(None) };
    let is_its = |key: &BindKey| key.schema_name().eq_ignore_ascii_case(&schema);
    let keys = catalog.keys();
    if is_its(&BindKey::DEFAULT) || schema.eq_ignore_ascii_case("temp") || keys.iter().any(is_its) {
        return Ok(None);
    }
    if schema.eq_ignore_ascii_case("default") && keys.contains(&BindKey::DEFAULT) {
        let problem = format!("no bind is called `{schema}` in SQL: the default bind is `main` there");
        return Ok(Some(Error::Statement { sql: sql.to_string(), problem, at: None }));
    }
    Ok(Some(Error::UnknownBind { bind: BindKey::from(schema), configured: keys, at: None }))
}

/// Finds the schema in the name of what SQLite misses. Any dot of the name may be the one after the schema, so SQLite is
/// asked: once the schema has such an object, the message differs.
fn named_schema(bare: &Stage, sql: &str, message: &str) -> Result<Option<String>> {
    const MISSED: [(&str, NameKind); 4] = [
        ("no such table: ", NameKind::Table),
        ("no such view: ", NameKind::Table),
        ("no such index: ", NameKind::Index),
        ("no such trigger: ", NameKind::Trigger),
    ];
    let missed = MISSED.iter().find_map(|(start, kind)| Some((message.strip_prefix(start)?, *kind)));
    let Some((name, kind)) = missed else { return Ok(None) };
    for (dot, _) in name.match_indices('.').take(MOST_DOTS) {
        let (schema, object) = (&name[..dot], &name[dot + 1..]);
        let quoted = quote(schema);
        // Beside as many as SQLite attaches, or under a name that is taken, it cannot be tried.
        if bare.temp(&format!("ATTACH ':memory:' AS {quoted}")).is_err() {
            continue;
        }
        // Some names are SQLite's own, and it takes them only so.
        let made = bare.temp(&format!("PRAGMA writable_schema = ON; {}", make_in(schema, kind, object)));
        let is_named = !matches!(bare.see(sql), Err((error, _)) if sqlite_message(&error) == message);
        let detached = bare.temp(&format!("PRAGMA writable_schema = OFF; DETACH {quoted}"));
        made.and(detached).map_err(Error::sql_in(&BindKey::DEFAULT, sql))?;
        if is_named {
            return Ok(Some(schema.to_string()));
        }
    }
    Ok(None)
}

/// The most dots in a name that are tried.
const MOST_DOTS: usize = 8;
