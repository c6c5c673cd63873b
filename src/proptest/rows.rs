//! Rows that a table of a bind takes.

use std::sync::Arc;

use ::proptest::prelude::{Just, Strategy};
use ::proptest::strategy::{BoxedStrategy, NewTree, ValueTree};
use ::proptest::test_runner::TestRunner;
use rusqlite::types::{ToSql, Value};

use super::column::{of_any_class, typed};
use super::trial::Trial;
use super::tried::first;
use crate::error::{sqlite_message, Error, Result};
use crate::harness::{Harness, RunningBind};
use crate::key::BindKey;
use crate::nearest::nearest_of;
use crate::row::Row;
use crate::schema::{ColumnInfo, GeneratedKind, TableInfo};
use crate::sqlite::Image;

/// The most rows that are tried until the table takes one.
pub(super) const TRIES: usize = 1000;

/// A [strategy](https://docs.rs/proptest/1/proptest/strategy/trait.Strategy.html) for rows that a table of a bind takes;
/// from [`Harness::any_row`].
///
/// ```
/// use multibind::{Bind, Harness};
/// use proptest::prelude::*;
///
/// let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER CHECK (age >= 0))";
/// let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory().schema(user)).start()?;
///
/// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
/// proptest!(
/// # config,
///     |(user in db.any_row("auth", "user")?.without("id").with("name", "[a-z]{1,8}"))| {
///     db.reset()?;
///     let mut session = db.session();
///     session.table("user")?.insert(user.clone())?;
///     session.commit()?;
///     db.assert_landed("auth", "user", user);
/// });
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AnyRow {
    pub(super) table: Arc<Table>,
    columns: Vec<Column>,
}

/// The table that the rows are for.
#[derive(Debug)]
pub(super) struct Table {
    bind: BindKey,
    info: TableInfo,
    pub(super) trial: Trial,
}

/// The values of one column: rows of that column alone, which know what cannot be stored.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    cells: BoxedStrategy<Row>,
    /// Given by [`AnyRow::with`].
    given: bool,
}

impl Column {
    fn new<S>(name: &str, values: S, given: bool) -> Column
    where
        S: Strategy + 'static,
        S::Value: ToSql,
    {
        let column = name.to_string();
        let cells = values.prop_map(move |value| Row::new().set(column.clone(), value)).boxed();
        Column { name: name.to_string(), cells, given }
    }
}

