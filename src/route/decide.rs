//! The decision where a statement runs.

use super::access::{changes_schema, control, counts};
use super::ambiguity::{culprit, first_unqualified, maintained_unqualified, maintains, uses_temporary};
use super::catalog::Catalog;
use super::decoys::{met, MOST_ATTACHED};
use super::in_place::plan_in_place;
use super::look::{is_function, look, pages, Looked};
use super::made::check_made;
use super::near::look_near;
use super::not_run::{not_run, USES_TEMPORARY};
use super::plan::{Destination, JoinedBind, Plan};
use super::program::Program;
use super::refused::refused;
use super::stage::{Accepted, Decoys};
use super::stages::Stages;
use super::touched::{touched, Touched};
use super::untouching::{each, untouching};
use crate::error::{list, sqlite_message, Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::list::{filtered, mapped};
use crate::order::sort_by_key;
use crate::sqlite::script;

/// Finds the plan of one statement.
pub(super) fn decide(catalog: &Catalog, stages: &mut Stages, sql: &str) -> Result<Plan> {
    if let Some(plan) = plan_in_place(catalog, stages, sql)? {
        return Ok(plan);
    }
    let looked = match look_near(catalog, stages, sql)? {
        Some(looked) => looked,
        None => look(catalog, stages, sql)?,
    };
    if let (Ok(_), [one]) = (&looked.look, looked.setting.present.as_slice()) {
        stages.note(one);
    }
    match &looked.look {
        Ok(seen) => plan(catalog, stages, sql, &looked, seen),
        Err((error, accesses)) => refused(catalog, stages, sql, &looked, error, accesses),
    }
}

/// Refuses a text with no statement or with several.
pub(super) fn one_statement(sql: &str) -> Result<()> {
    match script::statements(sql).map(|statements| statements.len()) {
        Ok(1) => Ok(()),
        Ok(0) => Err(not_run(sql, "it is empty")),
        Ok(several) => Err(not_run(sql, format!("there are {several} statements: give them to `execute_batch`"))),
        Err(problem) => Err(not_run(sql, problem.to_string())),
    }
}

/// Returns the plan of a statement that SQLite accepts.
fn plan(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked, seen: &Accepted) -> Result<Plan> {
    if let Some(control) = control(&seen.accesses) {
        return Err(not_run(sql, control.instead()));
    }
    let failed = |source| Error::sql_in(&BindKey::DEFAULT, sql)(source);
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
    let route = touched.route(catalog);
    if let [write, ..] = touched.writes().as_slice() {
        let others = filtered(&touched.binds(), |bind| bind != write);
        if !others.is_empty() {
            return Err(cross_bind_write(catalog.key(*write), mapped(&others, |bind| catalog.key(*bind)), sql));
        }
    }
    let all = touched.all();
    let on = match all.first().map(|first| first.bind) {
        // The default bind is where a search begins: it is not needed for that.
        _ if touched.uses.is_empty() && (looked.setting.present.is_empty() || !has_effect(seen)) => {
            return untouching(catalog, stages, sql, looked, seen);
        }
        None => return untouching(catalog, stages, sql, looked, seen),
        Some(bind) if all.iter().all(|used| used.bind == bind) => one(sql, catalog, bind, all, &touched)?,
        Some(_) => join(catalog, sql, all)?,
    };
    if let (Destination::One(bind, key), false) = (&on, seen.explains) {
        check_made(catalog, (std::slice::from_ref(key), *bind), sql, &seen.accesses)?;
    }
    let changes_schema = !seen.explains && changes_schema(&seen.accesses);
    Ok(Plan { counts: counts(&seen.accesses), ..Plan::new(on, route).changing_schema(changes_schema) })
}

/// Reports whether a statement opens a virtual table or a table-valued function that SQLite does not report: one that
/// is only joined by the names of columns.
fn opens_unreported(catalog: &Catalog, seen: &Accepted, program: &Program) -> bool {
    let mut reported = Vec::new();
    for access in &seen.accesses {
        if let Some(name) = access.table()
            && (is_function(catalog, access) || catalog.is_virtual_anywhere(name))
            && !reported.contains(&(access.schema.as_deref(), name))
        {
            reported.push((access.schema.as_deref(), name));
        }
    }
    program.virtuals() > reported.len()
}

/// Returns the function that a statement uses and that looks names up when it runs, reported or not.
fn lookup(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked) -> Result<Option<String>> {
    let hiding = looked.setting.with(Decoys::Lookups);
    let Err((error, _)) = stages.stage(catalog, &hiding)?.see(sql) else { return Ok(None) };
    // With arguments SQLite says that the decoy is no function.
    let message = sqlite_message(&error);
    let called = message.strip_prefix('\'').and_then(|rest| rest.strip_suffix("' is not a function"));
    Ok(met(&error).or_else(|| called.map(str::to_string)))
}

/// Reports whether a statement reads, writes or changes something wherever it is accepted. Others may be forgiven what
/// they name.
fn has_effect(seen: &Accepted) -> bool {
    seen.readonly && seen.has_columns || seen.explains || !seen.accesses.is_empty()
}

/// Returns the error for a statement that uses `temp`: by itself, or because a name of several binds leads to a decoy there.
fn temporary(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked) -> Result<Error> {
    let failed = |source| Error::sql_in(&BindKey::DEFAULT, sql)(source);
    let bare = looked.setting.with(Decoys::None);
    let bare = stages.stage(catalog, &bare)?;
    let outcome = bare.see(sql);
    if !matches!(&outcome, Ok(seen) if uses_temporary(seen))
        && let Some((kind, name)) = culprit(catalog, bare, sql, &outcome).map_err(failed)?
    {
        return Ok(catalog.ambiguous(&name, catalog.named(kind, &name)));
    }
    Ok(not_run(sql, USES_TEMPORARY))
}

fn cross_bind_write(write: BindKey, others: Vec<BindKey>, sql: &str) -> Error {
    let hint = "separate databases share no transaction. Read the rows first, with `session.query`, then write them \
                with `session.execute`";
    Error::CrossBindWrite { write, others, hint: hint.to_string(), sql: sql.to_string(), at: None }
}

/// Returns the destination of a statement that uses one bind, by one of its keys or several.
///
/// On the bind's connection only one of its keys is a schema name, and `main` always is.
fn one(sql: &str, catalog: &Catalog, bind: BindIndex, all: Vec<JoinedBind>, touched: &Touched) -> Result<Destination> {
    let keys = filtered(&mapped(&all, |bind| bind.key.clone()), |key| !key.is_default());
    match keys.as_slice() {
        [] => Ok(Destination::One(bind, BindKey::DEFAULT)),
        [one] => Ok(Destination::One(bind, one.clone())),
        _ if touched.writes().is_empty() => Ok(Destination::Join(all)),
        _ => {
            let mut keys = keys;
            sort_by_key(&mut keys, |key| *key != catalog.key(bind));
            let problem = format!("{} are keys of one database: write one of them throughout", list(&keys));
            Err(not_run(sql, problem))
        }
    }
}

/// Returns the plan of a statement with a table-valued function that looks names up while it runs: it finds them only
/// beside all binds.
fn look_up(catalog: &Catalog, sql: &str, touched: &Touched) -> Result<Plan> {
    let functions = list(&touched.lookups);
    let route = touched.route(catalog);
    let plan = |on, looks_up| Plan { looks_up, ..Plan::new(on, route) };
    let mut all = touched.all();
    let is_used = |bind: BindIndex| all.iter().any(|used| used.bind == bind);
    let mut meant = Vec::new();
    for bind in catalog.binds.indexes() {
        if !catalog.is_replica(bind) || is_used(bind) {
            meant.push(bind);
        }
    }
    if let [one] = meant.as_slice() {
        let key = all.into_iter().map(|used| used.key).next().unwrap_or_else(|| catalog.key(*one));
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
    for bind in meant {
        for key in &catalog.binds[bind].names {
            if !all.iter().any(|used| used.key == *key) {
                all.push(JoinedBind { key: key.clone(), bind, tables: Vec::new() });
            }
        }
    }
    for used in &mut all {
        used.tables.push("sqlite_schema".to_string());
    }
    sort_by_key(&mut all, |used| used.bind);
    let on = join(catalog, sql, all)?;
    Ok(plan(on, true))
}

/// Returns the destination of a statement that reads several binds, which SQLite takes together with one encoding alone.
fn join(catalog: &Catalog, sql: &str, all: Vec<JoinedBind>) -> Result<Destination> {
    if let [first, rest @ ..] = all.as_slice() {
        let encoding = |joined: &JoinedBind| catalog.encoding(joined.bind).map_err(Error::sql(&joined.key));
        for other in rest {
            let (one, another) = (encoding(first)?, encoding(other)?);
            if one != another {
                let problem = format!(
                    "the text encoding of bind `{}` is {one}, and that of bind `{}` is {another}: SQLite reads no databases of \
                     different encodings on one connection. Read one after the other, in two statements",
                    first.key, other.key
                );
                return Err(not_run(sql, problem));
            }
        }
    }
    Ok(Destination::Join(all))
}

/// Returns the plan of `ANALYZE` and `REINDEX`: for what they name, or for every bind.
fn maintain(catalog: &Catalog, stages: &mut Stages, sql: &str, seen: &Accepted) -> Result<Plan> {
    let mut places = Vec::new();
    // Without a name it takes all there are, attached or not; with one it takes the same whatever is attached.
    for page in pages(catalog) {
        let stage = stages.stage(catalog, &page)?;
        let (Ok(seen), Ok(program)) = (stage.see(sql), stage.program(sql)) else { continue };
        // Nothing is reported of statistics that are only cleared.
        let written = program.transactions.iter().filter(|(_, writes)| *writes);
        places.extend(written.filter_map(|(schema, _)| stage.named(schema)));
        let used = seen.accesses.iter().filter_map(|access| access.schema.as_deref());
        places.extend(used.filter_map(|schema| stage.named(schema)));
    }
    each(catalog, places, changes_schema(&seen.accesses))
}
