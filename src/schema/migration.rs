//! A migration of a folder, and the scripts that it is run by.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::tool::Tool;

/// One step of a folder of migrations.
#[derive(Clone, Debug)]
pub(crate) struct Migration {
    /// The name in messages.
    pub(crate) name: String,
    /// The version as its tool compares it; empty where it has none.
    pub(crate) version: String,
    /// The tool whose rules it follows, `None` for files of no tool.
    pub(super) tool: Option<Tool>,
    pub(super) up: PathBuf,
    /// The part of the file that leads up, where it holds several migrations.
    pub(super) part: Option<Range<usize>>,
    /// The file that leads back, the same one where a tool has both directions in one.
    pub(super) down: Option<PathBuf>,
}

/// SQL text, where it was read from, and how it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// The file, if it was read from one.
    pub(crate) origin: Option<PathBuf>,
    pub(crate) text: String,
    /// The parts of the text that run, each handed to SQLite by itself.
    pub(super) pieces: Vec<Range<usize>>,
    pub(super) transaction: ScriptTransaction,
    pub(super) tool: Option<Tool>,
}

/// The transaction that a script runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScriptTransaction {
    /// Those that the script begins, as in the `sqlite3` program; all statements outside of them are one more.
    Loose,
    /// Those that the script begins.
    AsWritten,
    /// One of its own.
    Own,
    /// One that it shares with the scripts after it, up to one that `ends` it.
    Joint { ends: bool },
}

/// A file, a line and a problem, as far as they are known.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) file: Option<PathBuf>,
    pub(crate) line: Option<usize>,
    pub(crate) text: String,
}

impl Script {
    /// Creates a script of no tool.
    pub(super) fn loose(origin: Option<PathBuf>, text: String) -> Script {
        Script::whole(origin, text, None, ScriptTransaction::Loose)
    }

    /// Creates a script of one piece.
    pub(super) fn whole(
        origin: Option<PathBuf>,
        text: String,
        tool: Option<Tool>,
        transaction: ScriptTransaction,
    ) -> Script {
        let whole = 0..text.len();
        Script { origin, text, pieces: vec![whole], transaction, tool }
    }
}

impl Problem {
    pub(super) fn of_file(file: &Path, line: Option<usize>, text: impl Into<String>) -> Problem {
        Problem { file: Some(file.to_path_buf()), line, text: text.into() }
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Problem {
        Problem { file: None, line: None, text }
    }
}
