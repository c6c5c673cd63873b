//! Verdicts on recorded statements: how many ran on a bind, and whether they only read.

use super::log::StatementLog;
use super::statement::{Statement, StatementKind};
use crate::error::Result;
use crate::instrument::{displaced, Displaced};
use crate::key::{BindKey, Selection};
use crate::list::retain;

/// A number of statements on a bind that is not the one expected, or a write that is among none of them.
pub(crate) enum Miscount {
    /// The statements on the bind, and those on other binds.
    Statements {
        on_it: Vec<Statement>,
        elsewhere: Vec<Statement>,
        /// The connections to what is counted that were not seen whole.
        unseen: Vec<Displaced>,
    },
    Unrecorded(Unrecorded, Vec<Displaced>),
    /// The expected number was seen, but some connections were not seen whole.
    Unseen(Vec<Displaced>),
}

/// A number of statements that is expected.
#[derive(Clone, Copy)]
pub(crate) enum Tally {
    Exactly(usize),
    AtMost(usize),
}

impl Tally {
    fn is_met_by(self, count: usize) -> bool {
        match self {
            Tally::Exactly(expected) => count == expected,
            Tally::AtMost(most) => count <= most,
        }
    }
}

/// Writes to binds that were to be read only.
pub(crate) enum Written {
    Statements {
        /// The statements on these binds, each with whether it writes.
        on_them: Vec<(Statement, bool)>,
        elsewhere: Vec<Statement>,
    },
    Unrecorded(Unrecorded, Vec<Displaced>),
    /// No write was seen, but there were connections that were not seen whole.
    Unseen(Vec<Displaced>),
}

/// The binds that were written to by none of the recorded statements.
pub(crate) enum Unrecorded {
    /// On connections that the application opened itself.
    ByOthers(Vec<BindKey>),
    /// By the harness's own connections.
    ByItsOwn(Vec<BindKey>),
}

impl StatementLog {
    /// Counts the statements that ran on a bind; `None` where there are as many as expected.
    pub(crate) fn miscounted(&self, key: &BindKey, expected: Tally) -> Result<Option<Miscount>> {
        self.binds.check(key)?;
        let (mut on_it, mut elsewhere) = (Vec::new(), Vec::new());
        for statement in self.statements() {
            if statement.counts() {
                let ran = if statement.is_on(key) { &mut on_it } else { &mut elsewhere };
                ran.push(statement);
            }
        }
        let unseen = self.unseen(&|one| one.is_to(std::slice::from_ref(key)));
        if expected.is_met_by(on_it.len()) {
            // Writes of others are not recorded. They matter where nothing is to have happened.
            if let Some(write) = self.unrecorded(&|keys| keys.contains(key), on_it.is_empty(), &unseen) {
                return Ok(Some(Miscount::Unrecorded(write, unseen)));
            }
            return Ok((!unseen.is_empty()).then_some(Miscount::Unseen(unseen)));
        }
        Ok(Some(Miscount::Statements { on_it, elsewhere, unseen }))
    }

    /// Counts the statements on all binds, one that joins several once; `None` where there are as many as expected.
    pub(crate) fn miscounted_in_all(&self, expected: Tally) -> Option<Miscount> {
        let mut on_it = self.statements();
        retain(&mut on_it, Statement::counts);
        let unseen = self.unseen(&|_| true);
        if expected.is_met_by(on_it.len()) {
            if let Some(write) = self.unrecorded(&|_| true, on_it.is_empty(), &unseen) {
                return Some(Miscount::Unrecorded(write, unseen));
            }
            return (!unseen.is_empty()).then_some(Miscount::Unseen(unseen));
        }
        Some(Miscount::Statements { on_it, elsewhere: Vec::new(), unseen })
    }

    /// Counts the statements that a function picks; `None` where there are as many as expected.
    pub(crate) fn mismatched(&self, expected: Tally, is_one: &dyn Fn(&Statement) -> bool) -> Option<Miscount> {
        let (on_it, elsewhere) = self.statements().into_iter().partition::<Vec<_>, _>(|statement| is_one(statement));
        let unseen = self.unseen(&|_| true);
        if expected.is_met_by(on_it.len()) {
            return (!unseen.is_empty()).then_some(Miscount::Unseen(unseen));
        }
        Some(Miscount::Statements { on_it, elsewhere, unseen })
    }

    /// Looks for a write to the selected binds; `None` where there is none.
    pub(crate) fn written(&self, selection: &Selection) -> Result<Option<Written>> {
        for key in selection.keys().unwrap_or_default() {
            self.binds.check(key)?;
        }
        let is_on_them = |statement: &Statement| match selection.keys() {
            Some(keys) => keys.iter().any(|key| statement.is_on(key)),
            None => true,
        };
        let writes = |statement: &Statement| match selection.keys() {
            Some(keys) => keys.iter().any(|key| statement.writes_to(key)),
            None => statement.kind() == StatementKind::Write,
        };
        let (mut on_them, mut elsewhere) = (Vec::new(), Vec::new());
        for statement in self.statements() {
            if statement.does_something() && is_on_them(&statement) {
                let writes = writes(&statement);
                on_them.push((statement, writes));
            } else if statement.does_something() {
                elsewhere.push(statement);
            }
        }
        if on_them.iter().any(|(_, writes)| *writes) {
            return Ok(Some(Written::Statements { on_them, elsewhere }));
        }
        let are_meant =
            |names: &[BindKey]| selection.keys().is_none_or(|keys| keys.iter().any(|key| names.contains(key)));
        let unseen = self.unseen(&|one| one.may_be(are_meant));
        if let Some(write) = self.unrecorded(&are_meant, true, &unseen) {
            return Ok(Some(Written::Unrecorded(write, unseen)));
        }
        Ok((!unseen.is_empty()).then_some(Written::Unseen(unseen)))
    }

    /// Returns the connections to such binds on which statements may have run unseen.
    fn unseen(&self, are_meant: &dyn Fn(&Displaced) -> bool) -> Vec<Displaced> {
        let mut unseen = self.displaced();
        retain(&mut unseen, |one| are_meant(one) && one.hides_writes());
        unseen
    }

    /// Returns the connections of the harness on which the application has replaced an instrument.
    pub(crate) fn displaced(&self) -> Vec<Displaced> {
        let (recorder, since) = self.listening.displaced_since();
        displaced(recorder, since)
    }

    /// Looks for writes to such binds by none of the statements; with `by_others`, by connections that are not the harness's
    /// too. `unseen` are the connections to them that were not seen whole.
    fn unrecorded(
        &self,
        are_meant: &dyn Fn(&[BindKey]) -> bool,
        by_others: bool,
        unseen: &[Displaced],
    ) -> Option<Unrecorded> {
        let (mut by_its_own, mut by_other_connections) = (Vec::new(), Vec::new());
        for write in self.listening.unaccounted() {
            let counts_in_vain = |one: &Displaced| one.hides_commits() && one.is_to(&write.database);
            if !are_meant(&write.database) || write.counted && unseen.iter().any(counts_in_vain) {
                continue;
            }
            let key = write.database.first();
            let binds = if write.ours { &mut by_its_own } else { &mut by_other_connections };
            if (write.ours || by_others) && !binds.contains(key) {
                binds.push(key.clone());
            }
        }
        if !by_its_own.is_empty() {
            Some(Unrecorded::ByItsOwn(by_its_own))
        } else if !by_other_connections.is_empty() {
            Some(Unrecorded::ByOthers(by_other_connections))
        } else {
            None
        }
    }
}
