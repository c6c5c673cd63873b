//! Errors as `unwrap` and a test that returns one print them: the message, then the variant with its other fields.

use std::fmt::{Debug, Display, Formatter, Result};

use super::Error;

/// A text that the message has.
struct Above;

impl Debug for Above {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("…")
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Display::fmt(self, f)?;
        f.write_str("\n  ")?;
        match self {
            Error::NoBind => f.write_str("NoBind"),
            Error::BindKey { key, problem: _ } => {
                f.debug_struct("BindKey").field("key", key).field("problem", &Above).finish()
            }
            Error::DuplicateBind { bind, first } => {
                f.debug_struct("DuplicateBind").field("bind", bind).field("first", first).finish()
            }
            Error::UnknownBind { bind, configured } => {
                f.debug_struct("UnknownBind").field("bind", bind).field("configured", configured).finish()
            }
            Error::NoDefaultBind { what, configured } => {
                f.debug_struct("NoDefaultBind").field("what", what).field("configured", configured).finish()
            }
            Error::Dynamic { bind, problem: _ } => {
                f.debug_struct("Dynamic").field("bind", bind).field("problem", &Above).finish()
            }
            Error::NotDynamic { bind } => f.debug_struct("NotDynamic").field("bind", bind).finish(),
            Error::Context { name, known } => {
                f.debug_struct("Context").field("name", name).field("known", known).finish()
            }
            Error::Config { file, line, bind, problem: _ } => f
                .debug_struct("Config")
                .field("file", file)
                .field("line", line)
                .field("bind", bind)
                .field("problem", &Above)
                .finish(),
            Error::Url { file, line, bind, problem: _ } => f
                .debug_struct("Url")
                .field("file", file)
                .field("line", line)
                .field("bind", bind)
                .field("problem", &Above)
                .finish(),
            Error::Schema { bind, file, line, problem: _ } => f
                .debug_struct("Schema")
                .field("bind", bind)
                .field("file", file)
                .field("line", line)
                .field("problem", &Above)
                .finish(),
            Error::ForeignParent { bind, table, parent, found } => f
                .debug_struct("ForeignParent")
                .field("bind", bind)
                .field("table", table)
                .field("parent", parent)
                .field("found", found)
                .finish(),
            Error::Data { file, line, bind, problem: _ } => f
                .debug_struct("Data")
                .field("file", file)
                .field("line", line)
                .field("bind", bind)
                .field("problem", &Above)
                .finish(),
            Error::UnknownTable { table, nearest } => {
                f.debug_struct("UnknownTable").field("table", table).field("nearest", nearest).finish()
            }
            Error::NotInBind { bind, table, found, nearest } => f
                .debug_struct("NotInBind")
                .field("bind", bind)
                .field("table", table)
                .field("found", found)
                .field("nearest", nearest)
                .finish(),
            Error::AmbiguousTable { table, binds } => {
                f.debug_struct("AmbiguousTable").field("table", table).field("binds", binds).finish()
            }
            Error::Sql { bind, sql: _, source } => {
                f.debug_struct("Sql").field("bind", bind).field("sql", &Above).field("source", source).finish()
            }
            Error::Locked { bind, sql: _, conflict, source } => f
                .debug_struct("Locked")
                .field("bind", bind)
                .field("sql", &Above)
                .field("conflict", conflict)
                .field("source", source)
                .finish(),
            Error::Stale { bind, sql: _, source } => {
                f.debug_struct("Stale").field("bind", bind).field("sql", &Above).field("source", source).finish()
            }
            Error::RolledBack { bind } => f.debug_struct("RolledBack").field("bind", bind).finish(),
            Error::Prepare { sql: _, source } => {
                f.debug_struct("Prepare").field("sql", &Above).field("source", source).finish()
            }
            Error::OpenSavepoint => f.write_str("OpenSavepoint"),
            Error::Guarded { bind, guard, sql: _ } => {
                f.debug_struct("Guarded").field("bind", bind).field("guard", guard).field("sql", &Above).finish()
            }
            Error::StillInUse { sessions } => f.debug_struct("StillInUse").field("sessions", sessions).finish(),
            Error::Statement { sql: _, problem: _ } => {
                f.debug_struct("Statement").field("sql", &Above).field("problem", &Above).finish()
            }
            Error::CrossBindWrite { write, others, hint: _, sql: _ } => f
                .debug_struct("CrossBindWrite")
                .field("write", write)
                .field("others", others)
                .field("hint", &Above)
                .field("sql", &Above)
                .finish(),
            Error::Commit { failed, committed, rolled_back, source } => f
                .debug_struct("Commit")
                .field("failed", failed)
                .field("committed", committed)
                .field("rolled_back", rolled_back)
                .field("source", source)
                .finish(),
            Error::Fault { bind, problem: _ } => {
                f.debug_struct("Fault").field("bind", bind).field("problem", &Above).finish()
            }
            Error::InUse { bind, conflict, source } => {
                f.debug_struct("InUse").field("bind", bind).field("conflict", conflict).field("source", source).finish()
            }
            Error::Restore { failed, restored, conflict, source } => f
                .debug_struct("Restore")
                .field("failed", failed)
                .field("restored", restored)
                .field("conflict", conflict)
                .field("source", source)
                .finish(),
            Error::ForeignSnapshot { binds } => f.debug_struct("ForeignSnapshot").field("binds", binds).finish(),
            Error::Orphans { orphans } => f.debug_struct("Orphans").field("orphans", orphans).finish(),
            Error::NotAReplica { bind, replicas } => {
                f.debug_struct("NotAReplica").field("bind", bind).field("replicas", replicas).finish()
            }
            Error::Pool { bind, source } => f.debug_struct("Pool").field("bind", bind).field("source", source).finish(),
            Error::Row { problem: _ } => f.debug_struct("Row").field("problem", &Above).finish(),
            Error::Io { bind, action, path, source } => f
                .debug_struct("Io")
                .field("bind", bind)
                .field("action", action)
                .field("path", path)
                .field("source", source)
                .finish(),
        }
    }
}
