//! What a unit of work knows of the tables in each bind.

use std::sync::Arc;

use rusqlite::TransactionState;

use super::Engines;
use crate::error::Result;
use crate::harness::Scope;
use crate::key::{BindIndex, PerBind};
use crate::route::{Candidate, Dispatcher, Plan};
use crate::sqlite::Image;

impl Engines {
    /// Returns the dispatcher over every bind's tables as the next statement sees them.
    pub(in crate::session) fn dispatcher(&mut self, scope: &Scope) -> Result<&Arc<Dispatcher>> {
        let all_commits = scope.all_commits();
        let is_current = self.is_current(scope, all_commits);
        self.current_at = is_current.then_some(all_commits);
        let dispatcher = match &self.dispatcher {
            Some(dispatcher) if is_current => Arc::clone(dispatcher),
            _ => {
                self.current_at = None;
                // Counted before: what is committed meanwhile is looked at once more.
                let looked = scope.map(|bind| {
                    // What a unit of work has read is as it was, and looked at when that ends.
                    let before = || self.looked.as_ref().and_then(|looked| looked[bind]);
                    if self.has_read(bind) {
                        before()
                    } else {
                        scope.commits(bind)
                    }
                });
                let images = self.images(scope)?;
                for (bind, image) in images.iter() {
                    self.seen.insert(bind, Arc::clone(image));
                }
                self.looked = Some(looked);
                self.dispatcher_of(scope, images)?
            }
        };
        Ok(self.dispatcher.insert(dispatcher))
    }

    /// Tells whether nobody has committed since the tables were last looked at, as far as the next statement would see it.
    /// While the count of all commits stands, no bind is asked for its own.
    fn is_current(&self, scope: &Scope, all_commits: u64) -> bool {
        let is_current = |(bind, looked): (BindIndex, &Option<u64>)| {
            self.has_read(bind) || (looked.is_some() && *looked == scope.commits(bind))
        };
        self.current_at == Some(all_commits) || self.looked.as_ref().is_some_and(|looked| looked.iter().all(is_current))
    }

    fn dispatcher_of(&self, scope: &Scope, images: PerBind<Arc<Image>>) -> Result<Arc<Dispatcher>> {
        let candidates = images.map(|bind, image| Candidate {
            key: scope.own_key(bind).clone(),
            names: scope.names(bind).to_vec(),
            image: Arc::clone(image),
            replica_of: scope.replica_of(bind),
            foreign_keys: scope.enforces_keys(bind),
        });
        match &self.dispatcher {
            Some(known) if known.is_of(&candidates)? => Ok(Arc::clone(known)),
            _ => Dispatcher::of(candidates),
        }
    }

    fn images(&self, scope: &Scope) -> Result<PerBind<Arc<Image>>> {
        scope.try_map(|bind| self.image(scope, bind))
    }

    /// The tables of a bind as the next statement sees them: those that this unit of work has left there, those of when it
    /// first read or wrote, and else those that are committed now.
    fn image(&self, scope: &Scope, member: BindIndex) -> Result<Arc<Image>> {
        let known = self.changed.get(&member).or_else(|| self.seen.get(&member));
        match known.filter(|_| self.has_read(member)) {
            Some(image) => Ok(Arc::clone(image)),
            // A unit of work that is open is not to wait before each of its statements.
            None => scope.tables(member, !self.begun.is_empty()),
        }
    }

    /// Whether this unit of work has read a bind or written to it: what others commit there is seen by the next one.
    pub(in crate::session) fn has_read(&self, member: BindIndex) -> bool {
        self.read.contains(&member)
    }

    /// Notes that a statement has read a bind or written to it, where it has.
    pub(super) fn note_read(&mut self, member: BindIndex) {
        if self.has_read(member) || !self.begun.contains(&member) {
            return;
        }
        let state = self.open.get(&member).map(|engine| engine.conn().transaction_state(Some("main")));
        if matches!(state, Some(Ok(TransactionState::Read | TransactionState::Write))) {
            self.read.push(member);
        }
    }

    /// Returns the plan of a statement that is not run.
    pub(in crate::session) fn current_plan(&self, scope: &Scope, sql: &str) -> Result<Arc<Plan>> {
        let plan = match &self.dispatcher {
            Some(dispatcher) if self.is_current(scope, scope.all_commits()) => dispatcher.plan(sql),
            _ => self.dispatcher_of(scope, self.images(scope)?)?.plan(sql),
        };
        plan.map_err(|error| scope.with_dynamic(error))
    }

    /// Returns the plan of a statement, with the dispatcher that it comes from.
    pub(in crate::session) fn plan(&mut self, scope: &Scope, sql: &str) -> Result<(Arc<Dispatcher>, Arc<Plan>)> {
        let dispatcher = Arc::clone(self.dispatcher(scope)?);
        let plan = dispatcher.plan(sql).map_err(|error| scope.with_dynamic(error))?;
        Ok((dispatcher, plan))
    }

    /// Returns the dispatcher over the tables of one bind alone.
    pub(in crate::session) fn dispatcher_on(&mut self, scope: &Scope, bind: BindIndex) -> Result<Arc<Dispatcher>> {
        let image = self.image(scope, bind)?;
        let before = self.seen.insert(bind, Arc::clone(&image));
        if before.is_none_or(|before| before.id() != image.id()) {
            // What was found out with those of before is not this unit's: it is about to read these.
            self.dispatcher = None;
        }
        if let Some((known, dispatcher)) = self.alone.get(&bind)
            && *known == image.id()
        {
            return Ok(Arc::clone(dispatcher));
        }
        let id = image.id();
        let dispatcher = Dispatcher::alone(scope.own_key(bind).clone(), scope.names(bind), image)?;
        self.alone.insert(bind, (id, Arc::clone(&dispatcher)));
        Ok(dispatcher)
    }
}

// How often binds are asked for their commits is not seen from outside.
#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::harness::ASKED;
    use crate::{Bind, Harness};

    #[rstest]
    #[case::few(3)]
    #[case::many(30)]
    fn a_known_statement_asks_no_bind_for_its_commits(#[case] binds: usize) {
        let mut builder = Harness::builder();
        for at in 0..binds {
            builder = builder.bind(format!("bind_{at}"), Bind::memory().schema(format!("CREATE TABLE t{at} (x)")));
        }
        let db = builder.start().unwrap();
        let mut session = db.session();
        session.query("SELECT x FROM t1", [], |_| Ok(())).unwrap();
        // Commits of other tests have every bind asked once more.
        loop {
            session.query("SELECT x FROM t1", [], |_| Ok(())).unwrap();
            let before = session.scope.all_commits();
            ASKED.set(0);
            session.query("SELECT x FROM t1", [], |_| Ok(())).unwrap();
            session.bind_of("SELECT x FROM t1").unwrap();
            let asked = ASKED.get();
            if session.scope.all_commits() == before {
                assert_eq!(asked, 0);
                break;
            }
        }
        // A commit to any bind is seen.
        db.connection("bind_2").unwrap().execute_batch("CREATE TABLE later (x)").unwrap();
        assert_eq!(session.bind_of("SELECT x FROM later").unwrap().to_string(), "reads bind_2");
    }
}
