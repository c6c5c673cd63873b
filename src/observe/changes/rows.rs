//! Comparing the rows of a table with those it had, in SQL.

use rusqlite::types::Value;
use rusqlite::{params_from_iter, Connection};

use super::columns::Columns;
use super::RowUpdate;
use crate::row::{owned, Row};
use crate::schema::{ColumnInfo, IndexOrigin, TableInfo};
use crate::script::quote;

/// The schema that holds what was.
pub(super) const BEFORE: &str = "before";
/// The schema that holds what is.
pub(super) const AFTER: &str = "after";

/// The rows that changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub(super) inserted: Vec<Row>,
    pub(super) updated: Vec<RowUpdate>,
    pub(super) deleted: Vec<Row>,
}

impl Rows {
    pub(super) fn is_empty(&self) -> bool {
        self.inserted.is_empty() && self.updated.is_empty() && self.deleted.is_empty()
    }
}

/// Every row of a table, in the order of its key.
pub(super) fn all(conn: &Connection, schema: &str, table: &TableInfo) -> rusqlite::Result<Vec<Row>> {
    let names = shown(conn, schema, table);
    let key = match (table.primary_key().next(), rowid(table)) {
        (Some(_), _) => table.primary_key().map(|name| of("t", name)).collect(),
        (None, Some(rowid)) => vec![format!("t.{rowid}")],
        (None, None) => names.iter().map(|name| of("t", name)).collect(),
    };
    let columns = listed("t", &names);
    let sql = format!("SELECT {columns} FROM {} AS t ORDER BY {}", from(schema, table), order(&key));
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map([], |row| Row::from_sql(&names, row))?;
    rows.collect()
}

/// The rows that are not what they were.
pub(super) fn compare(conn: &Connection, before: &TableInfo, after: &TableInfo) -> rusqlite::Result<Rows> {
    let columns = Columns::of(before, after);
    let comparison = Comparison {
        conn,
        before,
        after,
        names: [shown(conn, BEFORE, before), shown(conn, AFTER, after)],
        new: columns.new.iter().map(|column| (*column, default(conn, column))).collect(),
        columns,
    };
    let mut rows = Rows::default();
    let Some(matches) = matches(before, after, &comparison.columns) else {
        comparison.as_multiset(&mut rows)?;
        return Ok(rows);
    };
    for matched in &matches {
        comparison.gone_or_updated(matched, &mut rows)?;
        comparison.inserted(matched, &mut rows)?;
    }
    Ok(rows)
}

/// What a row and the one it was have in common: `b` is the table before, `a` after.
struct Match {
    /// Expressions that identify a row, before and after.
    key: Vec<(String, String)>,
    /// The condition on the rows that are matched so, before and after, where it is not for all of them.
    only: Option<[String; 2]>,
}

/// How rows are matched: by primary key, else by rowid; `None` where only as a multiset.
fn matches(before: &TableInfo, after: &TableInfo, columns: &Columns<'_>) -> Option<Vec<Match>> {
    let rowids = rowid(before).zip(rowid(after));
    let by_rowid = |only| rowids.map(|(b, a)| Match { key: vec![(format!("b.{b}"), format!("a.{a}"))], only });
    let Some(key) = primary_keys(before, after, columns) else { return Some(vec![by_rowid(None)?]) };
    if !(allows_null(before) || allows_null(after)) {
        return Some(vec![Match { key, only: None }]);
    }
    // A row may lack a key: outside of `WITHOUT ROWID`, SQLite lets a primary key be `NULL`, in any number of rows.
    let all = |test: &str, by: &str| {
        let side = |names: Vec<&String>| names.iter().map(|name| format!("{name} {test}")).collect::<Vec<_>>().join(by);
        [side(key.iter().map(|(b, _)| b).collect()), side(key.iter().map(|(_, a)| a).collect())]
    };
    let (keyless, keyed) = (all("IS NULL", " OR "), all("IS NOT NULL", " AND "));
    Some(vec![by_rowid(Some(keyless))?, Match { key, only: Some(keyed) }])
}

