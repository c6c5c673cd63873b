//! A statement that begins, as the recorder keeps it.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::connected::{Begins, Connected};
use super::handle::{Handle, Standing};
use super::looked::{Looked, Step};
use super::member::Member;
use super::recorded::Recorded;
use super::traced::Statement;
use super::used::{Affected, SchemaTable, Used, WrittenTable};
use super::watch::{Context, Watch};
use crate::key::Keys;
use crate::list::mapped;

/// A statement that begins, as its text and its connection tell.
pub(super) struct Beginning<'s> {
    pub(super) sql: Arc<str>,
    /// The statement with the values of its parameters, where it has some.
    pub(super) values: Option<String>,
    /// Set if it writes to the database of its connection.
    pub(super) writes: bool,
    pub(super) by_session: bool,
    /// Set if it begins a transaction with the lock of a writer.
    pub(super) locks: bool,
    /// All databases on its connection, where it has several.
    pub(super) beside: &'s [&'s Watch],
    /// Those that it uses, where a connection has attached some.
    pub(super) attached: Vec<Used>,
}

impl Member {
    /// Follows a statement on its connection, and records it where somebody wants that.
    pub(super) fn follow(
        &self,
        statement: &Statement<'_>,
        sql: &CStr,
        (handle, standing): (&Handle, Standing),
        connection: &Connected,
        looked: Option<Arc<Looked>>,
        always: bool,
    ) {
        let deed = looked.as_ref().map_or_else(|| statement.deed(), |looked| looked.deed);
        let mut again = 0;
        let uses =
            |looked: &Arc<Looked>| looked.places.iter().any(|(schema, _)| self.names_of(handle, schema).is_some());
        let is_nobodys = connection.is_attached() && looked.as_ref().is_some_and(|looked| !uses(looked));
        let locks = statement.writes() && looked.as_ref().is_some_and(|looked| looked.step == Some(Step::Begin));
        let record = if !is_nobodys && self.records(deed.writes || deed.writes_elsewhere || locks) {
            let attached = match &looked {
                Some(looked) if standing.attached => self.used(handle, looked),
                _ => Vec::new(),
            };
            let text = sql;
            let sql = match &looked {
                Some(looked) => looked.text(sql.to_bytes()),
                None => Arc::from(sql.to_string_lossy().trim()),
            };
            if deed.writes || deed.writes_elsewhere {
                again = connection.again(&sql);
            }
            let values = if self.wants_values(again) { statement.with_values() } else { None };
            let beginning =
                Beginning { sql, values, writes: deed.writes, by_session: false, locks, beside: &[], attached };
            let mut record = self.recorded(handle, standing, looked.as_deref(), beginning);
            record.is_step |= deed.transaction;
            record.uses_table = record.uses_table && (looked.is_some() || connection.uses_table(handle, text));
            Some(record)
        } else {
            None
        };
        if always || record.is_some() {
            let (may_write, prepared) = (statement.writes(), statement.prepared());
            let statement = statement.address();
            connection.begin(
                &self.recorder,
                handle,
                Begins { standing, statement, may_write, prepared, looked, record, again },
            );
        }
    }

    /// Returns the databases of the harness that a statement uses whose connection has attached some; where it uses
    /// none, its connection's own.
    fn used(&self, handle: &Handle, looked: &Looked) -> Vec<Used> {
        let (mut used, mut elsewhere) = (Vec::new(), false);
        for (schema, writes) in &looked.places {
            match self.names_of(handle, schema) {
                Some(names) => used.push(Used { names, writes: *writes }),
                None => elsewhere = true,
            }
        }
        if used.is_empty() {
            used.push(Used { names: self.names.clone(), writes: looked.deed.writes && !elsewhere });
        }
        used
    }

    /// Returns a statement that begins as it is recorded.
    pub(super) fn recorded(
        &self,
        handle: &Handle,
        standing: Standing,
        looked: Option<&Looked>,
        beginning: Beginning<'_>,
    ) -> Box<Recorded> {
        let mut databases = beginning.attached;
        for member in beginning.beside.iter().filter_map(|watch| watch.harness.get()) {
            databases.push(Used { names: member.names.clone(), writes: beginning.writes });
        }
        // A statement that uses none of the harness's counts for its own connection's.
        let own = || Used { names: self.names.clone(), writes: beginning.writes };
        let first = if databases.is_empty() { own() } else { databases.remove(0) };
        Box::new(Recorded {
            first,
            others: databases,
            sql: beginning.sql,
            values: beginning.values.map(|values| values.trim().to_string()),
            by_session: beginning.by_session,
            thread: thread::current(),
            at: Instant::now(),
            ended: None,
            is_step: looked.is_some_and(|looked| looked.step.is_some()),
            locks: beginning.locks,
            connection: 0,
            opened: None,
            transaction: None,
            undone: None,
            is_put_back: false,
            number: 0,
            affected: looked.map(|looked| self.affected(handle, standing, looked)).unwrap_or_default(),
            uses_table: looked.is_none_or(|looked| looked.deed.uses_tables),
            foreign_keys: beginning.writes && handle.enforces_keys(),
            place: None,
            is_asked_for: false,
        })
    }

    /// Returns the tables that a statement may change.
    fn affected(&self, handle: &Handle, standing: Standing, looked: &Looked) -> Arc<Affected> {
        let tables = || {
            Arc::new(Affected {
                tables: self.tables(handle, looked),
                created: self.named(handle, &looked.created),
                triggers: self.named(handle, &looked.triggers),
                altered: self.named(handle, &looked.altered),
                changes_rows: looked.changes_rows(),
            })
        };
        if standing.attached {
            tables()
        } else {
            looked.affected(tables)
        }
    }

    /// Returns the tables whose rows a statement may change, the schema's own left out.
    pub(super) fn tables(&self, handle: &Handle, looked: &Looked) -> Vec<WrittenTable> {
        let mut tables = Vec::with_capacity(looked.tables.len());
        for change in looked.tables.iter().filter(|change| !is_schema(&change.table)) {
            let (names, table) = (self.names_of(handle, &change.schema), change.table.clone());
            tables.push(WrittenTable { names, table, operation: change.operation, by: change.by.clone() });
        }
        tables
    }

    /// Returns tables or views of which a statement changes the schema.
    fn named(&self, handle: &Handle, tables: &[(CString, String)]) -> Vec<SchemaTable> {
        let named = |(schema, table): &(CString, String)| SchemaTable {
            names: self.names_of(handle, schema),
            table: table.clone(),
        };
        mapped(tables, named)
    }

    /// Returns the keys that mean the database of a connection's schema.
    pub(super) fn names_of(&self, handle: &Handle, schema: &CStr) -> Option<Keys> {
        // On a session's connection its own database may have the bind's name.
        if !handle.has_attached() {
            return Some(self.names.clone());
        }
        let watch = handle.placed(schema).and_then(|number| Context::numbered(number).watch())?;
        let member = watch.harness.get()?;
        Arc::ptr_eq(&member.recorder, &self.recorder).then(|| member.names.clone())
    }
}

/// Returns whether a table is the one in which SQLite keeps the schema.
fn is_schema(table: &str) -> bool {
    ["sqlite_master", "sqlite_temp_master"].iter().any(|schema| schema.eq_ignore_ascii_case(table))
}
