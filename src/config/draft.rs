//! A database while the binds that mean it are put together.

use std::path::PathBuf;
use std::sync::Arc;

use super::bind::Bind;
use super::chooser::Chooser;
use super::options::EngineOptions;
use super::origin::Origin;
use super::redact::UrlText;
use super::source::SchemaSource;
use super::spec::DatabaseSpec;
use super::storage::Storage;
use crate::error::Result;
use crate::key::{BindKey, Keys};
use crate::list::filtered;
use crate::url::Named;

/// A database while the binds that mean it are put together.
pub(super) struct Draft {
    /// The keys that mean it, without those of replicas that lag.
    pub(super) keys: Keys,
    pub(super) identity: Option<Named>,
    /// The URLs of keys that have one.
    pub(super) urls: Vec<(BindKey, UrlText)>,
    /// The storage, with the key that set it.
    pub(super) storage: Option<(BindKey, Storage)>,
    /// The storage that a URL asks for, where no key sets one.
    pub(super) asked: Option<Storage>,
    /// The keys by which the application only reads.
    pub(super) read_only: Vec<BindKey>,
    /// The replicas that are databases of their own, each with what it sets itself.
    pub(super) lagging: Vec<(BindKey, EngineOptions)>,
    /// Set where one of the keys is a mirror.
    pub(super) is_mirrored: bool,
    /// The options that each key sets itself.
    pub(super) own_options: Vec<(BindKey, EngineOptions)>,
    /// The options of each key with the defaults of the configuration applied.
    pub(super) options: Vec<(BindKey, EngineOptions)>,
    pub(super) copy_of: Option<(BindKey, PathBuf, Origin)>,
    pub(super) schema: Vec<(BindKey, SchemaSource)>,
    pub(super) data: Vec<(BindKey, PathBuf)>,
    pub(super) allow_missing_parents: bool,
    /// The chooser of a database, for a bind that has several.
    pub(super) dynamic: Option<Chooser>,
    pub(super) origin: Origin,
    /// The place where each key is configured.
    pub(super) origins: Vec<(BindKey, Origin)>,
}

/// The databases that a draft becomes.
pub(super) struct Finished {
    pub(super) source: DatabaseSpec,
    /// The keys by which the application only reads, where it writes by others.
    pub(super) way: Option<DatabaseSpec>,
    pub(super) lagging: Vec<DatabaseSpec>,
}

impl Draft {
    /// Takes in a bind of the same URL. What one of them leaves unset, the other may set.
    pub(super) fn join(&mut self, other: Draft, origin: &Origin) -> Result<()> {
        self.take_in(other, origin, &|first| format!("its URL is that of bind `{first}`, so both have one database"))
    }

    /// Takes in a mirror.
    pub(super) fn mirror(&mut self, mirror: Draft, bind: &Bind, origin: &Origin) -> Result<()> {
        self.is_mirrored = true;
        self.origins.extend_from_slice(&mirror.origins);
        if bind.lag.is_some() {
            self.lagging.push((mirror.keys.first().clone(), bind.options.clone()));
            return Ok(());
        }
        self.take_in(mirror, origin, &|first| format!("it mirrors bind `{first}`, so both have one database"))
    }

    fn take_in(&mut self, other: Draft, origin: &Origin, why: &dyn Fn(&BindKey) -> String) -> Result<()> {
        let key = other.keys.first();
        let refuse = |first: &BindKey, setting: &str| {
            let why = why(first);
            origin.error(key, format!("{why}, but `{setting}` differs: set it in one of them, or alike in both"))
        };
        match (&self.storage, &other.storage) {
            (Some((first, mine)), Some((_, theirs))) if mine != theirs => return Err(refuse(first, "storage")),
            (None, Some(_)) => self.storage.clone_from(&other.storage),
            _ => {}
        }
        self.asked = self.asked.or(other.asked);
        self.urls.extend(other.urls);
        match (&self.copy_of, &other.copy_of) {
            (Some((first, mine, _)), Some((_, theirs, _))) if mine != theirs => return Err(refuse(first, "copy_of")),
            (None, Some(_)) => self.copy_of.clone_from(&other.copy_of),
            _ => {}
        }
        for (_, theirs) in &other.own_options {
            // Those who read have connections and a pool apart from those who write.
            let alike = |key: &BindKey| self.read_only.contains(key) != other.read_only.is_empty();
            for (first, mine) in &self.own_options {
                if alike(first)
                    && let Some(setting) = mine.conflict(theirs)
                {
                    return Err(refuse(first, &setting));
                }
            }
        }
        self.options.extend(other.options);
        self.origins.extend(other.origins);
        self.own_options.extend(other.own_options);
        self.read_only.extend(other.read_only);
        self.allow_missing_parents |= other.allow_missing_parents;
        for (key, source) in other.schema {
            self.add_schema(key, source);
        }
        for (key, path) in other.data {
            if !self.data.iter().any(|(set_by, known)| *set_by != key && *known == path) {
                self.data.push((key, path));
            }
        }
        self.keys = self.keys.with(&other.keys);
        Ok(())
    }

