//! The binds that a statement needs: the smallest set with which SQLite accepts it.
//!
//! SQLite's authorizer and its bytecode leave out tables that are resolved and never read: those joined by `USING`, or in
//! a subquery without effect. But a table that is not there is always missed, and the message names it. So a statement
//! is prepared beside few binds, and those that it misses are added one by one.

use super::access::{Access, Act};
use super::ambiguity::{is_reserved, maintains};
use super::catalog::{Catalog, NamedBind};
use super::decoys::{met, MOST_ATTACHED};
use super::program::Program;
use super::stage::{Accepted, Decoys, Look, Setting};
use super::stages::Stages;
use crate::error::{is_denied, sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::list::{filtered, retain};
use crate::sqlite::objects::NameKind;

/// SQLite's answer to a statement beside the binds that it needs.
pub(super) struct Looked {
    pub(super) setting: Setting,
    pub(super) look: Look,
    /// Its program, where it reads and writes rows.
    pub(super) program: Program,
}

/// The number of times that a bind may be missed before all are looked at.
const MOST_MISSED: usize = 3;

/// Prepares a statement beside the binds that it needs, and no other.
pub(super) fn look(catalog: &Catalog, stages: &mut Stages, sql: &str) -> Result<Looked> {
    let failed = |source| Error::sql_in(&BindKey::DEFAULT, sql)(source);
    let mut search = BindSearch::new(catalog);
    loop {
        let setting = search.setting();
        let stage = stages.stage(catalog, &setting)?;
        match stage.see(sql) {
            Ok(seen) => {
                let is_absent = |present: &NamedBind| !setting.present.contains(present);
                let mut wanted = filtered(&shadowed(catalog, &setting.present, &seen), is_absent);
                wanted.extend(search.missed_without_decoys(stages, sql)?);
                let mut program = Program::default();
                if wanted.is_empty() && has_program(&seen) {
                    program = stages.stage(catalog, &setting)?.program(sql).map_err(failed)?;
                    let reads_main = reads_main(&program);
                    wanted.extend(catalog.default_named().filter(|present| reads_main && is_absent(present)));
                }
                if wanted.is_empty() {
                    return beside_all(catalog, stages, sql, Looked { setting, look: Ok(seen), program });
                }
                for present in wanted {
                    search.add(sql, present)?;
                }
            }
            Err((error, accesses)) => match search.missed_or_stood_in(stages, sql, &error)? {
                Some(present) => search.add(sql, present)?,
                // A foreign key may be the reason: its parent is not there, and the bind's own connection says so.
                None if setting.foreign_keys && accesses.iter().any(|access| matches!(access.act, Act::Write(_))) => {
                    search.without_keys = true;
                }
                None => {
                    let looked = Looked { setting, look: Err((error, accesses)), program: Program::default() };
                    return beside_all(catalog, stages, sql, looked);
                }
            },
        }
        if search.misses == MOST_MISSED {
            search.add_all_used(stages, sql)?;
        }
    }
}

/// Prepares a statement beside every bind, if it says nothing of what it misses: `REINDEX` does not say which name that is,
/// `ANALYZE` without a name takes all there is, and `IF EXISTS` forgives.
fn beside_all(catalog: &Catalog, stages: &mut Stages, sql: &str, looked: Looked) -> Result<Looked> {
    let is_one = match &looked.look {
        Ok(seen) if maintains(seen) => true,
        Ok(seen) => seen.accesses.is_empty() && !seen.explains && !seen.has_columns,
        Err((error, _)) => sqlite_message(error) == "unable to identify the object to be reindexed",
    };
    if !is_one {
        return Ok(looked);
    }
    for setting in pages(catalog) {
        let stage = stages.stage(catalog, &setting)?;
        let look = stage.see(sql);
        let Ok(seen) = &look else { continue };
        // `REINDEX` of a table without indexes.
        let does_nothing = seen.accesses.is_empty();
        if does_nothing && looked.look.is_ok() {
            continue;
        }
        if does_nothing || maintains(seen) {
            return Ok(Looked { setting, look, program: Program::default() });
        }
        // With IF EXISTS it means something there, and needs no other.
        let mut present = Vec::new();
        for access in &seen.accesses {
            let used = access.schema.as_deref().and_then(|schema| stage.named(schema));
            present.extend(used.filter(|used| !present.contains(used)));
        }
        catalog.in_order(&mut present);
        let setting = Setting::of(catalog, &present);
        let look = stages.stage(catalog, &setting)?.see(sql);
        return Ok(Looked { setting, look, program: Program::default() });
    }
    Ok(looked)
}

/// The search for the binds beside which SQLite accepts a statement.
struct BindSearch<'c> {
    catalog: &'c Catalog,
    present: Vec<NamedBind>,
    /// Keys that another key of the same bind has replaced.
    replaced: Vec<NamedBind>,
    misses: usize,
    /// Set if foreign keys are off, because the statement fails with them.
    without_keys: bool,
}

