//! The verdict on a row that was written since a snapshot: in which binds it was inserted, or updated to what it is.

use super::change::TableChange;
use super::set::ChangeSet;
use super::values::stored_by;
use crate::error::{Error, Result};
use crate::key::{BindKey, Selection};
use crate::list::{filtered, mapped};
use crate::nearest::nearest_of;
use crate::observe::binds::DatabaseIndex;
use crate::observe::rows::fits;
use crate::observe::Expected;
use crate::row::Row;
use crate::sqlite::script::quote;

/// A failed assertion on a row that was written since a snapshot.
pub(crate) struct NotWritten<'t> {
    pub(crate) expected: Expected,
    /// The binds that are asserted on.
    pub(crate) keys: Vec<BindKey>,
    pub(crate) table: &'t str,
    pub(crate) row: &'t Row,
    pub(crate) reason: WrittenReason,
    /// The rows written to tables of that name, bind by bind.
    pub(crate) found: Vec<WrittenIn>,
}

/// The reason why such an assertion fails.
pub(crate) enum WrittenReason {
    /// It was not written to the bind; it was written to these.
    NotTo(BindKey, Vec<BindKey>),
    /// It was not written to the bind, which has it: it was there at the snapshot.
    Before(BindKey),
    /// It was written to the binds, but also to these.
    Also(Vec<BindKey>),
    /// It was written to the bind so many times.
    Several(BindKey, usize),
    /// It was written to the bind, where it was not to be.
    There(BindKey),
}

/// The rows that were written to a table of one bind.
pub(crate) struct WrittenIn {
    pub(crate) bind: BindKey,
    /// The rows that match.
    pub(crate) matching: Vec<Row>,
    /// The others.
    pub(crate) others: Vec<Row>,
}

impl ChangeSet {
    /// Judges whether a row was written to the binds and to no other; `None` where it is as expected.
    pub(crate) fn verdict_on_row<'t>(
        &self,
        expected: Expected,
        selection: &Selection,
        table: &'t str,
        row: &'t Row,
    ) -> Result<Option<NotWritten<'t>>> {
        let targets = self.targets(selection)?;
        row.checked()?;
        self.check(&targets, table, row)?;
        let mut found = Vec::new();
        for (database, _) in self.binds.entries() {
            found.push((database, self.written_in(database, table, row)?));
        }
        let reason = self.reason(expected, &targets, &found, table, row)?;
        let keys = mapped(&targets, |(key, _)| key.clone());
        let mut written = Vec::new();
        for (_, found) in found {
            if !found.matching.is_empty() || !found.others.is_empty() {
                written.push(found);
            }
        }
        Ok(reason.map(|reason| NotWritten { expected, keys, table, row, reason, found: written }))
    }

    /// Returns the databases that a selection means, each once, with the keys that name them.
    fn targets(&self, selection: &Selection) -> Result<Vec<(BindKey, DatabaseIndex)>> {
        let keys = match selection.keys() {
            Some([]) => {
                let problem = "the list of binds is empty: name at least one, or write `..` for all".to_string();
                return Err(Error::row(problem));
            }
            Some(keys) => keys.to_vec(),
            None => mapped(&self.binds.entries().collect::<Vec<_>>(), |(_, keys)| keys.first().clone()),
        };
        let mut targets = Vec::<(BindKey, DatabaseIndex)>::new();
        for key in keys {
            let database = self.binds.find(&key)?;
            if !targets.iter().any(|(_, known)| *known == database) {
                targets.push((key, database));
            }
        }
        Ok(targets)
    }

    /// Refuses a row that could have been written nowhere: no bind has the table, or no target's table has the columns.
    fn check(&self, targets: &[(BindKey, DatabaseIndex)], table: &str, row: &Row) -> Result<()> {
        let mut names = Vec::new();
        for (database, keys) in self.binds.entries() {
            for name in self.tables(database).map_err(Error::row)? {
                names.push((keys.first().clone(), name));
            }
        }
        if !names.iter().any(|(_, name)| name.eq_ignore_ascii_case(table)) {
            return Err(Error::UnknownTable { table: table.to_string(), nearest: nearest_of(table, names), at: None });
        }
        for (_, database) in targets {
            stored_by(self, *database, table, row)?;
        }
        Ok(())
    }

    /// Returns what was written to a table of a database.
    fn written_in(&self, database: DatabaseIndex, table: &str, row: &Row) -> Result<WrittenIn> {
        let mut found = WrittenIn { bind: self.name(database), matching: Vec::new(), others: Vec::new() };
        let is_it = |change: &TableChange| change.database == database && change.table.eq_ignore_ascii_case(table);
        let changes = filtered(&self.changes, is_it);
        if changes.is_empty() {
            return Ok(found);
        }
        // A table of another bind may lack a column of the row, and then has no such row.
        let stored = match stored_by(self, database, table, row) {
            Err(Error::Row { .. }) => None,
            stored => stored?,
        };
        for change in changes {
            let updated = mapped(&change.rows.updated, |update| update.after.clone());
            for written in change.rows.inserted.iter().chain(&updated) {
                let is_one = stored.as_ref().is_some_and(|stored| fits(stored, written));
                let list = if is_one { &mut found.matching } else { &mut found.others };
                list.push(written.clone());
            }
        }
        Ok(found)
    }

    fn reason(
        &self,
        expected: Expected,
        targets: &[(BindKey, DatabaseIndex)],
        found: &[(DatabaseIndex, WrittenIn)],
        table: &str,
        row: &Row,
    ) -> Result<Option<WrittenReason>> {
        let times = |wanted: &DatabaseIndex| {
            found.iter().find(|(database, _)| database == wanted).map_or(0, |(_, found)| found.matching.len())
        };
        let is_target = |database: &DatabaseIndex| targets.iter().any(|(_, target)| target == database);
        let mut elsewhere = Vec::new();
        for (database, written) in found {
            if !is_target(database) && !written.matching.is_empty() {
                elsewhere.push(written.bind.clone());
            }
        }
        for (key, database) in targets {
            match (expected, times(database)) {
                (Expected::NotLanded, 0) => {}
                (Expected::NotLanded, _) => return Ok(Some(WrittenReason::There(key.clone()))),
                (Expected::Landed | Expected::Once, 0) => {
                    let was_there = elsewhere.is_empty() && self.has_now(*database, table, row)?;
                    let key = key.clone();
                    let reason =
                        if was_there { WrittenReason::Before(key) } else { WrittenReason::NotTo(key, elsewhere) };
                    return Ok(Some(reason));
                }
                (Expected::Once, times) if times > 1 && elsewhere.is_empty() => {
                    return Ok(Some(WrittenReason::Several(key.clone(), times)));
                }
                (Expected::Landed | Expected::Once, _) => {}
            }
        }
        let is_alone = expected == Expected::NotLanded || elsewhere.is_empty();
        Ok((!is_alone).then_some(WrittenReason::Also(elsewhere)))
    }

    /// Returns whether a database has the row now.
    fn has_now(&self, database: DatabaseIndex, table: &str, row: &Row) -> Result<bool> {
        let Some(row) = stored_by(self, database, table, row)? else { return Ok(false) };
        let query = format!("SELECT EXISTS (SELECT 1 FROM main.{} AS t{})", quote(table), row.matching());
        let exists = |conn: &mut rusqlite::Connection| {
            conn.query_row(&query, rusqlite::params_from_iter(row.values()), |found| found.get(0))
        };
        // A table that is gone has none.
        Ok(self.binds.value(database).after.with(exists).and_then(|found| found).unwrap_or(false))
    }
}
