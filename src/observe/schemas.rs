//! The tables of two harnesses, compared by what SQLite reports of them.

use super::part::Part;
use super::tables::tables;
use crate::error::{joined_by, Error, Result};
use crate::harness::Harness;
use crate::key::BindKey;
use crate::list::{mapped, retain};
use crate::order::sort_by;
use crate::schema::{ColumnInfo, ForeignKey, GeneratedKind, IndexInfo, IndexOrigin, Metadata, TableInfo, TableKind};

/// A thing of a bind that is not the same in two harnesses.
pub(crate) struct Unlike {
    pub(crate) bind: BindKey,
    pub(crate) thing: String,
    /// Its form in the one and in the other, `None` where it is not there.
    pub(crate) forms: [Option<String>; 2],
}

/// A table or view, or a part of one.
struct Thing {
    table: String,
    part: Option<String>,
    form: String,
    /// Set if it says nothing where the other has no such thing.
    is_of_both: bool,
}

/// Returns what is not the same in the binds of two harnesses, as they are now, as far as the part of the one goes.
pub(crate) fn unlike(part: &Part<'_>, other: &Harness) -> Result<Vec<Unlike>> {
    let one = part.harness;
    let mut keys = one.binds();
    for key in other.binds() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut found = Vec::new();
    for bind in keys {
        if !part.has_bind(&bind) {
            continue;
        }
        match (metadata(one, &bind)?, metadata(other, &bind)?) {
            (Some(here), Some(there)) => {
                let of_part = |thing: &Thing| part.has_table(&bind, &thing.table);
                let [mut here, mut there] = [things(&here), things(&there)];
                retain(&mut here, of_part);
                retain(&mut there, of_part);
                found.extend(compared(&bind, &here, &there));
            }
            (here, there) => {
                let form = |metadata: Option<Metadata>| metadata.map(|_| "configured".to_string());
                found.push(Unlike { bind, thing: "the bind".to_string(), forms: [form(here), form(there)] });
            }
        }
    }
    Ok(found)
}

/// Returns the tables of a bind now, those of a dynamic bind at start; `None` where it is not configured.
fn metadata(db: &Harness, key: &BindKey) -> Result<Option<Metadata>> {
    if !db.binds().contains(key) {
        return Ok(None);
    }
    match db.running().database(key) {
        Ok(database) => tables(&database).map(Some),
        Err(Error::Dynamic { .. }) => db.metadata(key).map(|metadata| Some(Metadata::clone(&metadata))),
        Err(error) => Err(error),
    }
}

fn compared(bind: &BindKey, here: &[Thing], there: &[Thing]) -> Vec<Unlike> {
    let mut found: Vec<Unlike> = Vec::new();
    let find = |things: &[Thing], like: &Thing| {
        let is_it = |thing: &&Thing| thing.table == like.table && thing.part == like.part;
        things.iter().find(is_it).map(|thing| thing.form.clone())
    };
    let lacks_table = |things: &[Thing], like: &Thing| !things.iter().any(|thing| thing.table == like.table);
    for (at, thing) in here.iter().chain(there).enumerate() {
        let forms = [find(here, thing), find(there, thing)];
        // Of a table that is not there, its parts are not listed; what is in both is listed once.
        let is_told = thing.part.is_some() && (lacks_table(here, thing) || lacks_table(there, thing));
        let is_again = at >= here.len() && forms[0].is_some();
        let says_nothing = thing.is_of_both && forms.iter().any(Option::is_none);
        if forms[0] != forms[1] && !is_told && !is_again && !says_nothing {
            let part = thing.part.as_ref().map(|part| format!(", {part}")).unwrap_or_default();
            found.push(Unlike { bind: bind.clone(), thing: format!("{}{part}", thing.table), forms });
        }
    }
    found
}

fn things(metadata: &Metadata) -> Vec<Thing> {
    let mut things = Vec::new();
    for table in metadata.tables() {
        of_table(table, &mut things);
    }
    for view in metadata.views() {
        things.push(Thing { table: view.name().to_string(), part: None, form: written(view.sql()), is_of_both: false });
    }
    for trigger in metadata.triggers() {
        let part = Some(format!("trigger {}", trigger.name()));
        things.push(Thing {
            table: trigger.table().to_string(),
            part,
            form: written(trigger.sql()),
            is_of_both: false,
        });
    }
    things
}

/// The beginning of the part that is the order of the columns.
const ORDER: &str = "order of ";

fn of_table(table: &TableInfo, things: &mut Vec<Thing>) {
    let mut add = |part: Option<String>, form: String| {
        let is_of_both = part.as_ref().is_some_and(|part| part.starts_with(ORDER));
        things.push(Thing { table: table.name().to_string(), part, form, is_of_both });
    };
    let mut form = match table.kind() {
        TableKind::Ordinary => "a table".to_string(),
        // Its module alone knows what it is made of.
        TableKind::Virtual => written(table.sql()),
    };
    form.push_str(if table.is_strict() { ", STRICT" } else { "" });
    form.push_str(if table.is_without_rowid() { ", WITHOUT ROWID" } else { "" });
    add(None, form);
    for column in table.columns() {
        add(Some(format!("column {}", column.name())), of_column(column));
    }
    let mut names = mapped(table.columns(), |column| column.name());
    let order = joined_by(&names, ", ", &|name| (*name).to_string());
    // With other columns the order is another too, which their absence says.
    sort_by(&mut names, |one, other| one.cmp(other));
    add(Some(format!("{ORDER}{}", joined_by(&names, ", ", &|name| (*name).to_string()))), order);
    for index in table.indexes() {
        let (part, form) = of_index(index);
        add(Some(part), form);
    }
    for key in table.foreign_keys() {
        add(Some(format!("foreign key ({})", list(key.columns()))), of_key(key));
    }
}

fn of_column(column: &ColumnInfo) -> String {
    let mut form = column.declared_type().to_string();
    let mut add = |words: &str| {
        form.push_str(if form.is_empty() { "" } else { " " });
        form.push_str(words);
    };
    if let Some(at) = column.primary_key() {
        add(&format!("PRIMARY KEY {at}"));
    }
    if column.is_not_null() {
        add("NOT NULL");
    }
    if let Some(default) = column.default() {
        add(&format!("DEFAULT {default}"));
    }
    match column.generated() {
        Some(GeneratedKind::Virtual) => add("generated"),
        Some(GeneratedKind::Stored) => add("generated, stored"),
        None => {}
    }
    if form.is_empty() {
        "any type".to_string()
    } else {
        form
    }
}

fn of_index(index: &IndexInfo) -> (String, String) {
    let columns = index.columns().map(|column| column.unwrap_or("an expression")).collect::<Vec<_>>().join(", ");
    let unique = if index.is_unique() { "UNIQUE " } else { "" };
    let partial = if index.is_partial() { ", partial" } else { "" };
    match index.origin() {
        IndexOrigin::Created => (format!("index {}", index.name()), format!("{unique}({columns}){partial}")),
        IndexOrigin::PrimaryKey => (format!("PRIMARY KEY ({columns})"), "there".to_string()),
        IndexOrigin::Unique => (format!("UNIQUE ({columns})"), "there".to_string()),
    }
}

fn of_key(key: &ForeignKey) -> String {
    let actions = format!("ON UPDATE {} ON DELETE {}", key.on_update(), key.on_delete());
    format!("{} ({}) {actions}", key.parent(), list(key.parent_columns()))
}

fn list(names: &[String]) -> String {
    names.join(", ")
}

/// Returns SQL without its line ends and further blanks.
fn written(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
