//! References from one bind into another: SQLite cannot enforce them, so they are checked where it counts.

use std::fmt;
use std::sync::Arc;

use rusqlite::types::{Value, ValueRef};
use rusqlite::Connection;

use super::{Harness, Running};
use crate::config::{Config, DatabaseSpec, ReferenceText};
use crate::database::{column_names, Database};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::list::mapped;
use crate::nearest::nearest;
use crate::orphan::Orphan;
use crate::row::{owned, Row};
use crate::schema::Metadata;
use crate::script::quote;

/// A reference from a column in one bind to a column in another.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) from: ReferenceEnd,
    pub(crate) to: ReferenceEnd,
}

/// One end of a reference.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceEnd {
    /// Where its database stands in the harness.
    pub(crate) position: usize,
    bind: BindKey,
    pub(crate) table: String,
    pub(crate) column: String,
}

impl fmt::Display for ReferenceEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.bind.schema_name(), self.table, self.column)
    }
}

impl ReferenceEnd {
    /// The key that tells one of its databases from all others.
    pub(crate) fn named_in<'e>(&'e self, database: &'e Database) -> &'e BindKey {
        if database.keys().contains(&self.bind) {
            &self.bind
        } else {
            database.key()
        }
    }
}

impl Reference {
    /// The rows of a bind's database whose parent is not there, as two connections see the two ends.
    ///
    /// A `NULL` refers to nothing. Values compare as the parent's column compares them, as in a foreign key of SQLite's,
    /// see <https://sqlite.org/foreignkeys.html#fk_basics>.
    pub(crate) fn orphans(&self, bind: &BindKey, from: &Connection, to: &Connection) -> rusqlite::Result<Vec<Orphan>> {
        let missing = self.missing(from, to)?;
        let ReferenceEnd { table, column, .. } = &self.from;
        let rows = format!("SELECT t.* FROM {} AS t WHERE t.{} IS ?1", quote(table), quote(column));
        let mut rows = from.prepare_cached(&rows)?;
        let names = column_names(&rows);
        let mut orphans = Vec::new();
        for value in missing {
            for row in rows.query_map([value], |row| Row::from_sql(&names, row))? {
                orphans.push(Orphan::new(bind.clone(), table.clone(), row?, self.to.to_string()));
            }
        }
        Ok(orphans)
    }

    /// Whether it has an end in the database at this position.
    pub(crate) fn touches(&self, position: usize) -> bool {
        self.from.position == position || self.to.position == position
    }

    /// The values that refer to nothing, each once, in order.
    fn missing(&self, from: &Connection, to: &Connection) -> rusqlite::Result<Vec<Value>> {
        let (table, column) = (quote(&self.from.table), quote(&self.from.column));
        let values = format!("SELECT DISTINCT t.{column} FROM {table} AS t WHERE t.{column} IS NOT NULL ORDER BY 1");
        let (table, column) = (quote(&self.to.table), quote(&self.to.column));
        let parent = format!("SELECT 1 FROM {table} AS t WHERE t.{column} = ?1");
        let (mut values, mut parent) = (from.prepare_cached(&values)?, to.prepare_cached(&parent)?);
        let mut values = values.query([])?;
        let mut missing = Vec::new();
        while let Some(row) = values.next()? {
            let value: ValueRef<'_> = row.get_ref(0)?;
            let value = owned(value);
            if !parent.exists([&value])? {
                missing.push(value);
            }
        }
        Ok(missing)
    }
}

impl Harness {
    /// The rows that refer to one in another bind that is not there, by the references declared with
    /// [`HarnessBuilder::reference`](crate::HarnessBuilder::reference) or `[[references]]`; whoever wrote them.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when a bind cannot be read, [`Error::Sql`] when a table of a reference is gone.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT)"))
    /// #     .reference("auth.nut.tree_name", "main.tree.name")
    /// #     .start()?;
    /// assert!(db.check_references()?.is_empty());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn check_references(&self) -> Result<Vec<Orphan>> {
        let running = self.running();
        let mut orphans = Vec::new();
        for reference in running.references() {
            for database in running.databases_at(reference.from.position) {
                let (bind, from) = (reference.from.named_in(&database), database.connect()?);
                let to = running.quiet(&reference.to)?;
                orphans.extend(reference.orphans(bind, &from, &to).map_err(Error::sql(bind, ""))?);
            }
        }
        Ok(orphans)
    }
}

