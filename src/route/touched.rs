//! The tables that a statement uses, each with the bind it is in and the key that stands for it.

use super::access::{Act, Kind};
use super::ambiguity::{goes_astray, is_reserved};
use super::catalog::Catalog;
use super::router::{Router, Seen};
use super::Member;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::order::sort_by;

/// One table as a statement uses it.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) key: BindKey,
    pub(super) member: usize,
    pub(super) table: String,
    reads: bool,
    writes: bool,
}

/// Everything that a statement uses.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) uses: Vec<Use>,
    /// The table-valued functions that look names up when they run.
    pub(super) lookups: Vec<String>,
}

impl Touched {
    pub(super) fn note(&mut self, (key, member): (BindKey, usize), table: &str, writes: bool) {
        let known = self.uses.iter_mut().find(|used| used.key == key && used.member == member && used.table == table);
        match known {
            Some(known) if writes => known.writes = true,
            Some(known) => known.reads = true,
            None => self.uses.push(Use { key, member, table: table.to_string(), reads: !writes, writes }),
        }
    }

    /// The members that are read, in the order configured.
    pub(super) fn reads(&self) -> Vec<usize> {
        self.members(|used| used.reads)
    }

    /// The members that are written, in the order configured.
    pub(super) fn writes(&self) -> Vec<usize> {
        self.members(|used| used.writes)
    }

    /// The members of some uses, in the order configured.
    pub(super) fn members(&self, wanted: impl Fn(&Use) -> bool) -> Vec<usize> {
        let mut members = Vec::new();
        for used in &self.uses {
            if wanted(used)
                && let Err(place) = members.binary_search(&used.member)
            {
                members.insert(place, used.member);
            }
        }
        members
    }

    /// Every member by every key that a statement uses it by, with the tables it reads.
    pub(super) fn all(&self) -> Vec<Member> {
        let mut all = Vec::<Member>::new();
        for used in &self.uses {
            let is_it = |member: &Member| member.position == used.member && member.key == used.key;
            let at = all.iter().position(is_it).unwrap_or_else(|| {
                all.push(Member { key: used.key.clone(), position: used.member, tables: Vec::new() });
                all.len() - 1
            });
            let tables = &mut all[at].tables;
            if used.reads && !tables.contains(&used.table) {
                tables.push(used.table.clone());
            }
        }
        sort_by(&mut all, |one, other| (one.position, &one.key).cmp(&(other.position, &other.key)));
        all
    }
}

/// What a statement uses that SQLite accepts.
pub(super) fn touched(catalog: &Catalog, router: &Router, sql: &str, seen: &Seen) -> Result<Touched> {
    let mut touched = Touched::default();
    let mut without_schema = Vec::new();
    // `ALTER TABLE` looks at its own table with some of them.
    let alters = seen.accesses.iter().any(|access| matches!(access.act, Act::Change(Kind::Table, _)));
    for access in &seen.accesses {
        let (name, writes) = match &access.act {
            Act::Read(name) => (name, false),
            Act::Write(name) | Act::Create(_, name) | Act::Change(_, name) | Act::Maintain(_, name) => (name, true),
            Act::Pragma(..) | Act::Control(..) | Act::Counts(_) => continue,
        };
        if access.is_temporary() {
            continue;
        }
        let schema = access.schema.as_deref();
        if !writes && is_function(catalog, router, schema, name) {
            if !alters && looks_names_up(name) && !touched.lookups.contains(name) {
                touched.lookups.push(name.clone());
            }
            continue;
        }
        let Some(schema) = schema else {
            without_schema.push(name);
            continue;
        };
        let place = router.member(schema);
        let place = place.ok_or_else(|| catalog.no_default("a statement whose table names no bind"))?;
        touched.note(place, name, writes && !seen.explains);
    }
    if !without_schema.is_empty() {
        open_tables(catalog, router, sql, seen, &without_schema, &mut touched)?;
    }
    Ok(touched)
}

/// A table of which no column is read comes without its schema, and so does a CTE of the same name. Only a table is
/// opened by the statement's program, and only a table can be led astray.
fn open_tables(
    catalog: &Catalog,
    router: &Router,
    sql: &str,
    seen: &Seen,
    names: &[&String],
    touched: &mut Touched,
) -> Result<()> {
    let failed = |source| Error::sql(&BindKey::DEFAULT, sql)(source);
    let opened = match seen.explains {
        true => None,
        false => Some(router.program(sql).map_err(failed)?.transactions),
    };
    for name in names {
        if is_reserved(name) && catalog.named(Kind::Table, name).is_empty() {
            // `sqlite_schema`, which every bind has and no schema lists; without a key it is that of `main`.
            let place = router.member("main");
            let place = place.ok_or_else(|| catalog.no_default("a statement whose table names no bind"))?;
            touched.note(place, name, false);
            continue;
        }
        // A name of several members is no CTE's here, unless none of them is meant.
        for named in catalog.named(Kind::Table, name) {
            for key in catalog.members.get(named.member).into_iter().flat_map(|member| &member.keys) {
                let is_open = match &opened {
                    Some(opened) => opened.iter().any(|schema| schema.eq_ignore_ascii_case(key.schema_name())),
                    None => {
                        router.has(key)
                            && goes_astray(router, sql, &(Kind::Table, name.to_ascii_lowercase())).map_err(failed)?
                    }
                };
                if is_open {
                    touched.note((key.clone(), named.member), &named.name, false);
                }
            }
        }
    }
    Ok(())
}

/// Whether what was reported as a table is a table-valued function, `json_each` for one: reported as in `main`, which
/// has no table of that name.
fn is_function(catalog: &Catalog, router: &Router, schema: Option<&str>, name: &str) -> bool {
    let tables = catalog.named(Kind::Table, name);
    match schema {
        _ if is_reserved(name) => false,
        None => tables.is_empty(),
        Some(schema) if schema.eq_ignore_ascii_case("main") => {
            let main = router.member("main").map(|(_, main)| main);
            !tables.iter().any(|named| Some(named.member) == main)
        }
        Some(_) => false,
    }
}

/// Whether a table-valued function looks at the databases of its connection when it runs, see
/// <https://sqlite.org/pragma.html#pragfunc> and <https://sqlite.org/dbstat.html>.
fn looks_names_up(function: &str) -> bool {
    let function = function.to_ascii_lowercase();
    function.starts_with("pragma_") || function == "dbstat"
}