impl Harness {
    /// Returns a strategy for rows that a bind's table takes, by what SQLite says of the table: each column that can be written,
    /// with values of its type, and `NULL` where it may be.
    ///
    /// Each row has been inserted into a table like it (as [`metadata`](Harness::metadata) has it, with the rows that the bind
    /// starts with and [`reset`](Harness::reset) goes back to) in a database of its own, and found again there: so it keeps
    /// `NOT NULL`, `CHECK`, `UNIQUE` and `STRICT`, and a value that its column would store as another (2<sup>53</sup> + 1
    /// in a `REAL` one) is not in it. What is not known: rows that the test itself has written (for several rows at once see
    /// [`AnyRow::many`]); other tables, so that a foreign key needs a parent that is there (`.with("user_id", Just(1))`);
    /// and triggers, which do what they do.
    ///
    /// Values have the type that the column has by its [affinity](https://sqlite.org/datatype3.html): [`any_integer`],
    /// [`any_real`], [`any_text`], either number for `NUMERIC`, [`any_blob`] for `BLOB`, and [`any_value`] where no type is
    /// declared and for `ANY` in a `STRICT` table. `BOOLEAN` is 0 or 1. [`AnyRow::flexibly_typed`] is for all that SQLite
    /// would store, [`AnyRow::with`] for what the application means by it.
    ///
    /// [`any_integer`]: crate::proptest::any_integer
    /// [`any_real`]: crate::proptest::any_real
    /// [`any_text`]: crate::proptest::any_text
    /// [`any_blob`]: crate::proptest::any_blob
    /// [`any_value`]: crate::proptest::any_value
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBind`] or [`Error::NoDefaultBind`] when no such bind is configured, [`Error::NotInBind`] when it
    /// has no such table, [`Error::Row`] for a view, and for a table that cannot be made apart from its bind: with a function or a
    /// collation that only the application has.
    ///
    /// Where the table takes none of a thousand rows, or a column is not there, the test ends with the reason.
    ///
    /// ```
    /// use multibind::{row, Bind, Harness};
    /// use proptest::prelude::*;
    ///
    /// let schema = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL, shout TEXT AS (upper(title)))";
    /// let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start()?;
    ///
    /// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
    /// proptest!(
    /// # config,
    ///     |(post in db.any_row(None, "post")?)| {
    ///     prop_assert_eq!(post.columns().map(|(name, _)| name).collect::<Vec<_>>(), ["id", "title"]);
    ///     db.reset()?;
    ///     let id = db.session().table("post")?.insert(post.clone())?;
    ///     prop_assert_eq!(id, post.get::<i64>("id")?);
    /// });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn any_row(&self, key: impl Into<BindKey>, table: &str) -> Result<AnyRow> {
        let bind = key.into();
        let metadata = self.metadata(&bind)?;
        let Some(info) = metadata.table(table) else {
            return Err(match metadata.view(table) {
                Some(view) => {
                    let problem = format!("`{}` of bind `{bind}` is a view, which has no rows of its own", view.name());
                    Error::Row { bind: Some(bind), problem, at: None }
                }
                None => self.not_in(bind, table)?,
            });
        };
        let apart = |error: rusqlite::Error| {
            let problem = format!(
                "no rows can be tried for table `{}` of bind `{bind}`, because SQLite cannot make it apart from the bind: \
                 {}; make them with `row!` of `any_text()` and the like",
                info.name(),
                sqlite_message(&error)
            );
            Error::Row { bind: Some(bind.clone()), problem, at: None }
        };
        let written = info.columns().iter().filter(|column| is_written(column)).collect::<Vec<_>>();
        let names = written.iter().map(|column| column.name()).collect::<Vec<_>>();
        let trial = Trial::new(&metadata, info, &names, &*self.start_of(&bind)?).map_err(apart)?;
        let affinities = trial.affinities(&names).map_err(apart)?;
        let columns = written.iter().zip(&affinities);
        let columns =
            columns.map(|(column, affinity)| Column::new(column.name(), typed(info, column, affinity), false));
        Ok(AnyRow { columns: columns.collect(), table: Arc::new(Table { bind, info: info.clone(), trial }) })
    }

    /// Returns the image that a bind, or a database of a dynamic one, starts with.
    fn start_of(&self, bind: &BindKey) -> Result<Arc<Image>> {
        for place in self.running().binds().values() {
            if let RunningBind::Dynamic(dynamic) = place
                && place.keys().contains(bind)
            {
                return Ok(Arc::clone(dynamic.image()));
            }
        }
        Ok(Arc::clone(self.running().home_of(bind)?.image()))
    }

    /// Returns the error about a bind without such a table, and names the binds that have it.
    fn not_in(&self, bind: BindKey, table: &str) -> Result<Error> {
        let (mut found, mut known) = (Vec::new(), Vec::new());
        for key in self.binds() {
            let metadata = self.metadata(&key)?;
            if metadata.table(table).is_some() {
                found.push(key.clone());
            }
            known.extend(metadata.tables().iter().map(|table| (key.clone(), table.name().to_string())));
        }
        let nearest = if found.is_empty() { nearest_of(table, known) } else { Vec::new() };
        Ok(Error::NotInBind { bind, table: table.to_string(), found, nearest, at: None })
    }
}

fn is_written(column: &ColumnInfo) -> bool {
    !column.is_hidden() && !matches!(column.generated(), Some(GeneratedKind::Virtual | GeneratedKind::Stored))
}

