//! The clues of a landing's report: how the rows that were found came about, and what became of those that were not.

use std::thread::ThreadId;

use super::account::{broken_by, Account, Author, Fate};
use super::evidence::{Exhibit, Finding};
use super::look::{Found, Sighting};
use super::outside::written_outside;
use super::reason::{Expected, Reason};
use super::statements::{read, Statement};
use crate::harness::Running;
use crate::instrument::{displaced, Stray, Triggered};
use crate::key::BindKey;
use crate::list::retain;
use crate::order::sort_by_key;

/// The most rows of a bind, and the most rows in all, whose authors are named.
const ROWS: usize = 2;
const ALL_ROWS: usize = 3;
/// The most statements of a clue.
const STATEMENTS: usize = 2;

/// One thing that is known of a row, or of its table.
pub(crate) enum Clue {
    /// Rows that match, and their author.
    Written { bind: BindKey, table: String, author: Author, rows: usize },
    /// The author of the row that comes nearest.
    Nearest { bind: BindKey, table: String, author: Author },
    /// The statements that wrote that row before, where it is a statement's.
    Earlier { bind: BindKey, table: String, last: Last },
    /// The statement that created the table in a bind that was not meant.
    Created { bind: BindKey, statement: Box<Statement> },
    /// Statements that put rows into a table, and what they put is not there.
    Lost { bind: BindKey, table: String, last: Last },
    /// Statements that changed rows of a table in transactions that are open.
    Open { bind: BindKey, table: String, last: Last },
    /// Statements of the thread that wrote the row, on other binds, and what they wrote is not there.
    Beside { last: Last },
    /// What was committed on other binds by the session whose statement was lost.
    Half { binds: Vec<BindKey> },
    /// The last statements that changed rows of a table, where none of the others is named.
    Changed { bind: BindKey, table: String, last: Last },
    /// A row that was found refers to one of another table that is not there; and the last statements on both that ran while
    /// their connections enforced no foreign keys.
    Broken { bind: BindKey, table: String, parent: String, last: Option<Last> },
    /// A fault of the test that failed operations on a bind.
    Fault { bind: BindKey, fault: String, times: u64 },
    /// Statements that wrote to a table of that name in a database that is no harness's.
    Outside { stray: Stray, is_open: bool, table: String, last: Last },
    /// No statement wrote to a table of that name; where some are no longer kept, none of those that are.
    NothingWritten { table: String, is_partial: bool, anything: bool },
}

/// The last of some statements, the oldest first.
pub(crate) struct Last {
    pub(crate) statements: Vec<Statement>,
    /// The number of those before them.
    pub(crate) before: usize,
}

impl Last {
    fn of(mut statements: Vec<Statement>) -> Option<Last> {
        let before = statements.len().saturating_sub(STATEMENTS);
        statements.drain(..before);
        (!statements.is_empty()).then_some(Last { statements, before })
    }
}

/// The parts of a failed assertion that its clues are about.
pub(super) struct Case<'c> {
    pub(super) running: &'c Running,
    pub(super) expected: Expected,
    pub(super) target: &'c BindKey,
    pub(super) table: &'c str,
    pub(super) reason: &'c Reason,
    pub(super) sightings: &'c [Sighting],
    pub(super) exhibits: &'c [Exhibit],
}

/// Collects what bears on a failed assertion.
pub(super) fn clues(case: &Case<'_>) -> Vec<Clue> {
    let account = Account::read(case.running);
    let mut clues = written(&account, case);
    if let Reason::NoTable(_) = case.reason {
        clues.append(&mut created(&account, case));
    }
    match case.reason {
        Reason::There => clues.extend(beside(&account, &clues)),
        Reason::Elsewhere(_) | Reason::NotIn(_) => {
            for sighting in case.sightings.iter().filter(|sighting| sighting.bind() == case.target) {
                clues.append(&mut lost(&account, case.table, sighting.bind()));
            }
        }
        Reason::NoTable(_) | Reason::NoColumn(_) | Reason::Nowhere => clues.append(&mut missing(&account, case)),
        Reason::Unreadable(_)
        | Reason::NotCommitted(_)
        | Reason::OtherUnsettled(_)
        | Reason::Unsettled
        | Reason::Unseen => {
            for sighting in case.sightings {
                clues.extend(open(&account, case.table, sighting.bind()));
            }
            // The authors are the same statements.
            if clues.iter().any(|clue| matches!(clue, Clue::Open { .. })) {
                retain(&mut clues, |clue| !matches!(clue, Clue::Written { author, .. } if author.is_open()));
            }
        }
        Reason::Also(_) | Reason::Several(_) | Reason::OtherUnreadable(_) => {}
    }
    clues.append(&mut broken(&account, case));
    let mut faults = faults(case, &clues);
    clues.append(&mut faults);
    clues
}

