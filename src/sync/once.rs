//! Values made once per key in a process, by whoever asks first.

use std::any::Any;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::making::{self, Blocked};
use crate::list::retain;
use crate::sync::lock;

/// Values by key, each made once; those that nobody uses any more are evicted when there are many.
pub(crate) struct OnceCache<K, V> {
    /// There are few.
    entries: Mutex<Vec<Entry<K, V>>>,
    most: usize,
    /// Set where the harness that ends next drops evicted values, and not the caller that evicts them.
    drops_at_an_end: bool,
}

struct Entry<K, V> {
    key: K,
    /// The key's, which shows at once that another key is another.
    hash: u64,
    slot: Arc<Slot<V>>,
}

/// One value, once it is made.
type Slot<V> = Mutex<Kept<V>>;

/// The state of a value.
#[derive(Default)]
enum Kept<V> {
    #[default]
    NotMade,
    Made(Arc<V>),
    /// It differs each time it is made.
    Never,
}

impl<K: Eq + Hash + Clone, V: Send + Sync + 'static> OnceCache<K, V> {
    /// Returns an empty cache that keeps unused values while there are fewer than `most`.
    pub(crate) const fn new(most: usize) -> Self {
        OnceCache { entries: Mutex::new(Vec::new()), most, drops_at_an_end: true }
    }

    /// Returns an empty cache that drops at once what it evicts: for values that one harness makes many of while it runs.
    pub(crate) const fn dropping_at_once(most: usize) -> Self {
        OnceCache { entries: Mutex::new(Vec::new()), most, drops_at_an_end: false }
    }

    /// Returns the value under `key`, which `make` makes unless it is there; another thread that makes it is waited
    /// for, up to `limit`, and for less where that takes very long: then it is made twice. A failure is not kept: the
    /// next caller tries again. A value that is not to be kept is made by each caller, and none waits for another's
    /// from the second on.
    ///
    /// `make` may get other values, from any cache. Where threads would wait for each other, one gets an error by
    /// `blocked`.
    pub(crate) fn get_or_make<E>(
        &self,
        key: &K,
        limit: Duration,
        make: impl FnOnce() -> Result<V, E>,
        keeps: impl FnOnce(&V) -> bool,
        blocked: impl FnOnce(Blocked) -> E,
    ) -> Result<Arc<V>, E> {
        let slot = self.slot(key);
        let kept = || match &*lock(&slot) {
            Kept::NotMade => None,
            Kept::Made(value) => Some(Some(Arc::clone(value))),
            Kept::Never => Some(None),
        };
        let mut known = kept();
        let mut making = None;
        if known.is_none() {
            let address = Arc::as_ptr(&slot).addr();
            making = making::begin(address, limit, &|| kept().is_some()).map_err(blocked)?;
            // Another thread may have made it meanwhile.
            known = kept();
        }
        match known {
            Some(Some(value)) => return Ok(value),
            Some(None) => {
                drop(making);
                return make().map(Arc::new);
            }
            None => {}
        }
        let new = Arc::new(make()?);
        let is_kept = keeps(&new);
        let value = match &mut *lock(&slot) {
            Kept::Made(value) => Arc::clone(value),
            Kept::Never => new,
            none if is_kept => {
                *none = Kept::Made(Arc::clone(&new));
                new
            }
            none => {
                *none = Kept::Never;
                new
            }
        };
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
            retain(&mut entries, |entry| {
                let keeps = in_use(&entry.slot);
                if !keeps {
                    unused.push(Arc::clone(&entry.slot));
                }
                keeps
            });
        }
        let slot = Arc::<Slot<V>>::default();
        entries.push(Entry { key: key.clone(), hash, slot: Arc::clone(&slot) });
        // Neither way of dropping holds the lock.
        drop(entries);
        if self.drops_at_an_end {
            set_aside(unused);
        }
        slot
    }
}

/// The values that caches have evicted. Dropping them closes connections, which is for a harness that ends and not for
/// one that starts.
static SPENT: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());

/// The most values that wait to be dropped, should nothing end for long.
const MOST_SPENT: usize = 256;

fn set_aside<T: Send + 'static>(values: Vec<T>) {
    let mut spent = lock(&SPENT);
    let room = MOST_SPENT.saturating_sub(spent.len());
    let mut values = values.into_iter();
    spent.extend(values.by_ref().take(room).map(|value| Box::new(value) as Box<dyn Any + Send>));
    // What there is no room for is dropped here, without the lock.
    drop(spent);
}

/// Drops what caches have evicted.
pub(crate) fn drop_spent() {
    let spent = std::mem::take(&mut *lock(&SPENT));
    drop(spent);
}

/// Returns whether somebody outside the cache holds the value or is about to make it.
fn in_use<V>(slot: &Arc<Slot<V>>) -> bool {
    Arc::strong_count(slot) > 1 || matches!(&*lock(slot), Kept::Made(value) if Arc::strong_count(value) > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_values_are_dropped_at_an_end() {
        static CACHE: OnceCache<usize, Arc<usize>> = OnceCache::new(2);
        let get = |value: &Arc<usize>| {
            let make = || Ok::<_, Blocked>(Arc::clone(value));
            CACHE.get_or_make(value, Duration::MAX, make, |_| true, |blocked| blocked).unwrap()
        };
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
    fn values_made_in_numbers_are_dropped_at_once() {
        static CACHE: OnceCache<usize, Arc<usize>> = OnceCache::dropping_at_once(1);
        let values = [0, 1].map(Arc::new);
        for value in &values {
            let make = || Ok::<_, Blocked>(Arc::clone(value));
            CACHE.get_or_make(value, Duration::MAX, make, |_| true, |blocked| blocked).unwrap();
        }
        assert_eq!(values.each_ref().map(Arc::strong_count), [1, 2]);
    }

    #[test]
    fn a_value_that_needs_itself_is_an_error() {
        static CACHE: OnceCache<usize, usize> = OnceCache::new(2);
        let get = |make: &dyn Fn() -> Result<usize, Blocked>| {
            CACHE.get_or_make(&1, Duration::MAX, make, |_| true, |blocked| blocked)
        };
        let within = get(&|| get(&|| Ok(1)).map(|value| *value));
        assert_eq!(within, Err(Blocked::ByItself));
        assert_eq!(get(&|| Ok(1)), Ok(Arc::new(1)));
    }

    #[test]
    fn a_value_whose_maker_does_not_return_is_made_by_another() {
        static CACHE: OnceCache<usize, usize> = OnceCache::new(2);
        let (began, wait_for_begin) = std::sync::mpsc::channel();
        let (end, wait_for_end) = std::sync::mpsc::channel::<()>();
        let stuck = std::thread::spawn(move || {
            let make = || {
                began.send(()).unwrap();
                wait_for_end.recv().unwrap();
                Ok(1)
            };
            CACHE.get_or_make(&1, Duration::MAX, make, |_| true, |blocked| blocked)
        });
        wait_for_begin.recv().unwrap();
        for _ in 0..2 {
            assert_eq!(CACHE.get_or_make(&1, Duration::MAX, || Ok(2), |_| true, |blocked| blocked), Ok(Arc::new(2)));
        }
        end.send(()).unwrap();
        assert_eq!(stuck.join().unwrap(), Ok(Arc::new(2)));
    }

    #[test]
    fn the_number_of_waiting_values_is_bounded() {
        let value = Arc::new(());
        set_aside(vec![Arc::clone(&value); 2 * MOST_SPENT]);
        assert!(Arc::strong_count(&value) <= MOST_SPENT + 1);
    }
}
