//! Statements that SQLite does not accept beside the binds that they name: pragmas, which are not prepared here, those
//! that mean one bind alone, and those that are wrong.

use rusqlite::Error as SqliteError;

use super::access::{Access, Act, Kind};
use super::ambiguity::{culprit, differs, goes_astray, is_reserved, uses_temporary};
use super::catalog::{Catalog, Named};
use super::known::copied;
use super::look::Looked;
use super::made::check_made;
use super::resolve::{not_run, USES_TEMPORARY};
use super::stage::{met, Decoys, Look, Setting, Stage};
use super::stages::Stages;
use super::unnamed::unknown_bind;
use super::{Destination, Plan, Route};
use crate::config::process_wide;
use crate::error::{is_denied, list, sqlite_message, Error, Result};
use crate::key::{BindIndex, BindKey};

/// The plan of a statement that SQLite does not accept, or the error that says why there is none.
pub(super) fn refused(
    catalog: &Catalog,
    stages: &mut Stages,
    sql: &str,
    looked: &Looked,
    error: &SqliteError,
    accesses: &[Access],
) -> Result<Plan> {
    let pragma = accesses.iter().find(|access| matches!(access.act, Act::Pragma(..)));
    if let (true, Some(Access { act: Act::Pragma(name, value), schema, .. })) = (is_denied(error), pragma) {
        return plan_of_pragma(catalog, sql, name, value.as_deref(), schema.as_deref());
    }
    let bare = Setting { decoys: Decoys::None, ..looked.setting.clone() };
    let bare = stages.stage(catalog, &bare)?;
    let outcome = bare.see(sql);
    if differs(&looked.look, &outcome) {
        return Err(led_astray(catalog, bare, sql, error, &outcome)?);
    }
    let message = sqlite_message(error);
    if let Some(table) = message.strip_prefix("no such table: main.") {
        // `CREATE INDEX i ON user` and `CREATE TRIGGER` look for their table in `main` alone.
        if let Some(plan) = own_statement(catalog, bare, sql, table, &outcome)? {
            return Ok(plan);
        }
    }
    if let Some(error) = unknown_bind(catalog, bare, sql, &message)? {
        return Err(error);
    }
    if let Some(error) = dotted(catalog, stages, sql, looked, &message)? {
        return Err(error);
    }
    match message.strip_prefix("no such table: ") {
        Some(table) => Err(catalog.unknown_table(table)),
        None => Err(Error::Prepare { sql: sql.to_string(), source: copied(error) }),
    }
}

/// The error for a statement that SQLite does not accept since a bind's key has a dot: in a join in parentheses it looks a
/// column up by schema, table and column with dots between them, and takes the first dot for the schema's end.
fn dotted(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: &Looked, message: &str) -> Result<Option<Error>> {
    let mut beside = looked.setting.clone();
    let mut keys = Vec::new();
    for (key, member) in &mut beside.present {
        if key.schema_name().contains('.') {
            keys.push(key.clone());
            *key = BindKey::from(format!("multibind {member}"));
        }
    }
    if keys.is_empty() {
        return Ok(None);
    }
    match stages.stage(catalog, &beside)?.see(sql) {
        // Without the dot it is wrong as well.
        Err((error, _)) if sqlite_message(&error) == message => Ok(None),
        // It names the key, which is not there without the dot, and the column may not be there either.
        Err(_) if !message.starts_with("no such column: ") => Ok(None),
        _ => {
            let problem = format!(
                "{message}. The key of {} has a dot, and in a join in parentheses SQLite does not find the columns of such a \
                 bind: join a subquery there, or choose a key without a dot",
                list(&keys)
            );
            Ok(Some(not_run(sql, problem)))
        }
    }
}

