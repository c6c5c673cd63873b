//! The writes of the thread that wrote a row, on other binds.

use std::thread::ThreadId;

use super::clue::{Clue, Last};
use crate::observe::account::{Account, Author};

/// Finds what the threads that wrote the rows lost on other binds.
pub(super) fn beside(account: &Account, written: &[Clue]) -> Option<Clue> {
    let (mut threads, mut binds) = (Vec::<ThreadId>::new(), Vec::new());
    for clue in written {
        if let Clue::Written { bind, author: Author::One(one), .. } = clue {
            threads.push(one.thread().id());
            binds.push(bind);
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
    Last::of(lost).map(|last| Clue::Beside { last })
}
