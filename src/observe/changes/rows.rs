//! Comparing the rows of a table with those it had, in SQL.

use rusqlite::types::Value;
use rusqlite::{params_from_iter, Connection};

use super::change::{RowChanges, RowUpdate};
use super::columns::Columns;
use crate::error::joined_by;
use crate::list::{mapped, retain};
use crate::row::{owned, Row};
use crate::schema::{ColumnInfo, IndexOrigin, TableInfo};
use crate::sqlite::column_names;
use crate::sqlite::script::quote;

/// The schema that holds what was.
pub(super) const BEFORE: &str = "before";
/// The schema that holds what is.
pub(super) const AFTER: &str = "after";

/// A connection with a table's two states.
#[derive(Clone, Copy)]
pub(super) struct Copies<'c> {
    conn: &'c Connection,
    /// Set if some of its collations are stand-ins; nothing is looked up by such a one.
    careful: bool,
}

impl<'c> Copies<'c> {
    pub(super) fn plain(conn: &'c Connection) -> Copies<'c> {
        Copies { conn, careful: false }
    }

    /// Returns the number of rows of a table.
    pub(super) fn count(self, schema: &str, table: &TableInfo) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", self.from(schema, table, "t"));
        let count = self.conn.query_row(&sql, [], |row| row.get::<_, i64>(0))?;
        Ok(count.unsigned_abs())
    }

