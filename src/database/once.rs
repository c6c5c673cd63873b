//! Values made once per key in a process, by whoever asks first.

use std::any::Any;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::sync::lock;

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

/// One value, and who is making it.
struct Slot<V> {
    state: Mutex<State<V>>,
    changed: Condvar,
}

struct State<V> {
    value: Option<Arc<V>>,
    maker: Option<ThreadId>,
}

impl<V> Default for Slot<V> {
    fn default() -> Slot<V> {
        Slot { state: Mutex::new(State { value: None, maker: None }), changed: Condvar::new() }
    }
}

/// How long to wait for another who makes the same value. Making one may run code of the user's, which may never return.
const PATIENCE: Duration = Duration::from_secs(2);

impl<K: Eq + Hash + Clone, V: Send + Sync + 'static> OnceCache<K, V> {
    /// An empty cache that keeps unused values while there are fewer than `most`.
    pub(crate) const fn new(most: usize) -> Self {
        OnceCache { entries: Mutex::new(Vec::new()), most }
    }

    /// The value under `key`; `make` makes it unless it is there. A failure is not kept: the next asker tries again.
    ///
    /// It is made twice where the first to make it takes very long, or needs it itself.
    pub(crate) fn get_or_make<E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        let slot = self.slot(key);
        if let Some(value) = slot.wait() {
            return Ok(value);
        }
        let making = Making(&slot);
        let made = Arc::new(make()?);
        let value = Arc::clone(lock(&slot.state).value.get_or_insert(made));
        drop(making);
        Ok(value)
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

impl<V> Slot<V> {
    /// The value, once another has made it; `None` for who has to make it.
    fn wait(&self) -> Option<Arc<V>> {
        let (this, until) = (thread::current().id(), Instant::now() + PATIENCE);
        let mut state = lock(&self.state);
        loop {
            if let Some(value) = &state.value {
                return Some(Arc::clone(value));
            }
            let left = until.saturating_duration_since(Instant::now());
            match state.maker {
                Some(maker) if maker != this && !left.is_zero() => {
                    let waited = self.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(_) => return None,
                None => {
                    state.maker = Some(this);
                    return None;
                }
            }
        }
    }
}

/// Somebody who makes a value, or has failed to.
struct Making<'s, V>(&'s Slot<V>);

impl<V> Drop for Making<'_, V> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        if state.maker == Some(thread::current().id()) {
            state.maker = None;
        }
        drop(state);
        self.0.changed.notify_all();
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
    Arc::strong_count(slot) > 1 || lock(&slot.state).value.as_ref().is_some_and(|value| Arc::strong_count(value) > 1)
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
    fn a_value_that_needs_itself_is_made() {
        static CACHE: OnceCache<usize, usize> = OnceCache::new(2);
        let inner = || CACHE.get_or_make(&1, || Ok::<_, Infallible>(1));
        let outer = CACHE.get_or_make(&1, || inner().map(|inner| *inner + 1)).unwrap();
        assert_eq!((*outer, *inner().unwrap()), (1, 1));
    }

    #[test]
    fn a_value_whose_maker_does_not_return_is_made_by_another() {
        static CACHE: OnceCache<usize, usize> = OnceCache::new(2);
        let (began, wait_for_begin) = std::sync::mpsc::channel();
        let (end, wait_for_end) = std::sync::mpsc::channel::<()>();
        let stuck = thread::spawn(move || {
            CACHE.get_or_make(&1, || {
                began.send(()).unwrap();
                wait_for_end.recv().map(|()| 1)
            })
        });
        wait_for_begin.recv().unwrap();
        for _ in 0..2 {
            assert_eq!(*CACHE.get_or_make(&1, || Ok::<_, Infallible>(2)).unwrap(), 2);
        }
        end.send(()).unwrap();
        assert_eq!(*stuck.join().unwrap().unwrap(), 2);
    }

    #[test]
    fn no_more_than_a_fixed_number_of_values_wait_to_be_dropped() {
        let value = Arc::new(());
        set_aside(vec![Arc::clone(&value); 2 * MOST_SPENT]);
        assert!(Arc::strong_count(&value) <= MOST_SPENT + 1);
    }
}
