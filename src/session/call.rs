//! A statement, its parameters, and what becomes of its rows.

use rusqlite::{CachedStatement, Params, Row};

use crate::error::{Error, Result};
use crate::key::BindKey;

/// A statement, its parameters, and what becomes of its rows.
///
/// The code that runs it is compiled once and not for each type that these have, in this crate and in those that use it.
pub(super) struct Call<'c> {
    pub(super) sql: &'c str,
    pub(super) start: &'c mut Start<'c>,
    pub(super) rows: Rows<'c>,
    /// The user's statement that this one of the crate's own is for: errors name that, and this one is not recorded.
    pub(super) on_behalf_of: Option<&'c str>,
}

impl<'c> Call<'c> {
    /// Returns the user's statement.
    pub(super) fn asked(&self) -> &'c str {
        self.on_behalf_of.unwrap_or(self.sql)
    }
}

/// Binds the parameters of a statement, the first time that it is called.
pub(super) type Start<'c> = dyn FnMut(&mut CachedStatement<'_>, Binding) -> rusqlite::Result<usize> + 'c;

/// A function that is given each row.
pub(super) type EachRow<'c> = dyn FnMut(&Row<'_>) -> rusqlite::Result<()> + 'c;

/// The choice to run a statement as it gets its parameters, as one that returns no rows can.
#[derive(Clone, Copy)]
pub(super) enum Binding {
    Only,
    AndRun,
}

/// The use that is made of a statement's rows.
pub(super) enum Rows<'c> {
    /// It must not return any.
    None,
    Each(&'c mut EachRow<'c>),
    /// The first one is read, and there has to be one.
    First(&'c mut EachRow<'c>),
}

/// Runs a statement that returns no rows with `run`.
pub(super) fn execute(
    sql: &str,
    params: impl Params,
    run: impl FnOnce(&mut Call<'_>) -> Result<usize>,
) -> Result<usize> {
    run(&mut Call { sql, start: &mut binding(params), rows: Rows::None, on_behalf_of: None })
}

/// Runs a statement with `run` and returns what `map` makes of its rows.
pub(super) fn query<T>(
    sql: &str,
    params: impl Params,
    mut map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    run: impl FnOnce(&mut Call<'_>) -> Result<usize>,
) -> Result<Vec<T>> {
    let mut all = Vec::new();
    let mut each = |row: &Row<'_>| {
        all.push(map(row)?);
        Ok(())
    };
    run(&mut Call { sql, start: &mut binding(params), rows: Rows::Each(&mut each), on_behalf_of: None })?;
    Ok(all)
}

/// Runs a statement with `run` and returns what `map` makes of its first row; the others are stepped over.
pub(super) fn query_first<T>(
    sql: &str,
    params: impl Params,
    map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    run: impl FnOnce(&mut Call<'_>) -> Result<usize>,
) -> Result<T> {
    let (mut map, mut first) = (Some(map), None);
    let mut each = |row: &Row<'_>| {
        if let Some(map) = map.take() {
            first = Some(map(row)?);
        }
        Ok(())
    };
    run(&mut Call { sql, start: &mut binding(params), rows: Rows::First(&mut each), on_behalf_of: None })?;
    first.ok_or_else(|| Error::sql_in(&BindKey::DEFAULT, sql)(rusqlite::Error::QueryReturnedNoRows))
}

/// Runs a statement without parameters with `run` and discards its rows.
pub(super) fn discard<T>(sql: &str, run: impl FnOnce(&mut Call<'_>) -> T) -> T {
    run(&mut Call { sql, start: &mut binding([]), rows: Rows::Each(&mut |_| Ok(())), on_behalf_of: None })
}

/// Runs a statement of the crate's own, which the user's is for, with `run` and discards its rows.
pub(super) fn discard_for<T>(sql: &str, on_behalf_of: &str, run: impl FnOnce(&mut Call<'_>) -> T) -> T {
    let mut unseen = |_: &Row<'_>| Ok(());
    let (start, rows) = (&mut binding([]), Rows::Each(&mut unseen));
    run(&mut Call { sql, start, rows, on_behalf_of: Some(on_behalf_of) })
}

fn binding(params: impl Params) -> impl FnMut(&mut CachedStatement<'_>, Binding) -> rusqlite::Result<usize> {
    let mut params = Some(params);
    move |statement, binding| match (params.take(), binding) {
        (Some(params), Binding::AndRun) => statement.execute(params),
        // A query binds them and does nothing until its first row is asked for.
        (Some(params), Binding::Only) => statement.query(params).map(|_| 0),
        (None, _) => Ok(0),
    }
}
