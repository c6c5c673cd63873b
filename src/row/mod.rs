//! Rows by column name: what is written, looked for and found.

#[doc(hidden)]
pub mod cell;
mod debug;
#[cfg(feature = "serde")]
mod fields;
mod orphan;
#[cfg(feature = "serde")]
mod serialize;

use std::fmt;

use rusqlite::types::{FromSql, ToSql, ToSqlOutput, Value, ValueRef};

use crate::error::{Error, Result};
use crate::list::{mapped, retain};
use crate::sqlite::script::quote;

/// Values by column name, in the order written.
///
/// Made with [`row!`](crate::row!); also what [`SessionTable::find`](crate::sessions::SessionTable::find) gives back.
///
/// ```
/// use multibind::row;
///
/// let ann = row! { id: 1, username: "ann", email: None };
/// assert_eq!(ann.get::<String>("username")?, "ann");
/// assert_eq!(ann.get::<Option<String>>("email")?, None);
/// assert_eq!(ann.to_string(), "id = 1, username = 'ann', email = NULL");
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Row {
    columns: Vec<(String, Value)>,
    /// The columns whose values SQLite cannot store, and why not; reported when the row is used. Without a column, the reason
    /// why something is no row at all.
    invalid: Vec<(Option<String>, String)>,
}

impl Row {
    /// Creates a row without columns; as a filter it matches every row.
    ///
    /// ```
    /// assert!(multibind::Row::new().is_empty());
    /// ```
    pub fn new() -> Row {
        Row::default()
    }

    /// Adds a column, or replaces its value where the row has it.
    ///
    /// A value that SQLite cannot store (a `u64` past `i64::MAX`) is reported when the row is used. rusqlite binds `u64` and
    /// `usize` in version 0.37 and, later on, with its feature `fallible_uint`; [`row!`](crate::row!) takes them always.
    ///
    /// ```
    /// let row = multibind::Row::new().set("id", 1).set("name", "ann");
    /// assert_eq!(row.to_string(), "id = 1, name = 'ann'");
    /// ```
    #[must_use]
    pub fn set(mut self, column: impl Into<String>, value: impl ToSql) -> Row {
        self.put(column.into(), value.to_sql());
        self
    }

