//! The migrations that a database started with.

use std::time::Duration;

use crate::config::DatabaseSpec;
use crate::error::{list, Error, Result};
use crate::key::{BindKey, Keys};
use crate::list::mapped;
use crate::schema::{Applied, Ground, Whose};

/// The migrations that a database started with, and what it takes to run more.
#[derive(Debug)]
pub(super) struct History {
    made_for: Keys,
    configured: Keys,
    folders: Vec<Applied>,
    limit: Duration,
    foreign_keys: Option<bool>,
    journal_mode: Option<String>,
}

impl History {
    pub(super) fn new(spec: &DatabaseSpec, folders: Vec<Applied>) -> History {
        History {
            made_for: spec.made_for.clone(),
            configured: spec.configured.clone(),
            folders,
            limit: spec.options.schema_limit(),
            foreign_keys: spec.options.foreign_keys,
            journal_mode: spec.options.journal_mode().map(str::to_string),
        }
    }

    /// Returns the one folder of migrations, as it was at start.
    pub(super) fn folder(&self, key: &BindKey) -> Result<Applied> {
        let problem = match self.folders.as_slice() {
            [one] => return Ok(one.clone()),
            [] => "it has no folder of migrations: give it one with `schema_path` or `schema_up_to`".to_string(),
            several => format!(
                "it has several folders of migrations, so a version does not say of which: {}",
                list(&mapped(several, |folder| folder.folder.display()))
            ),
        };
        Err(Error::Schema { bind: key.clone(), file: None, line: None, problem, at: None })
    }

    /// Returns the settings that its migrations run with.
    pub(super) fn ground<'h>(&'h self, key: &'h BindKey) -> Ground<'h> {
        Ground { key, limit: self.limit, foreign_keys: self.foreign_keys, journal_mode: self.journal_mode.as_deref() }
    }

    /// Returns the binds that its migrations are for.
    pub(super) fn whose(&self) -> Whose<'_> {
        Whose { keys: &self.made_for, configured: &self.configured }
    }
}
