//! One action of a statement, as SQLite reports it to an authorizer while it prepares the statement.

use std::ffi::{c_int, CStr};

use rusqlite::ffi;

use super::deed::Deed;
use super::operation::Operation;

/// SQLite's reports on a statement that is judged.
#[derive(Clone, Copy, Default)]
pub(super) struct Noted {
    pub(super) transaction: bool,
    pub(super) elsewhere: bool,
    /// To the connection's own database.
    pub(super) writes: bool,
    pub(super) writes_elsewhere: bool,
    writes_temporary: bool,
    pub(super) pragma: Option<Pragma>,
    pub(super) uses_tables: bool,
    /// Anything at all, and anything that a database may be needed for.
    pub(super) something: bool,
    pub(super) uses_something: bool,
    /// Set if a pragma is to do nothing.
    pub(super) spares_pragmas: bool,
}

impl Noted {
    /// Begins to judge a statement whose pragma does nothing.
    pub(super) fn sparing_pragmas() -> Noted {
        Noted { spares_pragmas: true, ..Noted::default() }
    }

    /// Returns whether it writes to tables that are not in the connection's own database.
    pub(super) fn writes_beside(&self) -> bool {
        self.writes_temporary || self.writes_elsewhere
    }
}

/// A pragma, as far as its name and its argument tell and its program does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pragma {
    /// It writes nothing that was not committed before, though SQLite calls it one that may write.
    Harmless,
    /// It sets the journal mode, which the database keeps.
    JournalMode,
    /// It analyzes what it finds worth it, by statements of its own.
    Optimize {
        mask: i64,
    },
    Other,
}

/// An action that SQLite asks about, see <https://sqlite.org/c3ref/c_alter_table.html>.
pub(super) struct Action<'c> {
    pub(super) action: c_int,
    pub(super) first: Option<&'c CStr>,
    pub(super) second: Option<&'c CStr>,
    /// The name that the database has on the connection.
    pub(super) schema: Option<&'c CStr>,
}

