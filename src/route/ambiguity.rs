//! Telling `user` from `auth.user` when several binds have a table of that name.
//!
//! SQLite does not say how a name was written. But it looks an unqualified name up in `temp` first, so a statement is
//! prepared once more with a decoy of that name there: what was qualified stays as it was, what was not goes astray.

use super::access::{Access, Act, Kind};
use super::catalog::Catalog;
use super::router::{Router, Seen};
use crate::list::{filtered, mapped};
use crate::script::quote;

/// A name that stands in the way of an unqualified use.
pub(super) type Decoy = (Kind, String);

/// Every name that the accesses use and that several members have.
pub(super) fn shared_names(catalog: &Catalog, accesses: &[Access]) -> Vec<Decoy> {
    let mut names = Vec::new();
    for access in accesses {
        let own = match &access.act {
            Act::Change(kind, name) => Some((*kind, name.as_str())),
            _ => access.table().map(|table| (Kind::Table, table)),
        };
        // A view is named only as what accesses its tables.
        let accessor = access.accessor.as_deref().map(|name| (Kind::Table, name));
        for (kind, name) in own.into_iter().chain(accessor) {
            let decoy = (kind, name.to_ascii_lowercase());
            if catalog.owners(kind, name).len() > 1 && !names.contains(&decoy) {
                names.push(decoy);
            }
        }
    }
    names
}

/// The first of these names that a statement uses without saying whose it is.
pub(super) fn first_unqualified(router: &Router, sql: &str, names: &[Decoy]) -> rusqlite::Result<Option<Decoy>> {
    for decoy in names {
        if goes_astray(router, sql, decoy)? {
            return Ok(Some(decoy.clone()));
        }
    }
    Ok(None)
}

/// Whether a statement, which SQLite accepts, uses the name without a schema.
pub(super) fn goes_astray(router: &Router, sql: &str, decoy: &Decoy) -> rusqlite::Result<bool> {
    let name = &decoy.1;
    with_decoy(router, decoy, &|| match router.see(sql) {
        // It named something that the decoy is not fit for, so it meant the decoy.
        Err(_) => Ok(true),
        Ok(seen) if seen.accesses.iter().any(|access| access.is_temporary() && is_about(access, decoy)) => Ok(true),
        // A table of which no column is read is reported without its schema: the program tells.
        Ok(seen) if is_reserved(name) && reads_without_schema(&seen, name) && !seen.explains => {
            Ok(router.program(sql)?.transactions.iter().any(|schema| schema == "temp"))
        }
        Ok(_) => Ok(false),
    })
}

fn is_about(access: &Access, (kind, name): &Decoy) -> bool {
    match &access.act {
        Act::Change(of, changed) => of == kind && changed.eq_ignore_ascii_case(name),
        _ => *kind == Kind::Table && access.table().is_some_and(|table| table.eq_ignore_ascii_case(name)),
    }
}

fn reads_without_schema(seen: &Seen, name: &str) -> bool {
    seen.accesses.iter().any(|access| {
        access.schema.is_none() && matches!(&access.act, Act::Read(read) if read.eq_ignore_ascii_case(name))
    })
}

/// The name that `ANALYZE` or `REINDEX` gives without saying whose it is, if several members have it.
///
/// Both report the indexes or tables they work on and not the name they were given. With a decoy of that name they
/// work on the decoy, and not on what they did.
pub(super) fn maintained_unqualified(
    catalog: &Catalog,
    router: &Router,
    sql: &str,
    seen: &Seen,
) -> rusqlite::Result<Option<Decoy>> {
    let maintained = |seen: &Seen| {
        let maintained = seen.accesses.iter().filter(|access| matches!(access.act, Act::Maintain(..)));
        maintained.filter(|access| !access.is_temporary()).cloned().collect::<Vec<_>>()
    };
    let before = maintained(seen);
    for decoy in catalog.names_of_several(&[Kind::Table, Kind::Index]) {
        let astray = with_decoy(router, &decoy, &|| match router.see(sql) {
            Err(_) => Ok(true),
            Ok(seen) => {
                let now = maintained(&seen);
                Ok(before.iter().any(|access| !now.contains(access)))
            }
        })?;
        if astray {
            return Ok(Some(decoy));
        }
    }
    Ok(None)
}

/// The first name of several members that makes a statement fail, which would be accepted if it meant another's.
pub(super) fn first_in_the_way(catalog: &Catalog, router: &Router, sql: &str) -> rusqlite::Result<Option<Decoy>> {
    let names = catalog.names_of_several(&[Kind::Table]);
    let names = filtered(&names, |(_, name)| !is_reserved(name));
    let mut made = Vec::new();
    for (_, name) in &names {
        // One that has every column that any of them has, if they are not too many.
        let columns = catalog.columns_of(name);
        let columns = mapped(&columns, |column| quote(column)).join(", ");
        if router.temp(&format!("CREATE TEMP TABLE {} ({columns})", quote(name))).is_ok() {
            made.push(name);
        }
    }
    let seen = router.see(sql);
    for name in made {
        router.temp(&format!("DROP TABLE temp.{}", quote(name)))?;
    }
    let Ok(seen) = seen else { return Ok(None) };
    let used = |decoy: &Decoy| seen.accesses.iter().any(|access| access.is_temporary() && is_about(access, decoy));
    Ok(names.into_iter().find(used))
}

/// Does something while a decoy is in `temp`.
fn with_decoy(
    router: &Router,
    (kind, name): &Decoy,
    work: &dyn Fn() -> rusqlite::Result<bool>,
) -> rusqlite::Result<bool> {
    let named = quote(name);
    let host = quote(&format!("multibind {name}"));
    let (make, drop) = match kind {
        // Only SQLite makes these, and none can be dropped, but a transaction takes them back.
        Kind::Table if is_reserved(name) => (
            format!(
                "BEGIN; CREATE TEMP TABLE {host} (x INTEGER PRIMARY KEY AUTOINCREMENT, y); \
                 CREATE INDEX temp.{host_index} ON {host} (y); INSERT INTO temp.{host} (y) VALUES (1); ANALYZE temp",
                host_index = quote(&format!("multibind index {name}")),
            ),
            "ROLLBACK".to_string(),
        ),
        // A view that cannot be read, so that a statement fails that means it.
        Kind::Table => (format!("CREATE TEMP VIEW {named} AS SELECT * FROM {host}"), format!("DROP VIEW temp.{named}")),
        Kind::Index => (
            format!("CREATE TEMP TABLE {host} (x); CREATE INDEX temp.{named} ON {host} (x)"),
            format!("DROP TABLE temp.{host}"),
        ),
        Kind::Trigger => (
            format!(
                "CREATE TEMP TABLE {host} (x); CREATE TEMP TRIGGER {named} AFTER INSERT ON {host} BEGIN SELECT 1; END"
            ),
            format!("DROP TABLE temp.{host}"),
        ),
    };
    let done = router.temp(&make).and_then(|()| work());
    let dropped = router.temp(&drop);
    let done = done?;
    dropped.map(|()| done)
}

/// Whether SQLite keeps the name for itself, see <https://sqlite.org/fileformat2.html#intschema>.
pub(super) fn is_reserved(name: &str) -> bool {
    name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}
