//! The tables in each bind as a unit of work knows them.

use std::ptr;
use std::sync::Arc;

use super::{LastPlan, Part, Unit};
use crate::error::Result;
use crate::harness::Scope;
use crate::key::{BindIndex, PerBind};
use crate::route::{Candidate, Dispatcher, Plan};
use crate::session::failure::failed_before;
use crate::sqlite::Image;

impl Unit {
    /// Returns the dispatcher over every bind's tables as the next statement sees them.
    pub(in super::super) fn dispatcher(&mut self, scope: &Scope) -> Result<&Arc<Dispatcher>> {
        let all_commits = scope.all_commits();
        let is_current = self.is_current(scope, all_commits);
        self.current_at = is_current.then_some(all_commits);
        let dispatcher = match &self.dispatcher {
            Some(dispatcher) if is_current => Arc::clone(dispatcher),
            _ => {
                self.current_at = None;
                // Counted before: what is committed meanwhile is looked at once more.
                let commits = scope.map(|bind| scope.commits(bind));
                let images = self.images(scope)?;
                for (bind, image) in images.iter() {
                    let part = &mut self.binds[bind];
                    part.seen = Some(Arc::clone(image));
                    // What a unit of work has read is as it was, and looked at when that ends.
                    if !part.has_read {
                        part.looked = commits[bind];
                    }
                }
                self.dispatcher_of(scope, &images)?
            }
        };
        Ok(self.dispatcher.insert(dispatcher))
    }

    /// Reports whether nobody has committed since the tables were last looked at, as far as the next statement would
    /// see it. While the count of all commits stands, no bind is asked for its own.
    fn is_current(&self, scope: &Scope, all_commits: u64) -> bool {
        let is_current = |(bind, part): (BindIndex, &Part)| {
            part.has_read || part.looked.is_some() && part.looked == scope.commits(bind)
        };
        self.current_at == Some(all_commits) || self.binds.iter().all(is_current)
    }

    fn dispatcher_of(&self, scope: &Scope, images: &PerBind<Arc<Image>>) -> Result<Arc<Dispatcher>> {
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

    /// Returns the tables of a bind as the next statement sees them: those that this unit of work has left there, those of
    /// when it first read or wrote, and else those that are committed now.
    fn image(&self, scope: &Scope, bind: BindIndex) -> Result<Arc<Image>> {
        let part = &self.binds[bind];
        match part.changed.as_ref().or(part.seen.as_ref()).filter(|_| part.has_read) {
            Some(image) => Ok(Arc::clone(image)),
            // A unit of work that is open is not to wait before each of its statements.
            None => scope.tables(bind, !self.begun.is_empty()),
        }
    }

    /// Returns the tables of a bind as the statement that is about to run was routed with.
    pub(super) fn last_seen(&self, scope: &Scope, bind: BindIndex) -> Result<Arc<Image>> {
        let part = &self.binds[bind];
        match part.changed.as_ref().or(part.seen.as_ref()) {
            Some(image) => Ok(Arc::clone(image)),
            None => self.image(scope, bind),
        }
    }

    /// Returns the text encoding of a bind, as `PRAGMA encoding` names it.
    pub(in super::super) fn encoding(&self, scope: &Scope, bind: BindIndex) -> Result<String> {
        let image = self.image(scope, bind)?;
        let objects = image.objects().map_err(|error| failed_before(scope.own_key(bind), error))?;
        Ok(objects.encoding().to_string())
    }

    /// Returns the dispatcher over every bind's tables as they are now, without noting that they were looked at, and
    /// whether it is the same for as long as the count of all commits stands.
    pub(in super::super) fn look(&self, scope: &Scope, all_commits: u64) -> Result<(Arc<Dispatcher>, bool)> {
        match &self.dispatcher {
            Some(dispatcher) if self.is_current(scope, all_commits) => Ok((Arc::clone(dispatcher), true)),
            _ => {
                let dispatcher = self.dispatcher_of(scope, &self.images(scope)?)?;
                Ok((dispatcher, self.binds.iter().all(|(bind, part)| part.has_read || scope.commits(bind).is_some())))
            }
        }
    }

    /// Returns the plan of a statement, with the dispatcher that it comes from.
    pub(in super::super) fn plan(&mut self, scope: &Scope, sql: &str) -> Result<(Arc<Dispatcher>, Arc<Plan>)> {
        let dispatcher = Arc::clone(self.dispatcher(scope)?);
        if let Some(last) = &self.last_plan
            && ptr::eq(last.dispatcher.as_ptr(), Arc::as_ptr(&dispatcher))
            && *last.sql == *sql
        {
            return Ok((dispatcher, Arc::clone(&last.plan)));
        }
        let plan = dispatcher.plan(sql).map_err(|error| scope.with_dynamic(error))?;
        let (of, known) = (Arc::downgrade(&dispatcher), Arc::clone(&plan));
        self.last_plan = Some(LastPlan { dispatcher: of, sql: sql.into(), plan: known });
        Ok((dispatcher, plan))
    }

    /// Returns the dispatcher over the tables of one bind alone.
    pub(in super::super) fn dispatcher_on(&mut self, scope: &Scope, bind: BindIndex) -> Result<Arc<Dispatcher>> {
        let image = self.image(scope, bind)?;
        let part = &mut self.binds[bind];
        let before = part.seen.replace(Arc::clone(&image));
        if before.is_none_or(|before| before.id() != image.id()) {
            // What was found out with those of before is not this unit's: it is about to read these.
            self.dispatcher = None;
        }
        match &part.alone {
            Some((id, known)) if *id == image.id() => Ok(Arc::clone(known)),
            _ => {
                let id = image.id();
                let made = Dispatcher::alone(scope.own_key(bind).clone(), scope.names(bind), image)?;
                let (_, dispatcher) = part.alone.insert((id, made));
                Ok(Arc::clone(dispatcher))
            }
        }
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
            let before = session.scope.all_commits();
            session.query("SELECT x FROM t1", [], |_| Ok(())).unwrap();
            ASKED.set(0);
            session.query("SELECT x FROM t1", [], |_| Ok(())).unwrap();
            session.route("SELECT x FROM t1").unwrap();
            let asked = ASKED.get();
            if session.scope.all_commits() == before {
                assert_eq!(asked, 0);
                break;
            }
        }
        // Neither does a session that has run nothing yet.
        let fresh = db.session();
        loop {
            let before = fresh.scope.all_commits();
            fresh.route("SELECT x FROM t1").unwrap();
            ASKED.set(0);
            fresh.route("SELECT x FROM t1").unwrap();
            let asked = ASKED.get();
            if fresh.scope.all_commits() == before {
                assert_eq!(asked, 0);
                break;
            }
        }
        // A commit to any bind is seen.
        db.connection("bind_2").unwrap().execute_batch("CREATE TABLE later (x)").unwrap();
        assert_eq!(session.route("SELECT x FROM later").unwrap().to_string(), "reads bind_2");
    }
}