impl AnyRow {
    /// Takes the values of a column from a strategy: a regular expression, a range, `Just("ann")`, anything whose values
    /// rusqlite can bind.
    ///
    /// Rows that the table refuses are still left out.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use proptest::prelude::*;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, role TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// let admins = db.any_row("auth", "user")?.with("id", 1..=1000_i64).with("name", "[a-z]{3,8}").with("role", Just("admin"));
    /// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
    /// proptest!(
    /// # config,
    ///     |(admin in admins)| {
    ///     prop_assert!((3..=8).contains(&admin.get::<String>("name")?.len()));
    ///     prop_assert_eq!(admin.get::<String>("role")?, "admin");
    /// });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[must_use]
    pub fn with<S>(mut self, column: &str, values: S) -> AnyRow
    where
        S: Strategy + 'static,
        S::Value: ToSql,
    {
        let column = Column::new(column, values, true);
        match self.columns.iter_mut().find(|other| other.name.eq_ignore_ascii_case(&column.name)) {
            Some(place) => *place = column,
            None => self.columns.push(column),
        }
        self
    }

    /// Leaves a column out: SQLite gives it its default, or its next number where it is an `INTEGER PRIMARY KEY`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use proptest::prelude::*;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
    /// proptest!(
    /// # config,
    ///     |(user in db.any_row("auth", "user")?.without("id"))| {
    ///     db.reset()?;
    ///     prop_assert_eq!(db.session().table("user")?.insert(user)?, 1);
    /// });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[must_use]
    pub fn without(mut self, column: &str) -> AnyRow {
        match self.table.info.column(column) {
            Some(_) => self.columns.retain(|other| !other.name.eq_ignore_ascii_case(column)),
            // Told when a row is asked for.
            None => self.columns.push(Column::new(column, Just(Value::Null), true)),
        }
        self
    }

    /// Gives each column values of any storage class that it takes, whatever its type, as
    /// [SQLite does](https://sqlite.org/flextypegood.html) where a table is not `STRICT`; columns given by
    /// [`with`](AnyRow::with) stay as they are.
    ///
    /// For code that reads what others have written.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use proptest::prelude::*;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, age INTEGER)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
    /// proptest!(
    /// # config,
    ///     |(user in db.any_row("auth", "user")?.flexibly_typed())| {
    ///     db.reset()?;
    ///     db.session().table("user")?.insert(user.clone())?;
    ///     // An age may be text, or a blob.
    ///     prop_assert!(user.value("age").is_some());
    /// });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[must_use]
    pub fn flexibly_typed(mut self) -> AnyRow {
        if !self.table.info.is_strict() {
            for column in self.columns.iter_mut().filter(|column| !column.given) {
                if let Some(info) = self.table.info.column(&column.name) {
                    *column = Column::new(&column.name, of_any_class(info), false);
                }
            }
        }
        self
    }

    /// Returns the reason why there are none.
    pub(super) fn none(&self, asked: &str, why: &str) -> String {
        let Table { bind, info, trial } = &*self.table;
        let table = info.name();
        let names = self.columns.iter().map(|column| column.name.as_str());
        if let Ok(Some((column, columns))) = trial.missing(names) {
            return problem(Error::no_column(bind, table, &column, &columns));
        }
        format!(
            "no {asked} for table `{table}` of bind `{bind}`: SQLite refuses what was tried, at last because: {why}. \
             Give its columns values that it takes with `with`, or leave some out with `without`."
        )
    }
}

impl Strategy for AnyRow {
    type Tree = Box<dyn ValueTree<Value = Row>>;
    type Value = Row;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<AnyRow> {
        let cells = self.columns.iter().map(|column| column.cells.clone()).collect::<Vec<_>>();
        let table = Arc::clone(&self.table);
        let taken = move |cells: Vec<Row>| {
            let row = joined(&cells).map_err(problem)?;
            match table.trial.refusals(std::slice::from_ref(&row)) {
                Ok(refusals) => refusals.into_iter().flatten().next().map_or(Ok(row), Err),
                Err(error) => Err(sqlite_message(&error)),
            }
        };
        first(&cells, TRIES, runner, Arc::new(taken), |why| self.none("row", why))
    }
}

/// Returns the problem of a row without the words about rows.
fn problem(error: Error) -> String {
    match error {
        Error::Row { problem, .. } => problem,
        error => error.to_string(),
    }
}

/// Returns one row of cells of different columns.
fn joined(cells: &[Row]) -> Result<Row> {
    let mut row = Row::new();
    for cell in cells {
        for (name, value) in cell.checked()?.columns() {
            row = row.set(name, value);
        }
    }
    Ok(row)
}
