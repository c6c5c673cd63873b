//! A schema in two halves: what is the same twice, and what comes from the first statement on that is not.

use rusqlite::Connection;

use super::migration::Script;
use super::source::SchemaPart;
use super::tool::Tool;
use crate::list::retain;
use crate::sqlite::has_noticed;

/// A place between two statements of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of parts before it.
    pub(crate) parts: usize,
    /// The bytes of the next part that are before it.
    pub(crate) bytes: usize,
}

/// The search for the place before the first statement that is not the same twice, while a schema runs.
#[derive(Debug, Default)]
pub(crate) struct Search {
    /// The last place at which no transaction was open that a script itself has begun.
    last: Option<Place>,
    /// Set once a statement or a migrator may have left something on the connection that no image has.
    sets: bool,
    /// Set once the statement is found; `None` in it where the schema cannot be divided before it.
    found: Option<Option<Place>>,
}

impl Search {
    /// Passes a place, at which no transaction is open but one that is ended and begun again without a difference.
    pub(super) fn pass(&mut self, parts: usize, bytes: usize) {
        self.last = Some(Place { parts, bytes });
    }

    /// Notes if something was set on the connection.
    pub(super) fn set_if(&mut self, sets: bool) {
        self.sets |= sets;
    }

    /// Looks whether the statement that has just run was the first.
    pub(super) fn look(&mut self, conn: &Connection) {
        if self.found.is_none() && has_noticed() {
            self.found = Some(self.last.filter(|_| !self.sets && has_main_alone(conn)));
        }
    }

    /// Returns whether the connection has nothing that no image has.
    pub(crate) fn leaves_plain(&self, conn: &Connection) -> bool {
        !self.sets && has_main_alone(conn)
    }

    /// Returns the place that was found: the end of a schema of so many parts where the data alone differs; `None` where the
    /// schema cannot be divided, or has nothing before it.
    pub(crate) fn place(&self, parts: usize, conn: &Connection) -> Option<Place> {
        let end = || self.leaves_plain(conn).then_some(Place { parts, bytes: 0 });
        let place = self.found.unwrap_or_else(end);
        place.filter(|place| *place != Place { parts: 0, bytes: 0 })
    }
}

/// Returns whether a connection has no other database beside `main`: none attached, and nothing temporary.
fn has_main_alone(conn: &Connection) -> bool {
    let databases = conn.prepare("PRAGMA database_list").and_then(|mut list| {
        let (mut rows, mut databases) = (list.raw_query(), 0);
        while rows.next()?.is_some() {
            databases += 1;
        }
        Ok(databases)
    });
    databases.is_ok_and(|databases| databases == 1)
}

/// The two halves of a schema.
pub(crate) struct Halves {
    pub(crate) head: Vec<SchemaPart>,
    pub(crate) tail: Vec<SchemaPart>,
    /// The tool whose script is the last of the head.
    tool: Option<Tool>,
}

impl Halves {
    /// Divides a schema; `None` where it has no such place.
    pub(crate) fn of(parts: &[SchemaPart], place: Place) -> Option<Halves> {
        let (head, tail) = parts.split_at_checked(place.parts)?;
        let (mut head, mut tail) = (head.to_vec(), tail.to_vec());
        if place.bytes > 0 {
            let SchemaPart::Script(script) = tail.first_mut()? else { return None };
            head.push(SchemaPart::Script(script.cut_at(place.bytes)?));
        }
        let tool = match head.last() {
            Some(SchemaPart::Script(script)) => script.tool,
            _ => None,
        };
        Some(Halves { head, tail, tool })
    }

    /// Returns how the tail finds a connection that the head has left so.
    pub(crate) fn resumed(&self, standing: Standing) -> Resumed {
        Resumed { standing, tool: self.tool }
    }
}

/// A connection's state beside its database, where a schema begins in its middle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resumed {
    pub(super) standing: Standing,
    pub(super) tool: Option<Tool>,
}

impl Script {
    /// Cuts what is before a place off, and returns that.
    fn cut_at(&mut self, place: usize) -> Option<Script> {
        if !self.text.is_char_boundary(place) {
            return None;
        }
        let mut before = self.clone();
        retain(&mut before.pieces, |piece| piece.start < place);
        retain(&mut self.pieces, |piece| piece.end > place);
        if let Some(last) = before.pieces.last_mut() {
            last.end = last.end.min(place);
        }
        if let Some(first) = self.pieces.first_mut() {
            first.start = first.start.max(place);
        }
        Some(before)
    }
}

/// The state in which a schema has left a connection, beside its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Set where foreign keys are enforced.
    pub(crate) enforces: bool,
    /// The rowid of the last row inserted.
    pub(crate) rowid: i64,
}
