//! The writes of the thread that wrote a row, on other binds.

use std::thread::ThreadId;
use std::time::Instant;

use super::clue::{Clue, Last};
use crate::instrument::Transaction;
use crate::key::BindKey;
use crate::observe::account::{Account, Author};
use crate::observe::statements::Statement;

/// Finds what the threads that wrote the rows lost on other binds.
pub(super) fn beside(account: &Account, written: &[Clue]) -> Option<Clue> {
    let (mut threads, mut binds, mut committed) = (Vec::<ThreadId>::new(), Vec::new(), Vec::new());
    for clue in written {
        if let Clue::Written { bind, author: Author::One(one), .. } = clue {
            threads.push(one.thread().id());
            binds.push(bind);
            committed.extend(one.in_transaction().and_then(Transaction::ended).map(|at| (bind, at)));
        }
    }
    let mut lost = Vec::new();
    for thread in threads {
        for statement in account.of_thread(thread) {
            if statement.fate().is_lost() && !binds.contains(&statement.bind()) {
                lost.push(statement.clone());
            }
        }
    }
    let last = Last::of(lost)?;
    let ends = last.statements.first().and_then(Statement::in_transaction).and_then(Transaction::ended);
    let is_before = |(_, at): &&(&BindKey, Instant)| ends.is_some_and(|ends| *at <= ends);
    let after = committed.iter().find(is_before).map(|(bind, _)| (*bind).clone());
    Some(Clue::Beside { last, after })
}
