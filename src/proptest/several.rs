//! Several rows that a table of a bind takes one after the other.

use std::sync::Arc;

use ::proptest::collection::{vec, SizeRange};
use ::proptest::prelude::Strategy;
use ::proptest::strategy::{NewTree, ValueTree};
use ::proptest::test_runner::TestRunner;

use super::rows::{AnyRow, TRIES};
use super::tried::first;
use crate::error::sqlite_message;
use crate::row::Row;

impl AnyRow {
    /// Returns several rows that the table takes one after the other: with primary keys of their own, and what else is unique.
    ///
    /// The size is a number or a range, as for `proptest::collection::vec`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use proptest::prelude::*;
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE)";
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
    /// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
    /// proptest!(
    /// # config,
    ///     |(users in db.any_row("auth", "user")?.many(1..5))| {
    ///     db.reset()?;
    ///     let mut session = db.session();
    ///     for user in &users {
    ///         session.table("user")?.insert(user.clone())?;
    ///     }
    ///     prop_assert_eq!(session.table("user")?.count(multibind::row! {})?, users.len());
    /// });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[must_use]
    pub fn many(self, size: impl Into<SizeRange>) -> AnyRows {
        AnyRows { row: self, size: size.into() }
    }
}

/// A strategy for several rows that a table of a bind takes one after the other; from [`AnyRow::many`].
///
/// ```
/// # use multibind::{Bind, Harness};
/// # use proptest::prelude::*;
/// # let tag = "CREATE TABLE tag (name TEXT PRIMARY KEY)";
/// # let db = Harness::builder().default_bind(Bind::memory().schema(tag)).start()?;
/// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
/// proptest!(
/// # config,
///     |(tags in db.any_row(None, "tag")?.many(3))| {
///     prop_assert_eq!(tags.len(), 3);
///     prop_assert_ne!(&tags[0], &tags[1]);
/// });
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AnyRows {
    row: AnyRow,
    size: SizeRange,
}

impl Strategy for AnyRows {
    type Tree = Box<dyn ValueTree<Value = Vec<Row>>>;
    type Value = Vec<Row>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<AnyRows> {
        let least = self.size.start();
        let table = Arc::clone(&self.row.table);
        let taken = move |rows: Vec<Row>| {
            let refusals = table.trial.refusals(&rows).map_err(|error| sqlite_message(&error))?;
            let why = refusals.iter().flatten().next().cloned();
            let taken = rows.into_iter().zip(refusals).filter(|(_, refusal)| refusal.is_none());
            let taken = taken.map(|(row, _)| row).collect::<Vec<_>>();
            if let Some(why) = why
                && taken.len() < least
            {
                return Err(why);
            }
            Ok(taken)
        };
        // Where two have the same key, the later is left out.
        let rows = vec(self.row.clone(), self.size.clone());
        first(&rows, TRIES, runner, Arc::new(taken), |why| self.row.none(&format!("{least} rows"), why))
    }
}
