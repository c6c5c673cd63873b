//! The way from a statement's text to its plan.

use super::access::{Access, Act, Control};
use super::ambiguity::{culprit, first_unqualified, maintained_unqualified, maintains, uses_temporary};
use super::catalog::{check_version, folded, Catalog};
use super::look::{is_function, look, pages, Looked};
use super::made::check_made;
use super::refused::{check_pragma, refused};
use super::stage::{met, Decoys, Program, Seen, Setting, MOST_ATTACHED};
use super::stages::Stages;
use super::touched::{touched, Touched};
use super::untouching::{each, untouching};
use super::{Destination, Member, Plan, Route, Told};
use crate::error::{is_denied, sqlite_message, Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::list::{filtered, mapped};
use crate::order::sort_by_key;
use crate::sqlite::script;

/// Finds the plan of what is one statement.
pub(super) fn resolve(catalog: &Catalog, stages: &mut Stages, sql: &str) -> Result<Plan> {
    let looked = look(catalog, stages, sql)?;
    if !is_plain(catalog, &looked) {
        check_version(rusqlite::version_number(), sql, catalog.members.len())?;
    }
    match &looked.look {
        Ok(seen) => plan(catalog, stages, sql, &looked, seen),
        Err((error, accesses)) => refused(catalog, stages, sql, &looked, error, accesses),
    }
}

/// Whether all that SQLite reported is that a statement reads and writes tables of one bind that are not virtual.
fn is_plain(catalog: &Catalog, looked: &Looked) -> bool {
    let (Ok(seen), [(_, member)]) = (&looked.look, looked.setting.present.as_slice()) else { return false };
    let is_own = |access: &Access| match &access.act {
        Act::Read(name) | Act::Write(name) => {
            let virtuals = &catalog.members[*member].virtuals;
            access.accessor.is_none() && access.schema.is_some() && !virtuals.contains(&folded(name))
        }
        _ => false,
    };
    !seen.explains && !seen.accesses.is_empty() && seen.accesses.iter().all(is_own)
}

/// Refuses what is no statement, or several.
pub(super) fn one_statement(sql: &str) -> Result<()> {
    match script::statements(sql).map(|statements| statements.len()) {
        Ok(1) => Ok(()),
        Ok(0) => Err(not_run(sql, "it is empty")),
        Ok(several) => Err(not_run(sql, format!("there are {several} statements: give them to `execute_batch`"))),
        Err(problem) => Err(not_run(sql, problem.to_string())),
    }
}

pub(super) fn not_run(sql: &str, problem: impl Into<String>) -> Error {
    Error::Statement { sql: sql.to_string(), problem: problem.into() }
}

/// The plan of a statement that SQLite accepts.
fn plan(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked, seen: &Seen) -> Result<Plan> {
    if let Some(control) = seen.accesses.iter().find_map(control) {
        return Err(not_run(sql, control.instead()));
    }
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    if uses_temporary(seen) {
        return Err(temporary(catalog, stages, sql, looked)?);
    }
    let stage = stages.stage(catalog, &looked.setting)?;
    let maintains = maintains(seen);
    let unqualified = if maintains {
        maintained_unqualified(catalog, stage, sql, seen)
    } else {
        first_unqualified(catalog, stage, sql, &seen.accesses)
    };
    if let Some((kind, name)) = unqualified.map_err(failed)? {
        return Err(catalog.ambiguous(&name, catalog.named(kind, &name)));
    }
    if maintains && !seen.explains {
        return maintain(catalog, stages, sql, seen);
    }
    let mut touched = touched(catalog, stage, seen, &looked.program)?;
    if maintains {
        // It was looked at beside all.
        touched.needed.clear();
    }
    if touched.lookups.is_empty() && opens_unreported(catalog, seen, &looked.program) {
        touched.lookups.extend(lookup(catalog, stages, sql, looked)?);
    }
    if !touched.lookups.is_empty() {
        return look_up(catalog, sql, &touched);
    }
    let route = route(catalog, &touched);
    if let [write, ..] = touched.writes().as_slice() {
        let others = filtered(&touched.members(), |member| member != write);
        if !others.is_empty() {
            return Err(cross_bind_write(catalog.key(*write), mapped(&others, |member| catalog.key(*member)), sql));
        }
    }
    let all = touched.all();
    let position = all.first().map(|member| member.position);
    let on = match position {
        // The default bind is where a search begins: it is not needed for that.
        _ if touched.uses.is_empty() && (looked.setting.present.is_empty() || !has_effect(seen)) => {
            return untouching(catalog, stages, sql, looked, seen);
        }
        None => return untouching(catalog, stages, sql, looked, seen),
        Some(position) if all.iter().all(|member| member.position == position) => {
            one(sql, catalog, position, all, &touched)?
        }
        Some(_) => Destination::Join(all),
    };
    if let (Destination::One(member, key), false) = (&on, seen.explains) {
        check_made(catalog, (std::slice::from_ref(key), *member), sql, &seen.accesses)?;
    }
    let changes_schema = !seen.explains && changes_schema(&seen.accesses);
    Ok(Plan { on, route, changes_schema, in_transaction: true, counts: counts(seen), looks_up: false })
}

/// Whether a statement opens a virtual table or a table-valued function that SQLite does not report: one that is only
/// joined by the names of columns.
fn opens_unreported(catalog: &Catalog, seen: &Seen, program: &Program) -> bool {
    let mut reported = Vec::new();
    for access in &seen.accesses {
        let is_virtual =
            |name: &str| catalog.members.values().iter().any(|member| member.virtuals.contains(&folded(name)));
        if let Some(name) = access.table()
            && (is_function(catalog, access) || is_virtual(name))
            && !reported.contains(&(access.schema.as_deref(), name))
        {
            reported.push((access.schema.as_deref(), name));
        }
    }
    program.virtuals() > reported.len()
}

/// The function that looks names up when it runs and that a statement uses, reported or not.
fn lookup(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked) -> Result<Option<String>> {
    let hiding = Setting { decoys: Decoys::Lookups, ..looked.setting.clone() };
    let Err((error, _)) = stages.stage(catalog, &hiding)?.see(sql) else { return Ok(None) };
    // With arguments SQLite says that the decoy is no function.
    let message = sqlite_message(&error);
    let called = message.strip_prefix('\'').and_then(|rest| rest.strip_suffix("' is not a function"));
    Ok(met(&error).or_else(|| called.map(str::to_string)))
}

/// Whether a statement reads, writes or changes something wherever it is accepted; what does not may be forgiven what it
/// names.
fn has_effect(seen: &Seen) -> bool {
    seen.readonly && seen.has_columns || seen.explains || !seen.accesses.is_empty()
}

/// Why a statement is not run that uses `temp`: by itself, or since a name of several members leads to a decoy there.
fn temporary(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked) -> Result<Error> {
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    let bare = Setting { decoys: Decoys::None, ..looked.setting.clone() };
    let bare = stages.stage(catalog, &bare)?;
    let outcome = bare.see(sql);
    if !matches!(&outcome, Ok(seen) if uses_temporary(seen))
        && let Some((kind, name)) = culprit(catalog, bare, sql, &outcome).map_err(failed)?
    {
        return Ok(catalog.ambiguous(&name, catalog.named(kind, &name)));
    }
    Ok(not_run(sql, USES_TEMPORARY))
}

pub(super) const USES_TEMPORARY: &str =
    "a temporary table lives on one connection: make it and use it with `session.on(key)`";

/// The function that tells what its connection wrote, where the statement itself calls one.
pub(super) fn counts(seen: &Seen) -> Option<String> {
    seen.accesses.iter().find_map(|access| match &access.act {
        Act::Counts(function) if access.accessor.is_none() => Some(function.to_ascii_lowercase()),
        _ => None,
    })
}

fn changes_schema(accesses: &[Access]) -> bool {
    accesses.iter().any(|access| matches!(access.act, Act::Create(..) | Act::Change(..)))
}

fn control(access: &Access) -> Option<Control> {
    match access.act {
        Act::Control(control) => Some(control),
        _ => None,
    }
}

pub(super) fn route(catalog: &Catalog, touched: &Touched) -> Route {
    let keys = |members: &[BindIndex]| mapped(members, |member| catalog.key(*member));
    Route { reads: keys(&touched.reads()), writes: keys(&touched.writes()) }
}

fn cross_bind_write(write: BindKey, others: Vec<BindKey>, sql: &str) -> Error {
    let hint = "separate databases share no transaction. Read the rows first, with `session.query`, then write them \
                with `session.execute`";
    Error::CrossBindWrite { write, others, hint: hint.to_string(), sql: sql.to_string() }
}

/// Where a statement runs that uses one member, by one key of it or several.
///
/// On the member's connection only one of its keys is a schema name, and `main` always is.
fn one(sql: &str, catalog: &Catalog, position: BindIndex, all: Vec<Member>, touched: &Touched) -> Result<Destination> {
    let keys = filtered(&mapped(&all, |member| member.key.clone()), |key| !key.is_default());
    match keys.as_slice() {
        [] => Ok(Destination::One(position, BindKey::DEFAULT)),
        [one] => Ok(Destination::One(position, one.clone())),
        _ if touched.writes().is_empty() => Ok(Destination::Join(all)),
        _ => {
            let mut keys = keys;
            sort_by_key(&mut keys, |key| *key != catalog.key(position));
            let problem =
                format!("{} are keys of one database: write one of them throughout", crate::error::list(&keys));
            Err(not_run(sql, problem))
        }
    }
}

/// A statement with a table-valued function that looks names up while it runs: only beside all binds can it find what
/// it is asked for.
fn look_up(catalog: &Catalog, sql: &str, touched: &Touched) -> Result<Plan> {
    let functions = crate::error::list(&touched.lookups);
    let route = route(catalog, touched);
    let plan = |on, looks_up| Plan { on, route, changes_schema: false, in_transaction: true, counts: None, looks_up };
    let mut all = touched.all();
    let is_used = |position: BindIndex| all.iter().any(|member| member.position == position);
    let mut meant = Vec::new();
    for position in catalog.members.indexes() {
        if !catalog.is_replica(position) || is_used(position) {
            meant.push(position);
        }
    }
    if let [one] = meant.as_slice() {
        let key = all.into_iter().map(|member| member.key).next().unwrap_or_else(|| catalog.key(*one));
        return Ok(plan(Destination::One(*one, key), false));
    }
    if !touched.writes().is_empty() {
        let problem = format!(
            "what `{functions}` is asked for may be in another bind than the one it writes: read it first, or name \
             one bind for both with `session.on(key)`"
        );
        return Err(not_run(sql, problem));
    }
    if catalog.named_keys().len() > MOST_ATTACHED {
        let problem = format!(
            "`{functions}` looks names up in every bind, and SQLite attaches no more than {MOST_ATTACHED}: name the \
             bind with `session.on(key)`"
        );
        return Err(not_run(sql, problem));
    }
    for (position, place) in catalog.members.iter().filter(|(position, _)| meant.contains(position)) {
        for key in &place.keys {
            if !all.iter().any(|member| member.key == *key) {
                all.push(Member { key: key.clone(), position, tables: Vec::new() });
            }
        }
    }
    for member in &mut all {
        member.tables.push("sqlite_schema".to_string());
    }
    sort_by_key(&mut all, |member| member.position);
    Ok(plan(Destination::Join(all), true))
}

/// `ANALYZE` and `REINDEX`: of what is named, or of every bind.
fn maintain(catalog: &Catalog, stages: &mut Stages, sql: &str, seen: &Seen) -> Result<Plan> {
    let mut places = Vec::new();
    // Without a name it takes all there are, attached or not; with one it takes the same whatever is attached.
    for page in pages(catalog) {
        let stage = stages.stage(catalog, &page)?;
        let (Ok(seen), Ok(program)) = (stage.see(sql), stage.program(sql)) else { continue };
        // Nothing is reported of statistics that are only cleared.
        let written = program.transactions.iter().filter(|(_, writes)| *writes);
        places.extend(written.filter_map(|(schema, _)| stage.member(schema)));
        let used = seen.accesses.iter().filter_map(|access| access.schema.as_deref());
        places.extend(used.filter_map(|schema| stage.member(schema)));
    }
    Ok(each(catalog, places, changes_schema(&seen.accesses)))
}

/// What one statement does to the one bind it is told to run on. One that SQLite does not accept here may use a temporary
/// table of the session's, and is left to the session's connection to judge.
pub(super) fn told(catalog: &Catalog, stages: &mut Stages, sql: &str) -> Result<Told> {
    let setting = pages(catalog).into_iter().next().unwrap_or_else(|| catalog.setting(&[]));
    let stage = stages.stage(catalog, &setting)?;
    let (accesses, seen) = match stage.see(sql) {
        Ok(seen) => (seen.accesses.clone(), Ok(seen)),
        Err((error, accesses)) => (accesses, Err(error)),
    };
    if let Some(control) = accesses.iter().find_map(control) {
        return Err(not_run(sql, control.instead()));
    }
    for access in &accesses {
        if let Act::Pragma(name, value) = &access.act {
            check_pragma(sql, name, value.as_deref())?;
        }
    }
    if !seen.as_ref().is_ok_and(|seen| seen.explains) {
        let named = filtered(&catalog.keys(), |key| !key.is_default());
        let keys = if named.is_empty() { vec![BindKey::DEFAULT] } else { named };
        for member in catalog.members.indexes() {
            check_made(catalog, (&keys, member), sql, &accesses)?;
        }
    }
    Ok(match seen {
        // A pragma, which the router does not let SQLite prepare.
        Err(error) if is_denied(&error) => Told { writes: false, changes_schema: Some(false), in_transaction: false },
        Err(_) => Told { writes: true, changes_schema: None, in_transaction: true },
        Ok(seen) => {
            // VACUUM touches nothing that the authorizer hears of.
            let may_vacuum = seen.accesses.is_empty() && !seen.explains && !seen.readonly;
            let vacuums = may_vacuum && stage.program(sql).is_ok_and(|program| !program.vacuums.is_empty());
            let changes_schema = !seen.explains && changes_schema(&seen.accesses);
            Told { writes: !seen.readonly, changes_schema: Some(changes_schema), in_transaction: !vacuums }
        }
    })
}
