//! Values of a column: those of its declared type.

use ::proptest::prelude::{prop_oneof, Just, Strategy};
use ::proptest::strategy::BoxedStrategy;
use rusqlite::types::Value;

use super::value::{any_blob, any_integer, any_real, any_text, any_value};
use crate::schema::{ColumnInfo, TableInfo};

/// Returns the values of a column's type, by its affinity as SQLite has it; `NULL` too where it may be.
pub(super) fn typed(table: &TableInfo, column: &ColumnInfo, affinity: &str) -> BoxedStrategy<Value> {
    let declared = column.declared_type();
    let is = |name: &str| declared.eq_ignore_ascii_case(name);
    let of_type = match affinity {
        "INT" => any_integer().prop_map(Value::Integer).boxed(),
        "REAL" => any_real().prop_map(Value::Real).boxed(),
        "TEXT" => any_text().prop_map(Value::Text).boxed(),
        // SQLite has no truth values of its own: those who declare some mean these two.
        "NUM" if is("BOOLEAN") || is("BOOL") => (0..=1_i64).prop_map(Value::Integer).boxed(),
        "NUM" => prop_oneof![any_integer().prop_map(Value::Integer), any_real().prop_map(Value::Real)].boxed(),
        _ if declared.is_empty() || table.is_strict() && is("ANY") => return or_null(column, any_value().boxed()),
        _ => any_blob().prop_map(Value::Blob).boxed(),
    };
    if takes_null(column) {
        prop_oneof![1 => Just(Value::Null), 4 => of_type].boxed()
    } else {
        of_type
    }
}

/// Returns values of any storage class; what the table does not take of them is found out by trying.
pub(super) fn of_any_class(column: &ColumnInfo) -> BoxedStrategy<Value> {
    or_null(column, any_value().boxed())
}

/// Returns values of which `NULL` is one, without it where it may not be.
fn or_null(column: &ColumnInfo, values: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    if takes_null(column) {
        values
    } else {
        values.prop_filter("NULL", |value| *value != Value::Null).boxed()
    }
}

/// Returns whether a column takes `NULL`. In a primary key, SQLite replaces it by a number, refuses it, or takes it by mistake.
fn takes_null(column: &ColumnInfo) -> bool {
    !column.is_not_null() && column.primary_key().is_none()
}
