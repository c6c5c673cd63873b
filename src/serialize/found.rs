//! Forms of landings and statements.

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use super::object;
use crate::error::Orphan;
use crate::observe::{Landing, Refusal, Statement, StatementKind, StatementLog};
use crate::route::Route;

/// `bind`, `table`, `row`, and whether it is `committed`.
impl Serialize for Landing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "Landing";
            "bind": self.bind();
            "table": self.table();
            "row": self.row();
            "committed": self.is_committed())
    }
}

/// `bind`, `table`, `row`, and what it `refers_to`.
impl Serialize for Orphan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "Orphan";
            "bind": self.bind();
            "table": self.table();
            "row": self.row();
            "refers_to": self.refers_to())
    }
}

/// The binds that it `reads` and those that it `writes`.
impl Serialize for Route {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "Route"; "reads": self.reads(); "writes": self.writes())
    }
}

/// A list of [`Statement`], in the order in which they began.
impl Serialize for StatementLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.statements())
    }
}

/// `bind`, or `binds` where it is not one; `kind`; `sql`; where there is any of it `with_values`, the `rows` that it changed,
/// its `error`; whether it is `from_session`. Its time and its thread differ from run to run and are left out.
impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_one = self.binds().len() == 1;
        object!(serializer, "Statement";
            "bind": self.bind(), if is_one;
            "binds": self.binds(), if !is_one;
            "kind": self.kind();
            "sql": self.sql();
            "with_values": self.sql_with_values(), if self.sql_with_values() != self.sql();
            "rows": self.rows_changed(), if self.kind() == StatementKind::Write;
            "error": self.error(), if self.error().is_some();
            "from_session": self.is_from_session())
    }
}

/// `read`, `write` or `transaction`.
impl Serialize for StatementKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            StatementKind::Read => "read",
            StatementKind::Write => "write",
            StatementKind::Transaction => "transaction",
        })
    }
}

/// The `bind`, and the `statement` that was refused.
impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, "Refusal"; "bind": self.bind(); "statement": self.statement())
    }
}