impl<'c> BindSearch<'c> {
    fn new(catalog: &'c Catalog) -> BindSearch<'c> {
        BindSearch { catalog, present: Vec::new(), replaced: Vec::new(), misses: 0, without_keys: false }
    }

    fn setting(&self) -> Setting {
        let setting = Setting::of(self.catalog, &self.present);
        Setting { foreign_keys: setting.foreign_keys && !self.without_keys, ..setting }
    }

    /// Returns the key whose absence made SQLite refuse the statement.
    fn missed(&self, stages: &mut Stages, sql: &str, error: &rusqlite::Error) -> Result<Option<NamedBind>> {
        let message = sqlite_message(error);
        let mut candidates = match met(error) {
            Some(name) => self.catalog.owner(NameKind::Table, &name).into_iter().collect(),
            None => match message.strip_prefix("unknown database ") {
                // As the statement writes it, quoted or not.
                Some(written) => {
                    let schema = stages.stage(self.catalog, &self.setting())?.read_name(written);
                    schema.map_or_else(Vec::new, |schema| self.catalog.named_in_sql(&schema))
                }
                None => self.catalog.missed_in(&message),
            },
        };
        retain(&mut candidates, |candidate| !self.present.contains(candidate));
        match candidates.as_slice() {
            // A name with dots can be read in several ways.
            [_, _, ..] => self.first_that_matters(stages, sql, &message, candidates),
            _ => Ok(candidates.into_iter().next()),
        }
    }

    /// Returns the key whose absence made SQLite refuse a statement, or take a decoy for its table: then it says for one
    /// that a table is a view.
    fn missed_or_stood_in(&self, stages: &mut Stages, sql: &str, error: &rusqlite::Error) -> Result<Option<NamedBind>> {
        let missed = self.missed(stages, sql, error)?;
        if missed.is_some() || is_denied(error) {
            return Ok(missed);
        }
        let stand_ins = stages.stage(self.catalog, &self.setting())?.stand_ins().to_vec();
        self.first_that_matters(stages, sql, &sqlite_message(error), stand_ins)
    }

    /// Returns the key that SQLite misses where there are no decoys: with some it accepts a statement for a schema that
    /// has nothing else.
    fn missed_without_decoys(&self, stages: &mut Stages, sql: &str) -> Result<Option<NamedBind>> {
        if stages.stage(self.catalog, &self.setting())?.stand_ins().is_empty() {
            return Ok(None);
        }
        match stages.stage(self.catalog, &self.setting().with(Decoys::None))?.see(sql) {
            Err((error, _)) => self.missed(stages, sql, &error),
            Ok(_) => Ok(None),
        }
    }

    /// Returns the first key beside which SQLite no longer refuses a statement with this message.
    fn first_that_matters(
        &self,
        stages: &mut Stages,
        sql: &str,
        message: &str,
        candidates: Vec<NamedBind>,
    ) -> Result<Option<NamedBind>> {
        for candidate in candidates {
            let beside = Setting::of(self.catalog, &self.with(candidate.clone()));
            let look = stages.stage(self.catalog, &beside)?.see(sql);
            if !matches!(look, Err((error, _)) if sqlite_message(&error) == message) {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    /// Returns the keys that are present, and one more.
    fn with(&self, (key, bind): NamedBind) -> Vec<NamedBind> {
        let mut present = self.present.clone();
        if !self.replaced.contains(&(key.clone(), bind)) {
            // Of several keys of one bind the one that is written out will do, until the other is missed.
            retain(&mut present, |(_, at)| *at != bind);
        }
        present.push((key, bind));
        self.catalog.in_order(&mut present);
        present
    }

    fn add(&mut self, sql: &str, missed: NamedBind) -> Result<()> {
        let present = self.with(missed);
        self.replaced.extend(filtered(&self.present, |before| !present.contains(before)));
        self.present = present;
        self.misses += 1;
        check_number(sql, &self.present)
    }

    /// Adds every key that is used, as a look beside all binds shows: adding many one by one takes long.
    fn add_all_used(&mut self, stages: &mut Stages, sql: &str) -> Result<()> {
        self.misses += 1;
        let all = self.catalog.all_named();
        if self.catalog.named_keys().len() > MOST_ATTACHED {
            return Ok(());
        }
        let setting = Setting::of(self.catalog, &all);
        let stage = stages.stage(self.catalog, &setting)?;
        let Ok(program) = stage.program(sql) else { return Ok(()) };
        for (schema, _) in &program.transactions {
            // Table-valued functions are in `main`, whoever's that is.
            let is_used = schema != BindKey::DEFAULT.schema_name() || program.reads(schema);
            if let Some(used) = stage.named(schema)
                && is_used
                && !self.present.contains(&used)
            {
                self.present.push(used);
            }
        }
        self.catalog.in_order(&mut self.present);
        check_number(sql, &self.present)
    }
}

/// Reports whether a statement's program shows what it reads and writes: that of an `EXPLAIN` is another's, and a
/// change of a schema uses tables of SQLite's own.
fn has_program(seen: &Accepted) -> bool {
    let changes = |access: &Access| !matches!(access.act, Act::Read(_) | Act::Write(_) | Act::Counts(_));
    !seen.explains && !seen.accesses.iter().any(changes) && (seen.readonly || !seen.accesses.is_empty())
}

/// Returns the keys of absent tables in whose place SQLite took something that is present: `main`, which every connection
/// has, or a table-valued function.
pub(super) fn shadowed(catalog: &Catalog, present: &[NamedBind], seen: &Accepted) -> Vec<NamedBind> {
    let mut keys = Vec::new();
    // What a statement makes is no function either, and is not there yet.
    let makes = seen.accesses.iter().any(|access| matches!(access.act, Act::Create(..)));
    for access in &seen.accesses {
        if makes && is_function(catalog, access) {
            continue;
        }
        if is_function(catalog, access) {
            let owner = access.table().and_then(|name| catalog.owner(NameKind::Table, name));
            keys.extend(owner.filter(|(_, owner)| !present.iter().any(|(_, bind)| bind == owner)));
        } else if is_in_main(catalog, access) {
            keys.extend(catalog.default_named());
        }
    }
    keys
}

/// Reports whether a program reads from the schema `main`.
pub(super) fn reads_main(program: &Program) -> bool {
    program.reads(BindKey::DEFAULT.schema_name())
}

/// Reports whether an access is to the schema `main`, or to the table that describes it.
fn is_in_main(catalog: &Catalog, access: &Access) -> bool {
    match access.schema.as_deref() {
        Some(schema) => schema.eq_ignore_ascii_case(BindKey::DEFAULT.schema_name()),
        None => access.table().is_some_and(|name| describes_a_schema(catalog, name)),
    }
}

/// Reports whether a name is that of `sqlite_schema`, which every bind has and no schema lists. Without a key it is
/// that of
/// `main`.
pub(super) fn describes_a_schema(catalog: &Catalog, name: &str) -> bool {
    is_reserved(name) && catalog.named(NameKind::Table, name).is_empty()
}

/// Reports whether a reported table is a table-valued function, `json_each` for one: it is reported as in `main`, which
/// has no table of that name.
pub(super) fn is_function(catalog: &Catalog, access: &Access) -> bool {
    let Act::Read(name) = &access.act else { return false };
    let tables = catalog.named(NameKind::Table, name);
    match access.schema.as_deref() {
        _ if is_reserved(name) => false,
        None => tables.is_empty(),
        Some(schema) if schema.eq_ignore_ascii_case(BindKey::DEFAULT.schema_name()) => {
            !tables.iter().any(|named| Some(named.bind) == catalog.default_bind())
        }
        Some(_) => false,
    }
}

fn check_number(sql: &str, present: &[NamedBind]) -> Result<()> {
    let named = present.iter().filter(|(key, _)| !key.is_default()).count();
    if named <= MOST_ATTACHED {
        return Ok(());
    }
    Err(Error::Statement {
        sql: sql.to_string(),
        problem: format!(
            "it names {named} binds beside the default one, and SQLite attaches no more than {MOST_ATTACHED}: \
             split it"
        ),
        at: None,
    })
}

/// Returns settings that together have every key: in each the default one and as many others as SQLite attaches.
pub(super) fn pages(catalog: &Catalog) -> Vec<Setting> {
    let default = catalog.default_named();
    let mut pages = Vec::new();
    for named in catalog.named_keys().chunks(MOST_ATTACHED) {
        let mut present = default.clone().into_iter().collect::<Vec<_>>();
        present.extend_from_slice(named);
        catalog.in_order(&mut present);
        pages.push(Setting::of(catalog, &present));
    }
    if pages.is_empty() {
        pages.push(Setting::of(catalog, &default.into_iter().collect::<Vec<_>>()));
    }
    pages
}
