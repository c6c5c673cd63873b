//! The place where a setting was written, for the message when it is wrong.

use std::path::PathBuf;

use crate::error::Error;
use crate::key::BindKey;

/// The place where a bind or its URL was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Code: the caller knows where.
    #[default]
    Code,
    /// A TOML text, read from `file` if it has a name.
    Toml { file: Option<PathBuf>, line: usize },
    /// An environment variable.
    Variable(String),
}

impl Origin {
    /// Returns the file and the line, as far as there are any.
    pub(crate) fn place(&self) -> (Option<PathBuf>, Option<usize>) {
        match self {
            Origin::Toml { file, line } => (file.clone(), Some(*line)),
            Origin::Code | Origin::Variable(_) => (None, None),
        }
    }

    /// Returns an error about a bind that was written here.
    pub(crate) fn error(&self, bind: &BindKey, problem: impl std::fmt::Display) -> Error {
        let (file, line) = self.place();
        Error::Config { file, line, bind: Some(bind.clone()), problem: format!("bind `{bind}`: {problem}"), at: None }
    }

    /// Returns the error itself where it is about code, else with the file and the line in front.
    pub(crate) fn locate(&self, bind: &BindKey, error: Error) -> Error {
        match self.place() {
            (file, line @ Some(_)) => {
                Error::Config { file, line, bind: Some(bind.clone()), problem: error.to_string(), at: None }
            }
            _ => error,
        }
    }
}
