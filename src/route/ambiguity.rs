//! Telling `user` from `auth.user` where decoys of tables do not: for names of indexes and triggers, and for statements
//! that change a schema.
//!
//! SQLite does not say how a name was written. But it looks an unqualified name up in `temp` first, so a statement is
//! prepared once more with a decoy of that name there: what was qualified stays as it was, what was not goes astray.

use super::access::{Access, Act, NewObject};
use super::catalog::Catalog;
use super::decoys::decoy;
use super::stage::{Accepted, Look, Stage};
use crate::error::sqlite_message;
use crate::sqlite::objects::NameKind;
use crate::sqlite::script::quote;

/// A name that an unqualified use may mean.
pub(super) type Name = (NameKind, String);

/// Returns the first index or trigger that a statement changes without saying whose it is, where several binds have it.
pub(super) fn first_unqualified(
    catalog: &Catalog,
    stage: &Stage,
    sql: &str,
    accesses: &[Access],
) -> rusqlite::Result<Option<Name>> {
    for access in accesses {
        let Act::Change(kind @ (NameKind::Index | NameKind::Trigger), name) = &access.act else { continue };
        let name = (*kind, name.to_ascii_lowercase());
        let is_temporary = |seen: &Accepted| seen.accesses.iter().any(Access::is_temporary);
        if catalog.owners(name.0, &name.1).len() > 1
            && with_decoy(stage, &name, &|| stage.see(sql).map_or(true, |seen| is_temporary(&seen)))?
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Finds the name of several binds by which a statement goes astray. On the bare stage, without decoys, it has this
/// `outcome`.
pub(super) fn culprit(catalog: &Catalog, bare: &Stage, sql: &str, outcome: &Look) -> rusqlite::Result<Option<Name>> {
    // Most often what the statement is about, and that is reported or in the message.
    let mut names = Vec::new();
    match outcome {
        Ok(seen) => names.extend(seen.accesses.iter().filter_map(Access::table).map(str::to_ascii_lowercase)),
        Err((error, _)) => names.extend(sqlite_message(error).rsplit('.').next().map(str::to_ascii_lowercase)),
    }
    names.extend(catalog.names_of_several(NameKind::Table).into_iter().map(str::to_string));
    for name in names {
        if catalog.owners(NameKind::Table, &name).len() > 1 {
            let name = (NameKind::Table, name);
            if goes_astray(bare, sql, &name, outcome)? {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

/// Reports whether a decoy changes the outcome of a statement: then it uses the name without a schema.
pub(super) fn goes_astray(stage: &Stage, sql: &str, name: &Name, outcome: &Look) -> rusqlite::Result<bool> {
    with_decoy(stage, name, &|| differs(&stage.see(sql), outcome))
}

/// Reports whether SQLite says one thing of a statement here, and another there.
pub(super) fn differs(here: &Look, there: &Look) -> bool {
    match (here, there) {
        (Ok(here), Ok(there)) => {
            // `ALTER TABLE` looks through what is in `temp`, decoys or not.
            let is_temporary = |seen: &Accepted| uses_temporary(seen);
            is_temporary(here) != is_temporary(there) || maintained(here) != maintained(there)
        }
        (Err((here, _)), Err((there, _))) => sqlite_message(here) != sqlite_message(there),
        _ => true,
    }
}

/// Reports whether a statement uses temporary objects. `ALTER TABLE` looks through their schema by itself.
pub(super) fn uses_temporary(seen: &Accepted) -> bool {
    let alters = seen.accesses.iter().any(|access| matches!(access.act, Act::Change(..)) && !access.is_temporary());
    let own =
        |access: &Access| matches!(&access.act, Act::Read(name) | Act::Write(name) if name == "sqlite_temp_master");
    seen.accesses.iter().any(|access| access.is_temporary() && !(alters && own(access)))
}

/// Returns the accesses of `ANALYZE` and `REINDEX` to what they work on.
fn maintained(seen: &Accepted) -> Vec<Access> {
    let maintained = |access: &&Access| matches!(access.act, Act::Maintain(..)) && !access.is_temporary();
    seen.accesses.iter().filter(maintained).cloned().collect()
}

/// Reports whether a statement is an `ANALYZE` or a `REINDEX`.
///
/// `CREATE INDEX` is reported as a `REINDEX` too. `ANALYZE` without a table is known by creating tables of SQLite's own
/// alone: `CREATE TABLE` may create one beside its own, for `AUTOINCREMENT`.
pub(super) fn maintains(seen: &Accepted) -> bool {
    let mut maintains = false;
    for access in &seen.accesses {
        match &access.act {
            Act::Create(NewObject::Table, name) if is_reserved(name) => maintains = true,
            Act::Create(..) => return false,
            Act::Maintain(..) => maintains = true,
            _ => {}
        }
    }
    maintains
}

/// Returns the index that `ANALYZE` or `REINDEX` names without saying whose it is, if several binds have it.
///
/// Both report the indexes or tables that they work on, not the name they were given. With a decoy of that name they work
/// on the decoy instead.
pub(super) fn maintained_unqualified(
    catalog: &Catalog,
    stage: &Stage,
    sql: &str,
    seen: &Accepted,
) -> rusqlite::Result<Option<Name>> {
    let before = maintained(seen);
    for name in catalog.names_of_several(NameKind::Index) {
        let name = (NameKind::Index, name.to_string());
        let astray = with_decoy(stage, &name, &|| match stage.see(sql) {
            Err(_) => true,
            Ok(seen) => {
                let now = maintained(&seen);
                before.iter().any(|access| !now.contains(access))
            }
        })?;
        if astray {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Runs `work` while a decoy is in `temp`.
fn with_decoy(stage: &Stage, (kind, name): &Name, work: &dyn Fn() -> bool) -> rusqlite::Result<bool> {
    let make = match kind {
        NameKind::Table => decoy(name),
        NameKind::Index | NameKind::Trigger => make_in("temp", *kind, name),
    };
    // Some names are SQLite's own, and it takes them back only so.
    stage.temp(&format!("PRAGMA writable_schema = ON; SAVEPOINT decoy; {make}"))?;
    stage.temp("PRAGMA writable_schema = OFF")?;
    let done = work();
    stage.temp("ROLLBACK TO decoy; RELEASE decoy")?;
    Ok(done)
}

/// Returns the statements that create an object of this kind and name in a schema.
pub(super) fn make_in(schema: &str, kind: NameKind, name: &str) -> String {
    let (schema, host, name) = (quote(schema), quote(&format!("multibind {name}")), quote(name));
    match kind {
        NameKind::Table => format!("CREATE TABLE IF NOT EXISTS {schema}.{name} (x);"),
        NameKind::Index => format!("CREATE TABLE {schema}.{host} (x); CREATE INDEX {schema}.{name} ON {host} (x);"),
        NameKind::Trigger => format!(
            "CREATE TABLE {schema}.{host} (x); \
             CREATE TRIGGER {schema}.{name} AFTER INSERT ON {host} BEGIN SELECT 1; END;"
        ),
    }
}

/// Reports whether SQLite keeps the name for itself, see <https://sqlite.org/fileformat2.html#intschema>.
pub(super) fn is_reserved(name: &str) -> bool {
    name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}