    fn put(&mut self, column: String, value: rusqlite::Result<ToSqlOutput<'_>>) {
        self.make_valid(&column);
        let value = match value {
            Ok(ToSqlOutput::Owned(value)) => value,
            Ok(ToSqlOutput::Borrowed(value)) => owned(value),
            Ok(_) => self.reject(&column, "only plain values can be compared and shown"),
            Err(error) => self.reject(&column, &format!("SQLite cannot store the value: {error}")),
        };
        // As SQLite stores it.
        let value = match value {
            Value::Real(number) if number.is_nan() => Value::Null,
            value => value,
        };
        match self.columns.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(&column)) {
            Some(place) => place.1 = value,
            None => self.columns.push((column, value)),
        }
    }

    /// Makes something that is no row, and why not.
    #[cfg(feature = "serde")]
    fn unfit(problem: String) -> Row {
        Row { columns: Vec::new(), invalid: vec![(None, problem)] }
    }

    fn reject(&mut self, column: &str, problem: &str) -> Value {
        self.invalid.push((Some(column.to_string()), problem.to_string()));
        Value::Null
    }

    /// Forgets that a column has a value that SQLite cannot store.
    fn make_valid(&mut self, column: &str) {
        retain(&mut self.invalid, |(name, _)| !name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(column)));
    }

    /// Removes a column, where the row has it.
    ///
    /// A struct that is not stored yet has an id that the database replaces: without it, the row is found.
    ///
    /// ```
    /// let row = multibind::row! { id: 0, name: "ann" };
    /// assert_eq!(row.without("id"), multibind::row! { name: "ann" });
    /// ```
    #[must_use]
    pub fn without(mut self, column: &str) -> Row {
        self.make_valid(column);
        retain(&mut self.columns, |(name, _)| !name.eq_ignore_ascii_case(column));
        self
    }

    /// Returns the value of a column; ASCII case of the name does not count, as in SQL.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] when the row has no such column or its value is not a `T`.
    ///
    /// ```
    /// let row = multibind::row! { id: 7 };
    /// assert_eq!(row.get::<i64>("ID")?, 7);
    /// assert!(row.get::<String>("id").is_err());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn get<T: FromSql>(&self, column: &str) -> Result<T> {
        let Some(value) = self.value(column) else {
            return Err(Error::row(format!("no column `{column}` in the row ({self})")));
        };
        if let Some(problem) = self.unstorable(column) {
            return Err(Error::row(format!("column `{column}`: {problem}")));
        }
        match T::column_result(value.into()) {
            Ok(value) => Ok(value),
            Err(error) => {
                let asked = std::any::type_name::<T>();
                let problem = format!("column `{column}` is {}, which is no `{asked}`: {error}", Shown(value));
                Err(Error::row(problem))
            }
        }
    }

    /// Returns the value of a column as SQLite stores it, `None` when the row has no such column.
    ///
    /// A value that SQLite cannot store is `NULL` here; [`get`](Row::get) reports it.
    ///
    /// ```
    /// use multibind::rusqlite::types::Value;
    ///
    /// assert_eq!(multibind::row! { id: 7 }.value("id"), Some(&Value::Integer(7)));
    /// ```
    pub fn value(&self, column: &str) -> Option<&Value> {
        self.columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, value)| value)
    }

    /// Returns the columns and their values, in order.
    ///
    /// ```
    /// let row = multibind::row! { id: 7 };
    /// assert_eq!(row.columns().map(|(name, _)| name).collect::<Vec<_>>(), ["id"]);
    /// ```
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.columns.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns them as a slice: an iterator's adapters are compiled for each place that uses them.
    pub(crate) fn cells(&self) -> &[(String, Value)] {
        &self.columns
    }

    /// Returns whether the row has no columns.
    ///
    /// ```
    /// assert!(multibind::row! {}.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Returns the row, or the error kept when it was made.
    pub(crate) fn checked(&self) -> Result<&Row> {
        match self.invalid.first() {
            Some((Some(column), problem)) => Err(Error::row(format!("column `{column}`: {problem}"))),
            Some((None, problem)) => Err(Error::row(problem.clone())),
            None => Ok(self),
        }
    }

    /// Returns the reason why SQLite cannot store the value of a column.
    fn unstorable(&self, column: &str) -> Option<&str> {
        let is_it = |name: &Option<String>| name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(column));
        self.invalid.iter().find(|(name, _)| is_it(name)).map(|(_, problem)| problem.as_str())
    }

    /// Returns the first column that a table lacks, with those that it has; `columns_of` asks SQLite for the columns of a
    /// query.
    pub(crate) fn missing_from(
        &self,
        table: &str,
        columns_of: &dyn Fn(&str) -> rusqlite::Result<Vec<String>>,
    ) -> rusqlite::Result<Option<(String, Vec<String>)>> {
        let columns = columns_of(&format!("SELECT t.* FROM main.{} AS t", quote(table)))?;
        // There are more than are listed: the rowid has names too.
        let has = |name: &str| columns_of(&format!("SELECT t.{} FROM main.{} AS t", quote(name), quote(table))).is_ok();
        let missing = self.columns.iter().find(|(name, _)| !has(name));
        Ok(missing.map(|(name, _)| (name.clone(), columns)))
    }

    /// Returns the first columns of the row.
    pub(crate) fn first(&self, columns: usize) -> Row {
        let mut first = self.clone();
        first.columns.truncate(columns);
        first
    }

    /// Returns the `WHERE` of a search for rows with the same values, which are to be bound to it. Columns are named through the
    /// table, `t`: SQLite takes a name in quotes that is no column for a string, see
    /// <https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted>.
    pub(crate) fn matching(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        format!(" WHERE {}", self.comparisons().join(" AND "))
    }

    /// Returns comparisons of the columns of a table, `t`, with the row.
    pub(crate) fn comparisons(&self) -> Vec<String> {
        mapped(&self.columns, |(name, _)| format!("t.{} IS ?", quote(name)))
    }

    /// Returns the values to bind to them.
    pub(crate) fn values(&self) -> Vec<&Value> {
        mapped(&self.columns, |(_, value)| value)
    }

    /// Reads the rows that SQLite returns.
    pub(crate) fn all_from_sql(names: &[String], rows: &mut rusqlite::Rows<'_>) -> rusqlite::Result<Vec<Row>> {
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(Row::from_sql(names, row)?);
        }
        Ok(all)
    }

    /// Reads a row from a result row of SQLite.
    pub(crate) fn from_sql(names: &[String], row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
        Row::from_sql_at(names, row, 0)
    }

    /// Reads a row from the columns that begin at `start`.
    pub(crate) fn from_sql_at(names: &[String], row: &rusqlite::Row<'_>, start: usize) -> rusqlite::Result<Row> {
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            columns.push((name.clone(), owned(row.get_ref(start + columns.len())?)));
        }
        Ok(Row { columns, invalid: Vec::new() })
    }
}

