//! Preparing a statement beside every bind that it names, and never more than ten of them.

use super::access::{Access, Act, Kind};
use super::catalog::Catalog;
use super::router::{Router, Seen, MOST_ATTACHED};
use crate::error::{sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::list::filtered;

/// What SQLite says of a statement's own part of the world, or why it does not accept it.
pub(super) type Look = std::result::Result<Seen, (rusqlite::Error, Vec<Access>)>;

/// Prepares a statement with every key attached that it names.
pub(super) fn look(catalog: &Catalog, router: &mut Router, sql: &str) -> Result<Look> {
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    if router.holds_all() {
        router.attach_all(&catalog.members).map_err(failed)?;
        return Ok(router.see(sql));
    }
    let mut wanted = Vec::new();
    loop {
        let look = router.see(sql);
        let missing = match &look {
            Ok(seen) => shadowed(catalog, router, seen),
            Err((error, _)) => catalog.missed_in(&sqlite_message(error)),
        };
        let missing = filtered(&missing, |(key, _)| !router.has(key));
        if missing.is_empty() {
            return match look {
                Err((error, _)) if says_too_little(&error) => one_by_one(catalog, router, sql, wanted),
                // A name that `IF EXISTS` forgives may be in a member that is not attached.
                Ok(seen) if seen.accesses.is_empty() && !seen.readonly => page_by_page(catalog, router, sql, seen),
                look => Ok(look),
            };
        }
        wanted.extend(missing);
        if wanted.len() > MOST_ATTACHED {
            return Err(too_many(sql, wanted.len()));
        }
        router.attach(&catalog.members, &wanted).map_err(failed)?;
    }
}

fn too_many(sql: &str, named: usize) -> Error {
    Error::Statement {
        sql: sql.to_string(),
        problem: format!(
            "it names {named} binds beside the default one, and SQLite attaches no more than {MOST_ATTACHED}: \
             split it"
        ),
    }
}

/// The keys of tables that SQLite took for one of its table-valued functions, since they are not attached.
fn shadowed(catalog: &Catalog, router: &Router, seen: &Seen) -> Vec<(BindKey, usize)> {
    let mut keys = Vec::new();
    for access in &seen.accesses {
        let Act::Read(name) = &access.act else { continue };
        let in_main = access.schema.as_deref().is_none_or(|schema| schema == "main");
        if in_main && !catalog.named(Kind::Table, name).iter().any(|named| router.holds(named.member)) {
            keys.extend(catalog.first_named(Kind::Table, name));
        }
    }
    keys
}

/// Whether the error is about a name and does not tell it, or quotes it as the statement does.
fn says_too_little(error: &rusqlite::Error) -> bool {
    let message = sqlite_message(error);
    message.starts_with("unknown database ") || message == "unable to identify the object to be reindexed"
}

/// Attaches one key after the other, until SQLite accepts the statement or misses something else.
fn one_by_one(catalog: &Catalog, router: &mut Router, sql: &str, wanted: Vec<(BindKey, usize)>) -> Result<Look> {
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    for entry in router.all() {
        let mut also = wanted.clone();
        also.push(entry);
        if also.len() > MOST_ATTACHED {
            return Err(too_many(sql, also.len()));
        }
        router.attach(&catalog.members, &also).map_err(failed)?;
        match router.see(sql) {
            Err((error, _)) if says_too_little(&error) => {}
            Err((error, _)) => {
                // It is the one; what else is missing is attached beside it.
                also.extend(filtered(&catalog.missed_in(&sqlite_message(&error)), |(key, _)| !router.has(key)));
                if also.len() > MOST_ATTACHED {
                    return Err(too_many(sql, also.len()));
                }
                router.attach(&catalog.members, &also).map_err(failed)?;
                return Ok(router.see(sql));
            }
            accepted => return Ok(accepted),
        }
    }
    Ok(router.see(sql))
}

/// Prepares a statement beside all keys, ten at a time, until it touches something.
fn page_by_page(catalog: &Catalog, router: &mut Router, sql: &str, seen: Seen) -> Result<Look> {
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    if !router.program(sql).map_err(failed)?.vacuums.is_empty() {
        return Ok(Ok(seen));
    }
    let before = router.attached();
    for page in router.all().chunks(MOST_ATTACHED) {
        router.attach(&catalog.members, page).map_err(failed)?;
        match router.see(sql) {
            Ok(seen) if !seen.accesses.is_empty() => return Ok(Ok(seen)),
            _ => {}
        }
    }
    // What it names by a key was attached.
    router.attach(&catalog.members, &before).map_err(failed)?;
    Ok(Ok(seen))
}
