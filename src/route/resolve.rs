//! The way from a statement's text to its plan.

use super::access::{Access, Act, Control, Made};
use super::ambiguity::{first_unqualified, goes_astray, is_reserved, maintained_unqualified, shared_names};
use super::catalog::Catalog;
use super::look::look;
use super::made::check_made;
use super::refused::{check_pragma, refused};
use super::router::{Router, Seen, MOST_ATTACHED};
use super::touched::{touched, Touched};
use super::untouching::untouching;
use super::{Destination, Member, Plan, Route, Told};
use crate::error::{is_denied, Error, Result};
use crate::key::BindKey;
use crate::list::{filtered, mapped};
use crate::order::sort_by_key;
use crate::script;

/// Finds the plan of what is one statement.
pub(super) fn resolve(catalog: &Catalog, router: &mut Router, sql: &str) -> Result<Plan> {
    match look(catalog, router, sql)? {
        Ok(seen) => plan(catalog, router, sql, seen),
        Err((error, accesses)) => refused(catalog, router, sql, error, &accesses),
    }
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
fn plan(catalog: &Catalog, router: &mut Router, sql: &str, seen: Seen) -> Result<Plan> {
    if let Some(control) = seen.accesses.iter().find_map(control) {
        return Err(not_run(sql, control.instead()));
    }
    if uses_temporary(&seen) {
        return Err(not_run(
            sql,
            "a temporary table lives on one connection: make it and use it with `session.on(key)`",
        ));
    }
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    let made = seen.accesses.iter().any(|access| matches!(access.act, Act::Create(Made::Index { .. }, _)));
    // `CREATE INDEX` is reported as a `REINDEX` too.
    let maintains = !made && seen.accesses.iter().any(|access| matches!(access.act, Act::Maintain(..)));
    let unqualified = match maintains {
        true => maintained_unqualified(catalog, router, sql, &seen),
        false => first_unqualified(router, sql, &shared_names(catalog, &seen.accesses)),
    };
    if let Some((kind, name)) = unqualified.map_err(failed)? {
        return Err(catalog.ambiguous(&name, catalog.named(kind, &name)));
    }
    let touched = touched(catalog, router, sql, &seen)?;
    for used in touched.uses.iter().filter(|used| catalog.is_replica(used.member)) {
        // Nobody else has it, so SQLite took the replica's. `goes_astray` tells only of names that are tables here.
        let alone = catalog.owners(super::access::Kind::Table, &used.table).is_empty();
        let decoy = (super::access::Kind::Table, used.table.to_ascii_lowercase());
        if alone && !is_reserved(&used.table) && goes_astray(router, sql, &decoy).map_err(failed)? {
            return Err(catalog.unknown_table(&used.table));
        }
    }
    if maintains && !seen.explains {
        return maintain(catalog, router, sql, &seen, touched);
    }
    if !touched.lookups.is_empty() {
        return look_up(catalog, router, sql, &touched);
    }
    let route = route(catalog, &touched);
    if let [write, ..] = touched.writes().as_slice() {
        let others = mapped(&members_but(&touched, *write), |member| catalog.key(*member));
        if !others.is_empty() {
            return Err(cross_bind_write(catalog.key(*write), others, sql));
        }
    }
    let all = touched.all();
    let position = all.first().map(|member| member.position);
    let on = match position {
        None => return untouching(catalog, router, sql, &seen),
        Some(position) if all.iter().all(|member| member.position == position) => {
            one(catalog, router, sql, position, all, &touched)?
        }
        Some(_) => Destination::Join(all),
    };
    if let (Destination::One(member, key), false) = (&on, seen.explains) {
        check_made(catalog, (std::slice::from_ref(key), *member), sql, &seen.accesses)?;
    }
    let changes_schema = !seen.explains && changes_schema(&seen.accesses);
    Ok(Plan { on, route, changes_schema, in_transaction: true, counts: counts(&seen), looks_up: false })
}

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

/// Whether it uses what lives on one connection. `ALTER TABLE` looks through the schema of that by itself.
fn uses_temporary(seen: &Seen) -> bool {
    let alters = seen.accesses.iter().any(|access| matches!(access.act, Act::Change(..)) && !access.is_temporary());
    let own =
        |access: &Access| matches!(&access.act, Act::Read(name) | Act::Write(name) if name == "sqlite_temp_master");
    seen.accesses.iter().any(|access| access.is_temporary() && !(alters && own(access)))
}

fn control(access: &Access) -> Option<Control> {
    match access.act {
        Act::Control(control) => Some(control),
        _ => None,
    }
}

pub(super) fn route(catalog: &Catalog, touched: &Touched) -> Route {
    let keys = |members: &[usize]| mapped(members, |member| catalog.key(*member));
    Route { reads: keys(&touched.reads()), writes: keys(&touched.writes()) }
}

fn members_but(touched: &Touched, member: usize) -> Vec<usize> {
    touched.members(|used| used.member != member)
}

fn cross_bind_write(write: BindKey, others: Vec<BindKey>, sql: &str) -> Error {
    let hint = "separate databases share no transaction. Read the rows first, with `session.query`, then write them \
                with `session.execute`";
    Error::CrossBindWrite { write, others, hint: hint.to_string(), sql: sql.to_string() }
}

/// Where a statement runs that uses one member, by one key of it or several.
///
/// On the member's connection only one of its keys is a schema name, and `main` always is.
fn one(
    catalog: &Catalog,
    router: &Router,
    sql: &str,
    position: usize,
    all: Vec<Member>,
    touched: &Touched,
) -> Result<Destination> {
    let keys = filtered(&mapped(&all, |member| member.key.clone()), |key| !key.is_default());
    let (first, key) = match keys.as_slice() {
        [] => return Ok(Destination::One(position, BindKey::DEFAULT)),
        [one] => return Ok(Destination::One(position, one.clone())),
        [first, second] if *first == catalog.key(position) => (first, second),
        [first, second] if *second == catalog.key(position) => (second, first),
        [first, ..] => (first, first),
    };
    if touched.writes().is_empty() {
        return Ok(Destination::Join(all));
    }
    // SQLite takes a name without a key for the first key's, so that key may not have been written out at all.
    let mut plain = touched.uses.iter().filter(|used| used.key == *first);
    let failed = |source| Error::sql(first, sql)(source);
    let is_plain = |table: &str| goes_astray(router, sql, &(super::access::Kind::Table, table.to_ascii_lowercase()));
    let all_plain =
        keys.len() == 2 && plain.try_fold(true, |all, used| Ok(all && is_plain(&used.table)?)).map_err(failed)?;
    if all_plain {
        return Ok(Destination::One(position, key.clone()));
    }
    let problem = format!("{} are keys of one database: write one of them throughout", crate::error::list(&keys));
    Err(not_run(sql, problem))
}

/// A statement with a table-valued function that looks names up while it runs: only beside all binds can it find what
/// it is asked for.
fn look_up(catalog: &Catalog, router: &Router, sql: &str, touched: &Touched) -> Result<Plan> {
    let functions = crate::error::list(&touched.lookups);
    let route = route(catalog, touched);
    let plan = |on, looks_up| Plan { on, route, changes_schema: false, in_transaction: true, counts: None, looks_up };
    let mut all = touched.all();
    let is_used = |position: usize| all.iter().any(|member| member.position == position);
    let mut meant = Vec::new();
    for position in 0..catalog.members.len() {
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
    if !router.holds_all() {
        let problem = format!(
            "`{functions}` looks names up in every bind, and SQLite attaches no more than {MOST_ATTACHED}: name the \
             bind with `session.on(key)`"
        );
        return Err(not_run(sql, problem));
    }
    for (position, place) in catalog.members.iter().enumerate().filter(|(position, _)| meant.contains(position)) {
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
fn maintain(catalog: &Catalog, router: &mut Router, sql: &str, seen: &Seen, touched: Touched) -> Result<Plan> {
    let mut members = touched.all();
    if !router.holds_all() {
        // Without a name it takes all there are, attached or not; with one it takes the same whatever is attached.
        for page in router.all().chunks(MOST_ATTACHED) {
            router.attach(&catalog.members, page).map_err(Error::sql(&BindKey::DEFAULT, sql))?;
            let Ok(seen) = router.see(sql) else { continue };
            members.extend(self::touched(catalog, router, sql, &seen)?.all());
        }
    }
    // A replica gets what its source has, unless it alone is named.
    if members.iter().any(|member| !catalog.is_replica(member.position)) {
        members.retain(|member| !catalog.is_replica(member.position));
    }
    sort_by_key(&mut members, |member| member.position);
    members.dedup_by_key(|member| member.position);
    let route = Route { reads: Vec::new(), writes: mapped(&members, |member| catalog.key(member.position)) };
    let on = match members.as_slice() {
        [one] => Destination::One(one.position, one.key.clone()),
        several => Destination::Each(mapped(several, |member| member.position)),
    };
    let changes_schema = changes_schema(&seen.accesses);
    Ok(Plan { on, route, changes_schema, in_transaction: true, counts: None, looks_up: false })
}

/// What one statement does to the one bind it is told to run on. One that SQLite does not accept here may use a temporary
/// table of the session's, and is left to the session's connection to judge.
pub(super) fn told(catalog: &Catalog, router: &mut Router, sql: &str) -> Result<Told> {
    let mut keys = router.all();
    keys.truncate(MOST_ATTACHED);
    router.attach(&catalog.members, &keys).map_err(Error::sql(&BindKey::DEFAULT, sql))?;
    let (accesses, seen) = match router.see(sql) {
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
        check_made(catalog, (&keys, 0), sql, &accesses)?;
    }
    Ok(match seen {
        // A pragma, which the router does not let SQLite prepare.
        Err(error) if is_denied(&error) => Told { writes: false, changes_schema: Some(false), in_transaction: false },
        Err(_) => Told { writes: true, changes_schema: None, in_transaction: true },
        Ok(seen) => {
            // VACUUM touches nothing that the authorizer hears of.
            let may_vacuum = seen.accesses.is_empty() && !seen.explains && !seen.readonly;
            let vacuums = may_vacuum && router.program(sql).is_ok_and(|program| !program.vacuums.is_empty());
            let changes_schema = !seen.explains && changes_schema(&seen.accesses);
            Told { writes: !seen.readonly, changes_schema: Some(changes_schema), in_transaction: !vacuums }
        }
    })
}
