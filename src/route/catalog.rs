//! The names in every bind.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey, PerBind};
use crate::list::filtered;
use crate::order::{sort_by, sort_by_key};
use crate::sqlite::objects::{NameKind, Objects};
use crate::sqlite::Image;

/// A database that statements may be for.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The key that identifies the bind.
    pub(crate) key: BindKey,
    /// The keys by which SQL names it, its own first. A replica that SQL does not reach has none.
    pub(crate) names: Vec<BindKey>,
    /// Its tables.
    pub(crate) image: Arc<Image>,
    /// The bind that it is a replica of, if it is one. Only its key leads to its tables; replicas come after all others.
    pub(crate) replica_of: Option<BindIndex>,
    /// Set if its connections enforce foreign keys.
    pub(crate) foreign_keys: bool,
}

impl Candidate {
    fn is_default(&self) -> bool {
        self.names.iter().any(BindKey::is_default)
    }

    fn objects(&self) -> Result<&Objects> {
        self.image.objects().map_err(Error::sql(&self.key))
    }

    /// Returns a number that only databases with the same tables have in common.
    pub(super) fn schema_id(&self) -> Result<u64> {
        self.objects().map(Objects::id)
    }
}

/// The names of every bind at one moment.
pub(super) struct Catalog {
    pub(super) binds: PerBind<Candidate>,
    /// The names of virtual tables, folded.
    virtuals: PerBind<Vec<String>>,
    /// In the order of their kinds, folded names and binds.
    names: Vec<Named>,
}

/// A name in the schema of one bind.
#[derive(Clone, Debug)]
pub(super) struct Named {
    kind: NameKind,
    folded: String,
    pub(super) bind: BindIndex,
    /// The name as it is spelt there.
    pub(super) name: String,
}

/// A key by which a statement may name a bind, with the bind.
pub(super) type NamedBind = (BindKey, BindIndex);

impl Catalog {
    pub(super) fn new(binds: PerBind<Candidate>) -> Result<Catalog> {
        let mut names = Vec::new();
        let virtuals = binds.try_map(|bind, of| {
            let mut virtuals = Vec::new();
            for object in of.objects()?.all() {
                if object.is_virtual {
                    virtuals.push(folded(&object.name));
                }
                let (kind, folded, name) = (object.kind, folded(&object.name), object.name.clone());
                names.push(Named { kind, folded, bind, name });
            }
            Ok::<_, Error>(virtuals)
        })?;
        sort_by(&mut names, |one, other| {
            (one.kind, &one.folded, one.bind).cmp(&(other.kind, &other.folded, other.bind))
        });
        Ok(Catalog { binds, virtuals, names })
    }

    /// Returns the text encoding of a bind's database.
    pub(super) fn encoding(&self, bind: BindIndex) -> rusqlite::Result<&str> {
        self.binds[bind].image.objects().map(Objects::encoding)
    }

    /// Returns the keys by which SQL names binds, in order.
    pub(super) fn keys(&self) -> Vec<BindKey> {
        let mut keys = Vec::new();
        for of in self.binds.values() {
            keys.extend_from_slice(&of.names);
        }
        keys
    }

    /// Returns the key that a bind is first named by.
    pub(super) fn key(&self, bind: BindIndex) -> BindKey {
        let of = &self.binds[bind];
        of.names.first().unwrap_or(&of.key).clone()
    }

    /// Returns the bind that a key names.
    pub(super) fn bind(&self, key: &BindKey) -> Option<BindIndex> {
        self.binds.find(|of| of.names.contains(key))
    }

    /// Returns the default bind.
    pub(super) fn default_bind(&self) -> Option<BindIndex> {
        self.bind(&BindKey::DEFAULT)
    }

    /// Returns the default bind with its key.
    pub(super) fn default_named(&self) -> Option<NamedBind> {
        self.default_bind().map(|bind| (BindKey::DEFAULT, bind))
    }

    /// Returns a bind with the key that is meant where none is written.
    pub(super) fn unqualified(&self, bind: BindIndex) -> NamedBind {
        let is_default = self.binds[bind].is_default();
        (if is_default { BindKey::DEFAULT } else { self.key(bind) }, bind)
    }