impl<'c> Action<'c> {
    /// Returns an action with what SQLite passes for it.
    pub(super) fn new(action: c_int, [first, second, third]: [Option<&'c CStr>; 3]) -> Action<'c> {
        // Of an `ALTER TABLE`, the schema comes first, and a column that it drops where that of the others is.
        let schema = if action == ffi::SQLITE_ALTER_TABLE { first } else { third };
        Action { action, first, second, schema }
    }
}

impl Action<'_> {
    /// Returns what is known of the statement by this alone.
    pub(super) fn deed(&self) -> Deed {
        // SQLite sets a journal mode without asking whether the connection may write.
        let writes = self.pragma() == Some(Pragma::JournalMode);
        Deed { transaction: self.is_of_transaction(), elsewhere: self.is_elsewhere(), writes, ..Deed::default() }
    }

    /// Returns what it does to which table, where a fault may be about that.
    pub(super) fn operation(&self) -> Option<(Operation, &str)> {
        let operation = match self.action {
            ffi::SQLITE_READ => Operation::Read,
            ffi::SQLITE_INSERT => Operation::Insert,
            ffi::SQLITE_UPDATE => Operation::Update,
            ffi::SQLITE_DELETE => Operation::Delete,
            _ => return None,
        };
        let table = self.first.filter(|_| !self.is_temporary())?;
        Some((operation, table.to_str().ok()?))
    }

    /// Returns the table whose rows it changes, the schema of that, and the change.
    pub(super) fn changed_rows(&self) -> Option<(&CStr, &str, Operation)> {
        let (operation, table) = self.operation()?;
        Some((self.schema.filter(|_| operation != Operation::Read)?, table, operation))
    }

    /// Returns the table or view that it creates, and the schema of that.
    pub(super) fn created(&self) -> Option<(&CStr, &str)> {
        let creates = [ffi::SQLITE_CREATE_TABLE, ffi::SQLITE_CREATE_VIEW, ffi::SQLITE_CREATE_VTABLE];
        if !creates.contains(&self.action) {
            return None;
        }
        Some((self.schema?, self.first?.to_str().ok()?))
    }

    /// Returns the trigger that it creates, and the schema of that.
    pub(super) fn created_trigger(&self) -> Option<(&CStr, &str)> {
        let creates = self.action == ffi::SQLITE_CREATE_TRIGGER;
        if creates {
            Some((self.schema?, self.first?.to_str().ok()?))
        } else {
            None
        }
    }

    /// Returns the table or view that it alters or drops, and the schema of that.
    pub(super) fn altered(&self) -> Option<(&CStr, &str)> {
        match self.action {
            ffi::SQLITE_ALTER_TABLE => Some((self.schema?, self.second?.to_str().ok()?)),
            ffi::SQLITE_DROP_TABLE | ffi::SQLITE_DROP_VIEW | ffi::SQLITE_DROP_VTABLE => {
                Some((self.schema?, self.first?.to_str().ok()?))
            }
            _ => None,
        }
    }

    /// Returns the schema that it is about, and whether it changes that; not the temporary one.
    pub(super) fn place(&self) -> Option<(&CStr, bool)> {
        let tells = self.is_of_rows() || self.is_change();
        let schema = self.schema.filter(|_| tells && !self.is_temporary());
        schema.map(|schema| (schema, self.is_change()))
    }

    fn is_of_rows(&self) -> bool {
        [ffi::SQLITE_READ, ffi::SQLITE_INSERT, ffi::SQLITE_UPDATE, ffi::SQLITE_DELETE].contains(&self.action)
    }

    /// Returns whether it says nothing that what follows will not say better.
    pub(super) fn is_vague(&self) -> bool {
        matches!(self.action, ffi::SQLITE_SELECT | ffi::SQLITE_FUNCTION | ffi::SQLITE_RECURSIVE)
    }

    /// Returns whether SQLite asks about each table of a statement, also when the first has been refused.
    pub(super) fn comes_again(&self) -> bool {
        self.action == ffi::SQLITE_ANALYZE
    }

    fn is_of_transaction(&self) -> bool {
        matches!(self.action, ffi::SQLITE_TRANSACTION | ffi::SQLITE_SAVEPOINT)
    }

    /// Returns whether it attaches a database, or uses one that was.
    fn is_elsewhere(&self) -> bool {
        self.action == ffi::SQLITE_ATTACH || !self.is_in_main() && self.action != ffi::SQLITE_DETACH
    }

    /// Returns whether it is about nothing that was attached.
    pub(super) fn is_in_main(&self) -> bool {
        self.schema.is_none_or(|schema| schema == c"main" || schema == c"temp")
    }

    fn is_temporary(&self) -> bool {
        let made = [
            ffi::SQLITE_CREATE_TEMP_INDEX,
            ffi::SQLITE_CREATE_TEMP_TABLE,
            ffi::SQLITE_CREATE_TEMP_TRIGGER,
            ffi::SQLITE_CREATE_TEMP_VIEW,
            ffi::SQLITE_DROP_TEMP_INDEX,
            ffi::SQLITE_DROP_TEMP_TABLE,
            ffi::SQLITE_DROP_TEMP_TRIGGER,
            ffi::SQLITE_DROP_TEMP_VIEW,
        ];
        self.schema == Some(c"temp") || made.contains(&self.action)
    }

    /// Returns whether it changes rows or a schema.
    fn is_change(&self) -> bool {
        let harmless = [
            ffi::SQLITE_READ,
            ffi::SQLITE_PRAGMA,
            ffi::SQLITE_TRANSACTION,
            ffi::SQLITE_SAVEPOINT,
            ffi::SQLITE_ATTACH,
            ffi::SQLITE_DETACH,
        ];
        !self.is_vague() && !harmless.contains(&self.action)
    }

    /// Returns the pragma that the statement is.
    fn pragma(&self) -> Option<Pragma> {
        if self.action != ffi::SQLITE_PRAGMA {
            return None;
        }
        let is = |name: &str| self.first.is_some_and(|first| first.to_bytes().eq_ignore_ascii_case(name.as_bytes()));
        Some(match self.second {
            _ if is("wal_checkpoint") => Pragma::Harmless,
            None if is("journal_mode") => Pragma::Harmless,
            Some(_) if is("journal_mode") => Pragma::JournalMode,
            _ if is("optimize") && self.schema == Some(c"temp") => Pragma::Harmless,
            mask if is("optimize") => Pragma::Optimize { mask: mask.map_or(OPTIMIZE, as_number) },
            _ => Pragma::Other,
        })
    }

    pub(super) fn noted(&self, noted: Noted) -> Noted {
        let (changes, temporary, elsewhere) = (self.is_change(), self.is_temporary(), self.is_elsewhere());
        Noted {
            transaction: noted.transaction || self.is_of_transaction(),
            elsewhere: noted.elsewhere || elsewhere,
            writes: noted.writes || changes && !temporary && !elsewhere,
            writes_elsewhere: noted.writes_elsewhere || changes && elsewhere,
            writes_temporary: noted.writes_temporary || changes && temporary,
            pragma: noted.pragma.or(self.pragma()),
            uses_tables: noted.uses_tables || self.is_of_rows(),
            something: true,
            uses_something: noted.uses_something || !self.is_vague(),
            spares_pragmas: noted.spares_pragmas,
        }
    }

    /// Returns what the statement is about to do, in words.
    pub(super) fn in_words(&self) -> String {
        let name = |text: Option<&CStr>| text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
        let first = name(self.first);
        let of_schema = first.eq_ignore_ascii_case("sqlite_master") || first.eq_ignore_ascii_case("sqlite_temp_master");
        match self.action {
            ffi::SQLITE_INSERT | ffi::SQLITE_UPDATE | ffi::SQLITE_DELETE if of_schema => CHANGE.to_string(),
            ffi::SQLITE_INSERT => format!("an INSERT into `{first}`"),
            ffi::SQLITE_UPDATE => format!("an UPDATE of `{first}`"),
            ffi::SQLITE_DELETE => format!("a DELETE from `{first}`"),
            // An UPDATE of a column to an expression asks to read first.
            ffi::SQLITE_READ => format!("a statement on `{first}`"),
            ffi::SQLITE_PRAGMA => format!("PRAGMA {first}"),
            ffi::SQLITE_ATTACH => "an ATTACH of another database".to_string(),
            ffi::SQLITE_DETACH => format!("a DETACH of `{first}`"),
            ffi::SQLITE_ANALYZE => "ANALYZE".to_string(),
            ffi::SQLITE_REINDEX => format!("a REINDEX of `{first}`"),
            ffi::SQLITE_ALTER_TABLE => format!("an ALTER of the table `{}`", name(self.second)),
            _ => CHANGE.to_string(),
        }
    }
}

/// The mask of `PRAGMA optimize` without an argument.
const OPTIMIZE: i64 = 0xfffe;

/// Returns the number that SQLite reads in a pragma's argument, which is 0 where it reads none.
fn as_number(text: &CStr) -> i64 {
    let text = text.to_string_lossy();
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    hexadecimal.map_or_else(|| text.parse(), |digits| i64::from_str_radix(digits, 16)).unwrap_or(0)
}

/// The words for a change of the schema.
pub(super) const CHANGE: &str = "a change of the schema";