    pub(super) fn careful(conn: &'c Connection) -> Copies<'c> {
        Copies { conn, careful: true }
    }

    /// Writes a table to select from under a name. The limit keeps SQLite from looking anything up in it.
    fn from(self, schema: &str, table: &TableInfo, alias: &str) -> String {
        let of = format!("{}.{}", quote(schema), quote(table.name()));
        if !self.careful {
            return format!("{of} AS {alias}");
        }
        let mut read = mapped(&self.shown(schema, table), |name| quote(name));
        if let Some(rowid) = rowid(table) {
            // A column that is the rowid gives its name to it.
            read.push(format!("{rowid} AS {rowid}"));
        }
        format!("(SELECT {} FROM {of} LIMIT -1) AS {alias}", read.join(", "))
    }

    /// Writes a column by which rows are matched.
    fn key(self, alias: &str, column: &str) -> String {
        let column = of(alias, column);
        if self.careful {
            ordered(&column)
        } else {
            column
        }
    }

    /// Returns the columns of a table that can be shown. One that is generated may need a function that only the
    /// application has.
    fn shown(self, schema: &str, table: &TableInfo) -> Vec<String> {
        let mut names = Vec::new();
        for column in table.columns() {
            if !column.is_hidden() {
                names.push(column.name().to_string());
            }
        }
        let reads = |columns: &str| {
            let of = format!("{}.{}", quote(schema), quote(table.name()));
            self.conn.prepare(&format!("SELECT {columns} FROM {of} AS t")).is_ok()
        };
        if !reads(&listed("t", &names)) {
            retain(&mut names, |name| {
                let is_generated = table.column(name).is_some_and(|column| column.generated().is_some());
                !is_generated || reads(&of("t", name))
            });
        }
        names
    }
}

/// Returns the columns and every row of a table or a view in `main`, a table's in the order of its key; `careful` on a
/// connection some of whose collations are stand-ins.
pub(in crate::observe) fn every_row(
    conn: &Connection,
    careful: bool,
    name: &str,
    table: Option<&TableInfo>,
) -> rusqlite::Result<(Vec<String>, Vec<Row>)> {
    let Some(table) = table else {
        let mut statement = conn.prepare(&format!("SELECT t.* FROM main.{} AS t", quote(name)))?;
        let names = column_names(&statement);
        let rows = Row::all_from_sql(&names, &mut statement.query([])?)?;
        return Ok((names, rows));
    };
    let copies = Copies { conn, careful };
    Ok((copies.shown("main", table), all(copies, "main", table)?))
}

/// Returns every row of a table, in the order of its key.
pub(super) fn all(copies: Copies<'_>, schema: &str, table: &TableInfo) -> rusqlite::Result<Vec<Row>> {
    first_of(copies, schema, table, -1)
}

/// Returns the first rows of a table, in the order of its key; all of them where that is no limit, below 0.
pub(super) fn first_of(copies: Copies<'_>, schema: &str, table: &TableInfo, most: i64) -> rusqlite::Result<Vec<Row>> {
    let names = copies.shown(schema, table);
    let mut key = Vec::new();
    for name in table.primary_key() {
        key.push(of("t", name));
    }
    if key.is_empty() {
        key = match rowid(table) {
            Some(rowid) => vec![format!("t.{rowid}")],
            None => mapped(&names, |name| of("t", name)),
        };
    }
    let columns = listed("t", &names);
    let (from, order) = (copies.from(schema, table, "t"), order(&key));
    let mut statement = copies.conn.prepare(&format!("SELECT {columns} FROM {from} ORDER BY {order} LIMIT ?1"))?;
    let mut found = statement.query([most])?;
    Row::all_from_sql(&names, &mut found)
}

/// Returns the rows that changed.
pub(super) fn compare(copies: Copies<'_>, before: &TableInfo, after: &TableInfo) -> rusqlite::Result<RowChanges> {
    let columns = Columns::of(before, after);
    let comparison = Comparison {
        copies,
        before,
        after,
        names: [copies.shown(BEFORE, before), copies.shown(AFTER, after)],
        new: mapped(&columns.new, |column| (*column, default(copies.conn, column))),
        columns,
    };
    let mut rows = RowChanges::default();
    let Some(matches) = matches(copies, before, after, &comparison.columns) else {
        comparison.as_multiset(&mut rows)?;
        return Ok(rows);
    };
    for matched in &matches {
        comparison.gone_or_updated(matched, &mut rows)?;
        comparison.inserted(matched, &mut rows)?;
    }
    Ok(rows)
}

/// A way to match a row with the one it was: `b` is the table before, `a` after.
struct Match {
    /// Expressions that identify a row, before and after.
    key: Vec<(String, String)>,
    /// The condition on the rows that are matched so, before and after, where it is not for all of them.
    only: Option<[String; 2]>,
}

/// Returns the ways to match rows: by primary key, else by rowid; `None` where only as a multiset.
fn matches(copies: Copies<'_>, before: &TableInfo, after: &TableInfo, columns: &Columns<'_>) -> Option<Vec<Match>> {
    let rowids = rowid(before).zip(rowid(after));
    let by_rowid = |only| rowids.map(|(b, a)| Match { key: vec![(format!("b.{b}"), format!("a.{a}"))], only });
    let Some(key) = primary_keys(before, after, columns, &|alias, name| copies.key(alias, name)) else {
        return Some(vec![by_rowid(None)?]);
    };
    if !(allows_null(before) || allows_null(after)) {
        return Some(vec![Match { key, only: None }]);
    }
    // A row may lack a key: outside of `WITHOUT ROWID`, SQLite lets a primary key be `NULL`, in any number of rows.
    let all = |test: &str, by: &str| {
        [joined_by(&key, by, &|(b, _)| format!("{b} {test}")), joined_by(&key, by, &|(_, a)| format!("{a} {test}"))]
    };
    let (keyless, keyed) = (all("IS NULL", " OR "), all("IS NOT NULL", " AND "));
    Some(vec![by_rowid(Some(keyless))?, Match { key, only: Some(keyed) }])
}

/// Returns the columns that a person can tell a row by: those of the primary key, if rows are matched by it.
pub(super) fn key(before: Option<&TableInfo>, after: Option<&TableInfo>) -> Vec<String> {
    let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
    match primary_keys(before, after, &Columns::of(before, after), &of) {
        Some(_) => after.primary_key().map(str::to_string).collect(),
        None => Vec::new(),
    }
}

/// Returns the primary key before and after, where it is of the same columns.
fn primary_keys(
    before: &TableInfo,
    after: &TableInfo,
    columns: &Columns<'_>,
    of: &dyn Fn(&str, &str) -> String,
) -> Option<Vec<(String, String)>> {
    let (was, is) = (before.primary_key().collect::<Vec<_>>(), after.primary_key().collect::<Vec<_>>());
    if was.is_empty() || was.len() != is.len() {
        return None;
    }
    let stored = columns.stored();
    let mut pairs = Vec::with_capacity(is.len());
    for (was, is) in was.iter().zip(&is) {
        if !stored.iter().any(|(column, now)| column.name() == *was && now.name() == *is) {
            return None;
        }
        pairs.push((of("b", was), of("a", is)));
    }
    Some(pairs)
}

fn allows_null(table: &TableInfo) -> bool {
    // An `INTEGER PRIMARY KEY` is the rowid and needs no index.
    let indexed = table.indexes().iter().any(|index| index.origin() == IndexOrigin::PrimaryKey);
    let nullable = |name| table.column(name).is_some_and(|column| !column.is_not_null());
    indexed && !table.is_without_rowid() && table.primary_key().any(nullable)
}

/// Finds a name of the rowid that no column has taken.
fn rowid(table: &TableInfo) -> Option<&'static str> {
    if table.is_without_rowid() {
        return None;
    }
    ["rowid", "oid", "_rowid_"].iter().find(|name| table.column(name).is_none()).copied()
}

/// Two states of a table.
struct Comparison<'t> {
    copies: Copies<'t>,
    before: &'t TableInfo,
    after: &'t TableInfo,
    columns: Columns<'t>,
    /// The columns to show, before and after.
    names: [Vec<String>; 2],
    /// New columns and what they count as having held before.
    new: Vec<(&'t ColumnInfo, Value)>,
}

