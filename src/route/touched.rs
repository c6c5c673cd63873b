//! The tables that a statement uses, each with the bind it is in and the key that stands for it.

use super::access::Act;
use super::ambiguity::is_reserved;
use super::catalog::{Catalog, NamedBind};
use super::look::{describes_a_schema, is_function};
use super::plan::{JoinedBind, Route};
use super::program::Program;
use super::stage::{Accepted, Stage};
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::list::mapped;
use crate::order::sort_by;
use crate::sqlite::objects::NameKind;

/// A table as a statement uses it.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) key: BindKey,
    pub(super) bind: BindIndex,
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
    /// The keys without which SQLite does not accept the statement, whatever it does there.
    pub(super) needed: Vec<NamedBind>,
}

impl Touched {
    pub(super) fn note(&mut self, (key, bind): (BindKey, BindIndex), table: &str, writes: bool) {
        let known = self.uses.iter_mut().find(|used| used.key == key && used.bind == bind && used.table == table);
        match known {
            Some(known) if writes => known.writes = true,
            Some(known) => known.reads = true,
            None => self.uses.push(Use { key, bind, table: table.to_string(), reads: !writes, writes }),
        }
    }

    /// Returns the binds that are read, in the order configured; those that are needed for what has no effect as well.
    pub(super) fn reads(&self) -> Vec<BindIndex> {
        let mut binds = self.of(|used| used.reads);
        for (_, bind) in &self.needed {
            if !self.uses.iter().any(|used| used.bind == *bind) {
                insert(&mut binds, *bind);
            }
        }
        binds
    }

    /// Returns the binds that are written, in the order configured.
    pub(super) fn writes(&self) -> Vec<BindIndex> {
        self.of(|used| used.writes)
    }

    /// Returns the binds that are read and those that are written, by the keys that they are first named by.
    pub(super) fn route(&self, catalog: &Catalog) -> Route {
        let keys = |binds: &[BindIndex]| mapped(binds, |bind| catalog.key(*bind));
        Route { reads: keys(&self.reads()), writes: keys(&self.writes()) }
    }

    /// Returns every bind that is used or needed, in the order configured.
    pub(super) fn binds(&self) -> Vec<BindIndex> {
        let mut binds = self.of(|_| true);
        for (_, bind) in &self.needed {
            insert(&mut binds, *bind);
        }
        binds
    }

    /// Returns the binds of some uses, in the order configured.
    fn of(&self, wanted: impl Fn(&Use) -> bool) -> Vec<BindIndex> {
        let mut binds = Vec::new();
        for used in &self.uses {
            if wanted(used) {
                insert(&mut binds, used.bind);
            }
        }
        binds
    }

    /// Returns every bind once for each key that the statement uses it by, with the tables that it reads there.
    pub(super) fn all(&self) -> Vec<JoinedBind> {
        let mut all = Vec::<JoinedBind>::new();
        for used in &self.uses {
            let is_it = |joined: &JoinedBind| joined.bind == used.bind && joined.key == used.key;
            let at = all.iter().position(is_it).unwrap_or_else(|| {
                all.push(JoinedBind { key: used.key.clone(), bind: used.bind, tables: Vec::new() });
                all.len() - 1
            });
            let tables = &mut all[at].tables;
            if used.reads && !tables.contains(&used.table) {
                tables.push(used.table.clone());
            }
        }
        for (key, bind) in &self.needed {
            if !all.iter().any(|joined| joined.bind == *bind && joined.key == *key) {
                all.push(JoinedBind { key: key.clone(), bind: *bind, tables: Vec::new() });
            }
        }
        sort_by(&mut all, |one, other| (one.bind, &one.key).cmp(&(other.bind, &other.key)));
        all
    }
}

fn insert(binds: &mut Vec<BindIndex>, bind: BindIndex) {
    if let Err(place) = binds.binary_search(&bind) {
        binds.insert(place, bind);
    }
}

/// Lists what a statement uses that SQLite accepts on `stage`.
pub(super) fn touched(catalog: &Catalog, stage: &Stage, seen: &Accepted, program: &Program) -> Result<Touched> {
    let mut touched = Touched { needed: stage.present().to_vec(), ..Touched::default() };
    let failed = |source| Error::sql(&BindKey::DEFAULT)(source);
    let opened = stage.opened(program).map_err(failed)?;
    // `ALTER TABLE` looks at its own table with some of them.
    let alters = seen.accesses.iter().any(|access| matches!(access.act, Act::Change(NameKind::Table, _)));
    for access in &seen.accesses {
        let (name, writes) = match &access.act {
            Act::Read(name) => (name, false),
            Act::Write(name) | Act::Create(_, name) | Act::Change(_, name) | Act::Maintain(_, name) => (name, true),
            Act::Pragma(..) | Act::Control(..) | Act::Counts(_) => continue,
        };
        if access.is_temporary() {
            continue;
        }
        if is_function(catalog, access) {
            if !alters && looks_names_up(name) && !touched.lookups.contains(name) {
                touched.lookups.push(name.clone());
            }
            continue;
        }
        match access.schema.as_deref() {
            Some(schema) => touched.note(named(catalog, stage, schema)?, name, writes && !seen.explains),
            None if describes_a_schema(catalog, name) => touched.note(named(catalog, stage, "main")?, name, false),
            None => {
                // A table of which no column is read comes without its schema, and so does a CTE of the same name.
                for (key, bind) in stage.present() {
                    let schema = key.schema_name();
                    let named = catalog.named(NameKind::Table, name).iter().find(|named| named.bind == *bind);
                    let is_opened = |(of, table): &(String, String)| of == schema && table.eq_ignore_ascii_case(name);
                    if let Some(named) = named
                        && (seen.explains
                            || !stage.is_stored(schema, name).map_err(failed)?
                            || opened.iter().any(is_opened))
                    {
                        touched.note((key.clone(), *bind), &named.name, false);
                    }
                }
            }
        }
    }
    for (schema, table) in &opened {
        let Some((key, bind)) = stage.named(schema) else { continue };
        let is_known = |used: &Use| used.key == key && (is_reserved(table) || used.table.eq_ignore_ascii_case(table));
        if !touched.uses.iter().any(is_known) {
            touched.note((key, bind), table, false);
        }
    }
    Ok(touched)
}

fn named(catalog: &Catalog, stage: &Stage, schema: &str) -> Result<NamedBind> {
    stage.named(schema).ok_or_else(|| catalog.no_default("a statement whose table names no bind"))
}

/// Reports whether a table-valued function looks at the databases of its connection when it runs, see
/// <https://sqlite.org/pragma.html#pragfunc> and <https://sqlite.org/dbstat.html>.
fn looks_names_up(function: &str) -> bool {
    let function = function.to_ascii_lowercase();
    function.starts_with("pragma_") || function == "dbstat"
}
