//! Statements that SQLite does not accept beside all binds: pragmas, which the router refuses, those that mean one bind
//! alone, and those that are wrong.

use rusqlite::Error as SqliteError;

use super::access::{Access, Act, Kind};
use super::ambiguity::{first_in_the_way, first_unqualified, goes_astray, shared_names};
use super::catalog::Catalog;
use super::made::check_made;
use super::resolve::not_run;
use super::router::Router;
use super::{Destination, Plan, Route};
use crate::config::process_wide;
use crate::error::{is_denied, sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::list::mapped;

/// The plan of a statement that SQLite does not accept beside all binds, or the error that says why there is none.
pub(super) fn refused(
    catalog: &Catalog,
    router: &Router,
    sql: &str,
    error: SqliteError,
    accesses: &[Access],
) -> Result<Plan> {
    let pragma = accesses.iter().find(|access| matches!(access.act, Act::Pragma(..)));
    if let (true, Some(Access { act: Act::Pragma(name, value), schema, .. })) = (is_denied(&error), pragma) {
        return plan_of_pragma(catalog, sql, name, value.as_deref(), schema.as_deref());
    }
    let message = sqlite_message(&error);
    if let Some(table) = message.strip_prefix("no such table: main.") {
        // `CREATE INDEX i ON user` and `CREATE TRIGGER` look for their table in `main` alone.
        if let Some(plan) = own_statement(catalog, sql, table)? {
            return Ok(plan);
        }
    }
    if let Some(error) = ambiguous(catalog, router, sql)? {
        return Err(error);
    }
    match message.strip_prefix("no such table: ") {
        Some(table) => Err(catalog.unknown_table(table)),
        None => Err(Error::Prepare { sql: sql.to_string(), source: error }),
    }
}

/// The plan of a statement that only a connection to the table's own bind accepts.
fn own_statement(catalog: &Catalog, sql: &str, table: &str) -> Result<Option<Plan>> {
    let mut accepting = Vec::new();
    for named in &catalog.owners(Kind::Table, table) {
        let key = catalog.key(named.member);
        let alone = alone(catalog, named.member)?;
        let Ok(seen) = alone.see(sql) else { continue };
        // What says `main.` means the default bind, and would be led astray by nothing.
        if goes_astray(&alone, sql, &(Kind::Table, named.name.clone())).map_err(Error::sql(&key, sql))? {
            accepting.push((named.clone(), seen));
        }
    }
    match accepting.as_slice() {
        [] => Ok(None),
        [(named, seen)] => {
            let key = catalog.key(named.member);
            check_made(catalog, (std::slice::from_ref(&key), named.member), sql, &seen.accesses)?;
            let route = Route { reads: Vec::new(), writes: vec![key.clone()] };
            let on = Destination::One(named.member, key);
            Ok(Some(Plan { on, route, changes_schema: true, in_transaction: true, counts: None, looks_up: false }))
        }
        several => {
            let named = mapped(several, |(named, ..)| named.clone());
            Err(catalog.ambiguous(table, &named))
        }
    }
}

/// A router with one member alone, as `main`.
fn alone(catalog: &Catalog, member: usize) -> Result<Router> {
    Router::new(&catalog.members, Some(member))
}

/// The error for a statement that fails only because an ambiguous name was taken for another bind's: it is accepted
/// with a table of that name that has every column, or by some bind alone.
fn ambiguous(catalog: &Catalog, router: &Router, sql: &str) -> Result<Option<Error>> {
    if catalog.names_of_several(&[Kind::Table]).is_empty() {
        return Ok(None);
    }
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    if let Some((kind, name)) = first_in_the_way(catalog, router, sql).map_err(failed)? {
        return Ok(Some(catalog.ambiguous(&name, catalog.named(kind, &name))));
    }
    for member in 0..catalog.members.len() {
        let alone = alone(catalog, member)?;
        let Ok(seen) = alone.see(sql) else { continue };
        let shared = shared_names(catalog, &seen.accesses);
        if let Some((kind, name)) = first_unqualified(&alone, sql, &shared).map_err(failed)? {
            return Ok(Some(catalog.ambiguous(&name, catalog.named(kind, &name))));
        }
    }
    Ok(None)
}

/// The pragmas whose argument is the name of a table or an index, see <https://sqlite.org/pragma.html>.
const PRAGMAS_OF_TABLES: [&str; 8] = [
    "foreign_key_check",
    "foreign_key_list",
    "index_list",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];
const PRAGMAS_OF_INDEXES: [&str; 2] = ["index_info", "index_xinfo"];
/// The pragmas that are about the connection, or about all that is attached to it.
const PRAGMAS_OF_CONNECTIONS: [&str; 5] =
    ["collation_list", "compile_options", "database_list", "function_list", "module_list"];

impl Catalog {
    /// Why a pragma cannot be answered that a table-valued function runs beside all binds, if it cannot.
    pub(crate) fn refuse_pragma(&self, name: &str, value: Option<&str>, schema: Option<&str>) -> Option<Error> {
        let name = name.to_ascii_lowercase();
        let (name, None) = (name.as_str(), schema) else { return None };
        match (kind_of(name), value) {
            (Some(kind), Some(value)) => match self.owners(kind, value).as_slice() {
                [] | [_] => None,
                several => Some(self.ambiguous(value, several)),
            },
            (Some(_), None) => None,
            (None, _) if PRAGMAS_OF_CONNECTIONS.contains(&name) || self.default_member().is_some() => None,
            (None, _) => Some(self.no_default(&format!("`pragma_{name}`, which names no bind"))),
        }
    }
}

fn kind_of(pragma: &str) -> Option<Kind> {
    match pragma {
        name if PRAGMAS_OF_TABLES.contains(&name) => Some(Kind::Table),
        name if PRAGMAS_OF_INDEXES.contains(&name) => Some(Kind::Index),
        _ => None,
    }
}

/// Refuses a pragma that is about more than a connection or a database.
pub(super) fn check_pragma(sql: &str, name: &str, value: Option<&str>) -> Result<()> {
    match process_wide(name).filter(|_| value.is_some()) {
        Some(problem) => Err(not_run(sql, problem)),
        None => Ok(()),
    }
}

/// A pragma goes to the bind it names, or that of the table it is about, else to the default bind.
fn plan_of_pragma(catalog: &Catalog, sql: &str, name: &str, value: Option<&str>, schema: Option<&str>) -> Result<Plan> {
    check_pragma(sql, name, value)?;
    let to = |member: usize, key: BindKey| {
        let route = Route { reads: vec![catalog.key(member)], writes: Vec::new() };
        let on = Destination::One(member, key);
        Ok(Plan { on, route, changes_schema: false, in_transaction: false, counts: None, looks_up: false })
    };
    if let Some(schema) = schema {
        if schema.eq_ignore_ascii_case("temp") {
            return Err(not_run(sql, "a temporary schema lives on one connection: ask it with `session.on(key)`"));
        }
        let key = if schema.eq_ignore_ascii_case("main") { BindKey::DEFAULT } else { BindKey::from(schema) };
        let configured =
            catalog.keys().into_iter().find(|known| known.schema_name().eq_ignore_ascii_case(key.schema_name()));
        let member = configured.as_ref().and_then(|key| catalog.member_of(key));
        return match (configured, member) {
            (Some(key), Some(member)) => to(member, key),
            _ if key.is_default() => Err(catalog.no_default("a pragma of `main`")),
            _ => Err(Error::UnknownBind { bind: key, configured: catalog.keys() }),
        };
    }
    if let (Some(kind), Some(value)) = (kind_of(name), value) {
        match catalog.owners(kind, value).as_slice() {
            [one] => return to(one.member, catalog.key(one.member)),
            [] => {}
            several => return Err(catalog.ambiguous(value, several)),
        }
    }
    let member = catalog.default_member().ok_or_else(|| catalog.no_default("a pragma that names no bind"))?;
    to(member, BindKey::DEFAULT)
}
