//! The stages of one catalog, kept for the next statement that is about the same binds.

use super::catalog::{Catalog, NamedBind};
use super::decoys::Doubts;
use super::stage::{Setting, Stage};
use crate::error::Result;

/// The number of stages that are kept: most applications join few combinations of their binds.
const MOST_STAGES: usize = 8;

/// Stages by their settings, the one that was last wanted last.
#[derive(Default)]
pub(super) struct Stages {
    kept: Vec<(Setting, Stage)>,
    doubts: Doubts,
    /// The bind of the last statement that used one alone.
    before: Option<NamedBind>,
}

impl Stages {
    /// Returns the bind of the last statement that used one alone.
    pub(super) fn before(&self) -> Option<NamedBind> {
        self.before.clone()
    }

    pub(super) fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// Notes the one bind that a statement uses.
    pub(super) fn note(&mut self, named: &NamedBind) {
        if self.before.as_ref() != Some(named) {
            self.before = Some(named.clone());
        }
    }

    /// Returns the stage for a setting, set up now unless it is kept.
    pub(super) fn stage(&mut self, catalog: &Catalog, setting: &Setting) -> Result<&Stage> {
        let entry = match self.kept.iter().position(|(kept, _)| kept == setting) {
            Some(at) => self.kept.remove(at),
            None => (setting.clone(), Stage::new(catalog, &self.doubts, setting)?),
        };
        if self.kept.len() >= MOST_STAGES {
            self.kept.remove(0);
        }
        let at = self.kept.len();
        self.kept.push(entry);
        Ok(&self.kept[at].1)
    }
}
