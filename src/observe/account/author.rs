//! The statement that wrote a row as it is now.

use super::rowid::rowid_of;
use super::start::{at_start, was_there};
use super::{Account, Fate};
use crate::database::Database;
use crate::instrument::Touches;
use crate::list::mapped;
use crate::observe::glance::View;
use crate::observe::statements::Statement;
use crate::row::Row;

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

impl Account {
    /// Returns a row of a database as it was at the start, where it is that one still: no statement has inserted it since.
    pub(in crate::observe) fn before(&self, database: &Database, view: View, table: &str, row: &Row) -> Option<Row> {
        let rowid = rowid_of(database, view, table, row)?;
        let inserts = |statement: &&Statement| {
            let ended = statement.recorded().ended.as_ref();
            !statement.fate().is_lost() && ended.is_none_or(|ended| ended.touched.may_have_inserted(table, rowid))
        };
        let before = at_start(database, table, rowid)?;
        (!self.is_partial() && !self.puts(database.key(), table).iter().any(inserts)).then_some(before)
    }
}

fn touches(statement: &Statement, table: &str, rowid: Option<i64>) -> Touches {
    match (&statement.recorded().ended, rowid) {
        (Some(ended), Some(rowid)) => ended.touched.has(table, rowid),
        _ => Touches::Unknown,
    }
}