impl Running {
    /// A connection to one end's database.
    pub(crate) fn quiet(&self, end: &ReferenceEnd) -> Result<Connection> {
        let databases = self.databases_at(end.position);
        let database = databases.first().ok_or_else(|| self.unknown(&end.bind))?;
        database.open().map_err(Error::sql(&end.bind, ""))
    }
}

/// Finds both ends of every reference that is declared.
pub(super) fn resolve(
    config: &Config,
    specs: &[DatabaseSpec],
    tables: &dyn Fn(usize) -> Result<Arc<Metadata>>,
) -> Result<Vec<Reference>> {
    let mut references = Vec::new();
    for text in config.references() {
        let from = end(&text.from, specs, tables).map_err(|problem| problem.of(text))?;
        let to = end(&text.to, specs, tables).map_err(|problem| problem.of(text))?;
        if specs.get(to.position).is_some_and(|spec| spec.dynamic.is_some()) {
            let bind = &to.bind;
            let problem =
                format!("bind `{bind}` is dynamic, and in which of its databases the row is to be cannot be told");
            return Err(Problem::Text(problem).of(text));
        }
        if from.position == to.position {
            let problem = format!("both ends are in bind `{}`: declare a foreign key in its schema", from.bind);
            return Err(Problem::Text(problem).of(text));
        }
        references.push(Reference { from, to });
    }
    Ok(references)
}

/// Why an end was not found.
enum Problem {
    Text(String),
    Error(Error),
}

impl Problem {
    fn of(self, reference: &ReferenceText) -> Error {
        let problem = match self {
            Problem::Error(error) => return error,
            Problem::Text(problem) => problem,
        };
        let (file, line) = reference.origin.place();
        let problem = format!("the reference from `{}` to `{}`: {problem}", reference.from, reference.to);
        Error::Config { file, line, bind: None, problem }
    }
}

/// The end that `bind.table.column` means. Each part may have dots of its own, so every way to read it is tried.
fn end(
    text: &str,
    specs: &[DatabaseSpec],
    tables: &dyn Fn(usize) -> Result<Arc<Metadata>>,
) -> Result<ReferenceEnd, Problem> {
    let mut nearest_problem = None;
    for (position, spec) in specs.iter().enumerate() {
        for key in &spec.made_for {
            let Some(rest) = after_key(text, key) else { continue };
            let tables = tables(position).map_err(Problem::Error)?;
            match table_and_column(rest, &tables) {
                Ok((table, column)) => return Ok(ReferenceEnd { position, bind: key.clone(), table, column }),
                Err(problem) => nearest_problem = Some(format!("bind `{key}` {problem}")),
            }
        }
    }
    Err(Problem::Text(nearest_problem.unwrap_or_else(|| {
        let mut keys = Vec::new();
        for spec in specs {
            keys.append(&mut mapped(&spec.made_for, |key| key.schema_name().to_string()));
        }
        format!("`{text}` is not `bind.table.column` with one of the binds {}", keys.join(", "))
    })))
}

/// What follows the name of a bind and a dot; `main` and `default` are the default bind's.
fn after_key<'t>(text: &'t str, key: &BindKey) -> Option<&'t str> {
    let names =
        if key.is_default() { vec![key.schema_name().to_string(), key.to_string()] } else { vec![key.to_string()] };
    names.iter().find_map(|name| text.strip_prefix(name.as_str())?.strip_prefix('.'))
}

fn table_and_column(text: &str, tables: &Metadata) -> Result<(String, String), String> {
    let mut problem = None;
    for (at, _) in text.match_indices('.') {
        let (table, column) = (&text[..at], &text[at + 1..]);
        let Some(table) = tables.table(table) else { continue };
        match table.column(column) {
            Some(column) => return Ok((table.name().to_string(), column.name().to_string())),
            None => {
                let columns = mapped(table.columns(), |column| column.name().to_string()).join(", ");
                problem = Some(format!("has no column `{column}` in table `{}`: it has {columns}", table.name()));
            }
        }
    }
    Err(problem.unwrap_or_else(|| {
        let table = text.split('.').next().unwrap_or(text);
        match nearest(table, &mapped(tables.tables(), |table| table.name())) {
            Some(near) => format!("has no table `{table}`: the nearest name is `{near}`"),
            None => format!("has no table `{table}`"),
        }
    }))
}
