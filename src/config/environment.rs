//! Environments of one file: `[env.NAME]` is laid over the rest of it when that environment is chosen.

use super::bind::Bind;
use super::origin::Origin;
use super::source::SchemaSource;
use super::written::Written;
use crate::key::BindKey;
use crate::list::retain;

/// The content of `[env.NAME]`.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) name: String,
    pub(super) written: Written,
    /// The settings in it: the bind, none for a setting for all, and the name.
    pub(super) set: Vec<(Option<BindKey>, String)>,
    pub(super) origin: Origin,
}

impl Written {
    /// Lays what an environment sets over the rest.
    pub(super) fn lay_over(&mut self, environment: &Environment) {
        let Environment { written, set, .. } = environment;
        let Written {
            binds,
            tables,
            data,
            options,
            default_options,
            temp_dir,
            images,
            storage,
            with_env,
            deny_outside,
            references,
        } = written;
        let sets = |key: Option<&BindKey>, name: &str| set.iter().any(|(of, set)| of.as_ref() == key && set == name);
        for (key, over) in binds {
            match self.binds.iter_mut().find(|(known, _)| known == key) {
                // A bind of the code's is not the file's: the key is configured twice.
                Some((_, bind)) if bind.origin != Origin::Code => {
                    lay(bind, over.clone(), &|name| sets(Some(key), name));
                }
                _ => self.binds.push((key.clone(), over.clone())),
            }
        }
        // They win over what the bind has outside of the environment, and not over what it has within.
        match self.binds.iter_mut().find(|(key, _)| key.is_default()) {
            Some((key, bind)) => {
                let within = binds.iter().find(|(over, _)| over == key).map(|(_, bind)| bind.options.clone());
                bind.options = within.unwrap_or_default().or(default_options).or(&bind.options);
            }
            None => self.default_options = default_options.clone().or(&self.default_options),
        }
        if sets(None, "data") {
            self.data.clone_from(data);
        }
        self.options = options.clone().or(&self.options);
        if temp_dir.is_some() {
            self.temp_dir.clone_from(temp_dir);
        }
        if images.is_some() {
            self.images.clone_from(images);
        }
        self.storage = storage.or(self.storage);
        self.with_env = with_env.or(self.with_env);
        if deny_outside.is_some() {
            self.deny_outside.clone_from(deny_outside);
        }
        self.references.extend_from_slice(references);
        self.tables.extend_from_slice(tables);
    }
}

/// Lays what an environment says of a bind over what the bind has.
fn lay(bind: &mut Bind, over: Bind, sets: &dyn Fn(&str) -> bool) {
    // No file has a callback.
    let Bind {
        url,
        storage,
        schema,
        data,
        options,
        allow_missing_parents,
        read_only,
        copy_of,
        mirror,
        lag,
        dynamic: _,
        origin: _,
    } = over;
    // What says whose database it is takes the place of what said so outside.
    if mirror.is_some() {
        (bind.url, bind.storage, bind.copy_of) = (None, None, None);
        bind.schema.clear();
        bind.data.clear();
    } else if url.is_some() || storage.is_some() || copy_of.is_some() || !schema.is_empty() {
        (bind.mirror, bind.lag) = (None, None);
    }
    bind.mirror = mirror.or(bind.mirror.take());
    bind.lag = lag.or(bind.lag.take());
    bind.read_only = read_only.or(bind.read_only);
    bind.copy_of = copy_of.or(bind.copy_of.take());
    bind.url = url.or(bind.url.take());
    bind.storage = storage.or(bind.storage);
    let is_path = |source: &SchemaSource| matches!(source, SchemaSource::Path(_));
    let is_text = |source: &SchemaSource| matches!(source, SchemaSource::Sql(_));
    if sets("schema") {
        replace(&mut bind.schema, &schema, &is_path);
    }
    if sets("schema_sql") {
        replace(&mut bind.schema, &schema, &is_text);
    }
    if sets("data") {
        bind.data = data;
    }
    bind.options = options.or(&bind.options);
    if sets("allow_missing_parents") {
        bind.allow_missing_parents = allow_missing_parents;
    }
}

/// Puts others where the sources of a kind are, or last where there are none.
fn replace(sources: &mut Vec<SchemaSource>, by: &[SchemaSource], is_of_kind: &dyn Fn(&SchemaSource) -> bool) {
    let first = sources.iter().position(is_of_kind);
    retain(sources, |source| !is_of_kind(source));
    let mut place = first.unwrap_or(sources.len());
    for source in by {
        if is_of_kind(source) {
            sources.insert(place, source.clone());
            place += 1;
        }
    }
}
