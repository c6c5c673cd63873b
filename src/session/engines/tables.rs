//! What a unit of work knows of the tables in each bind.

use std::sync::Arc;

use rusqlite::TransactionState;

use super::Engines;
use crate::error::Result;
use crate::harness::Scope;
use crate::key::{BindIndex, PerBind};
use crate::route::{Candidate, Catalog, Plan};
use crate::sqlite::Image;

impl Engines {
    /// The tables of every bind as the next statement sees them.
    pub(in crate::session) fn catalog(&mut self, scope: &Scope) -> Result<&Arc<Catalog>> {
        let catalog = match &self.catalog {
            Some(catalog) if self.is_current(scope) => Arc::clone(catalog),
            _ => {
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
                self.catalog_for(scope, images)?
            }
        };
        Ok(self.catalog.insert(catalog))
    }

    /// Whether nobody has committed since the tables were last looked at, as far as the next statement would see it.
    fn is_current(&self, scope: &Scope) -> bool {
        let is_current = |(bind, looked): (BindIndex, &Option<u64>)| {
            self.read.contains(&bind) || (looked.is_some() && *looked == scope.commits(bind))
        };
        self.looked.as_ref().is_some_and(|looked| looked.iter().all(is_current))
    }

    fn catalog_for(&self, scope: &Scope, images: PerBind<Arc<Image>>) -> Result<Arc<Catalog>> {
        let tables = images.map(|bind, image| (scope.names(bind), Arc::clone(image)));
        match &self.catalog {
            Some(known) if known.is_of(tables.values()) => Ok(Arc::clone(known)),
            _ => Catalog::of(tables.map(|bind, (keys, image)| Candidate {
                keys: keys.to_vec(),
                image: Arc::clone(image),
                replica_of: scope.replica_of(bind),
                foreign_keys: scope.enforces_keys(bind),
            })),
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

    /// What is found with the tables of every bind.
    pub(in crate::session) fn find<T>(&mut self, scope: &Scope, find: impl Fn(&Catalog) -> Result<T>) -> Result<T> {
        find(self.catalog(scope)?)
    }

    /// The plan of a statement that is not run.
    pub(in crate::session) fn current_plan(&self, scope: &Scope, sql: &str) -> Result<Arc<Plan>> {
        self.catalog_for(scope, self.images(scope)?)?.route(sql).map_err(|error| scope.with_dynamic(error))
    }

    /// The plan of a statement, with the tables that it was made with.
    pub(in crate::session) fn plan(&mut self, scope: &Scope, sql: &str) -> Result<(Arc<Catalog>, Arc<Plan>)> {
        let catalog = Arc::clone(self.catalog(scope)?);
        let plan = catalog.route(sql).map_err(|error| scope.with_dynamic(error))?;
        Ok((catalog, plan))
    }

    /// The tables of one bind alone.
    pub(in crate::session) fn catalog_of(&mut self, scope: &Scope, member: BindIndex) -> Result<Arc<Catalog>> {
        let image = self.image(scope, member)?;
        let before = self.seen.insert(member, Arc::clone(&image));
        if before.is_none_or(|before| before.id() != image.id()) {
            // What was found out with those of before is not this unit's: it is about to read these.
            self.catalog = None;
        }
        let known = self.alone.get(&member).filter(|known| known.is_of(&[(scope.names(member), Arc::clone(&image))]));
        if let Some(known) = known {
            return Ok(Arc::clone(known));
        }
        let catalog = Catalog::alone(scope.names(member), image)?;
        self.alone.insert(member, Arc::clone(&catalog));
        Ok(catalog)
    }
}
