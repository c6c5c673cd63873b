//! Changes in code to the binds of a configuration, whoever wrote them: `Config::change`.

use std::fmt;
use std::sync::Arc;

use super::bind::Bind;
use super::written::Written;
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

impl Change {
    pub(super) fn new(binds: Selection, change: impl Fn(Bind) -> Bind + Send + Sync + 'static) -> Change {
        Change { binds, change: Arc::new(change) }
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
