//! The bind of the statement before, tried first: most statements are about the same bind as the one before them.
//!
//! A statement that SQLite accepts beside one bind, and that uses a table of it, is refused beside none, for that table is
//! missed. So the search would add this bind and come to the same answer, two prepared statements later. The statement before
//! may be one of another harness with the same tables, on another thread: the answer must not depend on it.

use std::slice;

use super::access::{Access, Act};
use super::ambiguity::is_reserved;
use super::catalog::{Catalog, NamedBind};
use super::look::{reads_main, shadowed, Looked};
use super::program::Program;
use super::stage::{Accepted, Setting, Stage};
use super::stages::Stages;
use crate::error::{sqlite_message, Result};
use crate::sqlite::objects::NameKind;

/// Returns SQLite's answer to a statement on rows of one bind, that of the statement before or the one that is missed
/// beside it; `None` where only a search can tell which binds it needs.
pub(super) fn look_near(catalog: &Catalog, stages: &mut Stages, sql: &str) -> Result<Option<Looked>> {
    let Some(before) = stages.before() else { return Ok(None) };
    let missed = match look_beside(catalog, stages, sql, before.clone())? {
        Ok(looked) => return Ok(looked),
        Err(error) => catalog.missed_in(&sqlite_message(&error)),
    };
    match missed.as_slice() {
        [one] if *one != before => Ok(look_beside(catalog, stages, sql, one.clone())?.unwrap_or_default()),
        _ => Ok(None),
    }
}

/// Returns SQLite's answer beside one bind, `None` if it may need another one, or SQLite's error.
fn look_beside(
    catalog: &Catalog,
    stages: &mut Stages,
    sql: &str,
    named: NamedBind,
) -> Result<rusqlite::Result<Option<Looked>>> {
    let setting = Setting::of(catalog, slice::from_ref(&named));
    let stage = stages.stage(catalog, &setting)?;
    Ok(stage.see_listed(sql).map(|(seen, program)| {
        let is_certain = needs_it_alone(catalog, stage, &named, &seen, &program);
        is_certain.then_some(Looked { setting, look: Ok(seen), program })
    }))
}

/// Reports whether a statement that is accepted beside one bind needs it, and certainly no other.
fn needs_it_alone(catalog: &Catalog, stage: &Stage, named: &NamedBind, seen: &Accepted, program: &Program) -> bool {
    let present = slice::from_ref(named);
    // Another key of the bind may be the one that the search comes to.
    *named == catalog.unqualified(named.1)
        && stage.stand_ins().is_empty()
        && seen.accesses.iter().all(|access| matches!(access.act, Act::Read(_) | Act::Write(_) | Act::Counts(_)))
        && seen.accesses.iter().any(|access| is_of(catalog, named, access, program))
        && shadowed(catalog, present, seen).iter().all(|wanted| wanted == named)
        && (!reads_main(program) || catalog.default_named().is_none_or(|main| main == *named))
}

/// Reports whether an access is to a table that one bind alone has, and no function or common table expression of that name.
pub(super) fn is_of(catalog: &Catalog, (key, bind): &NamedBind, access: &Access, program: &Program) -> bool {
    let Some(name) = access.table() else { return false };
    let is_the_one = match catalog.named(NameKind::Table, name) {
        [one] => one.bind == *bind,
        _ => false,
    };
    // Of a table and a common table expression alike, SQLite leaves the schema out where no column is read.
    let is_table = access.schema.is_some() || program.reads(key.schema_name());
    is_the_one && is_table && !is_reserved(name)
}
