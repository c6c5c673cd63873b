//! The rules of a harness's guards.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::action::CHANGE;
use super::deed::Deed;
use super::log::log;
use super::refused::Refused;
use super::state::Asking;
use crate::key::BindKey;
use crate::say;
use crate::sync::lock;

/// The guards of a harness that are alive.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    count: AtomicUsize,
    alive: Mutex<Vec<(Arc<Rule>, Asking)>>,
}

/// One guard.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The call in the test: `allow_only("auth")`.
    call: String,
    /// The place of the call in the test.
    place: &'static Location<'static>,
    refuses: Refuses,
    refused: Mutex<Vec<Arc<Refused>>>,
    /// Set if the test has asked what was refused.
    asked: AtomicBool,
}

/// The statements that a guard refuses; databases by keys that mean them.
#[derive(Debug)]
pub(crate) enum Refuses {
    /// Everything on other databases than these.
    AllBut(Vec<BindKey>),
    /// Everything on these.
    All(Vec<BindKey>),
    /// Writes to these.
    Writes(Vec<BindKey>),
}

/// The number of refusals of a guard whose places are captured.
pub(crate) const PLACES: usize = 64;

impl Rules {
    /// Returns whether there is any guard.
    pub(super) fn any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Returns the guard that refuses a statement on a database that these keys mean.
    pub(super) fn against(&self, names: &[BindKey], deed: Deed) -> Option<Arc<Rule>> {
        lock(&self.alive).iter().find(|(rule, _)| rule.refuses(names, deed)).map(|(rule, _)| Arc::clone(rule))
    }

    /// Makes a rule hold as long as the answer lives.
    pub(crate) fn guard(
        self: &Arc<Self>,
        call: String,
        place: &'static Location<'static>,
        refuses: Refuses,
    ) -> Guarding {
        let (refused, asked) = (Mutex::default(), AtomicBool::new(false));
        let rule = Arc::new(Rule { call, place, refuses, refused, asked });
        lock(&self.alive).push((Arc::clone(&rule), Asking::new()));
        self.count.fetch_add(1, Ordering::Relaxed);
        Guarding { rules: Arc::clone(self), rule }
    }
}

impl Rule {
    fn refuses(&self, names: &[BindKey], deed: Deed) -> bool {
        if deed.transaction || deed.uses_nothing {
            return false;
        }
        let is_one_of = |keys: &[BindKey]| keys.iter().any(|key| names.contains(key));
        deed.elsewhere
            || match &self.refuses {
                Refuses::AllBut(allowed) => !is_one_of(allowed),
                Refuses::All(denied) => is_one_of(denied),
                Refuses::Writes(guarded) => deed.writes && is_one_of(guarded),
            }
    }

    /// Returns whether it refuses anything on a database that these keys mean.
    pub(crate) fn is_about(&self, names: &[BindKey]) -> bool {
        self.refuses(names, Deed { writes: true, ..Deed::default() })
    }

    /// Notes what it has refused. Of what SQLite asks about several times, the first time counts.
    pub(super) fn note(&self, bind: &BindKey, what: String, again: bool) -> Arc<Refused> {
        let known = |refused: &Refused| refused.bind == *bind && (refused.what == what || refused.what == CHANGE);
        let last = lock(&self.refused).last().filter(|last| again && known(last)).cloned();
        if let Some(last) = last {
            return last;
        }
        log(|| say::warn_of(bind, format_args!("refused on bind `{bind}` by {self}: {what}")));
        let has_place = lock(&self.refused).len() < PLACES;
        let refused = Refused::here(bind, what, has_place);
        lock(&self.refused).push(Arc::clone(&refused));
        refused
    }
}

/// The call and its place in the test.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at {}", self.call, self.place)
    }
}

/// A guard that is alive.
#[derive(Debug)]
pub(crate) struct Guarding {
    rules: Arc<Rules>,
    rule: Arc<Rule>,
}

impl Guarding {
    pub(crate) fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Returns what was refused so far, which the test has now asked.
    pub(crate) fn refused(&self) -> Vec<Arc<Refused>> {
        self.rule.asked.store(true, Ordering::Relaxed);
        lock(&self.rule.refused).clone()
    }

    /// Ends the guard, and gives what was refused if the test has never asked.
    pub(crate) fn end(&self) -> Vec<Arc<Refused>> {
        self.stop();
        if self.rule.asked.load(Ordering::Relaxed) {
            return Vec::new();
        }
        lock(&self.rule.refused).clone()
    }

    fn stop(&self) {
        let mut alive = lock(&self.rules.alive);
        if let Some(place) = alive.iter().position(|(rule, _)| Arc::ptr_eq(rule, &self.rule)) {
            alive.swap_remove(place);
            self.rules.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Guarding {
    fn drop(&mut self) {
        self.stop();
    }
}
