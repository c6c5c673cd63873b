//! Errors as `unwrap` and a test that returns one print them: the message, then the variant with its other fields.

use std::fmt::{Debug, Display, Formatter, Result};

use super::words::list;
use super::Error;

/// Adds a field to those that are printed, unless the message has it.
macro_rules! printed {
    ($printed:ident, $field:ident) => {
        $printed.field(stringify!($field), $field)
    };
    ($printed:ident, $field:ident above) => {{
        let _ = $field;
    }};
}

/// Prints the variant of an error with its fields, but for those marked `above`, which the message has.
macro_rules! variant {
    ($error:expr, $f:ident; $($name:ident { $($field:ident $($above:ident)?),* })*) => {
        match $error {
            $(Error::$name { $($field,)* at: _ } => {
                let mut printed = $f.debug_struct(stringify!($name));
                $(printed!(printed, $field $($above)?);)*
                printed.finish()
            })*
        }
    };
}

impl Error {
    /// Returns whether its message has a statement.
    fn has_statement(&self) -> bool {
        match self {
            Error::Sql { sql, .. } | Error::Locked { sql, .. } | Error::Stale { sql, .. } => sql.is_some(),
            Error::Prepare { .. } | Error::Guarded { .. } | Error::Statement { .. } | Error::CrossBindWrite { .. } => {
                true
            }
            _ => false,
        }
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match (self, self.at()) {
            // A statement that created the table where it was not is the cause: to name the bind would hide that.
            (Error::AmbiguousTable { table, binds, .. }, Some(caller)) if caller.knows_the_cause() => {
                write!(f, "table `{table}` is in the binds {}", list(binds))?;
            }
            _ => Display::fmt(self, f)?,
        }
        if let Some(caller) = self.at() {
            caller.write(self.has_statement(), f)?;
        }
        f.write_str("\n  ")?;
        variant! { self, f;
            NoBind {}
            Library { problem above }
            BindKey { key above, problem above }
            DuplicateBind { bind above, first above }
            UnknownBind { bind above, configured above }
            NoDefaultBind { what above, configured above }
            Dynamic { bind, problem above }
            NotDynamic { bind }
            Context { name, known }
            Config { file, line, bind, problem above }
            Url { file, line, bind, problem above }
            Schema { bind, file, line, problem above }
            Prepared { name, problem above }
            ForeignParent { bind, table, parent, found }
            Data { file, line, bind, problem above }
            UnknownTable { table above, nearest above }
            NotInBind { bind above, table above, found above, nearest above }
            AmbiguousTable { table above, binds above }
            Sql { bind above, sql above, source }
            Locked { bind above, sql above, conflict, source }
            Stale { bind above, sql above, source }
            RolledBack { bind }
            Prepare { sql above, source }
            OpenSavepoint {}
            Guarded { bind, guard, sql above }
            StillInUse { sessions, connections }
            Statement { sql above, problem above }
            CrossBindWrite { write, others, hint above, sql above }
            Commit { failed, committed, rolled_back, source }
            Fault { bind, problem above }
            InUse { bind, conflict, source }
            Restore { failed, restored, conflict, source }
            ForeignSnapshot { binds }
            Orphans { orphans }
            NotAReplica { bind, replicas }
            Pool { bind, source }
            Row { bind, problem above }
            Io { bind, action, path, source }
        }?;
        self.at().map_or(Ok(()), |caller| caller.write_last_words(f))
    }
}
