//! Comparing every bind with what it was.

use std::sync::Arc;

use super::change::TableChange;
use super::compare;
use super::ran::Ran;
use super::set::{ChangeSet, States};
use crate::error::{Error, Result};
use crate::harness::{Bound, Harness, RunningBind};
use crate::key::Keys;
use crate::list::{filtered, mapped};
use crate::observe::binds::Binds;
use crate::observe::snapshot::{committed, Snapshot};
use crate::order::sort_by;
use crate::sorted::Sorted;
use crate::sqlite::Image;

impl Harness {
    /// Returns the committed changes in every bind since a snapshot, whoever made them and through whatever driver.
    ///
    /// Rows are matched by primary key, by rowid where a table has none, and as a multiset where it has neither. Values
    /// compare as [SQL's `IS`](https://sqlite.org/lang_expr.html#isisnot) does, `NULL` with `NULL` and `1` with `1.0`,
    /// and text compares byte by byte, whatever its column's collation. A new column counts as having held its default
    /// before. A virtual table is compared by the rows it answers with, not by the tables it keeps them in. What SQLite
    /// keeps for itself is no change: `sqlite_sequence`, `sqlite_stat1` and the like, nor are pragmas.
    ///
    /// A replica that [lags](crate::Bind::lag) has no changes of its own: they are its source's.
    ///
    /// A bind whose pages are as they were costs a comparison of bytes, a table in another a scan of what it was and of
    /// what it is.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignSnapshot`] for a snapshot of another harness; [`Error::InUse`] when a bind cannot be read for a second,
    /// see [`snapshot`](Harness::snapshot); [`Error::Sql`] for a bind that cannot be read. A generated column that calls a
    /// function of the application's is left out unless [`on_connect`](crate::Bind::on_connect) registers it.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let before = db.snapshot()?;
    /// assert!(db.changes_since(&before)?.is_empty());
    ///
    /// db.connection(None)?.execute("INSERT INTO t VALUES (1)", [])?;
    /// assert_eq!(db.changes_since(&before)?.changes()[0].inserted(), [row! { x: 1 }]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn changes_since(&self, snapshot: &Snapshot) -> Result<ChangeSet> {
        self.running().called(None, self.compare_with(snapshot))
    }

    /// Compares every bind with its state in a snapshot.
    fn compare_with(&self, snapshot: &Snapshot) -> Result<ChangeSet> {
        let running = self.running();
        snapshot.check(running)?;
        // All binds are read at one moment, before any is compared.
        let mut of_places = Vec::new();
        for place in running.binds().values() {
            // The same database as its source, or one to which nobody writes: what changes in it has changed there.
            if place.way_to().is_none() {
                of_places.push((place, place.databases()));
            }
        }
        let all = mapped(&of_places, |(_, databases)| filtered(databases, |database| !database.lags())).concat();
        let mut now = Sorted::default();
        for (database, image) in all.iter().zip(committed(&all)?) {
            now.insert(database.key(), image);
        }
        let until = running.recorder().next();
        let mut pairs = Vec::new();
        for (place, databases) in of_places {
            let mut of_place = Vec::with_capacity(databases.len());
            for database in &databases {
                let before = snapshot.state_of(database).map_or(database.image(), |state| &state.image);
                let before = Arc::clone(before);
                // One that lags has no changes of its own.
                let after = Arc::clone(now.get(&database.key()).unwrap_or(&before));
                let csv_empty_as_text = database.reading().csv_empty_as_text;
                of_place.push((database.all_keys(), States { before, after, csv_empty_as_text }));
            }
            if let RunningBind::Dynamic(bind) = place {
                // One that was closed is what the next one will be made as.
                for (key, state) in snapshot.closed_since(bind, &databases) {
                    let (before, after) = (Arc::clone(&state.image), Arc::clone(&state.start));
                    let states = States { before, after, csv_empty_as_text: bind.reading().csv_empty_as_text };
                    of_place.push((Keys::one(key.clone()), states));
                }
                sort_by(&mut of_place, |(one, _), (other, _)| one.first().cmp(other.first()));
            }
            pairs.append(&mut of_place);
        }
        let (mut changes, mut binds) = (Vec::new(), Binds::of(running));
        for (keys, states) in pairs {
            let bind = keys.first().clone();
            let database = binds.push(keys, states.clone());
            changes.append(&mut compare::compare(database, &bind, &states.before, &states.after)?);
        }
        let ran = Some(Ran::new(running.recorder(), snapshot.next..until));
        Ok(ChangeSet { binds: Arc::new(binds), changes, ran })
    }
}

/// Returns the changes since the start in the databases whose state is given, and the errors of those that cannot be
/// compared.
pub(crate) fn since_start(databases: &[(&Arc<Bound>, Option<&Arc<Image>>)]) -> (ChangeSet, Vec<Error>) {
    let (mut changes, mut errors) = (Vec::new(), Vec::new());
    let mut binds = Binds::default();
    for (database, now) in databases {
        let (before, csv_empty_as_text) = (Arc::clone(database.image()), database.reading().csv_empty_as_text);
        let states = States { after: Arc::clone(now.unwrap_or(&before)), before, csv_empty_as_text };
        let index = binds.push(database.all_keys(), states);
        let Some(now) = now.filter(|_| !database.lags()) else { continue };
        match compare::compare(index, database.key(), database.image(), now) {
            Ok(mut changed) => changes.append(&mut changed),
            Err(error) => errors.push(error),
        }
    }
    (ChangeSet { binds: Arc::new(binds), changes, ran: None }, errors)
}

/// Returns the changes from one state of a database to another.
pub(in crate::observe) fn compared(database: &Bound, before: &Arc<Image>, after: &Image) -> Result<Vec<TableChange>> {
    let index = Binds::default().push(database.all_keys(), Arc::clone(before));
    compare::compare(index, database.key(), before, after)
}