/// What is wrong with a statement that fails by a decoy, and has this `outcome` without.
fn led_astray(catalog: &Catalog, bare: &Stage, sql: &str, error: &SqliteError, outcome: &Look) -> Result<Error> {
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    match outcome {
        Ok(seen) if uses_temporary(seen) => return Ok(not_run(sql, USES_TEMPORARY)),
        // It says `temp`, and there the decoy was.
        Err((error, _)) if sqlite_message(error).starts_with("no such table: temp.") => {
            let message = sqlite_message(error);
            return Ok(catalog.unknown_table(message.trim_start_matches("no such table: ")));
        }
        _ => {}
    }
    let name = match met(error).map(|name| (Kind::Table, name)) {
        // `ANALYZE user` meets the decoy of `sqlite_stat1` in the schema to which that of `user` led it.
        Some(name) if !is_reserved(&name.1) || goes_astray(bare, sql, &name, outcome).map_err(failed)? => Some(name),
        _ => culprit(catalog, bare, sql, outcome).map_err(failed)?,
    };
    Ok(match name {
        Some((kind, name)) => match catalog.owners(kind, &name).as_slice() {
            [] | [_] => catalog.unknown_table(&name),
            several => catalog.ambiguous(&name, several),
        },
        None => Error::Prepare { sql: sql.to_string(), source: copied(error) },
    })
}

/// The plan of a statement that only a connection to the table's own bind accepts.
fn own_statement(catalog: &Catalog, bare: &Stage, sql: &str, table: &str, outcome: &Look) -> Result<Option<Plan>> {
    let owners = catalog.owners(Kind::Table, table);
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    // What says `main.` means the default bind, and is led astray by nothing.
    if owners.is_empty() || !goes_astray(bare, sql, &(Kind::Table, table.to_string()), outcome).map_err(failed)? {
        return Ok(None);
    }
    let [Named { member, .. }] = owners.as_slice() else { return Err(catalog.ambiguous(table, &owners)) };
    let key = catalog.key(*member);
    let alone = Stage::of_main(catalog, *member)?;
    let seen = match alone.see(sql) {
        Ok(seen) => seen,
        Err((source, _)) => return Err(Error::Prepare { sql: sql.to_string(), source }),
    };
    check_made(catalog, (std::slice::from_ref(&key), *member), sql, &seen.accesses)?;
    let route = Route { reads: Vec::new(), writes: vec![key.clone()] };
    let on = Destination::One(*member, key);
    Ok(Some(Plan { on, route, changes_schema: !seen.explains, in_transaction: true, counts: None, looks_up: false }))
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
    /// Where the argument of a pragma is: of the kind that SQLite looks for first, if there is one.
    fn named_by_pragma(&self, kinds: &[Kind], name: &str) -> Vec<Named> {
        let mut found = Vec::new();
        for kind in kinds {
            if found.is_empty() {
                found = self.owners(*kind, name);
            }
        }
        found
    }

    /// Why a pragma cannot be answered that a table-valued function runs beside all binds, if it cannot.
    pub(crate) fn refuse_pragma(&self, name: &str, value: Option<&str>, schema: Option<&str>) -> Option<Error> {
        let name = name.to_ascii_lowercase();
        let (name, None) = (name.as_str(), schema) else { return None };
        match (kinds_of(name), value) {
            ([_, ..], Some(value)) => match self.named_by_pragma(kinds_of(name), value).as_slice() {
                [] | [_] => None,
                several => Some(self.ambiguous(value, several)),
            },
            ([_, ..], None) => None,
            ([], _) if PRAGMAS_OF_CONNECTIONS.contains(&name) || self.default_member().is_some() => None,
            ([], _) => Some(self.no_default(&format!("`pragma_{name}`, which names no bind"))),
        }
    }
}

/// What the argument of a pragma may name, in the order in which SQLite looks; nothing for those that take no name.
fn kinds_of(pragma: &str) -> &'static [Kind] {
    match pragma {
        name if PRAGMAS_OF_TABLES.contains(&name) => &[Kind::Table],
        // The primary key of a table without rowids is an index by the table's name.
        name if PRAGMAS_OF_INDEXES.contains(&name) => &[Kind::Index, Kind::Table],
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

/// A pragma goes to the bind it names, or that of the table it is about, else to the default bind.
fn plan_of_pragma(catalog: &Catalog, sql: &str, name: &str, value: Option<&str>, schema: Option<&str>) -> Result<Plan> {
    check_pragma(sql, name, value)?;
    let to = |member: BindIndex, key: BindKey| {
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
    if let Some(value) = value {
        match catalog.named_by_pragma(kinds_of(name), value).as_slice() {
            [one] => return to(one.member, catalog.key(one.member)),
            [] => {}
            several => return Err(catalog.ambiguous(value, several)),
        }
    }
    let member = catalog.default_member().ok_or_else(|| catalog.no_default("a pragma that names no bind"))?;
    to(member, BindKey::DEFAULT)
}
