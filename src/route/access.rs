//! The accesses of a statement, as SQLite's authorizer reports them while it is prepared.

use std::sync::{Arc, Mutex};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::{ffi, Connection};

use crate::list::has_name;
use crate::sqlite::authorize;
use crate::sqlite::objects::NameKind;
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
    /// Starts listening on a connection. Pragmas are refused: many of them act while they are prepared.
    pub(super) fn listen(&self, conn: &Connection) -> rusqlite::Result<()> {
        let log = self.clone();
        authorize(conn, Some(Box::new(move |context| log.note(context))))
    }

    /// Stops any listening on a connection.
    pub(super) fn leave(conn: &Connection) -> rusqlite::Result<()> {
        authorize(conn, None)
    }

    /// Returns everything noted since the last call.
    pub(super) fn take(&self) -> Vec<Access> {
        std::mem::take(&mut lock(&self.0))
    }

    fn note(&self, context: AuthContext<'_>) -> Authorization {
        let schema = context.database_name;
        let Some((act, schema)) = act_of(context.action, schema) else { return Authorization::Allow };
        let verdict = if matches!(act, Act::Pragma(..)) { Authorization::Deny } else { Authorization::Allow };
        let access = Access { act, schema: schema.map(str::to_string), accessor: context.accessor.map(str::to_string) };
        let mut log = lock(&self.0);
        if log.last() != Some(&access) {
            log.push(access);
        }
        verdict
    }
}

/// Translates an action, and returns the schema that it is in; `None` for an action on no object.
fn act_of<'a>(action: AuthAction<'a>, schema: Option<&'a str>) -> Option<(Act, Option<&'a str>)> {
    let named = |name: &str| name.to_string();
    let act = match action {
        AuthAction::Read { table_name, .. } => Act::Read(named(table_name)),
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => Act::Write(named(table_name)),
        AuthAction::CreateTable { table_name } | AuthAction::CreateVtable { table_name, .. } => {
            Act::Create(NewObject::Table, named(table_name))
        }
        AuthAction::CreateView { view_name } => Act::Create(NewObject::View, named(view_name)),
        AuthAction::CreateIndex { index_name, table_name } => {
            Act::Create(NewObject::Index { on: named(table_name) }, named(index_name))
        }
        AuthAction::CreateTrigger { trigger_name, table_name } => {
            Act::Create(NewObject::Trigger { on: named(table_name) }, named(trigger_name))
        }
        AuthAction::CreateTempTable { table_name } => {
            return Some((Act::Create(NewObject::Table, named(table_name)), TEMP))
        }
        AuthAction::CreateTempView { view_name } => {
            return Some((Act::Create(NewObject::View, named(view_name)), TEMP))
        }
        AuthAction::CreateTempIndex { index_name, table_name } => {
            return Some((Act::Create(NewObject::Index { on: named(table_name) }, named(index_name)), TEMP))
        }
        AuthAction::CreateTempTrigger { trigger_name, table_name } => {
            return Some((Act::Create(NewObject::Trigger { on: named(table_name) }, named(trigger_name)), TEMP))
        }
        AuthAction::DropTable { table_name } | AuthAction::DropVtable { table_name, .. } => {
            Act::Change(NameKind::Table, named(table_name))
        }
        AuthAction::DropView { view_name } => Act::Change(NameKind::Table, named(view_name)),
        AuthAction::DropIndex { index_name, .. } => Act::Change(NameKind::Index, named(index_name)),
        AuthAction::DropTrigger { trigger_name, .. } => Act::Change(NameKind::Trigger, named(trigger_name)),
        AuthAction::DropTempTable { table_name } => {
            return Some((Act::Change(NameKind::Table, named(table_name)), TEMP))
        }
        AuthAction::DropTempView { view_name } => return Some((Act::Change(NameKind::Table, named(view_name)), TEMP)),
        AuthAction::DropTempIndex { index_name, .. } => {
            return Some((Act::Change(NameKind::Index, named(index_name)), TEMP))
        }
        AuthAction::DropTempTrigger { trigger_name, .. } => {
            return Some((Act::Change(NameKind::Trigger, named(trigger_name)), TEMP))
        }
        AuthAction::AlterTable { database_name, table_name } => {
            return Some((Act::Change(NameKind::Table, named(table_name)), Some(database_name)))
        }
        AuthAction::Reindex { index_name } => Act::Maintain(NameKind::Index, named(index_name)),
        AuthAction::Analyze { table_name } => Act::Maintain(NameKind::Table, named(table_name)),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            Act::Pragma(pragma_name.to_ascii_lowercase(), pragma_value.map(str::to_string))
        }
        AuthAction::Transaction { operation } => Act::Control(match operation {
            TransactionOperation::Begin => Control::Begin,
            TransactionOperation::Rollback => Control::Rollback,
            // SQLite says `COMMIT`, which rusqlite has no name for.
            _ => Control::Commit,
        }),
        AuthAction::Savepoint { operation, .. } => Act::Control(match operation {
            TransactionOperation::Release => Control::Release,
            TransactionOperation::Rollback => Control::RollbackTo,
            _ => Control::Savepoint,
        }),
        AuthAction::Function { function_name } if reports_counts(function_name) => Act::Counts(named(function_name)),
        AuthAction::Attach { .. } => Act::Control(Control::Attach),
        AuthAction::Detach { .. } => Act::Control(Control::Detach),
        // Their file or name is an expression, which rusqlite has no form for.
        AuthAction::Unknown { code: ffi::SQLITE_ATTACH, .. } => Act::Control(Control::Attach),
        AuthAction::Unknown { code: ffi::SQLITE_DETACH, .. } => Act::Control(Control::Detach),
        _ => return None,
    };
    Some((act, schema))
}

/// Reports whether a function reports what its connection wrote.
fn reports_counts(function: &str) -> bool {
    has_name(&["changes", "total_changes"], function)
}

/// The schema that lives as long as one connection.
pub(super) const TEMP: Option<&str> = Some("temp");
