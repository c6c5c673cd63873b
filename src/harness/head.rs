//! The first half of a template that is not the same twice: what is made before the first statement that is not.

use std::sync::{Arc, Mutex};

use super::template::Facts;
use crate::schema::{Place, Standing};
use crate::sqlite::store::Identity;
use crate::sqlite::Image;
use crate::sync::lock;

/// The first half of a template, made once and copied from then on.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) image: Image,
    pub(super) standing: Standing,
    /// Its end in the schema.
    pub(super) place: Place,
    /// The facts about the whole.
    pub(super) facts: Facts,
    /// The reason why the rest is made at each start.
    pub(super) reason: String,
}

/// This process's knowledge of a template that is not the same twice.
#[derive(Clone, Debug)]
pub(super) enum Known {
    Head(Arc<Head>),
    /// It was divided in vain.
    Whole,
}

/// The templates of which something is known, the last ones at the end.
static HEADS: Mutex<Vec<(Identity, Known)>> = Mutex::new(Vec::new());

/// The most that are kept.
const MOST_HEADS: usize = 32;

impl Known {
    pub(super) fn of(identity: &Identity) -> Option<Known> {
        let heads = lock(&HEADS);
        heads.iter().find(|(of, _)| of == identity).map(|(_, known)| known.clone())
    }

    pub(super) fn keep(self, identity: &Identity) {
        let mut heads = lock(&HEADS);
        if heads.len() >= MOST_HEADS {
            heads.remove(0);
        }
        heads.push((identity.clone(), self));
    }
}

impl Head {
    /// Keeps it for the next start in this process.
    pub(super) fn keep(self, identity: &Identity) -> Arc<Head> {
        let head = Arc::new(self);
        Known::Head(Arc::clone(&head)).keep(identity);
        head
    }
}
