//! Views and triggers, which SQLite creates without checking that the tables they use are there.
//!
//! One in the wrong bind could never be used, so it is created in a copy first and tried.

use rusqlite::config::DbConfig;
use rusqlite::Connection;

use super::access::{Access, Act, NewObject};
use super::catalog::Catalog;
use super::not_run::not_run;
use crate::error::{argument, list, sql_name, sqlite_message, Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::list::mapped;
use crate::sqlite::objects::NameKind;
use crate::sqlite::private::open_in_memory;
use crate::sqlite::script::quote;
use crate::sqlite::{column_names, copy_pages, number, Image, NamedConnection};

/// Refuses a view or a trigger that would use tables of another bind, or that would make its bind unreadable, on a
/// connection to `bind` that has one of `keys` as its schema name.
pub(super) fn check_made(
    catalog: &Catalog,
    (keys, bind): (&[BindKey], BindIndex),
    sql: &str,
    accesses: &[Access],
) -> Result<()> {
    let made = accesses.iter().find_map(|access| match &access.act {
        Act::Create(made @ (NewObject::View | NewObject::Trigger { .. }), name) if !access.is_temporary() => {
            Some((made, name))
        }
        _ => None,
    });
    let Some((made, name)) = made else { return Ok(()) };
    let kind = if *made == NewObject::View { NameKind::Table } else { NameKind::Trigger };
    if catalog.named(kind, name).iter().any(|named| named.bind == bind) {
        // It is there already: the statement fails, or says IF NOT EXISTS and makes nothing.
        return Ok(());
    }
    for key in keys {
        let failed = |source| Error::sql_in(key, sql)(source);
        let Some(plain) = made_in_a_copy(&catalog.binds[bind].image, key, sql).map_err(failed)? else { continue };
        if let Err(error) = number(&plain, "SELECT count(*) FROM sqlite_schema") {
            let problem = format!(
                "other connections could no longer read bind `{key}`: {}. Inside it name the tables without the bind",
                sqlite_message(&error)
            );
            return Err(not_run(sql, problem));
        }
        leave_alone(&plain, name).map_err(failed)?;
        let Some(missing) = probes(&plain, made, name).iter().find_map(|probe| missing_table(&plain, probe)) else {
            continue;
        };
        let elsewhere = catalog.owners(NameKind::Table, &missing);
        if !elsewhere.is_empty() && !elsewhere.iter().any(|named| named.bind == bind) {
            let others = mapped(&elsewhere, |named| catalog.key(named.bind));
            return Err(not_run(sql, wrong_bind(made, name, &missing, key, &others)));
        }
    }
    Ok(())
}

fn wrong_bind(made: &NewObject, name: &str, missing: &str, key: &BindKey, others: &[BindKey]) -> String {
    let what = if *made == NewObject::View { "view" } else { "trigger" };
    let there = format!(
        "the {what} `{name}` would be in bind `{key}`, and `{missing}` is not: it is in {}. A {what} uses tables of its \
         own bind alone",
        list(others)
    );
    match others {
        [other] if *made == NewObject::View && !other.is_default() => format!(
            "{there}: make it there, as `{}.{}` or with `session.on({})`",
            sql_name(other.schema_name()),
            sql_name(name),
            argument(other)
        ),
        [other] if *made == NewObject::View => {
            format!("{there}: make it there, with `session.on({})`", argument(other))
        }
        _ => there,
    }
}

/// Returns a plain connection to a copy in which the statement was run as the session would run it; `None` where it fails,
/// which the session's own connection reports.
fn made_in_a_copy(image: &Image, key: &BindKey, sql: &str) -> rusqlite::Result<Option<Connection>> {
    let mut copy = open_in_memory()?;
    image.copy_into(&mut copy, "main")?;
    image.connect(&copy)?;
    let copy = NamedConnection::new(copy, key.schema_name())?;
    if copy.conn().execute_batch(sql).is_err() {
        return Ok(None);
    }
    let mut plain = open_in_memory()?;
    // A foreign key to a missing table has nothing to do with the new object.
    plain.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    copy_pages(copy.conn(), &mut plain, "main")?;
    image.connect(&plain)?;
    Ok(Some(plain))
}

/// Removes from the copy whatever is broken without the new object, or runs beside it: older triggers, and views that
/// cannot be read. A view that remains can be written to as before, and nothing comes of it.
fn leave_alone(plain: &Connection, name: &str) -> rusqlite::Result<()> {
    let older = |kind: &str, names: &str| {
        let mut select = plain.prepare(&format!(
            "SELECT DISTINCT {names} FROM sqlite_schema WHERE type = '{kind}' AND name <> ?1 COLLATE NOCASE"
        ))?;
        let names = select.query_map([name], |row| row.get::<_, String>(0))?;
        names.collect::<rusqlite::Result<Vec<_>>>()
    };
    let written = older("trigger", "tbl_name")?;
    for trigger in older("trigger", "name")? {
        plain.execute_batch(&format!("DROP TRIGGER IF EXISTS {}", quote(&trigger)))?;
    }
    for view in older("view", "name")? {
        if plain.prepare(&format!("SELECT 1 FROM {}", quote(&view))).is_err() {
            plain.execute_batch(&format!("DROP VIEW {}", quote(&view)))?;
        } else if written.iter().any(|on| on.eq_ignore_ascii_case(&view)) {
            for verb in ["INSERT", "UPDATE", "DELETE"] {
                let trigger = quote(&format!("multibind {verb} {view}"));
                let on = quote(&view);
                plain.execute_batch(&format!(
                    "CREATE TRIGGER {trigger} INSTEAD OF {verb} ON {on} BEGIN SELECT 1; END"
                ))?;
            }
        }
    }
    Ok(())
}

/// Returns statements that use the view, or that run the trigger.
fn probes(plain: &Connection, made: &NewObject, name: &str) -> Vec<String> {
    let NewObject::Trigger { on } = made else { return vec![format!("SELECT 1 FROM {}", quote(name))] };
    let on = quote(on);
    let mut probes = vec![format!("DELETE FROM {on}"), format!("INSERT INTO {on} DEFAULT VALUES")];
    if let Ok(select) = plain.prepare(&format!("SELECT * FROM {on}")) {
        for column in column_names(&select) {
            probes.push(format!("UPDATE {on} SET {} = NULL", quote(&column)));
        }
    }
    probes
}

/// Returns the table that a statement misses.
fn missing_table(plain: &Connection, probe: &str) -> Option<String> {
    let error = plain.prepare(probe).err()?;
    let message = sqlite_message(&error);
    let table = message.strip_prefix("no such table: ")?;
    Some(table.strip_prefix("main.").unwrap_or(table).to_string())
}
