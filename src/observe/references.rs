//! The rows that refer to what is not there, with who wrote them.

use super::account::{Account, Author};
use super::clues::Clue;
use super::glance::View;
use crate::error::{Orphan, Result};
use crate::harness::Harness;

/// A row that refers to nothing.
pub(crate) struct Broken {
    pub(crate) orphan: Orphan,
    /// The author, for the first few.
    pub(crate) written: Option<Clue>,
    /// Set if a statement that may have written it did so on a connection that enforced no foreign keys.
    pub(crate) unenforced: bool,
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
        let unenforced = match &written {
            Some(Clue::Written { author: Author::One(one), .. }) => !one.foreign_keys(),
            Some(Clue::Written { author: Author::OneOf(several), .. }) => several.iter().all(|one| !one.foreign_keys()),
            _ => false,
        };
        broken.push(Broken { orphan, written, unenforced });
    }
    Ok(broken)
}

fn written(db: &Harness, account: &Account, orphan: &Orphan) -> Option<Clue> {
    let row = orphan.row();
    // What SQLite does not identify has no author that is known.
    let database = db.running().home_of(orphan.bind()).ok().filter(|_| !row.is_empty())?;
    let author = account.author(&database, View::Committed, orphan.table(), &row);
    let (bind, table) = (orphan.bind().clone(), orphan.table().to_string());
    (!matches!(author, Author::Unknown)).then_some(Clue::Written { bind, table, author, rows: 1 })
}
