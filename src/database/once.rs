//! Values made once per key in a process, by whoever asks first.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock};

use super::lock;

/// Values by key, each made once; those nobody uses any more are dropped when there are many.
pub(crate) struct OnceCache<K, V> {
    slots: OnceLock<Mutex<HashMap<K, Arc<Slot<V>>>>>,
    most: usize,
}

/// One value, made under its own lock, so that two makers of different values do not wait for each other.
type Slot<V> = Mutex<Option<Arc<V>>>;

impl<K: Eq + Hash + Clone, V> OnceCache<K, V> {
    /// An empty cache that keeps unused values while there are fewer than `most`.
    pub(crate) const fn new(most: usize) -> Self {
        OnceCache { slots: OnceLock::new(), most }
    }

    /// The value under `key`; `make` makes it unless it is there. A failure is not kept: the next asker tries again.
    pub(crate) fn get_or_make<E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let slot = self.slot(key);
        let mut value = lock(&slot);
        if let Some(value) = &*value {
            return Ok(Arc::clone(value));
        }
        let made = Arc::new(make()?);
        *value = Some(Arc::clone(&made));
        Ok(made)
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = lock(self.slots.get_or_init(Mutex::default));
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= self.most {
            slots.retain(|_, slot| in_use(slot));
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

/// Whether somebody outside the cache holds the value or is about to make it.
fn in_use<V>(slot: &Arc<Slot<V>>) -> bool {
    Arc::strong_count(slot) > 1 || lock(slot).as_ref().is_some_and(|value| Arc::strong_count(value) > 1)
}
