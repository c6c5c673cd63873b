//! Statements that SQLite does not accept beside the binds that they name: pragmas, which are not prepared here, statements
//! that only the bind's own connection accepts, and wrong ones.

use rusqlite::Error as SqliteError;

use super::access::{Access, Act};
use super::ambiguity::{culprit, differs, goes_astray, is_reserved, uses_temporary};
use super::catalog::{Catalog, Named};
use super::decoys::met;
use super::known::copied;
use super::look::Looked;
use super::made::check_made;
use super::not_run::{not_run, USES_TEMPORARY};
use super::plan::{Destination, Plan, Route};
use super::pragma::plan_of_pragma;
use super::stage::{Decoys, Look, Stage};
use super::stages::Stages;
use super::unknown_bind::unknown_bind;
use crate::error::{is_denied, list, sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::sqlite::objects::NameKind;

/// Returns the plan of a statement that SQLite does not accept, or the error that says why there is none.
pub(super) fn refused(
    catalog: &Catalog,
    stages: &mut Stages,
    sql: &str,
    looked: &Looked,
    error: &SqliteError,
    accesses: &[Access],
) -> Result<Plan> {
    let pragma = accesses.iter().find(|access| matches!(access.act, Act::Pragma(..)));
    if let (true, Some(Access { act: Act::Pragma(name, value), schema, .. })) = (is_denied(error), pragma) {
        return plan_of_pragma(catalog, sql, name, value.as_deref(), schema.as_deref());
    }
    let bare = looked.setting.with(Decoys::None);
    let bare = stages.stage(catalog, &bare)?;
    let outcome = bare.see(sql);
    if differs(&looked.look, &outcome) {
        return Err(led_astray(catalog, bare, sql, error, &outcome)?);
    }
    let message = sqlite_message(error);
    if let Some(table) = message.strip_prefix("no such table: main.") {
        // `CREATE INDEX i ON user` and `CREATE TRIGGER` look for their table in `main` alone.
        if let Some(plan) = own_statement(catalog, bare, sql, table, &outcome)? {
            return Ok(plan);
        }
    }
    if let Some(error) = unknown_bind(catalog, bare, sql, &message)? {
        return Err(error);
    }
    if let Some(error) = dotted(catalog, stages, sql, looked, &message)? {
        return Err(error);
    }
    match message.strip_prefix("no such table: ") {
        Some(table) => Err(catalog.unknown_table(table)),
        None => Err(Error::Prepare { sql: sql.to_string(), source: copied(error), at: None }),
    }
}

/// Returns the error for a statement that SQLite does not accept because a bind's key has a dot. In a join in parentheses
/// SQLite looks a column up by schema, table and column with dots between them, and takes the first dot for the schema's
/// end.
fn dotted(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked, message: &str) -> Result<Option<Error>> {
    let mut beside = looked.setting.clone();
    let mut keys = Vec::new();
    for (key, bind) in &mut beside.present {
        if key.schema_name().contains('.') {
            keys.push(key.clone());
            *key = BindKey::from(format!("multibind {bind}"));
        }
    }
    if keys.is_empty() {
        return Ok(None);
    }
    match stages.stage(catalog, &beside)?.see(sql) {
        // Without the dot it is wrong as well.
        Err((error, _)) if sqlite_message(&error) == message => Ok(None),
        // It names the key, which is not there without the dot, and the column may not be there either.
        Err(_) if !message.starts_with("no such column: ") => Ok(None),
        _ => {
            let problem = format!(
                "{message}. The key of {} has a dot, and in a join in parentheses SQLite does not find the columns of such a \
                 bind: join a subquery there, or choose a key without a dot",
                list(&keys)
            );
            Ok(Some(not_run(sql, problem)))
        }
    }
}

/// Returns the error for a statement that fails by a decoy, and has this `outcome` without.
fn led_astray(catalog: &Catalog, bare: &Stage, sql: &str, error: &SqliteError, outcome: &Look) -> Result<Error> {
    let failed = |source| Error::sql_in(&BindKey::DEFAULT, sql)(source);
    match outcome {
        Ok(seen) if uses_temporary(seen) => return Ok(not_run(sql, USES_TEMPORARY)),
        // It says `temp`, and there the decoy was.
        Err((error, _)) if sqlite_message(error).starts_with("no such table: temp.") => {
            let message = sqlite_message(error);
            return Ok(catalog.unknown_table(message.trim_start_matches("no such table: ")));
        }
        _ => {}
    }
    let name = match met(error).map(|name| (NameKind::Table, name)) {
        // `ANALYZE user` meets the decoy of `sqlite_stat1` in the schema to which that of `user` led it.
        Some(name) if !is_reserved(&name.1) || goes_astray(bare, sql, &name, outcome).map_err(failed)? => Some(name),
        _ => culprit(catalog, bare, sql, outcome).map_err(failed)?,
    };
    Ok(match name {
        Some((kind, name)) => match catalog.owners(kind, &name).as_slice() {
            [] | [_] => catalog.unknown_table(&name),
            several => catalog.ambiguous(&name, several),
        },
        None => Error::Prepare { sql: sql.to_string(), source: copied(error), at: None },
    })
}

/// Returns the plan of a statement that only a connection to the table's own bind accepts.
fn own_statement(catalog: &Catalog, bare: &Stage, sql: &str, table: &str, outcome: &Look) -> Result<Option<Plan>> {
    let owners = catalog.owners(NameKind::Table, table);
    let failed = |source| Error::sql_in(&BindKey::DEFAULT, sql)(source);
    // A statement with `main.` means the default bind, and no decoy leads it astray.
    if owners.is_empty() || !goes_astray(bare, sql, &(NameKind::Table, table.to_string()), outcome).map_err(failed)? {
        return Ok(None);
    }
    let [Named { bind, .. }] = owners.as_slice() else { return Err(catalog.ambiguous(table, &owners)) };
    let key = catalog.key(*bind);
    let alone = Stage::of_main(catalog, *bind)?;
    let seen = match alone.see(sql) {
        Ok(seen) => seen,
        Err((source, _)) => return Err(Error::Prepare { sql: sql.to_string(), source, at: None }),
    };
    check_made(catalog, (std::slice::from_ref(&key), *bind), sql, &seen.accesses)?;
    let route = Route { reads: Vec::new(), writes: vec![key.clone()] };
    let on = Destination::One(*bind, key);
    Ok(Some(Plan::new(on, route).changing_schema(!seen.explains)))
}
