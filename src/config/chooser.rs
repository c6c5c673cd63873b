//! The callback that chooses the database of a dynamic bind.

use std::any::TypeId;
use std::error::Error as StdError;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;

use super::origin::Origin;
use super::redact::UrlText;
use crate::context::BindContext;
use crate::error::panic_message;
use crate::url::canonical;

type ChooseFn = dyn Fn(&BindContext) -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync;

/// The callback of a dynamic bind.
#[derive(Clone)]
pub(crate) struct Chooser {
    run: Arc<ChooseFn>,
    /// The type of a closure that captures nothing; `None` for one that captures something.
    pub(crate) identity: Option<TypeId>,
}

impl fmt::Debug for Chooser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("|context| …")
    }
}

impl Chooser {
    pub(super) fn new<F>(choose: F) -> Chooser
    where
        F: Fn(&BindContext) -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    {
        let identity = (std::mem::size_of::<F>() == 0).then(TypeId::of::<F>);
        Chooser { run: Arc::new(choose), identity }
    }

    /// Returns the name of the database that is meant, or why it is unknown.
    pub(crate) fn choose(&self, context: &BindContext) -> Result<String, String> {
        let chosen = match catch_unwind(AssertUnwindSafe(|| (self.run)(context))) {
            Ok(Ok(chosen)) => chosen,
            Ok(Err(error)) => return Err(format!("its callback failed: {error}")),
            Err(panic) => return Err(format!("its callback panicked: {}", panic_message(&*panic))),
        };
        if chosen.is_empty() {
            return Err("its callback gave an empty name, and a database needs one".to_string());
        }
        if chosen.contains('\0') {
            let shown = chosen.escape_debug();
            return Err(format!("its callback gave the name `{shown}`, which has a NUL character"));
        }
        let shown = UrlText::new(&chosen, Origin::Code).to_string();
        // A key has a URL without its password; one that cannot be read has it in every message.
        if canonical(&chosen).is_none() && chosen.contains("://") && shown != chosen {
            return Err(format!("its callback gave `{shown}`, which is no URL that can be read"));
        }
        Ok(chosen)
    }
}
