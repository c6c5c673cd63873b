//! A value handed from one thread to another, once.
//!
//! The standard library's channel can do much more, and is compiled anew for each type that is sent: two of them were
//! 20,000 of the library's 817,000 lines of LLVM IR (`benches/machine_code`).

use std::mem;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::lock;

/// The end that hands the value over.
pub(crate) struct Giver<T>(Arc<Place<T>>);

/// The end that waits for the value.
pub(crate) struct Taker<T>(Arc<Place<T>>);

/// The result of a wait.
pub(crate) enum Taken<T> {
    Value(T),
    NotYet,
    /// The giver has been dropped, or its value has been taken before.
    Never,
}

struct Place<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

enum State<T> {
    Awaited,
    Given(T),
    /// One end is gone, or the value has been taken.
    Over,
}

/// Returns both ends of one handing over.
pub(crate) fn handoff<T>() -> (Giver<T>, Taker<T>) {
    let place = Arc::new(Place { state: Mutex::new(State::Awaited), changed: Condvar::new() });
    (Giver(Arc::clone(&place)), Taker(place))
}

impl<T> Giver<T> {
    /// Hands the value over, or returns it where the taker has been dropped.
    pub(crate) fn give(self, value: T) -> Result<(), T> {
        let mut state = lock(&self.0.state);
        if matches!(*state, State::Over) {
            return Err(value);
        }
        *state = State::Given(value);
        self.0.changed.notify_one();
        Ok(())
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        if matches!(*state, State::Awaited) {
            *state = State::Over;
            self.0.changed.notify_one();
        }
    }
}

impl<T> Taker<T> {
    /// Takes the value, which it waits for no longer than `limit`.
    pub(crate) fn take(&self, limit: Duration) -> Taken<T> {
        let awaited = |state: &mut State<T>| matches!(state, State::Awaited);
        let waited = self.0.changed.wait_timeout_while(lock(&self.0.state), limit, awaited);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Awaited) {
            return Taken::NotYet;
        }
        match mem::replace(&mut *state, State::Over) {
            State::Given(value) => Taken::Value(value),
            State::Awaited | State::Over => Taken::Never,
        }
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let untaken = mem::replace(&mut *lock(&self.0.state), State::Over);
        // Without the lock: dropping the value may take its time.
        drop(untaken);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_value_given_before_or_during_the_wait_is_taken_once() {
        let (giver, taker) = handoff();
        assert!(matches!(taker.take(Duration::ZERO), Taken::NotYet));
        let given = thread::spawn(move || giver.give(1));
        assert!(matches!(taker.take(Duration::MAX), Taken::Value(1)));
        assert_eq!(given.join().unwrap(), Ok(()));
        assert!(matches!(taker.take(Duration::MAX), Taken::Never));
    }

    #[test]
    fn a_dropped_giver_ends_the_wait() {
        let (giver, taker) = handoff::<usize>();
        let dropped = thread::spawn(move || drop(giver));
        assert!(matches!(taker.take(Duration::MAX), Taken::Never));
        dropped.join().unwrap();
    }

    #[test]
    fn a_dropped_taker_loses_no_value() {
        let value = Arc::new(());
        let (giver, taker) = handoff();
        giver.give(Arc::clone(&value)).unwrap();
        drop(taker);
        assert_eq!(Arc::strong_count(&value), 1);

        let (giver, taker) = handoff();
        drop(taker);
        assert_eq!(giver.give(value), Err(Arc::new(())));
    }
}
