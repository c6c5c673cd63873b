//! Changes in code to the binds of a configuration, whoever wrote them: `Config::change`.

use std::fmt;
use std::sync::Arc;

use super::bind::Bind;
use super::written::Written;
use super::Config;
use crate::error::{Error, Result};
use crate::key::{BindKey, Selection};
use crate::list::mapped;

/// A change to some binds.
#[derive(Clone)]
pub(super) struct Change {
    binds: Selection,
    change: Arc<dyn Fn(Bind) -> Bind + Send + Sync>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Change").field(&self.binds).finish()
    }
}

impl Config {
    /// Changes binds that the configuration has: those of a file, for the most part.
    ///
    /// The change is made when the harness starts, to what the file and its [environment](Config::environment) say, and wins
    /// over both. Changes are made in the order in which they are written here. For `..` that is every bind but mirrors: they
    /// have the storage, tables and options of their source.
    ///
    /// # Errors
    ///
    /// At start, [`Error::UnknownBind`](crate::Error::UnknownBind) or [`Error::NoDefaultBind`](crate::Error::NoDefaultBind) for a
    /// key that is not configured.
    ///
    /// ```
    /// use multibind::binds::Storage;
    /// use multibind::{Bind, Config, Harness};
    ///
    /// let config = Config::from_file("fixtures/binds.toml")?
    ///     .change("auth", |auth| auth.without_schema().without_data().schema("CREATE TABLE member (name TEXT)"))
    ///     .change(.., |bind| bind.storage(Storage::TempFile)) // every bind in a file
    ///     .bind("audit", Bind::memory()); // one more
    /// let db = Harness::from_config(config)?;
    /// assert!(db.path("auth")?.is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn change<F>(mut self, binds: impl Into<Selection>, change: F) -> Config
    where
        F: Fn(Bind) -> Bind + Send + Sync + 'static,
    {
        self.changes.push(Change { binds: binds.into(), change: Arc::new(change) });
        self
    }
}

impl Written {
    /// Makes a change to the binds that it is for.
    pub(super) fn change(&mut self, change: &Change) -> Result<()> {
        let Some(keys) = change.binds.keys() else {
            for (_, bind) in &mut self.binds {
                if bind.mirror.is_none() {
                    *bind = changed(bind, change);
                }
            }
            return Ok(());
        };
        for key in keys {
            match self.binds.iter_mut().find(|(known, _)| known == key) {
                Some((_, bind)) => *bind = changed(bind, change),
                None => return Err(self.unknown(key)),
            }
        }
        Ok(())
    }

    fn unknown(&self, key: &BindKey) -> Error {
        let configured = mapped(&self.binds, |(key, _)| key.clone());
        if key.is_default() {
            return Error::NoDefaultBind { what: Some("`change`".to_string()), configured, at: None };
        }
        Error::UnknownBind { bind: key.clone(), configured, at: None }
    }
}

/// Returns the bind changed; an error about it goes on to name the place where it was written.
fn changed(bind: &Bind, change: &Change) -> Bind {
    let changed = (change.change)(bind.clone());
    Bind { origin: bind.origin.clone(), ..changed }
}