/// The columns that a person can tell a row by: those of the primary key, if rows are matched by it.
pub(super) fn key(before: Option<&TableInfo>, after: Option<&TableInfo>) -> Vec<String> {
    let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
    match primary_keys(before, after, &Columns::of(before, after)) {
        Some(_) => after.primary_key().map(str::to_string).collect(),
        None => Vec::new(),
    }
}

/// The primary key before and after, where it is of the same columns.
fn primary_keys(before: &TableInfo, after: &TableInfo, columns: &Columns<'_>) -> Option<Vec<(String, String)>> {
    let (was, is) = (before.primary_key().collect::<Vec<_>>(), after.primary_key().collect::<Vec<_>>());
    let kept =
        |(was, is): &(&str, &str)| columns.stored().any(|(column, now)| column.name() == *was && now.name() == *is);
    let pairs = was.iter().copied().zip(is.iter().copied());
    let same = !was.is_empty() && was.len() == is.len() && pairs.clone().all(|pair| kept(&pair));
    same.then(|| pairs.map(|(was, is)| (of("b", was), of("a", is))).collect())
}

fn allows_null(table: &TableInfo) -> bool {
    // An `INTEGER PRIMARY KEY` is the rowid and needs no index.
    let indexed = table.indexes().iter().any(|index| index.origin() == IndexOrigin::PrimaryKey);
    let nullable = |name| table.column(name).is_some_and(|column| !column.is_not_null());
    indexed && !table.is_without_rowid() && table.primary_key().any(nullable)
}

/// A name of the rowid that no column has taken.
fn rowid(table: &TableInfo) -> Option<&'static str> {
    let free = |name: &&str| table.column(name).is_none();
    ["rowid", "oid", "_rowid_"].into_iter().find(|name| !table.is_without_rowid() && free(name))
}

/// Two states of a table.
struct Comparison<'t> {
    conn: &'t Connection,
    before: &'t TableInfo,
    after: &'t TableInfo,
    columns: Columns<'t>,
    /// The columns to show, before and after.
    names: [Vec<String>; 2],
    /// New columns and what they count as having held before.
    new: Vec<(&'t ColumnInfo, Value)>,
}

