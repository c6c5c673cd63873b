//! The stages of one catalog, kept for the next statement that is about the same binds.

use super::catalog::Catalog;
use super::stage::{Setting, Stage};
use crate::error::Result;

/// How many stages a catalog keeps: most applications join few combinations of their binds.
const MOST_STAGES: usize = 8;

/// Stages by what they were made for, the one that was last wanted last.
#[derive(Default)]
pub(super) struct Stages {
    kept: Vec<(Setting, Stage)>,
}

impl Stages {
    /// The stage for a setting, made now unless it is kept.
    pub(super) fn stage(&mut self, catalog: &Catalog, setting: &Setting) -> Result<&Stage> {
        let entry = match self.kept.iter().position(|(kept, _)| kept == setting) {
            Some(at) => self.kept.remove(at),
            None => (setting.clone(), Stage::new(catalog, setting)?),
        };
        if self.kept.len() >= MOST_STAGES {
            self.kept.remove(0);
        }
        let at = self.kept.len();
        self.kept.push(entry);
        Ok(&self.kept[at].1)
    }
}
