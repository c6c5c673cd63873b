//! The rows that refer to what is not there, with who wrote them.

use std::sync::Arc;

use rusqlite::types::Value;

use super::account::{is_rowid, Account, Author, Unenforced};
use super::clues::{gone, Clue};
use super::glance::View;
use crate::error::{Orphan, Parent, Result};
use crate::harness::{Bound, Harness};
use crate::instrument::displaced;
use crate::key::BindKey;

/// A row that refers to nothing.
pub(crate) struct Broken {
    pub(crate) orphan: Orphan,
    /// The author, for the first few.
    pub(crate) written: Option<Clue>,
    /// The likely fate of the row that it refers to.
    pub(crate) gone: Vec<Clue>,
    /// Set if that row was in another bind, and was deleted.
    pub(crate) is_across: bool,
    /// The reason why SQLite checked no key as it was written or its parent deleted, where a statement did so unchecked.
    pub(crate) unenforced: Option<Unenforced>,
}

/// The number of rows whose authors are looked for.
const ASKED: usize = 3;

/// Returns the rows of all binds that refer to what is not there.
pub(crate) fn broken_references(db: &Harness) -> Result<Vec<Broken>> {
    let orphans = db.check_references()?;
    if orphans.is_empty() {
        return Ok(Vec::new());
    }
    let account = Account::read(db.running());
    let mut broken = Vec::with_capacity(orphans.len());
    for (at, orphan) in orphans.into_iter().enumerate() {
        let written = if at < ASKED { written(db, &account, &orphan) } else { None };
        let mut gone = if at < ASKED { gone_of(db, &account, &orphan) } else { Vec::new() };
        // Between two binds SQLite checks nothing anyway.
        let is_within = orphan.parent().bind == *orphan.bind();
        let unenforced = if is_within { unchecked(&written, &gone) } else { None };
        let is_across = !is_within && gone.iter().any(|clue| matches!(clue, Clue::Gone { .. }));
        if is_across {
            gone.extend(not_deleted(db, &account, orphan.bind(), orphan.table()));
        }
        broken.push(Broken { orphan, written, gone, is_across, unenforced });
    }
    Ok(broken)
}

/// Returns why the statement enforced no foreign keys that made the orphan: the one that deleted the parent, else the author.
fn unchecked(written: &Option<Clue>, gone: &[Clue]) -> Option<Unenforced> {
    for clue in gone {
        if let Clue::Gone { by, .. } = clue {
            return by.statements.last()?.unenforced();
        }
    }
    match written {
        Some(Clue::Written { author: Author::One(one), .. }) => one.unenforced(),
        Some(Clue::Written { author: Author::OneOf(several), .. }) if several.iter().all(|one| !one.foreign_keys()) => {
            several.last()?.unenforced()
        }
        _ => None,
    }
}

/// Finds what became of the row that an orphan refers to.
fn gone_of(db: &Harness, account: &Account, orphan: &Orphan) -> Vec<Clue> {
    let Parent { bind, table, key } = orphan.parent();
    let rowid = match key {
        Some((column, Value::Integer(number))) => {
            let is_rowid = |database: Arc<Bound>| is_rowid(&database, table, column);
            db.running().home_of(bind).is_ok_and(is_rowid).then_some(*number)
        }
        _ => None,
    };
    let gone = gone(account, bind, table, rowid);
    if gone.is_empty() {
        return not_deleted(db, account, bind, table).into_iter().collect();
    }
    gone
}

/// Finds that no statement may have deleted rows of a table.
fn not_deleted(db: &Harness, account: &Account, bind: &BindKey, table: &str) -> Option<Clue> {
    let recorder = db.running().recorder();
    let is_whole = !account.is_partial() && recorder.keeps_writes() && displaced(recorder, 0).is_empty();
    let is_so = is_whole && !account.has_deletes(bind, table);
    is_so.then(|| Clue::NotDeleted { bind: bind.clone(), table: table.to_string() })
}

fn written(db: &Harness, account: &Account, orphan: &Orphan) -> Option<Clue> {
    let row = orphan.row();
    // What SQLite does not identify has no author that is known.
    let database = db.running().home_of(orphan.bind()).ok().filter(|_| !row.is_empty())?;
    let author = account.author(&database, View::Committed, orphan.table(), &row);
    let (bind, table) = (orphan.bind().clone(), orphan.table().to_string());
    (!matches!(author, Author::Unknown)).then_some(Clue::Written { bind, table, author, rows: 1 })
}
