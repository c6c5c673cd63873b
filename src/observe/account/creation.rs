//! The statements that created tables and triggers, and the text of a trigger.

use rusqlite::types::Value;

use super::connection::Came;
use super::Account;
use crate::database::Database;
use crate::harness::Running;
use crate::key::BindKey;
use crate::observe::glance::{glance, View};
use crate::observe::statements::Statement;
use crate::sqlite::script::quote;

/// The creation of a table.
pub(crate) struct Creation {
    pub(crate) statement: Statement,
    /// Set if its bind had no such table as it started.
    pub(crate) is_new: bool,
    /// The connection that it ran on, and the number of rows that the table has, where these are known.
    pub(crate) came: Option<Came>,
    pub(crate) rows: Option<i64>,
}

/// Finds the last statement that created a bind's table or view.
pub(crate) fn creation(running: &Running, bind: &BindKey, table: &str) -> Option<Creation> {
    let account = Account::read(running);
    let statement = account.creations(bind, table).pop().cloned()?;
    let came = account.connection_of(&statement, bind);
    let database = running.database(bind).ok();
    let is_new = database.as_ref().is_some_and(|database| had_no_table(database, table));
    let rows = database.and_then(|database| rows(&database, table));
    Some(Creation { statement, is_new, came, rows })
}

impl Account {
    /// Returns the statements that created a bind's table or view, the oldest first.
    pub(crate) fn creations(&self, bind: &BindKey, table: &str) -> Vec<&Statement> {
        let mut creations = Vec::new();
        for statement in &self.statements {
            if statement.creates(bind, table) {
                creations.push(statement);
            }
        }
        creations
    }

    /// Returns the last statement that created a bind's trigger.
    pub(crate) fn trigger_creation(&self, bind: &BindKey, trigger: &str) -> Option<&Statement> {
        let creates = |statement: &&Statement| {
            statement.recorded().affected.triggers.iter().any(|made| {
                made.names.as_ref().is_some_and(|names| names.contains(bind))
                    && made.table.eq_ignore_ascii_case(trigger)
            })
        };
        self.statements.iter().rev().find(creates)
    }
}

/// Returns the text of a trigger, as SQLite keeps it.
pub(in crate::observe) fn trigger_text(database: &Database, trigger: &str) -> Option<String> {
    let query = "SELECT sql FROM main.sqlite_schema WHERE type = 'trigger' AND name = ? COLLATE NOCASE";
    let named = Value::Text(trigger.to_string());
    let found = glance(database, View::Committed, |glance| glance.rows(query, &[&named])).ok()?;
    found.first()?.get("sql").ok()
}

/// Returns the number of rows that a database has committed of a table, if that can be read now.
fn rows(database: &Database, table: &str) -> Option<i64> {
    let query = format!("SELECT count(*) AS n FROM main.{}", quote(table));
    let counted = glance(database, View::Committed, |glance| glance.rows(&query, &[])).ok()?;
    counted.first()?.get("n").ok()
}

/// Returns whether a database is known to have had no table or view of a name as it started.
fn had_no_table(database: &Database, table: &str) -> bool {
    let query = "SELECT NOT EXISTS (SELECT 1 FROM main.sqlite_schema
                 WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE)";
    database
        .image()
        .with(|conn| conn.query_row(query, [table], |found| found.get(0)))
        .and_then(|had| had)
        .unwrap_or(false)
}