    /// Returns every key with its bind, in order.
    pub(super) fn all_named(&self) -> Vec<NamedBind> {
        let mut all = Vec::new();
        for (bind, of) in self.binds.iter() {
            for key in &of.names {
                all.push((key.clone(), bind));
            }
        }
        self.in_order(&mut all);
        all
    }

    /// Returns every key but the default one, with its bind.
    pub(super) fn named_keys(&self) -> Vec<NamedBind> {
        filtered(&self.all_named(), |(key, _)| !key.is_default())
    }

    /// Sorts keys in the order in which SQLite is to find names: that of the binds, replicas after their sources, and
    /// the first key of each first.
    pub(super) fn in_order(&self, named: &mut [NamedBind]) {
        sort_by_key(named, |(key, bind)| {
            (*bind, !key.is_default(), self.binds[*bind].names.iter().position(|known| known == key))
        });
    }

    /// Reports whether a bind is a replica, which no name without a key means.
    pub(super) fn is_replica(&self, bind: BindIndex) -> bool {
        self.binds[bind].replica_of.is_some()
    }

    /// Reports whether a bind has a virtual table of this name.
    pub(super) fn is_virtual(&self, bind: BindIndex, name: &str) -> bool {
        self.virtuals[bind].contains(&folded(name))
    }

    /// Reports whether any bind has a virtual table of this name.
    pub(super) fn is_virtual_anywhere(&self, name: &str) -> bool {
        self.binds.indexes().any(|bind| self.is_virtual(bind, name))
    }

    /// Returns the names of a bind's virtual tables.
    pub(super) fn virtuals(&self, bind: BindIndex) -> &[String] {
        &self.virtuals[bind]
    }

    /// Returns every place where a name is, compared as SQL does.
    pub(super) fn named(&self, kind: NameKind, name: &str) -> &[Named] {
        let name = folded(name);
        let start = self.names.partition_point(|named| (named.kind, &named.folded) < (kind, &name));
        let rest = &self.names[start..];
        let length = rest.iter().take_while(|named| named.kind == kind && named.folded == name).count();
        &rest[..length]
    }

    /// Returns the places of a name that is written without a key.
    pub(super) fn owners(&self, kind: NameKind, name: &str) -> Vec<Named> {
        filtered(self.named(kind, name), |named| !self.is_replica(named.bind))
    }

    /// Returns the bind that a name without a key means, with its key; `None` where none or several have it.
    pub(super) fn owner(&self, kind: NameKind, name: &str) -> Option<NamedBind> {
        match self.owners(kind, name).as_slice() {
            [one] => Some(self.unqualified(one.bind)),
            _ => None,
        }
    }

    /// Returns the folded names of a kind, each with the places where it is, in order.
    pub(super) fn by_name(&self, kind: NameKind) -> impl Iterator<Item = (&str, &[Named])> {
        let of_kind = self.names.chunk_by(|one, other| one.kind == other.kind && one.folded == other.folded);
        of_kind.filter_map(move |named| {
            let first = named.first().filter(|first| first.kind == kind)?;
            Some((first.folded.as_str(), named))
        })
    }

    /// Returns the folded names of a kind that several binds have, replicas left out, in order.
    pub(super) fn names_of_several(&self, kind: NameKind) -> Vec<&str> {
        let mut names = Vec::new();
        for (name, named) in self.by_name(kind) {
            if named.iter().filter(|named| !self.is_replica(named.bind)).count() > 1 {
                names.push(name);
            }
        }
        names
    }

    /// Returns every table with the key of its bind, replicas left out.
    pub(super) fn tables(&self) -> Vec<(BindKey, String)> {
        let mut tables = Vec::new();
        for named in &self.names {
            if named.kind == NameKind::Table && !self.is_replica(named.bind) {
                tables.push((self.key(named.bind), named.name.clone()));
            }
        }
        tables
    }
}

/// Returns a name as SQLite compares it: ASCII letters without case, all others as they are.
pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
