//! The lookup of a table by its name, and the errors with the nearest names where there is none.

use super::catalog::{Catalog, Named, NamedBind};
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::list::{filtered, mapped};
use crate::nearest::nearest_of;
use crate::sqlite::objects::NameKind;

impl Catalog {
    /// Returns the bind and the spelling of a table by its name, plain (`user`) or with its key (`auth.user`).
    pub(crate) fn table(&self, name: &str) -> Result<(BindIndex, String)> {
        let mut meant = self.owners(NameKind::Table, name);
        for (_, bind, table) in self.qualified(name) {
            meant.extend(self.named(NameKind::Table, table).iter().filter(|named| named.bind == bind).cloned());
        }
        match meant.as_slice() {
            [one] => Ok((one.bind, one.name.clone())),
            [] => Err(self.unknown_table(name)),
            several => Err(self.ambiguous(name, several)),
        }
    }

    /// Returns every way to read a name as a key, a dot and the rest; a key may have dots of its own.
    fn qualified<'n>(&'n self, name: &'n str) -> impl Iterator<Item = (&'n BindKey, BindIndex, &'n str)> {
        self.binds.iter().flat_map(move |(at, bind)| {
            bind.names.iter().filter_map(move |key| {
                let schema = key.schema_name();
                let (head, rest) = (name.get(..schema.len())?, name.get(schema.len()..)?);
                head.eq_ignore_ascii_case(schema).then(|| rest.strip_prefix('.').map(|table| (key, at, table)))?
            })
        })
    }

    /// Returns the keys that one of SQLite's messages misses: those before a dot, or that of the bind with such a name.
    pub(super) fn missed_in(&self, message: &str) -> Vec<NamedBind> {
        let mut keys = Vec::new();
        let mut add = |key: &BindKey, bind: BindIndex| {
            if !keys.contains(&(key.clone(), bind)) {
                keys.push((key.clone(), bind));
            }
        };
        const ABOUT: [&str; 4] = ["no such table: ", "no such view: ", "no such index: ", "no such trigger: "];
        let Some(name) = ABOUT.iter().find_map(|about| message.strip_prefix(about)) else { return keys };
        // `ANALYZE` takes a key for a name.
        for (key, bind) in &self.named_in_sql(name) {
            add(key, *bind);
        }
        for (key, bind, _) in self.qualified(name) {
            add(key, bind);
        }
        for kind in [NameKind::Table, NameKind::Index, NameKind::Trigger] {
            if let Some(first) = self.owners(kind, name).first() {
                let (key, bind) = self.unqualified(first.bind);
                add(&key, bind);
            }
        }
        keys
    }

    /// Returns the keys that are this schema name in SQL.
    pub(super) fn named_in_sql(&self, schema: &str) -> Vec<NamedBind> {
        filtered(&self.all_named(), |(key, _)| key.schema_name().eq_ignore_ascii_case(schema))
    }

    /// Returns the error for a name that several binds have.
    pub(super) fn ambiguous(&self, table: &str, several: &[Named]) -> Error {
        let owners = filtered(several, |named| !self.is_replica(named.bind));
        let mut binds = mapped(&owners, |named| self.key(named.bind));
        binds.dedup();
        Error::AmbiguousTable { table: table.to_string(), binds, at: None }
    }

    /// Returns the error for a name that no bind has.
    pub(super) fn unknown_table(&self, table: &str) -> Error {
        // The table's own name is compared, without a key that may stand before it.
        let bare = self.qualified(table).next().map_or(table, |(_, _, rest)| rest);
        Error::UnknownTable { table: table.to_string(), nearest: nearest_of(bare, self.tables()), at: None }
    }

    /// Returns the error for what needs a default bind.
    pub(super) fn no_default(&self, what: &str) -> Error {
        Error::NoDefaultBind { what: Some(what.to_string()), configured: self.keys(), at: None }
    }
}
