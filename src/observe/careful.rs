//! Searching a table of which SQLite cannot read everything, because a function or a collation is only the application's.

use rusqlite::types::Value;

use super::glance::Glance;
use crate::error::joined_by;
use crate::list::{mapped, retain};
use crate::row::Row;
use crate::sqlite::script::quote;

/// A search for a row: what to select from, which columns, and a comparison for each column of the row, all of a table `t`.
pub(super) struct Search {
    pub(super) from: String,
    pub(super) listed: String,
    pub(super) comparisons: Vec<String>,
}

impl Search {
    /// Returns the search where SQLite reads everything.
    pub(super) fn plain(table: &str, row: &Row) -> Search {
        Search {
            from: format!("main.{} AS t", quote(table)),
            listed: "t.*".to_string(),
            comparisons: row.comparisons(),
        }
    }
}

/// The result of a search.
pub(super) enum Answer {
    Rows(Vec<Row>),
    /// The table lacks a column that the row names.
    NoColumn {
        column: String,
        columns: Vec<String>,
    },
}

/// The readable part of a table.
enum Readable<'r> {
    Search(Search, Vec<Doubt<'r>>),
    NoColumn {
        column: String,
        columns: Vec<String>,
    },
    /// The row asks for a column that only the application can compute.
    Not,
}

/// A column of the row that is compared byte by byte, in place of a collation that only the application has.
struct Doubt<'r> {
    column: String,
    at: usize,
    value: &'r Value,
}

/// Returns the search for a row by what can be read; `None` where that is not enough.
pub(super) fn search(glance: &Glance<'_>, table: &str, row: &Row) -> rusqlite::Result<Option<Search>> {
    Ok(match readable(glance, table, row)? {
        Readable::Search(search, _) => Some(search),
        Readable::NoColumn { .. } | Readable::Not => None,
    })
}

/// Looks for at most `most` rows by what can be read of a table. `None` where the row asks for a column that cannot be read, or
/// where only the application could tell whether two texts are equal.
pub(super) fn find(
    glance: &Glance<'_>,
    table: &str,
    row: &Row,
    most: Option<usize>,
) -> rusqlite::Result<Option<Answer>> {
    let (search, doubts) = match readable(glance, table, row)? {
        Readable::Search(search, doubts) => (search, doubts),
        Readable::NoColumn { column, columns } => return Ok(Some(Answer::NoColumn { column, columns })),
        Readable::Not => return Ok(None),
    };
    let Search { from, listed, comparisons } = &search;
    let query = format!("SELECT {listed} FROM {from}{}{}", filter(comparisons), limit(most));
    let rows = glance.rows(&query, &row.values())?;
    let asks_for_all = most.is_none();
    if (rows.is_empty() || asks_for_all) && may_match(glance, &search, &doubts, row)? {
        return Ok(None);
    }
    Ok(Some(Answer::Rows(rows)))
}

fn readable<'r>(glance: &Glance<'_>, table: &str, row: &'r Row) -> rusqlite::Result<Readable<'r>> {
    let name = Value::Text(table.to_string());
    let of_table = "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1 ORDER BY cid";
    // Not even the columns of a view that calls such a function are known.
    let Ok(found) = glance.rows(of_table, &[&name]) else { return Ok(Readable::Not) };
    let mut columns = Vec::with_capacity(found.len());
    for column in &found {
        if let Some(Value::Text(name)) = column.value("name") {
            columns.push(name.clone());
        }
    }
    let reads =
        |column: &str| glance.columns(&format!("SELECT t.{} FROM main.{} AS t", quote(column), quote(table))).is_ok();
    let mut shown = columns.clone();
    retain(&mut shown, |column| reads(column));
    // The rowid has names that are not among the columns.
    let mut read = shown.clone();
    let (mut comparisons, mut doubts) = (Vec::with_capacity(row.cells().len()), Vec::new());
    for (at, (column, value)) in row.cells().iter().enumerate() {
        let is_it = |known: &String| known.eq_ignore_ascii_case(column);
        if !shown.iter().any(is_it) {
            if columns.iter().any(is_it) {
                return Ok(Readable::Not);
            }
            if !reads(column) {
                return Ok(Readable::NoColumn { column: column.clone(), columns });
            }
            read.push(column.clone());
        }
        let quoted = format!("t.{}", quote(column));
        if glance.stands_in_for_collation_of(table, column)? {
            comparisons.push(format!("{quoted} COLLATE BINARY IS ?"));
            if let Value::Text(_) = value {
                doubts.push(Doubt { column: quoted, at, value });
            }
        } else {
            comparisons.push(format!("{quoted} IS ?"));
        }
    }
    let named = |columns: &[String]| joined_by(columns, ", ", &|column| format!("t.{}", quote(column)));
    // The limit keeps SQLite from looking anything up by a collation that is only stood in for.
    let from = format!("(SELECT {} FROM main.{} AS t LIMIT -1) AS t", named(&read), quote(table));
    Ok(Readable::Search(Search { from, listed: named(&shown), comparisons }, doubts))
}

/// Returns whether only the application can compare some row with the one asked for: its text differs, and may be equal by
/// the column's collation.
fn may_match(glance: &Glance<'_>, search: &Search, doubts: &[Doubt<'_>], row: &Row) -> rusqlite::Result<bool> {
    if doubts.is_empty() {
        return Ok(false);
    }
    let (mut tests, mut values) = (Vec::new(), Vec::new());
    for (at, (comparison, (_, value))) in search.comparisons.iter().zip(row.cells()).enumerate() {
        if !doubts.iter().any(|doubt| doubt.at == at) {
            tests.push(comparison.clone());
            values.push(value);
        }
    }
    for doubt in doubts {
        tests.push(format!("typeof({}) = 'text'", doubt.column));
    }
    let same = joined_by(doubts, " AND ", &|doubt| format!("{} COLLATE BINARY IS ?", doubt.column));
    tests.push(format!("NOT ({same})"));
    values.extend(mapped(doubts, |doubt| doubt.value));
    let query = format!("SELECT 1 AS found FROM {}{} LIMIT 1", search.from, filter(&tests));
    Ok(!glance.rows(&query, &values)?.is_empty())
}

/// Returns the clause that limits the rows of a query, empty where all are asked for.
pub(super) fn limit(most: Option<usize>) -> String {
    most.map(|most| format!(" LIMIT {most}")).unwrap_or_default()
}

fn filter(tests: &[String]) -> String {
    if tests.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", tests.join(" AND "))
    }
}
