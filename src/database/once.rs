//! Values made once per key in a process, by whoever asks first.

use std::any::Any;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use super::lock;

/// Values by key, each made once; those nobody uses any more are let go of when there are many.
pub(crate) struct OnceCache<K, V> {
    /// There are few.
    entries: Mutex<Vec<Entry<K, V>>>,
    most: usize,
}

struct Entry<K, V> {
    key: K,
    /// The key's, by which one that is another is told at once.
    hash: u64,
    slot: Arc<Slot<V>>,
}

/// One value, made under its own lock, so that two makers of different values do not wait for each other.
type Slot<V> = Mutex<Kept<V>>;

#[derive(Default)]
enum Kept<V> {
    #[default]
    NotMade,
    Made(Arc<V>),
    /// It differs each time it is made.
    Never,
}

impl<K: Eq + Hash + Clone, V: Send + Sync + 'static> OnceCache<K, V> {
    /// An empty cache that keeps unused values while there are fewer than `most`.
    pub(crate) const fn new(most: usize) -> Self {
        OnceCache { entries: Mutex::new(Vec::new()), most }
    }

    /// The value under `key`; `make` makes it unless it is there. A failure is not kept: the next asker tries again.
    pub(crate) fn get_or_make<E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        self.get_or_make_if(key, make, |_| true)
    }

    /// The same, where the first value says whether it is kept. If not, each asker has one made.
    pub(crate) fn get_or_make_if<E>(
        &self,
        key: &K,
        make: impl FnOnce() -> Result<V, E>,
        keeps: impl FnOnce(&V) -> bool,
    ) -> Result<Arc<V>, E> {
        let slot = self.slot(key);
        let mut kept = lock(&slot);
        match &*kept {
            Kept::NotMade => {}
            Kept::Made(value) => return Ok(Arc::clone(value)),
            Kept::Never => {
                drop(kept);
                return make().map(Arc::new);
            }
        }
        let made = Arc::new(make()?);
        *kept = if keeps(&made) { Kept::Made(Arc::clone(&made)) } else { Kept::Never };
        Ok(made)
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        let mut entries = lock(&self.entries);
        for entry in &*entries {
            if entry.hash == hash && entry.key == *key {
                return Arc::clone(&entry.slot);
            }
        }
        let mut unused = Vec::new();
        if entries.len() >= self.most {
            entries.retain(|entry| {
                let keeps = in_use(&entry.slot);
                if !keeps {
                    unused.push(Arc::clone(&entry.slot));
                }
                keeps
            });
        }
        let slot = Arc::<Slot<V>>::default();
        entries.push(Entry { key: key.clone(), hash, slot: Arc::clone(&slot) });
        drop(entries);
        set_aside(unused);
        slot
    }
}

/// What caches have let go of. Dropping it closes connections, which is for who ends something and not for who starts.
static SPENT: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());

/// How many values wait to be dropped at most, should nothing end for long.
const MOST_SPENT: usize = 256;

fn set_aside<T: Send + 'static>(values: Vec<T>) {
    let mut spent = lock(&SPENT);
    let room = MOST_SPENT.saturating_sub(spent.len());
    let mut values = values.into_iter();
    spent.extend(values.by_ref().take(room).map(|value| Box::new(value) as Box<dyn Any + Send>));
    // What there is no room for is dropped here, without the lock.
    drop(spent);
}

/// Drops what caches have let go of.
pub(crate) fn drop_spent() {
    let spent = std::mem::take(&mut *lock(&SPENT));
    drop(spent);
}

/// Whether somebody outside the cache holds the value or is about to make it.
fn in_use<V>(slot: &Arc<Slot<V>>) -> bool {
    Arc::strong_count(slot) > 1 || matches!(&*lock(slot), Kept::Made(value) if Arc::strong_count(value) > 1)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn a_value_that_nobody_uses_is_dropped_at_an_end_and_not_at_a_start() {
        static CACHE: OnceCache<usize, Arc<usize>> = OnceCache::new(2);
        let get = |value: &Arc<usize>| CACHE.get_or_make(value, || Ok::<_, Infallible>(Arc::clone(value))).unwrap();
        let values = [0, 1, 2].map(Arc::new);
        let counts = || values.each_ref().map(Arc::strong_count);

        drop(get(&values[0]));
        let used = get(&values[1]);
        drop(get(&values[2]));
        assert_eq!(lock(&CACHE.entries).len(), 2);
        assert_eq!(counts()[1..], [2, 2]);

        // Another test of this process may have ended something before.
        drop_spent();
        assert_eq!(counts(), [1, 2, 2]);
        drop(used);
    }

    #[test]
    fn no_more_than_a_fixed_number_of_values_wait_to_be_dropped() {
        let value = Arc::new(());
        set_aside(vec![Arc::clone(&value); 2 * MOST_SPENT]);
        assert!(Arc::strong_count(&value) <= MOST_SPENT + 1);
    }
}