/// Finds the foreign keys that the rows which were found break, and the statements that ran without such keys being enforced.
fn broken(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for sighting in case.sightings.iter().filter(|sighting| !sighting.database.lags()) {
        let Found::Rows { table, rows, view } = &sighting.found else { continue };
        let bind = sighting.bind();
        for parent in broken_by(&sighting.database, *view, table, rows) {
            let mut unchecked = account.writes(bind, &parent);
            unchecked.extend(account.puts(bind, table));
            unchecked.retain(|statement| !statement.foreign_keys() && statement.fate() == Fate::Committed);
            sort_by_key(&mut unchecked, |statement| statement.recorded().number);
            // A table that refers to itself is its own parent.
            unchecked.dedup_by_key(|statement| statement.recorded().number);
            let last = Last::of(unchecked.into_iter().cloned().collect());
            clues.push(Clue::Broken { bind: bind.clone(), table: table.clone(), parent, last });
        }
    }
    clues
}

/// Finds the faults of the test that bear on what was lost: those of the binds on which it was.
fn faults(case: &Case<'_>, clues: &[Clue]) -> Vec<Clue> {
    let mut binds = Vec::new();
    for clue in clues {
        match clue {
            Clue::Lost { bind, .. } => binds.push(bind.clone()),
            Clue::Beside { last } => binds.extend(last.statements.iter().map(|statement| statement.bind().clone())),
            Clue::NothingWritten { .. } => binds.push(case.target.clone()),
            _ => {}
        }
    }
    let mut faults = Vec::new();
    for Triggered { database, fault, times, .. } in case.running.recorder().triggered() {
        if let Some(bind) = binds.iter().find(|bind| database.contains(bind)) {
            faults.push(Clue::Fault { bind: bind.clone(), fault, times });
        }
    }
    faults
}

/// Finds the authors of the rows that match.
fn written(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let (mut written, mut all) = (Vec::<Clue>::new(), 0);
    for sighting in case.sightings {
        let Found::Rows { table, rows, view } = &sighting.found else { continue };
        let is_meant = case.expected != Expected::NotLanded || sighting.bind() == case.target;
        if !is_meant || sighting.database.lags() {
            continue;
        }
        for row in rows.iter().take(ROWS) {
            let author = account.author(&sighting.database, *view, table, row);
            if let Some(Clue::Written { bind, author: of_last, rows, .. }) = written.last_mut()
                && bind == sighting.bind()
                && of_last.is_same(&author)
            {
                *rows += 1;
                continue;
            }
            all += 1;
            if all <= ALL_ROWS && !matches!(author, Author::Unknown) {
                let (bind, table) = (sighting.bind().clone(), table.clone());
                written.push(Clue::Written { bind, table, author, rows: 1 });
            }
        }
    }
    written
}

/// Finds the statements that created the table where it is.
fn created(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let mut created = Vec::new();
    for sighting in case.sightings.iter().filter(|sighting| sighting.has_table()) {
        if let Some(statement) = account.creations(sighting.bind(), case.table).pop() {
            created.push(Clue::Created { bind: sighting.bind().clone(), statement: Box::new(statement.clone()) });
        }
    }
    created
}

/// Finds why a row is in no bind: in the target first, then elsewhere.
fn missing(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    let mut places = Vec::new();
    places.extend(case.sightings.iter().filter(|sighting| sighting.bind() == case.target));
    places.extend(case.sightings.iter().filter(|sighting| sighting.bind() != case.target));
    for sighting in &places {
        clues.append(&mut lost(account, case.table, sighting.bind()));
        clues.extend(open(account, case.table, sighting.bind()));
    }
    clues.append(&mut nearest(account, case));
    clues.append(&mut outside(case));
    let has_named = clues.iter().any(|clue| !matches!(clue, Clue::Nearest { author: Author::Start, .. }));
    for sighting in &places {
        let mut changes = account.writes(sighting.bind(), case.table);
        changes.retain(|statement| statement.fate() == Fate::Committed);
        // What a DELETE took away is named by nothing else.
        changes.retain(|statement| !has_named || !statement.puts_rows_into(sighting.bind(), case.table));
        let changes = changes.into_iter().cloned().collect();
        if let Some(last) = Last::of(changes) {
            clues.push(Clue::Changed { bind: sighting.bind().clone(), table: case.table.to_string(), last });
            break;
        }
    }
    let is_silent = !clues.iter().any(|clue| !matches!(clue, Clue::Nearest { author: Author::Start, .. }));
    let recorder = case.running.recorder();
    // A connection whose trace the application has replaced may have written anything.
    let is_seen = || recorder.keeps_writes() && displaced(recorder, 0).is_empty();
    if is_silent && !account.has_written_to(case.table) && is_seen() {
        let (table, is_partial) = (case.table.to_string(), account.is_partial());
        clues.push(Clue::NothingWritten { table, is_partial, anything: account.has_writes() });
    }
    clues
}

