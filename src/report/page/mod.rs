//! The page of a test: what happened in every bind, in one HTML file that needs nothing else.
//!
//! All facts are in the markup, so that it reads without its script, which adds a filter, a zoom and a selection. The page
//! opens no file and no connection, which its policy also forbids. It is bounded: each part stops at its own limit, and says
//! what it leaves out. All together have 2 MiB at most.

mod axis;
mod changes;
mod document;
mod escape;
mod html;
mod lanes;
mod part;
mod picture;
mod places;
mod rows;
mod run;
mod said;
mod statements;
mod timeline;
mod value;

use std::time::Instant;

use crate::config::Storage;
use crate::key::BindKey;
use crate::observe::{ChangeSet, Contents, Statement};

pub(crate) use document::page;

/// The contents of the page.
pub(crate) struct Shown<'p> {
    /// The name of the test.
    pub(crate) test: &'p str,
    pub(crate) outcome: Outcome<'p>,
    /// Sentences that belong to the outcome: what is missing, which transactions are open.
    pub(crate) notes: &'p [String],
    /// The times at which the harness was started, and at which it ends.
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    pub(crate) databases: &'p [ShownDatabase],
    pub(crate) references: &'p [Link],
    pub(crate) changes: &'p ChangeSet,
    /// The statements that were kept, the first that began first.
    pub(crate) statements: &'p [Statement],
    /// Connections to what is no bind, which wrote.
    pub(crate) strays: &'p [ShownStray],
}

/// A connection to what is no bind, as the page shows it.
pub(crate) struct ShownStray {
    /// The short name of its database.
    pub(crate) name: String,
    /// Its database, and where it was opened, in words.
    pub(crate) opening: String,
    pub(crate) statements: Vec<Statement>,
}

/// The outcome of the test, as far as its harness knows it.
pub(crate) enum Outcome<'p> {
    /// An assertion failed, with this report, at this place in the test where it has one, on another thread where that is named.
    Failed { report: &'p str, place: Option<&'p str>, thread: Option<&'p str> },
    /// It panicked otherwise.
    Panicked,
    /// It had not failed, but an error was alive that it may return.
    Returning,
    /// It had not failed as the harness ended, or as it was saved by hand.
    Standing,
}

/// A database as the page shows it.
pub(crate) struct ShownDatabase {
    pub(crate) key: BindKey,
    /// All of its keys.
    pub(crate) label: String,
    pub(crate) storage: Storage,
    /// The file that it is saved in, beside the page.
    pub(crate) file: Option<String>,
    /// Its tables, or the reason why they cannot be read.
    pub(crate) contents: Result<Contents, String>,
}

/// A reference from a column in one bind into another.
pub(crate) struct Link {
    pub(crate) from: LinkEnd,
    pub(crate) to: LinkEnd,
}

/// One end of a reference: the database by its place in the list, the table and the column.
#[derive(Clone)]
pub(crate) struct LinkEnd {
    pub(crate) database: usize,
    pub(crate) table: String,
    pub(crate) column: String,
}
