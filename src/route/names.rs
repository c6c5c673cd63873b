//! Looking a table up by its name, and saying what comes near when there is none.

use super::access::Kind;
use super::catalog::{Catalog, Named};
use super::stage::Present;
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::list::{filtered, mapped};
use crate::nearest::nearest_tables;
use crate::sqlite::script::quote;

impl Catalog {
    /// The member and the spelling of a table by its name, plain (`user`) or with its key (`auth.user`).
    pub(crate) fn table(&self, name: &str) -> Result<(BindIndex, String)> {
        let mut meant = self.owners(Kind::Table, name);
        for (_, member, table) in self.qualified(name) {
            meant.extend(self.named(Kind::Table, table).iter().filter(|named| named.member == member).cloned());
        }
        match meant.as_slice() {
            [one] => Ok((one.member, one.name.clone())),
            [] => Err(self.unknown_table(name)),
            several => Err(self.ambiguous(name, several)),
        }
    }

    /// Every way to read a name as a key, a dot and the rest; a key may have dots of its own.
    fn qualified<'n>(&'n self, name: &'n str) -> impl Iterator<Item = (&'n BindKey, BindIndex, &'n str)> {
        self.members.iter().flat_map(move |(at, member)| {
            member.keys.iter().filter_map(move |key| {
                let schema = key.schema_name();
                let (head, rest) = (name.get(..schema.len())?, name.get(schema.len()..)?);
                head.eq_ignore_ascii_case(schema).then(|| rest.strip_prefix('.').map(|table| (key, at, table)))?
            })
        })
    }

    /// The keys that one of SQLite's messages misses, with their members: those before a dot, or that of the bind with
    /// such a name.
    pub(super) fn missed_in(&self, message: &str) -> Vec<Present> {
        let mut keys = Vec::new();
        let mut add = |key: &BindKey, member: BindIndex| {
            if !keys.contains(&(key.clone(), member)) {
                keys.push((key.clone(), member));
            }
        };
        if let Some(written) = message.strip_prefix("unknown database ") {
            // As the statement writes it.
            for (key, member) in &self.all_present() {
                if spellings(key.schema_name()).iter().any(|spelling| spelling.eq_ignore_ascii_case(written)) {
                    add(key, *member);
                }
            }
            return keys;
        }
        const ABOUT: [&str; 4] = ["no such table: ", "no such view: ", "no such index: ", "no such trigger: "];
        let Some(name) = ABOUT.iter().find_map(|about| message.strip_prefix(about)) else { return keys };
        for (key, member) in &self.all_present() {
            // `ANALYZE` takes a key for a name.
            if key.schema_name().eq_ignore_ascii_case(name) {
                add(key, *member);
            }
        }
        for (key, member, _) in self.qualified(name) {
            add(key, member);
        }
        for kind in [Kind::Table, Kind::Index, Kind::Trigger] {
            if let Some(first) = self.owners(kind, name).first() {
                let (key, member) = self.present(first.member);
                add(&key, member);
            }
        }
        keys
    }

    pub(super) fn ambiguous(&self, table: &str, several: &[Named]) -> Error {
        let owners = filtered(several, |named| !self.is_replica(named.member));
        let mut binds = mapped(&owners, |named| self.key(named.member));
        binds.dedup();
        Error::AmbiguousTable { table: table.to_string(), binds }
    }

    pub(super) fn unknown_table(&self, table: &str) -> Error {
        // What is compared is the table's own name, without a key that may stand before it.
        let bare = self.qualified(table).next().map_or(table, |(_, _, rest)| rest);
        Error::UnknownTable { table: table.to_string(), nearest: nearest_tables(bare, self.tables()) }
    }

    pub(crate) fn no_default(&self, what: &str) -> Error {
        Error::NoDefaultBind { what: Some(what.to_string()), configured: self.keys() }
    }

    /// The member of a key.
    pub(crate) fn member_of(&self, key: &BindKey) -> Option<BindIndex> {
        self.members.find(|member| member.keys.contains(key))
    }
}

/// Every way to write a name, see <https://sqlite.org/lang_keywords.html>.
fn spellings(name: &str) -> [String; 5] {
    [
        name.to_string(),
        quote(name),
        format!("'{}'", name.replace('\'', "''")),
        format!("`{}`", name.replace('`', "``")),
        format!("[{name}]"),
    ]
}
