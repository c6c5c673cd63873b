//! The page of a test, beside its databases.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::saved::Saved;
use crate::fail::{last_since, Failed};
use crate::harness::{Bound, ReferenceEnd, Running};
use crate::instrument::Outside;
use crate::observe::{contents, read_statements, ChangeSet};
use crate::report::page::{page, Link, LinkEnd, Outcome, Shown, ShownDatabase, ShownStray};
use crate::sqlite::Image;

/// The file that is the page.
pub(super) const PAGE: &str = "report.html";

/// The number of rows of a table that are shown.
const ROWS: u16 = 50;

/// A database of the test, its image where it can be read, and its file.
pub(super) struct Beside<'k> {
    pub(super) database: &'k Arc<Bound>,
    pub(super) image: Option<&'k Arc<Image>>,
    pub(super) saved: &'k Saved,
}

/// Writes the page of a test.
pub(super) fn written(
    running: &Running,
    test: Option<&str>,
    databases: &[Beside<'_>],
    changes: &ChangeSet,
    notes: &[String],
) -> String {
    let (start, end) = (running.recorder().start(), Instant::now());
    let mut shown = Vec::with_capacity(databases.len());
    for Beside { database, image, saved } in databases {
        shown.push(ShownDatabase {
            key: database.key().clone(),
            label: database.label(),
            storage: database.storage(),
            file: saved.file.as_ref().ok().cloned(),
            contents: match image {
                Some(image) => contents(database.key(), image, ROWS).map_err(|error| error.to_string()),
                None => Err(saved.file.as_ref().err().cloned().unwrap_or_default()),
            },
        });
    }
    let here = last_since(start).filter(|_| thread::panicking());
    let failed = here.or_else(|| running.recorder().failures.elsewhere());
    let place = failed.as_ref().and_then(|failed| failed.place);
    let place = place.map(|place| format!("{}:{}", place.file(), place.line()));
    let thread = failed.as_ref().and_then(other_thread);
    let outcome = match &failed {
        Some(failed) => Outcome::Failed { report: &failed.report, place: place.as_deref(), thread },
        _ if thread::panicking() => Outcome::Panicked,
        None if running.returned().any() => Outcome::Returning,
        _ => Outcome::Standing,
    };
    page(&Shown {
        test: test.unwrap_or("a test without a name"),
        outcome,
        notes,
        start,
        end,
        databases: &shown,
        references: &links(running, databases),
        changes,
        statements: &read_statements(running.recorder().all()),
        strays: &strays(running),
    })
}

/// Returns the name of the thread on which an assertion failed, if it is not this one.
fn other_thread(failed: &Failed) -> Option<&str> {
    (failed.thread.id() != thread::current().id()).then(|| failed.thread.name().unwrap_or("without a name"))
}

/// Returns the connections to what is no bind that wrote.
fn strays(running: &Running) -> Vec<ShownStray> {
    let mut strays = Vec::new();
    for Outside { stray, statements, .. } in running.presence().outside() {
        if !statements.is_empty() {
            let (name, opening) = (stray.name(), stray.to_string());
            strays.push(ShownStray { name, opening, statements: read_statements(statements) });
        }
    }
    strays
}

/// Returns the references from one bind into another, each between two of the databases.
fn links(running: &Running, databases: &[Beside<'_>]) -> Vec<Link> {
    let mut links = Vec::new();
    for reference in running.references() {
        for from in &ends(running, &reference.from, databases) {
            for to in ends(running, &reference.to, databases) {
                links.push(Link { from: from.clone(), to });
            }
        }
    }
    links
}

/// Returns an end of a reference in each of its bind's databases.
fn ends(running: &Running, end: &ReferenceEnd, databases: &[Beside<'_>]) -> Vec<LinkEnd> {
    let mut ends = Vec::new();
    for of_bind in running.binds()[running.home(end.bind)].databases() {
        let is_it = |known: &Beside<'_>| Arc::ptr_eq(known.database, &of_bind);
        if let Some(database) = databases.iter().position(is_it) {
            ends.push(LinkEnd { database, table: end.table.clone(), column: end.column.clone() });
        }
    }
    ends
}