impl Comparison<'_> {
    fn gone_or_updated(&self, matched: &Match, rows: &mut Rows) -> rusqlite::Result<()> {
        let [was, is] = &self.names;
        let (is_there, found) = (first(&matched.key, |(_, a)| a), [listed("b", was), listed("a", is)].join(", "));
        let (b, a) = (from(BEFORE, self.before), from(AFTER, self.after));
        let [here, there] = conditions(matched);
        let (on, same) = (on(matched), self.same());
        let order = order(&matched.key.iter().map(|(b, _)| b.clone()).collect::<Vec<_>>());
        let sql = format!(
            "SELECT {is_there} IS NOT NULL, {found} FROM {b} AS b LEFT JOIN {a} AS a ON {on}{there} \
             WHERE ({is_there} IS NULL OR NOT ({same})){here} ORDER BY {order}"
        );
        let mut statement = self.conn.prepare(&sql)?;
        let mut found = statement.query(params_from_iter(self.new.iter().map(|(_, default)| default)))?;
        while let Some(row) = found.next()? {
            let before = Row::from_sql_at(was, row, 1)?;
            match row.get(0)? {
                true => rows.updated.push(RowUpdate { before, after: Row::from_sql_at(is, row, 1 + was.len())? }),
                false => rows.deleted.push(before),
            }
        }
        Ok(())
    }

    fn inserted(&self, matched: &Match, rows: &mut Rows) -> rusqlite::Result<()> {
        let [_, is] = &self.names;
        let (was_there, found) = (first(&matched.key, |(b, _)| b), listed("a", is));
        let (b, a) = (from(BEFORE, self.before), from(AFTER, self.after));
        let [there, here] = conditions(matched);
        let on = on(matched);
        let order = order(&matched.key.iter().map(|(_, a)| a.clone()).collect::<Vec<_>>());
        let sql = format!(
            "SELECT {found} FROM {a} AS a LEFT JOIN {b} AS b ON {on}{there} WHERE {was_there} IS NULL{here} ORDER BY {order}"
        );
        let mut statement = self.conn.prepare(&sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            rows.inserted.push(Row::from_sql(is, row)?);
        }
        Ok(())
    }

    /// Rows that nothing identifies: of those that are alike, how many more or fewer there are.
    fn as_multiset(&self, rows: &mut Rows) -> rusqlite::Result<()> {
        let (mut was, mut is, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (before, after)) in self.columns.stored().enumerate() {
            was.push(format!("{} AS c{at}", of("b", before.name())));
            is.push(of("a", after.name()));
            names.push(after.name().to_string());
        }
        if names.is_empty() {
            return Ok(());
        }
        let (b, a) = (from(BEFORE, self.before), from(AFTER, self.after));
        let columns = (0..names.len()).map(|at| format!("c{at}")).collect::<Vec<_>>();
        let (listed, grouped) = (columns.join(", "), order(&columns));
        let sql = format!(
            "SELECT {listed}, sum(more) FROM (SELECT {}, -1 AS more FROM {b} AS b UNION ALL SELECT {}, 1 FROM {a} AS a) \
             GROUP BY {grouped} HAVING sum(more) <> 0 ORDER BY {grouped}",
            was.join(", "),
            is.join(", ")
        );
        let mut statement = self.conn.prepare(&sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let values = Row::from_sql(&names, row)?;
            let more: i64 = row.get(names.len())?;
            let list = if more > 0 { &mut rows.inserted } else { &mut rows.deleted };
            list.extend((0..more.unsigned_abs()).map(|_| values.clone()));
        }
        Ok(())
    }

    /// The condition that a row's values are what they were. They compare by themselves: a column's affinity may have
    /// changed, and its collation may take for equal what a person does not.
    fn same(&self) -> String {
        let kept = self
            .columns
            .stored()
            .map(|(was, is)| format!("+{} IS +{} COLLATE BINARY", of("b", was.name()), of("a", is.name())));
        let new = self.new.iter().map(|(column, _)| format!("{} IS ? COLLATE BINARY", of("a", column.name())));
        kept.chain(new).collect::<Vec<_>>().join(" AND ")
    }
}

/// The columns of a table that can be shown. One that is generated may need a function that only the application has.
fn shown(conn: &Connection, schema: &str, table: &TableInfo) -> Vec<String> {
    let visible = || table.columns().iter().filter(|column| !column.is_hidden());
    let list = |columns: Vec<&ColumnInfo>| columns.iter().map(|column| column.name().to_string()).collect::<Vec<_>>();
    let names = list(visible().collect());
    let columns = listed("t", &names);
    match conn.prepare(&format!("SELECT {columns} FROM {} AS t", from(schema, table))) {
        Ok(_) => names,
        Err(_) => list(visible().filter(|column| column.generated().is_none()).collect()),
    }
}

/// What a new column holds in rows that were there before.
fn default(conn: &Connection, column: &ColumnInfo) -> Value {
    let expression = column.default().unwrap_or("NULL");
    let value = conn.query_row(&format!("SELECT ({expression})"), [], |row| Ok(owned(row.get_ref(0)?)));
    // SQLite adds no column with a default that it cannot tell beforehand.
    value.unwrap_or(Value::Null)
}

fn on(matched: &Match) -> String {
    matched.key.iter().map(|(b, a)| format!("{a} = {b}")).collect::<Vec<_>>().join(" AND ")
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
    terms.iter().map(|term| format!("{term} COLLATE BINARY")).collect::<Vec<_>>().join(", ")
}

fn from(schema: &str, table: &TableInfo) -> String {
    format!("{}.{}", quote(schema), quote(table.name()))
}

fn listed(alias: &str, names: &[String]) -> String {
    names.iter().map(|name| of(alias, name)).collect::<Vec<_>>().join(", ")
}

fn of(alias: &str, column: &str) -> String {
    format!("{alias}.{}", quote(column))
}
