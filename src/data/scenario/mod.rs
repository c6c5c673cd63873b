//! Scenarios: TOML files with rows for several tables and binds, which refer to each other by label.
//!
//! `[auth.user.bob]` is the row `bob` of the table `user` in the bind `auth`. A label stands for its row wherever another refers to
//! it, so no file has an id: that of a row follows from its bind, its table and its label alone. So the rows of each bind can be made
//! without those of the others, and a row can be referred to before it is there.

mod cell;
mod entry;
mod expected;
mod identify;
mod labels;
mod links;
mod lookup;
mod names;
mod resolve;
mod rows;
mod written;

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::key::{BindKey, Keys};
use crate::schema::Metadata;
pub(crate) use cell::Found;
pub(crate) use entry::Refers;
pub(crate) use expected::{expected, ExpectedRow, ExpectedTable};
pub(crate) use labels::Labels;
pub(crate) use links::{Link, LinkEnd};
pub(crate) use names::not_one_key;
pub(super) use rows::resolve;

/// A scenario's file, its text not yet looked at.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Scenario {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// The bind that it was given to.
    pub(crate) bind: Option<BindKey>,
}

/// A database that rows may be for.
pub(crate) struct Target<'t> {
    /// Every key that means it.
    pub(crate) keys: &'t Keys,
    pub(crate) metadata: &'t Metadata,
    /// Returns the affinities of columns of one of its tables, as SQLite says them.
    pub(crate) affinities: Affinities<'t>,
}

pub(crate) type Affinities<'t> = Box<dyn Fn(&str, &[&str]) -> Result<Vec<String>> + 't>;

impl Scenario {
    fn error(&self, bind: Option<&BindKey>, line: usize, problem: impl Into<String>) -> Error {
        let (file, bind, problem) = (self.path.clone(), bind.or(self.bind.as_ref()).cloned(), problem.into());
        Error::Data { file, line: Some(line), bind, problem, at: None }
    }
}