/// Copies the row.
#[cfg(not(feature = "serde"))]
impl From<&Row> for Row {
    fn from(row: &Row) -> Row {
        row.clone()
    }
}

/// `NULL`, numbers as SQL writes them, text in quotes, blobs as `x'…'`, columns joined by a comma; `?` for a value that SQLite
/// cannot store.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.columns.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            match self.unstorable(name) {
                Some(_) => write!(f, "{comma}{name} = ?")?,
                None => write!(f, "{comma}{name} = {}", Shown(value))?,
            }
        }
        Ok(())
    }
}

/// Bytes as two digits each.
struct Hex<'b>(&'b [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A value as SQL would write it.
pub(crate) struct Shown<'v>(pub(crate) &'v Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("NULL"),
            Value::Integer(number) => write!(f, "{number}"),
            Value::Real(number) => write!(f, "{number:?}"),
            Value::Text(text) => write!(
                f,
                "'{}'",
                text.replace('\'', "''").escape_debug().to_string().replace("\\'", "'").replace("\\\"", "\"")
            ),
            Value::Blob(bytes) => write!(f, "x'{}'", Hex(bytes)),
        }
    }
}

/// Returns an owned copy of a value; text that is not UTF-8 keeps its bytes.
pub(crate) fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_string()),
            Err(_) => Value::Blob(bytes.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// A [`Row`] from columns and values: `row! { username: "ann", email: None }`.
///
/// A column is an identifier or a string (`"first name"`); a value is anything `rusqlite` can bind, an
/// integer of any type up to 64 bits, or `None` for `NULL`. A name alone is a variable and a column of that name, as in a
/// struct's literal. `row! {}` has no columns and, where rows are looked for, matches every one.
///
/// ```
/// use multibind::row;
///
/// let username = String::from("ann");
/// let row = row! { id: 1, username, "first name": Some("Ann"), email: None };
/// assert_eq!(row.to_string(), "id = 1, username = 'ann', first name = 'Ann', email = NULL");
/// ```
///
/// Anything else does not compile, and the compiler's message shows the form, or says that SQLite stores no such value:
///
/// ```compile_fail
/// multibind::row! { id: 1 username: "ann" };
/// ```
///
/// ```compile_fail
/// multibind::row! { tags: vec!["new", "paid"] };
/// ```
#[macro_export]
macro_rules! row {
    (@columns $row:expr;) => { $row };
    (@columns $row:expr; $name:ident $(, $($rest:tt)*)?) => {
        $crate::row!(@columns $row; $name: $name, $($($rest)*)?)
    };
    (@columns $row:expr; $name:tt : None $(, $($rest:tt)*)?) => {
        $crate::row!(@columns $row.set($crate::row!(@name $name), $crate::rusqlite::types::Null); $($($rest)*)?)
    };
    (@columns $row:expr; $name:tt : $value:expr $(, $($rest:tt)*)?) => {
        $crate::row!(@columns match ($row, $value) {
            (row, value) => {
                #[allow(unused_imports)]
                use $crate::__row::{Bound as _, Given, Neither as _, Whole as _};
                row.set($crate::row!(@name $name), (&Given(value)).cell())
            }
        }; $($($rest)*)?)
    };
    (@name $name:ident) => { ::core::stringify!($name).trim_start_matches("r#") };
    (@name $name:literal) => { $name };
    (@$($other:tt)*) => {
        compile_error!(
            "`row!` takes columns and their values, each a name or a string, a colon and an expression, or the name of a variable \
             alone, with a comma between them: `row! { id, username: \"ann\", \"first name\": name, email: None }`"
        )
    };
    ($($columns:tt)*) => { $crate::row!(@columns $crate::Row::new(); $($columns)*) };
}
