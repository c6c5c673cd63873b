//! The accesses of a statement, as SQLite's authorizer reports them while it is prepared.

use std::borrow::Borrow;
use std::ffi::c_int;
use std::sync::{Arc, Mutex};

use rusqlite::{ffi, Connection};

use crate::list::has_name;
use crate::sqlite::objects::NameKind;
use crate::sqlite::{Authorized, Question};
use crate::sync::lock;

/// One action of a statement on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) act: Act,
    /// The schema name, which SQLite leaves out where a statement reads no column of a table.
    pub(super) schema: Option<String>,
    /// The view or trigger that does it; `None` for the statement itself.
    pub(super) accessor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Read(String),
    /// Rows are written.
    Write(String),
    /// The schema changes: an object is created, changed or dropped.
    Create(NewObject, String),
    Change(NameKind, String),
    /// `ANALYZE` and `REINDEX`, which take every database where no name is given.
    Maintain(NameKind, String),
    Pragma(String, Option<String>),
    /// A command that is the session's own: `BEGIN`, `COMMIT`, `ROLLBACK`, savepoints, `ATTACH`, `DETACH`.
    Control(Control),
    /// A function that reports what the connection last wrote.
    Counts(String),
}

/// An object that a statement creates, with the table that it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NewObject {
    Table,
    View,
    Index { on: String },
    Trigger { on: String },
}

impl Access {
    /// Returns the name of the table that it is about.
    pub(super) fn table(&self) -> Option<&str> {
        match &self.act {
            Act::Read(name) | Act::Write(name) | Act::Change(NameKind::Table, name) => Some(name),
            Act::Create(NewObject::Index { on } | NewObject::Trigger { on }, _) => Some(on),
            _ => None,
        }
    }

    /// Reports whether it is in the schema that lives as long as one connection.
    pub(super) fn is_temporary(&self) -> bool {
        self.schema.as_deref() == TEMP
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    Attach,
    Detach,
}

impl Control {
    /// Returns the advice on what to call instead.
    pub(super) fn instead(self) -> &'static str {
        match self {
            Control::Begin => "BEGIN is the session's own: its first statement on a bind begins the transaction",
            Control::Commit => "COMMIT is the session's own: call `session.commit()`",
            Control::Rollback => "ROLLBACK is the session's own: call `session.rollback()`",
            Control::Savepoint => "SAVEPOINT is the session's own: call `session.savepoint()`",
            Control::Release => "RELEASE is the session's own: call `commit()` on what `session.savepoint()` gave",
            Control::RollbackTo => {
                "ROLLBACK TO is the session's own: call `rollback()` on what `session.savepoint()` gave"
            }
            Control::Attach => {
                "ATTACH is the session's own: name a table as `key.table`, or configure a bind for the database"
            }
            Control::Detach => "DETACH is the session's own: a bind is attached for as long as a statement needs it",
        }
    }
}

/// Returns the first command among these that is the session's own.
pub(super) fn control(accesses: &[Access]) -> Option<Control> {
    accesses.iter().find_map(|access| match access.act {
        Act::Control(control) => Some(control),
        _ => None,
    })
}

/// Reports whether any of these changes a schema.
pub(super) fn changes_schema(accesses: &[Access]) -> bool {
    accesses.iter().any(|access| matches!(access.act, Act::Create(..) | Act::Change(..)))
}

/// Returns the function that reports what its connection wrote, where the statement itself calls one.
pub(super) fn counts(accesses: &[Access]) -> Option<String> {
    accesses.iter().find_map(|access| match &access.act {
        Act::Counts(function) if access.accessor.is_none() => Some(function.to_ascii_lowercase()),
        _ => None,
    })
}

/// A list that a connection's authorizer fills.
#[derive(Clone, Default)]
pub(super) struct AccessLog(Arc<Mutex<Vec<Access>>>);

impl AccessLog {
    /// Listens on a connection. Pragmas are refused: many of them act while they are prepared.
    pub(super) fn listen<C: Borrow<Connection>>(&self, conn: C) -> Authorized<C> {
        let log = self.clone();
        Authorized::new(conn, Box::new(move |question| log.note(question)))
    }

    /// Returns everything noted since the last call.
    pub(super) fn take(&self) -> Vec<Access> {
        std::mem::take(&mut lock(&self.0))
    }

    /// Notes what a statement would do, and returns whether it may.
    fn note(&self, question: &Question<'_>) -> bool {
        let Some((act, schema)) = act_of(question) else { return true };
        let is_allowed = !matches!(act, Act::Pragma(..));
        let access =
            Access { act, schema: schema.map(str::to_string), accessor: question.accessor().map(str::to_string) };
        let mut log = lock(&self.0);
        if log.last() != Some(&access) {
            log.push(access);
        }
        is_allowed
    }
}

