//! The settings of a bind, each by its name.

use std::path::Path;

use crate::config::bind::Bind;
use crate::config::lag::Lag;
use crate::config::origin::Origin;
use crate::config::redact::UrlText;
use crate::config::source::SchemaSource;
use crate::config::storage::Storage;
use crate::config::suggest::suggest;
use crate::config::value::{boolean, paths, string, Fit, Misfit, Placed};
use crate::key::BindKey;

/// The settings of a bind besides engine options.
pub(super) const BIND_SETTINGS: [&str; 10] = [
    "url",
    "storage",
    "schema",
    "schema_sql",
    "data",
    "allow_missing_parents",
    "read_only",
    "copy_of",
    "mirror",
    "lag",
];

/// Returns whether a name is that of a setting that only a bind has, which an engine option is not.
pub(super) fn is_of_a_bind(name: &str) -> bool {
    BIND_SETTINGS.contains(&name)
}

/// Sets an option of a bind by name.
pub(super) fn set(bind: &mut Bind, name: &str, value: &Placed<'_>, origin: Origin, base: &Path) -> Fit<()> {
    match name {
        "url" => bind.url = Some(UrlText::new(string(name, value)?, origin)),
        "storage" => bind.storage = Some(storage(name, value)?),
        "schema" => {
            for path in paths(name, value)? {
                bind.schema.push(SchemaSource::Path(base.join(path)));
            }
        }
        "schema_sql" => bind.schema.push(SchemaSource::Sql(string(name, value)?.to_string())),
        "data" => {
            for path in paths(name, value)? {
                bind.data.push(base.join(path));
            }
        }
        "read_only" => bind.read_only = Some(boolean(name, value)?),
        "copy_of" => {
            let path = string(name, value)?;
            if path.is_empty() {
                return Err(Misfit::new(value.span(), "`copy_of` has an empty path"));
            }
            bind.copy_of = Some((base.join(path), origin));
        }
        "mirror" => {
            let key = string(name, value)?;
            if key.is_empty() {
                let problem = "`mirror` has an empty key; the default bind is named `default`";
                return Err(Misfit::new(value.span(), problem));
            }
            bind.mirror = Some((BindKey::from(key), origin));
        }
        "lag" => bind.lag = Some((lag(name, value)?, origin)),
        "allow_missing_parents" => bind.allow_missing_parents = boolean(name, value)?,
        _ => bind.options.set(name, value)?,
    }
    Ok(())
}

pub(super) fn storage(name: &str, value: &Placed<'_>) -> Fit<Storage> {
    const KINDS: [&str; 4] = ["memory", "shared_cache", "memdb", "temp_file"];
    match string(name, value)? {
        "memory" => Ok(Storage::Memory),
        "shared_cache" => Ok(Storage::SharedCache),
        "memdb" => Ok(Storage::MemDb),
        "temp_file" => Ok(Storage::TempFile),
        other => {
            let suggestion = suggest(other, &KINDS, &[]);
            Err(Misfit::new(value.span(), format!("`storage` cannot be `{other}`; {suggestion}")))
        }
    }
}

fn lag(name: &str, value: &Placed<'_>) -> Fit<Lag> {
    match string(name, value)? {
        "manual" => Ok(Lag::Manual),
        other => {
            let suggestion = suggest(other, &["manual"], &[]);
            Err(Misfit::new(value.span(), format!("`lag` cannot be `{other}`; {suggestion}")))
        }
    }
}
