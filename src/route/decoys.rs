//! Names that must not be found on a stage, and lead to a decoy there.
//!
//! A decoy is a view in `temp`, where SQLite looks up first what is written without a schema. Its body names a table that is
//! nowhere, so a statement that uses the name fails, and the message has the name. What has a schema, a CTE, and the bodies
//! of views and triggers never meet it.

use std::cell::OnceCell;

use rusqlite::Connection;

use super::catalog::{folded, Catalog, NamedBind};

use crate::error::sqlite_message;
use crate::key::BindIndex;
use crate::list::mapped;
use crate::sqlite::objects::NameKind;
use crate::sqlite::script::{has_letters, quote};
use crate::sqlite::{attach, texts};

/// The most databases SQLite attaches to a connection unless it was compiled otherwise, see
/// <https://sqlite.org/limits.html>.
pub(super) const MOST_ATTACHED: usize = 10;

/// The start of the name of the table that a decoy's body is about.
const DECOY: &str = "multibind: ";

/// Returns the statement that creates the decoy of a name.
pub(super) fn decoy(name: &str) -> String {
    format!("CREATE TEMP VIEW {} AS SELECT * FROM temp.{};", quote(name), quote(&format!("{DECOY}{name}")))
}

/// Returns the name whose decoy made SQLite refuse a statement.
pub(super) fn met(error: &rusqlite::Error) -> Option<String> {
    let message = sqlite_message(error);
    message.strip_prefix("no such table: temp.")?.strip_prefix(DECOY).map(str::to_string)
}

/// A name that does not always mean the one table of that name.
pub(super) struct Doubtful {
    name: String,
    /// Set if SQLite may take it for a table-valued function, where there is no such table.
    is_function: bool,
}

/// The doubtful names of a catalog, found out when a stage first needs them.
#[derive(Default)]
pub(super) struct Doubts(OnceCell<Vec<Doubtful>>);

impl Doubts {
    /// Reports whether a text may have one of these names, written plainly or in quotes.
    pub(super) fn may_mislead(&self, catalog: &Catalog, conn: &Connection, sql: &str) -> rusqlite::Result<bool> {
        let may = |name: &str| name.contains(['"', '`', '\'']) || has_letters(sql, name);
        Ok(self.names(catalog, conn)?.iter().any(|doubtful| may(&doubtful.name)))
    }

    /// Returns the names that several binds have, replicas among them, and those that functions may have too. Found out on a
    /// connection without tables.
    fn names(&self, catalog: &Catalog, conn: &Connection) -> rusqlite::Result<&[Doubtful]> {
        if let Some(names) = self.0.get() {
            return Ok(names);
        }
        let modules = mapped(&texts(conn, "PRAGMA module_list")?, |name| folded(name));
        let mut doubtful = Vec::new();
        for (name, named) in catalog.by_name(NameKind::Table) {
            // SQLite creates the functions of these names when they are first used.
            let is_lazy = name.starts_with("pragma_") || name.starts_with("json");
            let is_function = is_lazy || modules.iter().any(|module| module == name);
            if is_function || named.len() > 1 || named.iter().any(|named| catalog.is_replica(named.bind)) {
                doubtful.push(Doubtful { name: name.to_string(), is_function });
            }
        }
        Ok(self.0.get_or_init(|| doubtful))
    }
}

/// Reports whether a name leads to a decoy where only these keys are present: one that several binds have, and one that
/// SQLite would find here though it means a table that is elsewhere, or none.
fn leads_astray(catalog: &Catalog, present: &[NamedBind], doubtful: &Doubtful) -> bool {
    let is_here = |bind: BindIndex| present.iter().any(|(_, here)| *here == bind);
    let any_is_here = || catalog.named(NameKind::Table, &doubtful.name).iter().any(|named| is_here(named.bind));
    match catalog.owners(NameKind::Table, &doubtful.name).as_slice() {
        [] => any_is_here(),
        [one] => !is_here(one.bind) && (doubtful.is_function || any_is_here()),
        _ => true,
    }
}

/// Returns the keys of absent tables that have a function's name: a decoy stands in for each.
pub(super) fn stand_ins(
    catalog: &Catalog,
    doubts: &Doubts,
    present: &[NamedBind],
    conn: &Connection,
) -> rusqlite::Result<Vec<NamedBind>> {
    let mut absent = Vec::new();
    for doubtful in doubts.names(catalog, conn)?.iter().filter(|doubtful| doubtful.is_function) {
        let named = catalog.named(NameKind::Table, &doubtful.name);
        for owner in catalog.all_named() {
            if named.iter().any(|named| named.bind == owner.1) && !present.contains(&owner) && !absent.contains(&owner)
            {
                absent.push(owner);
            }
        }
    }
    Ok(absent)
}

/// Returns the decoys where only these keys are present.
pub(super) fn doubtful_views(
    catalog: &Catalog,
    doubts: &Doubts,
    present: &[NamedBind],
    conn: &Connection,
) -> rusqlite::Result<String> {
    let mut views = elsewhere(catalog, doubts, present, conn)?;
    for doubtful in doubts.names(catalog, conn)? {
        if leads_astray(catalog, present, doubtful) {
            views.push_str(&decoy(&doubtful.name));
        }
    }
    Ok(views)
}

/// Returns the decoys of the functions that look names up, see <https://sqlite.org/pragma.html#pragfunc> and
/// <https://sqlite.org/dbstat.html>.
pub(super) fn lookup_views(conn: &Connection) -> rusqlite::Result<String> {
    let mut views = decoy("dbstat");
    for pragma in texts(conn, "PRAGMA pragma_list")? {
        views.push_str(&decoy(&format!("pragma_{pragma}")));
    }
    Ok(views)
}

/// Returns the decoys of tables of other binds that have a function's name: SQLite takes such a name for the function even
/// where a key stands before it, unless there is an object of that name under the key.
fn elsewhere(catalog: &Catalog, doubts: &Doubts, present: &[NamedBind], conn: &Connection) -> rusqlite::Result<String> {
    let (mut views, mut added) = (String::new(), Vec::new());
    for Doubtful { name, .. } in doubts.names(catalog, conn)?.iter().filter(|doubtful| doubtful.is_function) {
        for (key, bind) in catalog.named_keys() {
            let is_its = catalog.named(NameKind::Table, name).iter().any(|named| named.bind == bind);
            if !is_its || present.contains(&(key.clone(), bind)) {
                continue;
            }
            let schema = key.schema_name();
            if !added.contains(&key) {
                // Beside as many as SQLite attaches there is no room, and the report has to do.
                if present.len() + added.len() >= MOST_ATTACHED {
                    continue;
                }
                attach(conn, ":memory:", schema)?;
                added.push(key.clone());
            }
            let body = quote(&format!("{DECOY}{name}"));
            views.push_str(&format!("CREATE VIEW {}.{} AS SELECT * FROM {body};", quote(schema), quote(name)));
        }
    }
    Ok(views)
}
