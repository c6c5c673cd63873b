//! What a unit of work knows of the tables in each bind.

use std::sync::Arc;

use super::Engines;
use crate::database::Image;
use crate::error::Result;
use crate::harness::Scope;
use crate::route::{Candidate, Catalog, Plan};

impl Engines {
    /// The tables of every bind: looked at anew when a unit of work begins, and kept until it ends.
    pub(in crate::session) fn catalog(&mut self, scope: &Scope) -> Result<&Arc<Catalog>> {
        let catalog = match &self.catalog {
            Some(catalog) if !self.begun.is_empty() => Arc::clone(catalog),
            _ => {
                let images = self.images(scope)?;
                self.seen.clear();
                for (member, image) in images.iter().enumerate() {
                    self.seen.insert(member, Arc::clone(image));
                }
                self.catalog_for(scope, images)?
            }
        };
        Ok(self.catalog.insert(catalog))
    }

    /// The same, without keeping it.
    fn current_catalog(&self, scope: &Scope) -> Result<Arc<Catalog>> {
        match &self.catalog {
            Some(catalog) if !self.begun.is_empty() => Ok(Arc::clone(catalog)),
            _ => self.catalog_for(scope, self.images(scope)?),
        }
    }

    /// The tables of every bind as they are now, and as this unit of work has left them.
    fn catalog_now(&self, scope: &Scope) -> Result<Arc<Catalog>> {
        let mut images = Vec::new();
        for member in 0..scope.len() {
            images.push(match self.changed.get(&member) {
                Some(own) => Arc::clone(own),
                None => scope.tables(member)?,
            });
        }
        self.catalog_for(scope, images)
    }

    fn catalog_for(&self, scope: &Scope, images: Vec<Arc<Image>>) -> Result<Arc<Catalog>> {
        let mut tables = Vec::new();
        for (member, image) in images.into_iter().enumerate() {
            tables.push((scope.names(member), image));
        }
        match &self.catalog {
            Some(known) if known.is_of(&tables) => Ok(Arc::clone(known)),
            _ => {
                let mut candidates = Vec::new();
                for (member, (keys, image)) in tables.into_iter().enumerate() {
                    let (replica_of, foreign_keys) = (scope.replica_of(member), scope.enforces_keys(member));
                    candidates.push(Candidate { keys: keys.to_vec(), image, replica_of, foreign_keys });
                }
                Catalog::of(candidates)
            }
        }
    }

    fn images(&self, scope: &Scope) -> Result<Vec<Arc<Image>>> {
        let mut images = Vec::new();
        for member in 0..scope.len() {
            images.push(self.image(scope, member)?);
        }
        Ok(images)
    }

    fn image(&self, scope: &Scope, member: usize) -> Result<Arc<Image>> {
        let own = self.changed.get(&member);
        match own.or_else(|| self.seen.get(&member).filter(|_| self.begun.contains(&member))) {
            Some(image) => Ok(Arc::clone(image)),
            None => scope.tables(member),
        }
    }

    /// What is found with the tables of every bind. What is not found may be there since this unit of work began.
    fn found<T>(
        &self,
        scope: &Scope,
        catalog: Arc<Catalog>,
        find: impl Fn(&Catalog) -> Result<T>,
    ) -> Result<(Arc<Catalog>, T)> {
        match find(&catalog) {
            Ok(found) => Ok((catalog, found)),
            Err(error) => {
                let now = self.catalog_now(scope)?;
                match Arc::ptr_eq(&now, &catalog) {
                    true => Err(error),
                    false => find(&now).map(|found| (now, found)),
                }
            }
        }
    }

    /// The same, going on with the tables that it was found with.
    pub(in crate::session) fn find<T>(&mut self, scope: &Scope, find: impl Fn(&Catalog) -> Result<T>) -> Result<T> {
        let catalog = Arc::clone(self.catalog(scope)?);
        let (catalog, found) = self.found(scope, catalog, find)?;
        self.catalog = Some(catalog);
        Ok(found)
    }

    /// The plan of a statement.
    pub(in crate::session) fn current_plan(&self, scope: &Scope, sql: &str) -> Result<Arc<Plan>> {
        let catalog = self.current_catalog(scope)?;
        Ok(self.found(scope, catalog, |catalog| catalog.route(sql))?.1)
    }

    /// The same, going on with the tables that it was made with.
    pub(in crate::session) fn plan(&mut self, scope: &Scope, sql: &str) -> Result<(Arc<Catalog>, Arc<Plan>)> {
        let catalog = Arc::clone(self.catalog(scope)?);
        let (catalog, plan) = self.found(scope, catalog, |catalog| catalog.route(sql))?;
        Ok((Arc::clone(self.catalog.insert(catalog)), plan))
    }

    /// The tables of one bind alone.
    pub(in crate::session) fn catalog_of(&mut self, scope: &Scope, member: usize) -> Result<Arc<Catalog>> {
        let image = self.image(scope, member)?;
        self.seen.insert(member, Arc::clone(&image));
        Catalog::alone(scope.names(member), image)
    }
}