    /// Adds a schema source; one that another key of this database has too is there once.
    pub(super) fn add_schema(&mut self, key: BindKey, source: SchemaSource) {
        if !self.schema.iter().any(|(set_by, known)| *set_by != key && same_source(known, &source)) {
            self.schema.push((key, source));
        }
    }

    /// Returns the database to start, and the replicas of it. It has the `default` storage where no key sets one.
    pub(super) fn finish(self, configured: &Keys, default: Option<Storage>) -> Result<Finished> {
        let origin = |key: &BindKey| {
            let own = self.origins.iter().find(|(known, _)| known == key);
            own.map_or(&self.origin, |(_, origin)| origin)
        };
        let storage = match self.storage {
            Some((_, storage)) => storage,
            None => default.or(self.asked).unwrap_or(Storage::Memory),
        };
        let first_lagging = self.lagging.first().map(|(key, _)| key);
        if let (Storage::SharedCache, Some(key)) = (storage, self.read_only.first().or(first_lagging)) {
            let problem =
                "a shared cache cannot be read only: its connections share one handle, of which SQLite opens \
                           none read-only. Take `memory`, `memdb` or `temp_file` for its storage";
            return Err(origin(key).error(key, problem));
        }
        if let Some((key, _)) = self.lagging.iter().find(|(key, _)| key.is_default()) {
            let problem = "the default bind cannot lag behind another: a statement that names no bind is for it. Make \
                           the other bind the default one, and this one its replica";
            return Err(origin(key).error(key, problem));
        }
        let writers = Keys::of(filtered(&self.keys, |key| !self.read_only.contains(key)));
        let nobody_writes = writers.is_none();
        let (keys, ways) = match writers {
            Some(writers) => (writers, Keys::of(filtered(&self.keys, |key| self.read_only.contains(key)))),
            // Where nobody writes, those who read have the database itself.
            None => (self.keys.clone(), None),
        };
        let is_way = |key: &BindKey| !nobody_writes && self.read_only.contains(key);
        let combined = |options: &[(BindKey, EngineOptions)], ways: bool| {
            let mut combined = EngineOptions::default();
            for (key, options) in options {
                if is_way(key) == ways {
                    combined = combined.or(options);
                }
            }
            combined
        };
        // Those that any of the keys sets itself win over the defaults of each.
        let options = combined(&self.own_options, false).or(&combined(&self.options, false));
        let way_options = combined(&self.own_options, true).or(&options).settled();
        let (mut schema, mut data) = (Vec::with_capacity(self.schema.len()), Vec::with_capacity(self.data.len()));
        for (_, source) in self.schema {
            schema.push(source);
        }
        for (_, path) in self.data {
            data.push(path);
        }
        let source = DatabaseSpec {
            keys,
            made_for: self.keys,
            configured: configured.clone(),
            identity: self.identity,
            urls: self.urls,
            storage,
            read_only: nobody_writes,
            options: options.clone().settled(),
            copy_of: self.copy_of.map(|(_, path, origin)| (path, origin)),
            schema,
            data,
            allow_missing_parents: self.allow_missing_parents,
            is_mirrored: self.is_mirrored,
            dynamic: self.dynamic,
            origin: self.origin,
        };
        let replica = |keys: Keys, options: EngineOptions| DatabaseSpec {
            made_for: keys.clone(),
            keys,
            urls: Vec::new(),
            read_only: true,
            options,
            copy_of: None,
            schema: Vec::new(),
            data: Vec::new(),
            ..source.clone()
        };
        let mut lagging = Vec::with_capacity(self.lagging.len());
        for (key, own) in self.lagging {
            lagging.push(replica(Keys::one(key), own.or(&options).settled()));
        }
        let way = ways.map(|ways| replica(ways, way_options));
        Ok(Finished { way, lagging, source })
    }
}

/// Returns whether two sources certainly create the same tables.
fn same_source(one: &SchemaSource, other: &SchemaSource) -> bool {
    match (one, other) {
        (SchemaSource::Sql(one), SchemaSource::Sql(other)) => one == other,
        (SchemaSource::Path(one), SchemaSource::Path(other)) => one == other,
        (SchemaSource::UpTo(one, to), SchemaSource::UpTo(other, its_to)) => one == other && to == its_to,
        (SchemaSource::With(one), SchemaSource::With(other)) => {
            Arc::ptr_eq(&one.run, &other.run) || (one.identity.is_some() && one.identity == other.identity)
        }
        _ => false,
    }
}
