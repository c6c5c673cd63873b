//! A statement on rows of one bind, prepared on the connection that holds the bind's image: nothing is copied for it.
//!
//! Its words are read for a guess alone, which SQLite confirms. What it confirms beside one bind, a search confirms too: a
//! table that one bind alone has is missed beside none. Whatever might be taken for something else there than beside empty
//! databases is left to the search.

use super::access::{counts, Access, AccessLog, Act};
use super::ambiguity::is_reserved;
use super::catalog::{Catalog, NamedBind};
use super::near::is_of;
use super::plan::{Destination, Plan};
use super::program::{Program, SCHEMA_PAGE};
use super::stages::Stages;
use super::touched::Touched;
use crate::error::{Error, Result};
use crate::sqlite::objects::NameKind;
use crate::sqlite::script::has_letters_of_any;

/// The number of words of a text that a guess is made by: a list of rows may be long.
const MOST_WORDS: usize = 64;

/// Returns the plan of a statement on rows of one bind; `None` where only a search can tell which binds it needs.
pub(super) fn plan_in_place(catalog: &Catalog, stages: &mut Stages, sql: &str) -> Result<Option<Plan>> {
    let Some(named) = guessed(catalog, sql) else { return Ok(None) };
    let (key, bind) = &named;
    let of = &catalog.binds[*bind];
    // A virtual table prepares statements of its own, and these names mean those of the default bind.
    let others: &[&str] = if key.is_default() { &["sqlite_"] } else { &["sqlite_", "main"] };
    if !catalog.virtuals(*bind).is_empty() || has_letters_of_any(sql, others) {
        return Ok(None);
    }
    let seen = of.image.lend(key.schema_name(), of.foreign_keys, |conn| {
        if stages.doubts().may_mislead(catalog, conn, sql)? {
            return Ok(None);
        }
        let log = AccessLog::default();
        let conn = log.listen(conn);
        Ok(Program::listed(&conn, sql).ok().map(|(program, _)| (log.take(), program)))
    });
    let seen = seen.and_then(|seen| seen.unwrap_or(Ok(None))).map_err(Error::sql(&of.key))?;
    let Some((accesses, program)) = seen else { return Ok(None) };
    let Some(touched) = touched_alone(catalog, &named, &accesses, &program)? else { return Ok(None) };
    stages.note(&named);
    let route = touched.route(catalog);
    Ok(Some(Plan { counts: counts(&accesses), ..Plan::new(Destination::One(named.1, named.0), route) }))
}

/// Returns the bind that has a table of the first word of a text that is the name of one.
fn guessed(catalog: &Catalog, sql: &str) -> Option<NamedBind> {
    let words = sql.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    for word in words.filter(|word| !word.is_empty()).take(MOST_WORDS) {
        if let Some(named) = catalog.owner(NameKind::Table, word) {
            return Some(named);
        }
    }
    None
}

/// Lists what a statement uses, if that is rows of tables which this bind alone has.
fn touched_alone(
    catalog: &Catalog,
    named: &NamedBind,
    accesses: &[Access],
    program: &Program,
) -> Result<Option<Touched>> {
    let Some(opened) = opened(catalog, named, program)? else { return Ok(None) };
    let is_opened = |name: &str| opened.iter().any(|table| table.eq_ignore_ascii_case(name));
    let mut touched = Touched::default();
    for access in accesses {
        let (name, writes) = match &access.act {
            Act::Read(name) => (name, false),
            Act::Write(name) => (name, true),
            Act::Counts(_) => continue,
            _ => return Ok(None),
        };
        // A table of which no column is read comes without its schema, and so does a CTE of the same name.
        let is_certain = access.schema.is_some() || is_opened(name);
        if !is_certain || access.is_temporary() || !is_of(catalog, named, access, program) {
            return Ok(None);
        }
        touched.note(named.clone(), name, writes);
    }
    for table in opened {
        // `sqlite_sequence` is read for an `AUTOINCREMENT` column.
        if !is_reserved(table) && !touched.uses.iter().any(|used| used.table.eq_ignore_ascii_case(table)) {
            touched.note(named.clone(), table, false);
        }
    }
    Ok(if touched.uses.is_empty() { None } else { Some(touched) })
}

/// Returns the tables that a program opens to read; `None` where it uses anything but rows of the bind's own tables.
fn opened<'c>(catalog: &'c Catalog, (key, bind): &NamedBind, program: &Program) -> Result<Option<Vec<&'c str>>> {
    let schema = key.schema_name();
    let is_alone = program.virtuals() == 0
        && program.vacuums.is_empty()
        && program.transactions.iter().all(|(used, _)| used == schema);
    if !is_alone {
        return Ok(None);
    }
    let of = &catalog.binds[*bind];
    let objects = of.image.objects().map_err(Error::sql(&of.key))?.all();
    let mut tables = Vec::new();
    for (used, page) in program.opened() {
        let object = objects.iter().find(|object| object.root == *page);
        match object.filter(|_| used == schema && *page != SCHEMA_PAGE) {
            Some(object) => tables.push(object.table.as_str()),
            None => return Ok(None),
        }
    }
    Ok(Some(tables))
}
