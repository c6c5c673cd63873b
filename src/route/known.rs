//! The plans of statements, kept by their text, and the errors of those that have none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rusqlite::ffi;

use super::plan::{Effects, Plan};
use crate::error::{Error, Result};
use crate::sync::lock;

/// The number of statements that are kept. When there are more, all are dropped and looked into again.
const MOST_STATEMENTS: usize = 4096;
/// The longest text in bytes that is kept; a longer one is looked into each time.
const LONGEST_TEXT: usize = 16 * 1024;

/// Answers by the text of a statement.
#[derive(Default)]
pub(super) struct KnownPlans {
    answers: Mutex<HashMap<Box<str>, Answers>>,
}

#[derive(Default)]
struct Answers {
    plan: Option<Result<Arc<Plan>>>,
    effects: Option<Effects>,
}

impl KnownPlans {
    /// Returns the plan of a statement, found now unless it is known.
    pub(super) fn plan(&self, sql: &str, find: impl FnOnce() -> Result<Plan>) -> Result<Arc<Plan>> {
        let known = lock(&self.answers).get(sql).and_then(|answers| answers.plan.as_ref().and_then(again));
        if let Some(known) = known {
            return known;
        }
        let found = find().map(Arc::new);
        self.keep(sql, |answers| answers.plan = again(&found));
        found
    }

    /// Returns the effects of a statement on the one bind that it is given to, found now unless they are known.
    pub(super) fn effects(&self, sql: &str, find: impl FnOnce() -> Result<Effects>) -> Result<Effects> {
        if let Some(effects) = lock(&self.answers).get(sql).and_then(|answers| answers.effects) {
            return Ok(effects);
        }
        let effects = find()?;
        self.keep(sql, |answers| answers.effects = Some(effects));
        Ok(effects)
    }

    #[cfg(test)]
    pub(super) fn clear(&self) {
        lock(&self.answers).clear();
    }

    fn keep(&self, sql: &str, answer: impl FnOnce(&mut Answers)) {
        if sql.len() > LONGEST_TEXT {
            return;
        }
        let mut answers = lock(&self.answers);
        if answers.len() >= MOST_STATEMENTS {
            answers.clear();
        }
        answer(answers.entry(sql.into()).or_default());
    }
}

/// Returns an answer once more; `None` for an error that is not about the statement and the tables alone.
fn again(answer: &Result<Arc<Plan>>) -> Option<Result<Arc<Plan>>> {
    let error = match answer {
        Ok(plan) => return Some(Ok(Arc::clone(plan))),
        Err(error) => error,
    };
    Some(Err(match error {
        Error::Statement { sql, problem, .. } => {
            Error::Statement { sql: sql.clone(), problem: problem.clone(), at: None }
        }
        Error::UnknownTable { table, nearest, .. } => {
            Error::UnknownTable { table: table.clone(), nearest: nearest.clone(), at: None }
        }
        Error::AmbiguousTable { table, binds, .. } => {
            Error::AmbiguousTable { table: table.clone(), binds: binds.clone(), at: None }
        }
        Error::UnknownBind { bind, configured, .. } => {
            Error::UnknownBind { bind: bind.clone(), configured: configured.clone(), at: None }
        }
        Error::NoDefaultBind { what, configured, .. } => {
            Error::NoDefaultBind { what: what.clone(), configured: configured.clone(), at: None }
        }
        Error::CrossBindWrite { write, others, hint, sql, .. } => Error::CrossBindWrite {
            write: write.clone(),
            others: others.clone(),
            hint: hint.clone(),
            sql: sql.clone(),
            at: None,
        },
        Error::Prepare { sql, source, .. } => Error::Prepare { sql: sql.clone(), source: copied(source), at: None },
        _ => return None,
    }))
}

/// Returns SQLite's error once more, to be kept.
pub(super) fn copied(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => rusqlite::Error::SqliteFailure(*code, message.clone()),
        rusqlite::Error::SqlInputError { error, msg, sql, offset } => {
            rusqlite::Error::SqlInputError { error: *error, msg: msg.clone(), sql: sql.clone(), offset: *offset }
        }
        other => rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(other.to_string())),
    }
}