impl Comparison<'_> {
    fn gone_or_updated(&self, matched: &Match, rows: &mut RowChanges) -> rusqlite::Result<()> {
        let [was, is] = &self.names;
        let (is_there, found) = (first(&matched.key, |(_, a)| a), [listed("b", was), listed("a", is)].join(", "));
        let (b, a) = (self.copies.from(BEFORE, self.before, "b"), self.copies.from(AFTER, self.after, "a"));
        let [here, there] = conditions(matched);
        let (on, same) = (on(matched), self.same());
        let order = joined_by(&matched.key, ", ", &|(b, _)| ordered(b));
        let sql = format!(
            "SELECT {is_there} IS NOT NULL, {found} FROM {b} LEFT JOIN {a} ON {on}{there} \
             WHERE ({is_there} IS NULL OR NOT ({same})){here} ORDER BY {order}"
        );
        let mut statement = self.copies.conn.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(self.new.iter().map(|(_, default)| default)))?;
        while let Some(row) = found.next()? {
            let before = Row::from_sql_at(was, row, 1)?;
            if row.get(0)? {
                rows.updated.push(RowUpdate { before, after: Row::from_sql_at(is, row, 1 + was.len())? })
            } else {
                rows.deleted.push(before)
            }
        }
        Ok(())
    }

    fn inserted(&self, matched: &Match, rows: &mut RowChanges) -> rusqlite::Result<()> {
        let [_, is] = &self.names;
        let (was_there, found) = (first(&matched.key, |(b, _)| b), listed("a", is));
        let (b, a) = (self.copies.from(BEFORE, self.before, "b"), self.copies.from(AFTER, self.after, "a"));
        let [there, here] = conditions(matched);
        let on = on(matched);
        let order = joined_by(&matched.key, ", ", &|(_, a)| ordered(a));
        let sql = format!(
            "SELECT {found} FROM {a} LEFT JOIN {b} ON {on}{there} WHERE {was_there} IS NULL{here} ORDER BY {order}"
        );
        let mut statement = self.copies.conn.prepare(&sql)?;
        rows.inserted.append(&mut Row::all_from_sql(is, &mut statement.query([])?)?);
        Ok(())
    }

    /// Compares rows that nothing identifies: of those that are alike, it counts how many more or fewer there are.
    fn as_multiset(&self, rows: &mut RowChanges) -> rusqlite::Result<()> {
        let (mut was, mut is, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let mut columns = Vec::new();
        for (before, after) in self.columns.stored() {
            let column = format!("c{}", columns.len());
            was.push(format!("{} AS {column}", of("b", before.name())));
            is.push(of("a", after.name()));
            names.push(after.name().to_string());
            columns.push(column);
        }
        if names.is_empty() {
            return Ok(());
        }
        let (b, a) = (self.copies.from(BEFORE, self.before, "b"), self.copies.from(AFTER, self.after, "a"));
        let (listed, grouped) = (columns.join(", "), order(&columns));
        let sql = format!(
            "SELECT {listed}, sum(more) FROM (SELECT {}, -1 AS more FROM {b} UNION ALL SELECT {}, 1 FROM {a}) \
             GROUP BY {grouped} HAVING sum(more) <> 0 ORDER BY {grouped}",
            was.join(", "),
            is.join(", ")
        );
        let mut statement = self.copies.conn.prepare(&sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let values = Row::from_sql(&names, row)?;
            let more: i64 = row.get(names.len())?;
            let list = if more > 0 { &mut rows.inserted } else { &mut rows.deleted };
            for _ in 0..more.unsigned_abs() {
                list.push(values.clone());
            }
        }
        Ok(())
    }

    /// Writes the condition that a row's values are what they were. They compare by themselves: a column's affinity may
    /// have changed, and its collation may take for equal what a person does not.
    fn same(&self) -> String {
        let mut same = Vec::new();
        for (was, is) in self.columns.stored() {
            same.push(format!("+{} IS +{} COLLATE BINARY", of("b", was.name()), of("a", is.name())));
        }
        for (column, _) in &self.new {
            same.push(format!("{} IS ? COLLATE BINARY", of("a", column.name())));
        }
        same.join(" AND ")
    }
}

/// Returns the value of a new column in rows that were there before.
fn default(conn: &Connection, column: &ColumnInfo) -> Value {
    let expression = column.default().unwrap_or("NULL");
    let value = conn.query_row(&format!("SELECT ({expression})"), [], |row| Ok(owned(row.get_ref(0)?)));
    // SQLite adds no column with a default that it cannot tell beforehand.
    value.unwrap_or(Value::Null)
}

fn on(matched: &Match) -> String {
    joined_by(&matched.key, " AND ", &|(b, a)| format!("{a} = {b}"))
}

fn conditions(matched: &Match) -> [String; 2] {
    match &matched.only {
        Some([b, a]) => [format!(" AND ({b})"), format!(" AND ({a})")],
        None => [String::new(), String::new()],
    }
}

fn first(key: &[(String, String)], side: impl Fn(&(String, String)) -> &String) -> &str {
    key.first().map_or("NULL", |pair| side(pair))
}

/// Terms to sort or group by, each by its bytes.
fn order(terms: &[String]) -> String {
    joined_by(terms, ", ", &|term| ordered(term))
}

fn ordered(term: &str) -> String {
    format!("{term} COLLATE BINARY")
}

fn listed(alias: &str, names: &[String]) -> String {
    joined_by(names, ", ", &|name| of(alias, name))
}

fn of(alias: &str, column: &str) -> String {
    format!("{alias}.{}", quote(column))
}