/// Finds the author of the row in the target that comes nearest, and who wrote it before.
fn nearest(account: &Account, case: &Case<'_>) -> Vec<Clue> {
    let exhibit = case.exhibits.iter().find(|exhibit| exhibit.bind == *case.target);
    let sighting = case.sightings.iter().find(|sighting| sighting.bind() == case.target);
    let (Some(exhibit), Some(sighting)) = (exhibit, sighting) else { return Vec::new() };
    let (Finding::Near(Some(near)), Found::Rows { table, view, .. }) = (&exhibit.found, &sighting.found) else {
        return Vec::new();
    };
    let Some(row) = near.first().map(|near| &near.row) else { return Vec::new() };
    let author = account.author(&sighting.database, *view, table, row);
    let (bind, name) = (sighting.bind().clone(), table.clone());
    let mut clues = Vec::new();
    if matches!(author, Author::One(_))
        && let Some(last) = Last::of(account.earlier(&sighting.database, *view, table, row))
    {
        clues.push(Clue::Earlier { bind: bind.clone(), table: name.clone(), last });
    }
    if !matches!(author, Author::Unknown) {
        clues.insert(0, Clue::Nearest { bind, table: name, author });
    }
    clues
}

/// Finds the statements that put rows into a bind's table that are not there.
pub(super) fn lost(account: &Account, table: &str, bind: &BindKey) -> Vec<Clue> {
    let mut lost = account.puts(bind, table);
    lost.retain(|statement| statement.fate().is_lost());
    let Some(last) = Last::of(lost.into_iter().cloned().collect()) else { return Vec::new() };
    let half = half(account, &last, bind);
    let mut clues = vec![Clue::Lost { bind: bind.clone(), table: table.to_string(), last }];
    clues.extend(half);
    clues
}

/// Finds what the session of a lost statement has committed on other binds.
fn half(account: &Account, last: &Last, bind: &BindKey) -> Option<Clue> {
    let statement = last.statements.last().filter(|statement| statement.is_from_session())?;
    let lost = statement.recorded().transaction.as_ref()?;
    // A unit of work has its transactions open at one time.
    let is_beside = |other: &Statement| {
        let one = other.recorded().transaction.as_ref();
        one.is_some_and(|one| one.was_open(lost.at) || lost.was_open(one.at))
    };
    let mut binds = Vec::new();
    for other in account.of_thread(statement.thread().id()) {
        let is_one = other.is_from_session() && other.fate() == Fate::Committed && other.bind() != bind;
        if is_one && is_beside(other) && !binds.contains(other.bind()) {
            binds.push(other.bind().clone());
        }
    }
    (!binds.is_empty()).then_some(Clue::Half { binds })
}

/// Finds the statements that changed rows of a bind's table in transactions that are open.
fn open(account: &Account, table: &str, bind: &BindKey) -> Option<Clue> {
    let mut open = account.writes(bind, table);
    open.retain(|statement| statement.fate() == Fate::Open);
    let last = Last::of(open.into_iter().cloned().collect())?;
    Some(Clue::Open { bind: bind.clone(), table: table.to_string(), last })
}

/// Finds what the threads that wrote the rows lost on other binds.
fn beside(account: &Account, written: &[Clue]) -> Option<Clue> {
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

/// Finds what wrote to a table of that name in databases that are no harness's.
fn outside(case: &Case<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for outside in written_outside(case.running, case.table) {
        let Some(last) = Last::of(read(outside.statements)) else { continue };
        clues.push(Clue::Outside {
            stray: outside.stray,
            is_open: outside.is_open,
            table: case.table.to_string(),
            last,
        });
    }
    clues
}

impl Sighting {
    /// Returns whether its database has the table.
    fn has_table(&self) -> bool {
        !matches!(self.found, Found::NoTable | Found::Unreadable(_))
    }
}
