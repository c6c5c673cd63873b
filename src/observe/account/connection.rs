//! The connections of statements: how each came about, and why one enforced no foreign keys.

use std::sync::Arc;

use super::given::Given;
use super::Account;
use crate::instrument::{Asked, Attached, OpenedBy, Opening, Place, Way};
use crate::key::BindKey;
use crate::list::filtered;
use crate::observe::statements::Statement;

/// The connection of a statement, as it came about.
pub(crate) struct Came {
    /// Its number in the harness.
    pub(crate) number: u32,
    /// The bind that it had attached and the statement wrote to, where that is not its own.
    pub(crate) attached: Option<(BindKey, Option<Attached>)>,
    pub(crate) opening: Arc<Opening>,
    /// The lines that got a way to the database that it wrote to, of the kind by which it was opened or attached.
    pub(crate) given: Given,
    /// Set if one call of the application's opened it and ran the statement, or attached the bind.
    pub(crate) is_of_one_call: bool,
    /// The first statement that wrote on it, where that is another and was about the same table.
    pub(crate) first: Option<Box<Statement>>,
}

/// The reason why a statement ran without foreign keys being enforced.
pub(crate) enum Unenforced {
    /// A statement had switched that off, at this place if it is known.
    SwitchedOff(Option<Arc<Place>>),
    /// It was off as the connection was opened, and nothing has switched it on.
    NeverOn(Arc<Opening>),
}

impl Account {
    /// Returns how the connection of a statement came about; `None` for one of the harness's own, which says nothing
    /// more.
    pub(in crate::observe) fn connection_of(&self, statement: &Statement, bind: &BindKey) -> Option<Came> {
        let opening = Arc::clone(statement.recorded().opened.as_ref()?);
        let way = match opening.by {
            OpenedBy::Application => Way::Address,
            OpenedBy::Pool => Way::Pool,
            OpenedBy::Session => return None,
        };
        let number = statement.connection();
        let is_first = |one: &&Statement| one.connection() == number;
        let first = if self.is_partial() { None } else { self.statements.iter().find(is_first) };
        // What it wrote elsewhere says nothing of this row.
        let is_alike = |first: &&Statement| statement.written().any(|own| first.writes_rows_of(bind, &own.table));
        let first = first
            .filter(|first| first.recorded().number != statement.recorded().number)
            .filter(is_alike)
            .filter(|_| opening.by != OpenedBy::Pool);
        let first = first.map(|first| Box::new(first.clone()));
        let opened_in = opening.place.as_ref().and_then(|place| place.function());
        let ran = statement.recorded().place.as_ref();
        let mut is_of_one_call =
            opened_in.is_some_and(|function| ran.is_some_and(|ran| ran.line_in(function).is_some()));
        let attached = (!opening.names.contains(bind)).then(|| (bind.clone(), opening.attached(bind)));
        let given = match &attached {
            Some((_, Some(attached))) => Given::of(&self.recorder, &attached.names, Way::Address),
            Some((_, None)) => Given::Lines(Vec::new()),
            None if way == Way::Pool => {
                let all = self.recorder.given(&opening.names, way);
                let mut given = filtered(&all, |asked| !names(statement, asked));
                if given.is_empty() {
                    // A caller that got it for the statement; the statement's own line says it all.
                    given = filtered(&all, |asked| !is_of(statement, asked));
                    is_of_one_call = true;
                }
                if given.is_empty() {
                    return None;
                }
                Given::Lines(given)
            }
            None => Given::of(&self.recorder, &opening.names, way),
        };
        Some(Came { number, attached, opening, given, is_of_one_call, first })
    }
}

/// Returns whether the line that got a statement's connection ran it.
fn is_of(statement: &Statement, asked: &Asked) -> bool {
    statement.line().is_some() && statement.line() == asked.place.as_ref().and_then(|place| place.line())
}

/// Returns whether the place of a statement names the line that got its connection.
fn names(statement: &Statement, asked: &Asked) -> bool {
    let Some(line) = asked.place.as_ref().and_then(|place| place.line()) else { return false };
    statement.line() == Some(line) || statement.lines_of_callers().contains(&line)
}

impl Statement {
    /// Returns why its connection enforced no foreign keys as it ran; `None` where it did, or where that is not known.
    pub(crate) fn unenforced(&self) -> Option<Unenforced> {
        let recorded = self.recorded();
        let opening = recorded.opened.as_ref().filter(|_| !self.foreign_keys())?;
        match opening.switched_before(recorded.number) {
            Some(switch) if switch.is_on => None,
            Some(switch) => Some(Unenforced::SwitchedOff(switch.place)),
            None if opening.enforced => None,
            None => Some(Unenforced::NeverOn(Arc::clone(opening))),
        }
    }
}
