//! Environment variables: where they are looked up, and `${NAME}` in a URL.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use super::redact::UrlText;
use crate::error::{is_identifier, Error, Result};
use crate::key::BindKey;
use crate::order::sort_by;
use crate::sorted::Sorted;

/// Where variables are looked up.
#[derive(Clone, Default)]
pub(super) enum Variables {
    /// In the environment of the process.
    #[default]
    Process,
    /// Among these and nowhere else.
    Given(Arc<Sorted<String, OsString>>),
}

impl Variables {
    pub(super) fn get(&self, name: &str) -> Option<OsString> {
        match self {
            Variables::Process => env::var_os(name),
            Variables::Given(given) => given.get(name).cloned(),
        }
    }

    /// The names of those that are asked for and whose names are UTF-8; no other is anybody's here.
    pub(super) fn names(&self, asked: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut names = Vec::new();
        match self {
            Variables::Process => {
                for (name, _) in env::vars_os() {
                    if let Ok(name) = name.into_string()
                        && asked(&name)
                    {
                        names.push(name);
                    }
                }
            }
            Variables::Given(given) => {
                for (name, _) in given.entries() {
                    if asked(name) {
                        names.push(name.clone());
                    }
                }
            }
        }
        sort_by(&mut names, Ord::cmp);
        names
    }
}

/// Without the variables: any may be a secret.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Variables::Process => "Process",
            Variables::Given(_) => "Given(…)",
        })
    }
}

/// A part of a text.
enum Piece<'t> {
    Text(&'t str),
    /// The name in `${NAME}`.
    Variable(&'t str),
}

/// The URL of a bind with the variables that it names, which messages go on to show as it was written.
pub(super) fn expand(bind: &BindKey, url: &UrlText, variables: &Variables) -> Result<UrlText> {
    let fail = |problem: String| {
        let (file, line) = url.origin().place();
        Error::Url { file, line, bind: bind.clone(), problem: format!("the URL `{url}` {problem}") }
    };
    let mut expanded = String::new();
    for piece in pieces(url.text()) {
        match piece {
            Some(Piece::Text(text)) => expanded.push_str(text),
            Some(Piece::Variable(name)) => {
                let value = variables.get(name).ok_or_else(|| {
                    fail(format!("needs the variable `{name}`, which is not set: set it, or write `$${{` for a `${{` that is meant"))
                })?;
                let value = value
                    .to_str()
                    .ok_or_else(|| fail(format!("needs the variable `{name}`, whose value is not UTF-8")))?;
                expanded.push_str(value);
            }
            // What follows may be part of a password.
            None => return Err(fail(
                "has a `${` that no name and `}` follow: a variable is written `${NAME}`, with letters, digits and \
                     `_`; write `$${` for a `${` that is meant"
                    .to_string(),
            )),
        }
    }
    Ok(url.with_text(expanded))
}

/// The pieces of a text, `None` for a `${` that begins no variable and is not escaped; nothing follows it.
fn pieces(text: &str) -> Vec<Option<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        // `$${` is `${` itself.
        if rest[..at].ends_with('$') {
            pieces.push(Some(Piece::Text(&rest[..at - 1])));
            pieces.push(Some(Piece::Text("${")));
            rest = &rest[at + 2..];
            continue;
        }
        pieces.push(Some(Piece::Text(&rest[..at])));
        let variable = rest[at + 2..].split_once('}').filter(|(name, _)| is_identifier(name));
        let Some((name, after)) = variable else {
            pieces.push(None);
            return pieces;
        };
        pieces.push(Some(Piece::Variable(name)));
        rest = after;
    }
    pieces.push(Some(Piece::Text(rest)));
    pieces
}