/// Translates an action, and returns the schema that it is in; `None` for an action on no object.
fn act_of<'a>(question: &Question<'a>) -> Option<(Act, Option<&'a str>)> {
    let action = question.action;
    let (name, other) = (|| question.first().map(str::to_string), || question.second().map(str::to_string));
    let act = match action {
        ffi::SQLITE_READ => Act::Read(name()?),
        ffi::SQLITE_INSERT | ffi::SQLITE_DELETE | ffi::SQLITE_UPDATE => Act::Write(name()?),
        ffi::SQLITE_CREATE_TABLE | ffi::SQLITE_CREATE_VTABLE | ffi::SQLITE_CREATE_TEMP_TABLE => {
            Act::Create(NewObject::Table, name()?)
        }
        ffi::SQLITE_CREATE_VIEW | ffi::SQLITE_CREATE_TEMP_VIEW => Act::Create(NewObject::View, name()?),
        ffi::SQLITE_CREATE_INDEX | ffi::SQLITE_CREATE_TEMP_INDEX => {
            Act::Create(NewObject::Index { on: other()? }, name()?)
        }
        ffi::SQLITE_CREATE_TRIGGER | ffi::SQLITE_CREATE_TEMP_TRIGGER => {
            Act::Create(NewObject::Trigger { on: other()? }, name()?)
        }
        ffi::SQLITE_DROP_TABLE
        | ffi::SQLITE_DROP_VTABLE
        | ffi::SQLITE_DROP_TEMP_TABLE
        | ffi::SQLITE_DROP_VIEW
        | ffi::SQLITE_DROP_TEMP_VIEW => Act::Change(NameKind::Table, name()?),
        ffi::SQLITE_DROP_INDEX | ffi::SQLITE_DROP_TEMP_INDEX => Act::Change(NameKind::Index, name()?),
        ffi::SQLITE_DROP_TRIGGER | ffi::SQLITE_DROP_TEMP_TRIGGER => Act::Change(NameKind::Trigger, name()?),
        // Its first name is the schema's.
        ffi::SQLITE_ALTER_TABLE => return Some((Act::Change(NameKind::Table, other()?), question.first())),
        ffi::SQLITE_REINDEX => Act::Maintain(NameKind::Index, name()?),
        ffi::SQLITE_ANALYZE => Act::Maintain(NameKind::Table, name()?),
        ffi::SQLITE_PRAGMA => Act::Pragma(question.first()?.to_ascii_lowercase(), other()),
        ffi::SQLITE_TRANSACTION => Act::Control(match question.first()? {
            "BEGIN" => Control::Begin,
            "ROLLBACK" => Control::Rollback,
            _ => Control::Commit,
        }),
        ffi::SQLITE_SAVEPOINT => Act::Control(match question.first()? {
            "RELEASE" => Control::Release,
            "ROLLBACK" => Control::RollbackTo,
            _ => Control::Savepoint,
        }),
        // A function has no first name.
        ffi::SQLITE_FUNCTION if question.second().is_some_and(reports_counts) => Act::Counts(other()?),
        // Without a name, where that is an expression.
        ffi::SQLITE_ATTACH => Act::Control(Control::Attach),
        ffi::SQLITE_DETACH => Act::Control(Control::Detach),
        _ => return None,
    };
    let schema = if is_temporary(action) { TEMP } else { question.schema() };
    Some((act, schema))
}

/// Returns whether an action is on an object that lives as long as one connection.
fn is_temporary(action: c_int) -> bool {
    matches!(
        action,
        ffi::SQLITE_CREATE_TEMP_INDEX
            | ffi::SQLITE_CREATE_TEMP_TABLE
            | ffi::SQLITE_CREATE_TEMP_TRIGGER
            | ffi::SQLITE_CREATE_TEMP_VIEW
            | ffi::SQLITE_DROP_TEMP_INDEX
            | ffi::SQLITE_DROP_TEMP_TABLE
            | ffi::SQLITE_DROP_TEMP_TRIGGER
            | ffi::SQLITE_DROP_TEMP_VIEW
    )
}

/// Reports whether a function reports what its connection wrote.
fn reports_counts(function: &str) -> bool {
    has_name(&["changes", "total_changes"], function)
}

/// The schema that lives as long as one connection.
pub(super) const TEMP: Option<&str> = Some("temp");
