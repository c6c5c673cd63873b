//! Pragmas, which SQLite does not prepare here: many of them act while they are prepared.

use super::catalog::{Catalog, Named};
use super::not_run::not_run;
use super::plan::{Destination, Plan, Route};
use crate::config::process_wide;
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::sqlite::objects::NameKind;

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

/// Returns the places of a pragma's argument: of the kind that SQLite looks for first, if there is one.
fn named_by_pragma(catalog: &Catalog, kinds: &[NameKind], name: &str) -> Vec<Named> {
    let mut found = Vec::new();
    for kind in kinds {
        if found.is_empty() {
            found = catalog.owners(*kind, name);
        }
    }
    found
}

/// Returns why a pragma cannot be answered that a table-valued function runs beside all binds, if it cannot.
pub(super) fn refuse_pragma(catalog: &Catalog, name: &str, value: Option<&str>, schema: Option<&str>) -> Option<Error> {
    let name = name.to_ascii_lowercase();
    let (name, None) = (name.as_str(), schema) else { return None };
    match (kinds_of(name), value) {
        ([_, ..], Some(value)) => match named_by_pragma(catalog, kinds_of(name), value).as_slice() {
            [] | [_] => None,
            several => Some(catalog.ambiguous(value, several)),
        },
        ([_, ..], None) => None,
        ([], _) if PRAGMAS_OF_CONNECTIONS.contains(&name) || catalog.default_bind().is_some() => None,
        ([], _) => Some(catalog.no_default(&format!("`pragma_{name}`, which names no bind"))),
    }
}

/// Returns the kinds of objects that the argument of a pragma may name, in the order in which SQLite looks.
fn kinds_of(pragma: &str) -> &'static [NameKind] {
    match pragma {
        name if PRAGMAS_OF_TABLES.contains(&name) => &[NameKind::Table],
        // The primary key of a table without rowids is an index by the table's name.
        name if PRAGMAS_OF_INDEXES.contains(&name) => &[NameKind::Index, NameKind::Table],
        _ => &[],
    }
}

/// Refuses a pragma that is about more than a connection or a database.
pub(super) fn check_pragma(sql: &str, name: &str, value: Option<&str>) -> Result<()> {
    match process_wide(name).filter(|_| value.is_some()) {
        Some(problem) => Err(not_run(sql, problem)),
        None => Ok(()),
    }
}

/// Returns the plan of a pragma: for the bind that it names, or that of the table it is about, else the default bind.
pub(super) fn plan_of_pragma(
    catalog: &Catalog,
    sql: &str,
    name: &str,
    value: Option<&str>,
    schema: Option<&str>,
) -> Result<Plan> {
    check_pragma(sql, name, value)?;
    let to = |bind: BindIndex, key: BindKey| {
        let route = Route { reads: vec![catalog.key(bind)], writes: Vec::new() };
        let on = Destination::One(bind, key);
        Ok(Plan::new(on, route).outside_transaction())
    };
    if let Some(schema) = schema {
        if schema.eq_ignore_ascii_case("temp") {
            return Err(not_run(sql, "a temporary schema lives on one connection: ask it with `session.on(key)`"));
        }
        let key = if schema.eq_ignore_ascii_case("main") { BindKey::DEFAULT } else { BindKey::from(schema) };
        let configured =
            catalog.keys().into_iter().find(|known| known.schema_name().eq_ignore_ascii_case(key.schema_name()));
        let bind = configured.as_ref().and_then(|key| catalog.bind(key));
        return match (configured, bind) {
            (Some(key), Some(bind)) => to(bind, key),
            _ if key.is_default() => Err(catalog.no_default("a pragma of `main`")),
            _ => Err(Error::UnknownBind { bind: key, configured: catalog.keys(), at: None }),
        };
    }
    if let Some(value) = value {
        match named_by_pragma(catalog, kinds_of(name), value).as_slice() {
            [one] => return to(one.bind, catalog.key(one.bind)),
            [] => {}
            several => return Err(catalog.ambiguous(value, several)),
        }
    }
    let bind = catalog.default_bind().ok_or_else(|| catalog.no_default("a pragma that names no bind"))?;
    to(bind, BindKey::DEFAULT)
}
