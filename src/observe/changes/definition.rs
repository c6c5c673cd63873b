//! The definition of a table or a view, and its differences from another.

use super::columns::Columns;
use crate::schema::{ColumnInfo, Metadata, ObjectKind, TableInfo};
use crate::sorted::Sorted;

/// A table with its indexes and triggers, or a view with its triggers.
pub(super) struct Definition<'m> {
    pub(super) name: &'m str,
    /// `None` for a view.
    pub(super) table: Option<&'m TableInfo>,
    sql: &'m str,
    parts: Parts<'m>,
}

/// Indexes and triggers: what each is, its name in the case SQL compares it in; its name and its SQL.
type Parts<'m> = Sorted<(&'static str, String), (&'m str, &'m str)>;

/// Tables and views in the order in which changes are reported: by name, in the case SQL compares it in.
pub(super) type Definitions<'m> = Sorted<(String, bool), Definition<'m>>;

pub(super) fn definitions(metadata: &Metadata) -> Definitions<'_> {
    let mut found = Definitions::default();
    for table in metadata.tables() {
        let mut parts = triggers(metadata, table.name());
        for index in table.indexes() {
            let is_it = |name: &str| name.eq_ignore_ascii_case(index.name());
            let mut objects = metadata.objects().iter();
            // One that SQLite made for a constraint has no SQL of its own.
            if let Some(object) = objects.find(|object| object.kind == ObjectKind::Index && is_it(&object.name)) {
                parts.insert(("index", folded(&object.name)), (&object.name, &object.sql));
            }
        }
        let definition = Definition { name: table.name(), table: Some(table), sql: table.sql(), parts };
        found.insert((folded(table.name()), false), definition);
    }
    for view in metadata.views() {
        let parts = triggers(metadata, view.name());
        let definition = Definition { name: view.name(), table: None, sql: view.sql(), parts };
        found.insert((folded(view.name()), true), definition);
    }
    found
}

fn triggers<'m>(metadata: &'m Metadata, of: &str) -> Parts<'m> {
    let mut parts = Parts::default();
    for trigger in metadata.triggers() {
        if trigger.table().eq_ignore_ascii_case(of) {
            parts.insert(("trigger", folded(trigger.name())), (trigger.name(), trigger.sql()));
        }
    }
    parts
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Returns the differences, a phrase each; none where the SQL of both is the same.
pub(super) fn differences(before: &Definition<'_>, after: &Definition<'_>) -> Vec<String> {
    let mut told = Vec::new();
    if before.sql != after.sql {
        if let (Some(was), Some(is)) = (before.table, after.table) {
            told = column_differences(&Columns::of(was, is));
        }
        if told.is_empty() {
            told.push("its SQL has changed".to_string());
        }
    }
    for (part, (spelled, sql)) in after.parts.entries() {
        let (what, _) = part;
        match before.parts.get(part) {
            None => told.push(format!("{what} `{spelled}` is new")),
            Some((_, was)) if was != sql => told.push(format!("{what} `{spelled}` has changed")),
            Some(_) => {}
        }
    }
    for (part, (spelled, _)) in before.parts.entries() {
        if !after.parts.contains(part) {
            told.push(format!("{} `{spelled}` is gone", part.0));
        }
    }
    told
}

fn column_differences(columns: &Columns<'_>) -> Vec<String> {
    let mut told = Vec::new();
    for (was, is) in &columns.kept {
        if was.name() != is.name() {
            told.push(format!("column `{}` is now `{}`", was.name(), is.name()));
        }
        if is_another(was, is) {
            told.push(format!("column `{}` has a new declaration", is.name()));
        }
    }
    for column in &columns.new {
        told.push(format!("column `{}` is new", column.name()));
    }
    for column in &columns.gone {
        told.push(format!("column `{}` is gone", column.name()));
    }
    told
}

fn is_another(was: &ColumnInfo, is: &ColumnInfo) -> bool {
    was.declared_type() != is.declared_type()
        || was.is_not_null() != is.is_not_null()
        || was.default() != is.default()
        || was.primary_key() != is.primary_key()
        || was.generated() != is.generated()
}
