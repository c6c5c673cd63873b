//! A bind's tables and data, made once and copied from then on.

use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::key::BindKey;
use crate::schema::{Applied, Metadata};
use crate::sqlite::Image;

/// A bind's tables and data, made once.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) image: Arc<Image>,
    metadata: OnceLock<Arc<Metadata>>,
    /// The reason why making it again would give another, if there is one: then the next start makes its own.
    fleeting: Option<String>,
    /// Set where what comes before that is in an image, and the rest alone is made again.
    in_halves: bool,
    facts: Facts,
}

/// The facts about a template besides its image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// The foreign keys whose parent is not in it: the table, and the parent's name.
    pub(super) missing_parents: Vec<(String, String)>,
    /// The folders of migrations that have run.
    pub(super) folders: Vec<Applied>,
}

impl Template {
    pub(super) fn of(image: Image, facts: Facts) -> Template {
        Template { image: Arc::new(image), metadata: OnceLock::new(), fleeting: None, in_halves: false, facts }
    }

    /// Adds the reason why making it again would give another, if there is one.
    pub(super) fn that_is(self, fleeting: Option<String>) -> Template {
        Template { fleeting, ..self }
    }

    /// Says that its first half is in an image.
    pub(super) fn in_halves(self) -> Template {
        Template { in_halves: true, ..self }
    }

    /// Returns its tables, read when first asked for.
    pub(super) fn metadata(&self, key: &BindKey) -> Result<Arc<Metadata>> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(Arc::clone(metadata));
        }
        let metadata = Arc::new(Metadata::of(&self.image, key)?);
        Ok(Arc::clone(self.metadata.get_or_init(|| metadata)))
    }

    /// Returns the reason why making it again would give another, so that none of two databases is a copy of the other.
    pub(super) fn fleeting(&self) -> Option<&str> {
        self.fleeting.as_deref()
    }

    /// Returns whether its first half is in an image.
    pub(super) fn is_in_halves(&self) -> bool {
        self.in_halves
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }
}
