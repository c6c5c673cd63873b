//! What a unit of work knows of the tables in each bind.

use std::sync::Arc;

use super::{failed, Engines};
use crate::database::{Database, Image};
use crate::error::Result;
use crate::harness::Running;
use crate::route::{Catalog, Plan};

impl Engines {
    /// The tables of every bind: looked at anew when a unit of work begins, and kept until it ends.
    pub(in crate::session) fn catalog(&mut self, running: &Running) -> Result<&Arc<Catalog>> {
        let catalog = match &self.catalog {
            Some(catalog) if !self.begun.is_empty() => Arc::clone(catalog),
            _ => {
                let images = self.images(running)?;
                self.seen = images.iter().cloned().enumerate().collect();
                self.catalog_for(running, images)?
            }
        };
        Ok(self.catalog.insert(catalog))
    }

    /// The same, without keeping it.
    fn current_catalog(&self, running: &Running) -> Result<Arc<Catalog>> {
        match &self.catalog {
            Some(catalog) if !self.begun.is_empty() => Ok(Arc::clone(catalog)),
            _ => self.catalog_for(running, self.images(running)?),
        }
    }

    /// The tables of every bind as they are now, and as this unit of work has left them.
    fn catalog_now(&self, running: &Running) -> Result<Arc<Catalog>> {
        let now = |(member, database): (usize, &Database)| match self.changed.get(&member) {
            Some(own) => Ok(Arc::clone(own)),
            None => database.tables().map_err(|error| failed(database.key(), "", error)),
        };
        self.catalog_for(running, running.databases().enumerate().map(now).collect::<Result<_>>()?)
    }

    fn catalog_for(&self, running: &Running, images: Vec<Arc<Image>>) -> Result<Arc<Catalog>> {
        let tables = running.databases().map(Database::keys).zip(images).collect::<Vec<_>>();
        match &self.catalog {
            Some(known) if known.is_of(&tables) => Ok(Arc::clone(known)),
            _ => Catalog::of(tables.into_iter().map(|(keys, image)| (keys.to_vec(), image)).collect()),
        }
    }

    fn images(&self, running: &Running) -> Result<Vec<Arc<Image>>> {
        running.databases().enumerate().map(|(member, database)| self.image(database, member)).collect()
    }

    fn image(&self, database: &Database, member: usize) -> Result<Arc<Image>> {
        let own = self.changed.get(&member);
        match own.or_else(|| self.seen.get(&member).filter(|_| self.begun.contains(&member))) {
            Some(image) => Ok(Arc::clone(image)),
            None => database.tables().map_err(|error| failed(database.key(), "", error)),
        }
    }

    /// What is found with the tables of every bind. What is not found may be there since this unit of work began.
    fn found<T>(
        &self,
        running: &Running,
        catalog: Arc<Catalog>,
        find: impl Fn(&Catalog) -> Result<T>,
    ) -> Result<(Arc<Catalog>, T)> {
        match find(&catalog) {
            Ok(found) => Ok((catalog, found)),
            Err(error) => {
                let now = self.catalog_now(running)?;
                match Arc::ptr_eq(&now, &catalog) {
                    true => Err(error),
                    false => find(&now).map(|found| (now, found)),
                }
            }
        }
    }

    /// The same, going on with the tables that it was found with.
    pub(in crate::session) fn find<T>(&mut self, running: &Running, find: impl Fn(&Catalog) -> Result<T>) -> Result<T> {
        let catalog = Arc::clone(self.catalog(running)?);
        let (catalog, found) = self.found(running, catalog, find)?;
        self.catalog = Some(catalog);
        Ok(found)
    }

    /// The plan of a statement.
    pub(in crate::session) fn current_plan(&self, running: &Running, sql: &str) -> Result<Arc<Plan>> {
        let catalog = self.current_catalog(running)?;
        Ok(self.found(running, catalog, |catalog| catalog.route(sql))?.1)
    }

    /// The same, going on with the tables that it was made with.
    pub(in crate::session) fn plan(&mut self, running: &Running, sql: &str) -> Result<(Arc<Catalog>, Arc<Plan>)> {
        let catalog = Arc::clone(self.catalog(running)?);
        let (catalog, plan) = self.found(running, catalog, |catalog| catalog.route(sql))?;
        Ok((Arc::clone(self.catalog.insert(catalog)), plan))
    }

    /// The tables of one bind alone.
    pub(in crate::session) fn catalog_of(&mut self, database: &Database, member: usize) -> Result<Arc<Catalog>> {
        let image = self.image(database, member)?;
        self.seen.insert(member, Arc::clone(&image));
        Catalog::alone(database.keys(), image)
    }
}
