//! Statements that touch no table that SQLite reports.

use super::access::Kind;
use super::ambiguity::first_unqualified;
use super::catalog::Catalog;
use super::resolve::counts;
use super::router::{Router, Seen};
use super::{Destination, Plan, Route};
use crate::error::{Error, Result};
use crate::key::BindKey;

/// A statement without a table: `VACUUM` says which database it means, `DROP TABLE IF EXISTS` may mean one that has no
/// such table; others go to the default bind.
pub(super) fn untouching(catalog: &Catalog, router: &Router, sql: &str, seen: &Seen) -> Result<Plan> {
    if seen.has_columns {
        return reading(catalog, seen);
    }
    if seen.readonly {
        return reindexing_nothing(catalog, router, sql);
    }
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    let program = router.program(sql).map_err(failed)?;
    if let Some(schema) = program.vacuums.first() {
        let place = router.member(schema).ok_or_else(|| catalog.no_default("a VACUUM that names no bind"))?;
        let route = Route { reads: Vec::new(), writes: vec![catalog.key(place.1)] };
        return Ok(Plan { in_transaction: false, ..on(place, route) });
    }
    // With IF EXISTS or IF NOT EXISTS, and nothing to do. SQLite checks the schema of the database it means.
    let kinds = [Kind::Table, Kind::Index, Kind::Trigger];
    let unqualified = first_unqualified(router, sql, &catalog.names_of_several(&kinds)).map_err(failed)?;
    if let Some((kind, name)) = unqualified {
        return Err(catalog.ambiguous(&name, catalog.named(kind, &name)));
    }
    let mut meant = program.transactions.iter().filter(|schema| *schema != "temp");
    let place = match (meant.next(), meant.next()) {
        (Some(one), None) => router.member(one),
        _ => catalog.default_member().map(|member| (BindKey::DEFAULT, member)),
    };
    let place = place.ok_or_else(|| catalog.no_default("a statement that touches no table"))?;
    Ok(on(place, Route { reads: Vec::new(), writes: Vec::new() }))
}

/// Wherever constants are computed; what tells of the last write is asked where that was.
fn reading(catalog: &Catalog, seen: &Seen) -> Result<Plan> {
    let default = catalog.default_member().map(|member| (BindKey::DEFAULT, member));
    let counts = counts(seen);
    let place = match (default, catalog.members.first()) {
        (Some(place), _) => place,
        // It is told where it runs before it does.
        (None, Some(first)) if counts.is_some() => (first.key().clone(), 0),
        _ => return Err(catalog.no_default("a statement that touches no table")),
    };
    Ok(Plan { counts, ..on(place, Route { reads: Vec::new(), writes: Vec::new() }) })
}

/// `REINDEX` of a table without indexes, or of a collation that none uses, the only statement that gives no rows and
/// touches nothing: it does nothing wherever SQLite knows the name.
fn reindexing_nothing(catalog: &Catalog, router: &Router, sql: &str) -> Result<Plan> {
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    let default = catalog.default_member().map(|member| (BindKey::DEFAULT, member));
    for (key, member) in default.into_iter().chain(router.all()) {
        let mut beside = Router::new(&catalog.members, catalog.default_member())?;
        if !key.is_default() {
            beside.attach(&catalog.members, &[(key.clone(), member)]).map_err(failed)?;
        }
        if beside.see(sql).is_ok() {
            return Ok(on((key, member), Route { reads: Vec::new(), writes: Vec::new() }));
        }
    }
    Err(catalog.no_default("a statement that touches no table"))
}

fn on((key, member): (BindKey, usize), route: Route) -> Plan {
    let on = Destination::One(member, key);
    Plan { on, route, changes_schema: false, in_transaction: true, counts: None, looks_up: false }
}
