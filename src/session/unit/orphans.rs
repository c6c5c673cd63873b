//! References from one bind into another, checked as a unit of work sees both ends.

use rusqlite::Connection;

use super::Unit;
use crate::error::Orphan;
use crate::error::{Error, Result};
use crate::harness::{Reference, ReferenceEnd, Scope};
use crate::instrument::spared;
use crate::key::BindIndex;
use crate::session::failure::failed_before;

impl Unit {
    /// Notes the orphans that others have left, before this unit of work writes to an end of a reference.
    pub(super) fn note_orphans(&mut self, scope: &Scope, bind: BindIndex) -> Result<()> {
        for (number, reference) in scope.references().iter().enumerate().filter(|(_, found)| found.touches(bind)) {
            if self.orphans.contains(&number) {
                continue;
            }
            match self.orphans_of(scope, reference) {
                Ok(orphans) => drop(self.orphans.insert(number, orphans)),
                // Behind another's lock they cannot be distinguished from new ones; commit will look again.
                Err(Error::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Refuses a unit of work that leaves a row without what it refers to in another bind.
    pub(super) fn check_references(&self, scope: &Scope) -> Result<()> {
        let mut new = Vec::new();
        for (number, reference) in scope.references().iter().enumerate() {
            if !self.written.iter().any(|bind| reference.touches(*bind)) {
                continue;
            }
            let mut known = self.orphans.get(&number).cloned().unwrap_or_default();
            for orphan in self.orphans_of(scope, reference)? {
                match known.iter().position(|known| *known == orphan) {
                    Some(at) => drop(known.swap_remove(at)),
                    None => new.push(orphan),
                }
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        Err(Error::Orphans { orphans: new, at: None })
    }

    /// Returns the rows that refer to nothing, as this unit of work sees both ends.
    fn orphans_of(&self, scope: &Scope, reference: &Reference) -> Result<Vec<Orphan>> {
        let own = |end: &ReferenceEnd| {
            if !self.begun.contains(&end.bind) {
                return Ok(None);
            }
            let conn = self.binds[end.bind].used();
            conn.map(|conn| Some(View::Own(conn))).map_err(|error| failed_before(&scope.key(end.bind), error))
        };
        let to = match own(&reference.to)? {
            Some(to) => to,
            None => View::Committed(scope.running().quiet(&reference.to)?),
        };
        let mut orphans = Vec::new();
        for database in scope.running().binds()[reference.from.bind].databases() {
            // Of a dynamic bind the session has written to one database, and what it deleted here may be missed in all.
            let is_own = scope.at(reference.from.bind).is_some_and(|own| own.key() == database.key());
            let bind = reference.from.named_in(&database);
            let from = match own(&reference.from)?.filter(|_| is_own) {
                Some(from) => from,
                None => View::Committed(database.open().map_err(|error| failed_before(bind, error))?),
            };
            let found = spared(|| reference.orphans(bind, from.conn(), to.conn()));
            orphans.extend(found.map_err(|error| failed_before(bind, error))?);
        }
        Ok(orphans)
    }
}

/// One end of a reference as a unit of work sees it.
enum View<'e> {
    /// A bind that it has begun, with what it has written itself.
    Own(&'e Connection),
    /// A bind it has not touched.
    Committed(Connection),
}

impl View<'_> {
    fn conn(&self) -> &Connection {
        match self {
            View::Own(conn) => conn,
            View::Committed(conn) => conn,
        }
    }
}
