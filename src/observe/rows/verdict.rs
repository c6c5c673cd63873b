//! The verdict on the rows of a table: whether they are those that a test expects, and no others.

use super::compare::{compare, Difference};
use super::expected::ExpectedRows;
use super::held::Held;
use super::read::read;
use crate::database::{Database, Patience};
use crate::error::Result;
use crate::harness::Running;
use crate::key::BindKey;
use crate::observe::account::{Account, Author};
use crate::observe::clues::{lost, Clue};
use crate::observe::glance::View;
use crate::observe::look::{look, Effort};
use crate::observe::snapshot::committed;
use crate::row::Row;
use crate::sqlite::Image;

/// The extent of what is expected of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// These rows and no others.
    Exactly,
    /// These rows, and any others.
    AtLeast,
}

/// A table that does not hold what a test expects.
pub(crate) struct WrongRows {
    pub(crate) bind: BindKey,
    /// The table, as the schema spells it.
    pub(crate) table: String,
    pub(crate) extent: Extent,
    /// The columns that identify a row; none where no key does.
    pub(crate) key: Vec<String>,
    /// The numbers of rows expected and found.
    pub(crate) counts: (usize, usize),
    pub(crate) difference: Difference,
    /// The other binds that have a missing row, by its place among those missing; of the first few.
    pub(crate) elsewhere: Vec<Vec<BindKey>>,
    /// The authors of rows that are not those expected, and what was lost of those that are missing.
    pub(crate) clues: Vec<Clue>,
}

/// A failed assertion on the rows of a table.
pub(crate) enum OtherRows {
    Wrong(WrongRows),
    /// Another number of rows than expected; the numbers expected and found, and the rows.
    Count {
        bind: BindKey,
        table: String,
        counts: (usize, usize),
        found: Vec<Row>,
    },
    /// The committed rows are those expected; a transaction that may change them is open.
    Unsettled {
        bind: BindKey,
        writer: Option<String>,
    },
}

/// The number of missing rows that are looked for in other binds.
const LOOKED_FOR: usize = 5;

/// Compares the committed rows of a table with those expected; `None` where they are the same and no transaction is open that
/// may change them.
pub(crate) fn verdict_on_rows(
    running: &Running,
    key: &BindKey,
    table: &str,
    expected: &ExpectedRows,
    extent: Extent,
) -> Result<Option<OtherRows>> {
    // A database that nobody has used counts as what it is made as.
    running.make_again(key)?;
    let database = running.home_of(key)?;
    let patience = Patience::new();
    loop {
        let is_written_to = database.has_writer();
        let images = committed(std::slice::from_ref(&database))?;
        for image in &images {
            if let Some(other) = other_rows(running, &database, key, table, (expected, extent), image)? {
                return Ok(Some(other));
            }
        }
        if !is_written_to && !database.has_writer() {
            return Ok(None);
        }
        if !patience.lasts() {
            return Ok(Some(OtherRows::Unsettled { bind: key.clone(), writer: database.writer() }));
        }
        patience.pause();
    }
}

fn other_rows(
    running: &Running,
    database: &Database,
    key: &BindKey,
    table: &str,
    (expected, extent): (&ExpectedRows, Extent),
    image: &Image,
) -> Result<Option<OtherRows>> {
    let held = Held::read(running, key, table, image)?;
    let (name, found) = (&held.name, &held.rows);
    let Some(rows) = read(expected, &held.of(key, database))? else {
        let counts = (expected.count().unwrap_or_default(), found.len());
        let (bind, table) = (key.clone(), name.to_string());
        return Ok((counts.0 != counts.1).then_some(OtherRows::Count { bind, table, counts, found: held.rows }));
    };
    let identity =
        held.info().map(|info| info.primary_key().map(str::to_string).collect::<Vec<_>>()).unwrap_or_default();
    let mut difference = compare(&rows, found, &identity);
    if extent == Extent::AtLeast {
        difference = difference.and_then(Difference::without_surplus);
    }
    let Some(difference) = difference else { return Ok(None) };
    let mut elsewhere = Vec::new();
    for missing in difference.missing.iter().take(LOOKED_FOR) {
        elsewhere.push(others_with(running, database, name, &missing.row));
    }
    let clues = clues(running, database, key, name, &difference);
    let (bind, table, counts) = (key.clone(), name.to_string(), (rows.len(), found.len()));
    Ok(Some(OtherRows::Wrong(WrongRows { bind, table, extent, key: identity, counts, difference, elsewhere, clues })))
}

/// The most rows whose authors are named.
const AUTHORS: usize = 3;

/// Finds who wrote what is not expected, and what became of what is missing.
fn clues(running: &Running, database: &Database, bind: &BindKey, table: &str, difference: &Difference) -> Vec<Clue> {
    let account = Account::read(running);
    let different = difference.different.iter().map(|different| &different.found);
    let mut clues = Vec::<Clue>::new();
    for row in difference.surplus.iter().chain(different).take(AUTHORS) {
        let author = account.author(database, View::Committed, table, row);
        match clues.last_mut() {
            Some(Clue::Written { author: last, rows, .. }) if last.is_same(&author) => *rows += 1,
            _ if matches!(author, Author::Unknown) => {}
            _ => clues.push(Clue::Written { bind: bind.clone(), table: table.to_string(), author, rows: 1 }),
        }
    }
    if !difference.missing.is_empty() {
        clues.append(&mut lost(&account, table, bind, None));
    }
    clues
}

/// Returns the other binds that have a row; what cannot be read has none that are known.
fn others_with(running: &Running, database: &Database, table: &str, row: &Row) -> Vec<BindKey> {
    let mut binds = Vec::new();
    for sighting in look(running, table, row, Some(1), &|_| Effort::Once).unwrap_or_default() {
        if sighting.bind() != database.key() && sighting.has_row() {
            binds.push(sighting.bind().clone());
        }
    }
    binds
}
