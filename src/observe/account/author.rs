//! The statement that wrote a row as it is now.

use super::rowid::rowid_of;
use super::{Account, Fate};
use crate::database::Database;
use crate::instrument::Touches;
use crate::list::mapped;
use crate::observe::glance::View;
use crate::observe::statements::Statement;
use crate::row::Row;
use crate::sqlite::script::quote;

/// The author of a row.
pub(crate) enum Author {
    /// This statement wrote it as it is now.
    One(Box<Statement>),
    /// One of these wrote it, as far as is known.
    OneOf(Vec<Statement>),
    /// It was there as the harness started.
    Start,
    /// No statement that is kept has written it.
    Unknown,
}

impl Author {
    /// Returns whether it is a statement whose transaction is open.
    pub(in crate::observe) fn is_open(&self) -> bool {
        matches!(self, Author::One(one) if one.fate() == Fate::Open)
    }

    /// Returns whether both are the same statements, or none.
    pub(in crate::observe) fn is_same(&self, other: &Author) -> bool {
        let numbers = |author: &Author| match author {
            Author::One(one) => Some(vec![one.recorded().number]),
            Author::OneOf(several) => Some(mapped(several, |one| one.recorded().number)),
            Author::Start | Author::Unknown => None,
        };
        std::mem::discriminant(self) == std::mem::discriminant(other) && numbers(self) == numbers(other)
    }
}

impl Account {
    /// Returns the author of a row that a database has now.
    pub(in crate::observe) fn author(&self, database: &Database, view: View, table: &str, row: &Row) -> Author {
        let rowid = rowid_of(database, view, table, row);
        let mut authors = Vec::new();
        for statement in self.puts(database.key(), table).into_iter().rev() {
            if !matches!(statement.fate(), Fate::Committed | Fate::Open | Fate::Unknown) {
                continue;
            }
            match touches(statement, table, rowid) {
                Touches::No => {}
                Touches::Unknown => authors.push(statement.clone()),
                Touches::Yes if authors.is_empty() => return Author::One(Box::new(statement.clone())),
                Touches::Yes => {
                    authors.push(statement.clone());
                    break;
                }
            }
        }
        authors.reverse();
        let is_known = authors.iter().any(|author| touches(author, table, rowid) == Touches::Yes);
        if !is_known && was_there(database, table, row, rowid) {
            return Author::Start;
        }
        match authors.len() {
            0 => Author::Unknown,
            // It alone may have, and the row is not of the start.
            1 if !self.is_partial() => authors.pop().map_or(Author::Unknown, |one| Author::One(Box::new(one))),
            _ => Author::OneOf(authors),
        }
    }
}

impl Account {
    /// Returns the statements that are known to have written a row before its author did, the oldest first.
    pub(in crate::observe) fn earlier(
        &self,
        database: &Database,
        view: View,
        table: &str,
        row: &Row,
    ) -> Vec<Statement> {
        let rowid = rowid_of(database, view, table, row);
        let mut writers = Vec::new();
        for statement in self.puts(database.key(), table) {
            let stayed = matches!(statement.fate(), Fate::Committed | Fate::Open | Fate::Unknown);
            if stayed && touches(statement, table, rowid) == Touches::Yes {
                writers.push(statement.clone());
            }
        }
        writers.pop();
        writers
    }
}

fn touches(statement: &Statement, table: &str, rowid: Option<i64>) -> Touches {
    match (&statement.recorded().ended, rowid) {
        (Some(ended), Some(rowid)) => ended.touched.has(table, rowid),
        _ => Touches::Unknown,
    }
}

/// Returns whether a database had the row as it started.
fn was_there(database: &Database, table: &str, row: &Row, rowid: Option<i64>) -> bool {
    let and = |rowid: i64| format!(" AND t._rowid_ = {rowid}");
    let query = format!(
        "SELECT EXISTS (SELECT 1 FROM main.{} AS t{}{})",
        quote(table),
        row.matching(),
        rowid.filter(|_| !row.is_empty()).map(and).unwrap_or_default()
    );
    let has = |conn: &mut rusqlite::Connection| {
        conn.query_row(&query, rusqlite::params_from_iter(row.values()), |found| found.get(0))
    };
    // What the image's own connection cannot read is not known to have been there.
    database.image().with(has).and_then(|had| had).unwrap_or(false)
}
