//! What a harness's guards let through.

use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::action::CHANGE;
use super::watch::told;
use super::{authorize, trace};
use crate::key::BindKey;
use crate::say;
use crate::sync::lock;

/// The guards of a harness that are alive.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    count: AtomicUsize,
    alive: Mutex<Vec<Arc<Rule>>>,
}

/// One guard.
#[derive(Debug)]
pub(crate) struct Rule {
    /// How the test wrote it: `allow_only("auth")`.
    call: String,
    /// Where the test wrote it.
    place: &'static Location<'static>,
    refuses: Refuses,
    refused: Mutex<Vec<Refused>>,
    /// Whether the test has asked what was refused.
    asked: AtomicBool,
}

/// What a guard refuses; databases by keys that mean them.
#[derive(Debug)]
pub(crate) enum Refuses {
    /// Everything on other databases than these.
    AllBut(Vec<BindKey>),
    /// What writes to these.
    Writes(Vec<BindKey>),
}

/// A statement that was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) bind: BindKey,
    /// The statement, or what it was about to do, where SQLite does not tell the text.
    pub(crate) what: String,
}

/// What SQLite says that a statement does to the database of its connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deed {
    /// It begins or ends a transaction or a savepoint, and does nothing else.
    pub(crate) transaction: bool,
    /// It may write to the connection's own database.
    pub(crate) writes: bool,
    /// It may write to one that was attached.
    pub(crate) writes_elsewhere: bool,
    /// It attaches a database, uses one that was attached or writes a copy to one, which may be any.
    pub(crate) elsewhere: bool,
    /// It writes, and SQLite has asked about nothing: a `VACUUM`, which prepares statements of its own.
    pub(crate) vacuums: bool,
    /// It uses a table, and so begins by comparing the schema with the one that it was prepared for.
    pub(crate) uses_tables: bool,
    /// It is a pragma that SQLite does without asking whether the connection may write.
    pub(crate) acts_at_once: bool,
}

impl Rules {
    /// Whether there is any guard.
    pub(super) fn any(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// The guard that refuses a statement on a database that these keys mean.
    pub(super) fn against(&self, names: &[BindKey], deed: Deed) -> Option<Arc<Rule>> {
        lock(&self.alive).iter().find(|rule| rule.refuses(names, deed)).cloned()
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
        lock(&self.alive).push(Arc::clone(&rule));
        self.count.fetch_add(1, Ordering::Relaxed);
        authorize::begin();
        trace::begin();
        Guarding { rules: Arc::clone(self), rule }
    }
}

impl Rule {
    fn refuses(&self, names: &[BindKey], deed: Deed) -> bool {
        if deed.transaction {
            return false;
        }
        let is_one_of = |keys: &[BindKey]| keys.iter().any(|key| names.contains(key));
        deed.elsewhere
            || match &self.refuses {
                Refuses::AllBut(allowed) => !is_one_of(allowed),
                Refuses::Writes(guarded) => deed.writes && is_one_of(guarded),
            }
    }

    /// Notes what it has refused. Of what SQLite asks about several times, the first time counts.
    pub(super) fn note(&self, bind: &BindKey, what: String, again: bool) {
        let known = |refused: &Refused| refused.bind == *bind && (refused.what == what || refused.what == CHANGE);
        if again && lock(&self.refused).last().is_some_and(known) {
            return;
        }
        told(|| say::warn_of(bind, format_args!("refused on bind `{bind}` by {self}: {what}")));
        lock(&self.refused).push(Refused { bind: bind.clone(), what });
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

    /// What was refused so far, which the test has now asked.
    pub(crate) fn refused(&self) -> Vec<Refused> {
        self.rule.asked.store(true, Ordering::Relaxed);
        lock(&self.rule.refused).clone()
    }

    /// Ends the guard, and gives what was refused if the test has never asked.
    pub(crate) fn end(&self) -> Vec<Refused> {
        self.stop();
        match self.rule.asked.load(Ordering::Relaxed) {
            true => Vec::new(),
            false => lock(&self.rule.refused).clone(),
        }
    }

    fn stop(&self) {
        let mut alive = lock(&self.rules.alive);
        if let Some(place) = alive.iter().position(|rule| Arc::ptr_eq(rule, &self.rule)) {
            alive.swap_remove(place);
            self.rules.count.fetch_sub(1, Ordering::Relaxed);
            authorize::end();
            trace::end();
        }
    }
}

impl Drop for Guarding {
    fn drop(&mut self) {
        self.stop();
    }
}
