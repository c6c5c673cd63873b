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

/// A field as it is printed, or [`Above`].
macro_rules! printed {
    ($field:ident) => {
        $field
    };
    ($field:ident above) => {{
        let _ = $field;
        &Above
    }};
}

/// Prints the variant of an error with its fields, those marked `above` as [`Above`].
macro_rules! variant {
    ($error:expr, $f:ident; $($name:ident { $($field:ident $($above:ident)?),* })*) => {
        match $error {
            $(Error::$name { $($field,)* at: _ } => {
                $f.debug_struct(stringify!($name))$(.field(stringify!($field), printed!($field $($above)?)))*.finish()
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
        Display::fmt(self, f)?;
        if let Some(caller) = self.at() {
            caller.write(self.has_statement(), f)?;
        }
        f.write_str("\n  ")?;
        variant! { self, f;
            NoBind {}
            BindKey { key, problem above }
            DuplicateBind { bind, first }
            UnknownBind { bind, configured }
            NoDefaultBind { what, configured }
            Dynamic { bind, problem above }
            NotDynamic { bind }
            Context { name, known }
            Config { file, line, bind, problem above }
            Url { file, line, bind, problem above }
            Schema { bind, file, line, problem above }
            Prepared { name, problem above }
            ForeignParent { bind, table, parent, found }
            Data { file, line, bind, problem above }
            UnknownTable { table, nearest }
            NotInBind { bind, table, found, nearest }
            AmbiguousTable { table, binds }
            Sql { bind, sql above, source }
            Locked { bind, sql above, conflict, source }
            Stale { bind, sql above, source }
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
