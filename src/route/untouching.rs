//! Statements that touch no table that SQLite reports.

use super::access::counts;
use super::ambiguity::{culprit, differs};
use super::catalog::{Catalog, NamedBind};
use super::look::{pages, Looked};
use super::plan::{Destination, Plan, Route};
use super::program::Program;
use super::stage::{Accepted, Decoys, Setting};
use super::stages::Stages;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::list::{mapped, retain};
use crate::order::sort_by_key;

/// Returns the plan of a statement without a table: `VACUUM` says which database it means, `DROP TABLE IF EXISTS` may mean
/// one that has no such table; others go to the default bind.
pub(super) fn untouching(
    catalog: &Catalog,
    stages: &mut Stages,
    sql: &str,
    looked: &Looked,
    seen: &Accepted,
) -> Result<Plan> {
    if seen.has_columns {
        return reading(catalog, seen);
    }
    if seen.readonly {
        return reindexing_nothing(catalog, stages, sql, looked);
    }
    let failed = |source| Error::sql_in(&BindKey::DEFAULT, sql)(source);
    let program = stages.stage(catalog, &looked.setting)?.program(sql).map_err(failed)?;
    if let Some(schema) = program.vacuums.first() {
        let stage = stages.stage(catalog, &looked.setting)?;
        let place = stage.named(schema).ok_or_else(|| catalog.no_default("a VACUUM that names no bind"))?;
        let route = Route { reads: Vec::new(), writes: vec![catalog.key(place.1)] };
        return Ok(on(place, route).outside_transaction());
    }
    // With IF EXISTS or IF NOT EXISTS, and nothing to do: SQLite checks the schema of the database it means, or all. Or
    // it is an ANALYZE of binds without tables, which clears the statistics of them.
    let (mut checked, mut cleared) = (Vec::new(), Vec::new());
    for page in pages(catalog) {
        let stage = stages.stage(catalog, &page)?;
        // It names another page's.
        let Ok(Program { transactions, .. }) = stage.program(sql) else { continue };
        for (schema, writes) in &transactions {
            let Some(place) = stage.named(schema) else { continue };
            let list = if *writes { &mut cleared } else { &mut checked };
            if !list.contains(&place) {
                list.push(place);
            }
        }
    }
    if !cleared.is_empty() {
        return each(catalog, cleared, false);
    }
    let place = match checked.as_slice() {
        [one] => Some(one.clone()),
        _ => catalog.default_named(),
    };
    let place = place.ok_or_else(|| catalog.no_default("a statement that touches no table"))?;
    Ok(on(place, Route { reads: Vec::new(), writes: Vec::new() }))
}

/// Returns the plan of a statement that runs in each of several binds, one after the other. A replica gets what its source
/// has, unless it alone is named.
pub(super) fn each(catalog: &Catalog, mut places: Vec<NamedBind>, changes_schema: bool) -> Result<Plan> {
    if places.iter().any(|(_, bind)| !catalog.is_replica(*bind)) {
        retain(&mut places, |(_, bind)| !catalog.is_replica(*bind));
    }
    sort_by_key(&mut places, |(_, bind)| *bind);
    places.dedup_by_key(|(_, bind)| *bind);
    let route = Route { reads: Vec::new(), writes: mapped(&places, |(_, bind)| catalog.key(*bind)) };
    let on = match places.as_slice() {
        [] => return Err(catalog.no_default("a statement that touches no table")),
        [(key, bind)] => Destination::One(*bind, key.clone()),
        [rest @ .., (_, last)] => Destination::Each(mapped(rest, |(_, bind)| *bind), *last),
    };
    Ok(Plan::new(on, route).changing_schema(changes_schema))
}

/// Returns the plan of a statement that reads no table: constants are computed in any bind, and the functions that report
/// the last write are asked where that was.
fn reading(catalog: &Catalog, seen: &Accepted) -> Result<Plan> {
    let counts = counts(&seen.accesses);
    let place = match (catalog.default_named(), catalog.named_keys().into_iter().next()) {
        (Some(place), _) => place,
        // The session chooses another bind before it runs.
        (None, Some(first)) if counts.is_some() => first,
        _ => return Err(catalog.no_default("a statement that touches no table")),
    };
    Ok(Plan { counts, ..on(place, Route { reads: Vec::new(), writes: Vec::new() }) })
}

/// Returns the plan of a `REINDEX` of a table without indexes, or of a collation that none uses: the only statement that
/// returns no rows and touches nothing. It does nothing wherever SQLite knows the name.
fn reindexing_nothing(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked) -> Result<Plan> {
    let failed = |source| Error::sql_in(&BindKey::DEFAULT, sql)(source);
    let bare = looked.setting.with(Decoys::None);
    let bare = stages.stage(catalog, &bare)?;
    let outcome = bare.see(sql);
    if differs(&looked.look, &outcome)
        && let Some((kind, name)) = culprit(catalog, bare, sql, &outcome).map_err(failed)?
    {
        return Err(catalog.ambiguous(&name, catalog.named(kind, &name)));
    }
    for place in catalog.default_named().into_iter().chain(catalog.named_keys()) {
        let beside = Setting::of(catalog, std::slice::from_ref(&place)).with(Decoys::None);
        if stages.stage(catalog, &beside)?.see(sql).is_ok() {
            return Ok(on(place, Route { reads: Vec::new(), writes: Vec::new() }));
        }
    }
    Err(catalog.no_default("a statement that touches no table"))
}

fn on((key, bind): NamedBind, route: Route) -> Plan {
    let on = Destination::One(bind, key);
    Plan::new(on, route)
}
