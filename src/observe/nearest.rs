//! The rows of a table that come nearest to one that is not there.

use rusqlite::types::Value;

use super::careful::{search, Search};
use super::glance::{glance, glance_at, Glance, View};
use crate::database::Database;
use crate::error::joined_by;
use crate::list::{filtered, mapped, retain};
use crate::order::sort_by;
use crate::row::{Row, Shown};

/// The most rows that are returned.
const NEAREST: usize = 3;
/// The most rows that are compared with the one looked for.
const COMPARED: usize = 500;

/// Returns the rows that come nearest.
pub(super) fn nearest(database: &Database, view: View, table: &str, row: &Row) -> rusqlite::Result<Vec<Near>> {
    let plain = |glance: &Glance<'_>| nearest_by(glance, &Search::plain(table, row), row);
    let carefully = |glance: &Glance<'_>| match search(glance, table, row)? {
        Some(search) => nearest_by(glance, &search, row).map(Some),
        None => Ok(None),
    };
    let mut near = glance_at(database, view, table, &plain, &carefully)?;
    if let Some(first) = near.first_mut() {
        declare(first, database, view, table, row);
    }
    Ok(near)
}

/// Notes the types that the columns of a row are declared with, of those whose values are of another type than asked for.
fn declare(near: &mut Near, database: &Database, view: View, table: &str, row: &Row) {
    let is_of_another_type = |name: &String| match (near.row.value(name), row.value(name)) {
        (Some(Value::Null) | None, _) | (_, Some(Value::Null) | None) => false,
        (Some(found), Some(asked)) => found.data_type() != asked.data_type(),
    };
    let names = filtered(&near.different, is_of_another_type);
    // The columns of a view are declared nowhere.
    let query = "SELECT c.type AS type FROM pragma_table_xinfo(?1, 'main') AS c, main.sqlite_schema AS s
                 WHERE c.name = ?2 COLLATE NOCASE AND s.name = ?1 AND s.type = 'table' AND s.rootpage > 0";
    for name in names {
        let (of_table, column) = (Value::Text(table.to_string()), Value::Text(name.clone()));
        let found = glance(database, view, |glance| glance.rows(query, &[&of_table, &column])).unwrap_or_default();
        if let Some(Value::Text(declared)) = found.first().and_then(|found| found.value("type")) {
            near.declared.push((name, declared.clone()));
        }
    }
}

fn nearest_by(glance: &Glance<'_>, search: &Search, row: &Row) -> rusqlite::Result<Vec<Near>> {
    let Search { from, listed, comparisons } = search;
    let columns = glance.columns(&format!("SELECT {listed} FROM {from}"))?;
    let order =
        if comparisons.is_empty() { String::new() } else { format!(" ORDER BY {} DESC", comparisons.join(" + ")) };
    let also = joined_by(comparisons, "", &|comparison| format!(", {comparison}"));
    let query = format!("SELECT {listed}{also} FROM {from}{order} LIMIT {COMPARED}");
    let twice = row.values().repeat(2);
    let mut near = mapped(&glance.rows(&query, &twice)?, |found| Near::new(found, columns.len(), row));
    sort_by(&mut near, |a, b| b.likeness.total_cmp(&a.likeness));
    near.truncate(NEAREST);
    // What shares less with the row than the first, where that shares most of it, is another row.
    let (most, all) = (near.first().map_or(0, |first| first.different.len()), row.cells().len());
    if all > 1 && most * 2 <= all {
        retain(&mut near, |near| near.different.len() == most);
    } else if all > 1 && most < all {
        // Beside one that shares something, a row that shares nothing is noise.
        retain(&mut near, |near| near.different.len() < all);
    }
    Ok(near)
}

/// A row that is not the one looked for.
pub(crate) struct Near {
    pub(crate) row: Row,
    /// The columns whose values are not those asked for.
    pub(crate) different: Vec<String>,
    /// Of the first such row, those whose value is of another type than asked for, each with its declared type, which may be
    /// empty.
    pub(crate) declared: Vec<(String, String)>,
    likeness: f64,
}

impl Near {
    /// Reads the columns of the table, followed by whether each column asked for is what was asked.
    fn new(found: &Row, columns: usize, asked: &Row) -> Near {
        let row = found.first(columns);
        let (mut different, mut likely) = (Vec::new(), 0.0);
        let same = found.cells().get(columns..).unwrap_or_default();
        for ((name, asked), (_, same)) in asked.cells().iter().zip(same) {
            if *same == Value::Integer(1) {
                likely += 1.0;
            } else {
                likely += row.value(name).map_or(0.0, |found| likeness(found, asked));
                different.push(name.clone());
            }
        }
        Near { row, different, declared: Vec::new(), likeness: likely }
    }
}

/// Returns the likeness of two values that differ, from 0 to below 1.
fn likeness(found: &Value, asked: &Value) -> f64 {
    /// The likeness of values that are the same in another form.
    const MOST: f64 = 0.9;
    match (found, asked) {
        (Value::Text(found), Value::Text(asked)) => MOST * strsim::normalized_damerau_levenshtein(found, asked),
        (Value::Integer(found), Value::Integer(asked)) => MOST / (1.0 + found.abs_diff(*asked) as f64),
        // The same in another type is a mistake that is easily made.
        (Value::Text(text), number @ (Value::Integer(_) | Value::Real(_)))
        | (number @ (Value::Integer(_) | Value::Real(_)), Value::Text(text))
            if *text == Shown(number).to_string() =>
        {
            MOST
        }
        (Value::Text(text), Value::Blob(bytes)) | (Value::Blob(bytes), Value::Text(text))
            if text.as_bytes() == bytes.as_slice() =>
        {
            MOST
        }
        _ => 0.0,
    }
}
