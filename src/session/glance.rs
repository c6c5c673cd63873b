//! Looks at the tables through a shared session, kept for the next look.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::unit::Unit;
use crate::error::Result;
use crate::harness::Scope;
use crate::route::{Dispatcher, Plan};

/// A unit of work that can be asked for plans without being changed.
///
/// The dispatcher made for one question answers the next, as long as the count of all commits stands. Every mutable
/// access discards it: what the unit of work does, begins or ends changes no count.
#[derive(Debug)]
pub(super) struct Glance {
    unit: Unit,
    kept: RefCell<Option<Kept>>,
}

/// A dispatcher, and the count of all commits at which every bind had its tables.
#[derive(Debug)]
struct Kept {
    all_commits: u64,
    dispatcher: Arc<Dispatcher>,
}

impl Glance {
    pub(super) fn new(unit: Unit) -> Glance {
        Glance { unit, kept: RefCell::new(None) }
    }

    /// Returns the plan of a statement that is not run.
    pub(super) fn plan_of(&self, scope: &Scope, sql: &str) -> Result<Arc<Plan>> {
        let plan = self.dispatcher_now(scope)?.plan(sql);
        plan.map_err(|error| scope.with_dynamic(error))
    }

    fn dispatcher_now(&self, scope: &Scope) -> Result<Arc<Dispatcher>> {
        // Counted before the look: what is committed meanwhile is looked at once more.
        let all_commits = scope.all_commits();
        if let Some(kept) = &*self.kept.borrow()
            && kept.all_commits == all_commits
        {
            return Ok(Arc::clone(&kept.dispatcher));
        }
        let (dispatcher, lasts) = self.unit.look(scope, all_commits)?;
        let kept = Kept { all_commits, dispatcher: Arc::clone(&dispatcher) };
        *self.kept.borrow_mut() = lasts.then_some(kept);
        Ok(dispatcher)
    }
}

impl Deref for Glance {
    type Target = Unit;

    fn deref(&self) -> &Unit {
        &self.unit
    }
}

impl DerefMut for Glance {
    fn deref_mut(&mut self) -> &mut Unit {
        *self.kept.get_mut() = None;
        &mut self.unit
    }
}
