//! What a unit of work knows of the tables in each bind.

use std::sync::Arc;

use super::Unit;
use crate::error::Result;
use crate::harness::Scope;
use crate::key::{BindIndex, PerBind};
use crate::route::{Candidate, Catalog, Plan};
use crate::sqlite::Image;

impl Unit {
    /// Returns the tables of every bind as the next statement sees them.
    pub(in super::super) fn catalog(&mut self, scope: &Scope) -> Result<&Arc<Catalog>> {
        let catalog = match &self.catalog {
            Some(catalog) if self.is_current(scope) => Arc::clone(catalog),
            _ => {
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
                self.catalog_for(scope, &images)?
            }
        };
        Ok(self.catalog.insert(catalog))
    }

    /// Tells whether nobody has committed since the tables were last looked at, as far as the next statement would see it.
    fn is_current(&self, scope: &Scope) -> bool {
        let mut parts = self.binds.iter();
        parts.all(|(bind, part)| part.has_read || part.looked.is_some() && part.looked == scope.commits(bind))
    }

    fn catalog_for(&self, scope: &Scope, images: &PerBind<Arc<Image>>) -> Result<Arc<Catalog>> {
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

    /// Returns the plan of a statement that is not run.
    pub(in super::super) fn current_plan(&self, scope: &Scope, sql: &str) -> Result<Arc<Plan>> {
        let catalog = self.catalog_for(scope, &self.images(scope)?)?;
        catalog.route(sql).map_err(|error| scope.with_dynamic(error))
    }

    /// Returns the plan of a statement, with the tables that it was made with.
    pub(in super::super) fn plan(&mut self, scope: &Scope, sql: &str) -> Result<(Arc<Catalog>, Arc<Plan>)> {
        let catalog = Arc::clone(self.catalog(scope)?);
        let plan = catalog.route(sql).map_err(|error| scope.with_dynamic(error))?;
        Ok((catalog, plan))
    }

    /// Returns the tables of one bind alone.
    pub(in super::super) fn catalog_of(&mut self, scope: &Scope, bind: BindIndex) -> Result<Arc<Catalog>> {
        let image = self.image(scope, bind)?;
        let part = &mut self.binds[bind];
        let before = part.seen.replace(Arc::clone(&image));
        if before.is_none_or(|before| before.id() != image.id()) {
            // What was found out with those of before is not this unit's: it is about to read these.
            self.catalog = None;
        }
        match &part.alone {
            Some((id, known)) if *id == image.id() => Ok(Arc::clone(known)),
            _ => {
                let id = image.id();
                let (_, catalog) = part.alone.insert((id, Catalog::alone(scope.names(bind), image)?));
                Ok(Arc::clone(catalog))
            }
        }
    }
}
