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

/// The place where variables are looked up.
#[derive(Clone, Default)]
pub(super) enum Variables {
    /// The environment of the process.
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

    /// Returns the names that are asked for and are UTF-8; no other is one of a bind's.
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
    /// The name in `${NAME}` or `${NAME:-DEFAULT}`, and the default.
    Variable(&'t str, Option<&'t str>),
    /// A `${` that begins no variable and is not escaped. What follows may be part of a password.
    Broken,
}

/// A URL with the variables that it names put into it.
pub(super) struct Expanded {
    /// The URL, which messages go on to show as it was written.
    pub(super) url: UrlText,
    /// The variables without a value or a default, which stand in the URL as `${NAME}`: it is a name, and they are part of it.
    pub(super) unset: Vec<String>,
}

/// Puts the variables that a bind's URL names into it.
pub(super) fn expand(bind: &BindKey, url: &UrlText, variables: &Variables) -> Result<Expanded> {
    let mut unset = Vec::new();
    let expanded = expand_text(url.text(), variables, &mut unset).map_err(|problem| {
        let (file, line) = url.origin().place();
        Error::Url { file, line, bind: bind.clone(), problem: format!("the URL `{url}` {problem}"), at: None }
    })?;
    Ok(Expanded { url: url.with_text(expanded), unset })
}

fn expand_text(text: &str, variables: &Variables, unset: &mut Vec<String>) -> std::result::Result<String, String> {
    let mut expanded = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => expanded.push_str(text),
            Piece::Variable(name, default) => {
                // As in a shell, one that is empty counts as not set where there is a default.
                let value = variables.get(name).filter(|value| default.is_none() || !value.is_empty());
                match (value, default) {
                    (Some(value), _) => expanded.push_str(
                        value
                            .to_str()
                            .ok_or_else(|| format!("needs the variable `{name}`, whose value is not UTF-8"))?,
                    ),
                    (None, Some(default)) => expanded.push_str(&expand_text(default, variables, unset)?),
                    (None, None) => {
                        expanded.push_str("${");
                        expanded.push_str(name);
                        expanded.push('}');
                        unset.push(name.to_string());
                    }
                }
            }
            Piece::Broken => {
                return Err("has a `${` that no name and `}` follow: a variable is written `${NAME}` or \
                            `${NAME:-DEFAULT}`, with letters, digits and `_`; write `$${` for a `${` that is meant"
                    .to_string())
            }
        }
    }
    Ok(expanded)
}

/// Returns the pieces of a text; nothing follows a broken one.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        // `$${` is `${` itself.
        if rest[..at].ends_with('$') {
            pieces.push(Piece::Text(&rest[..at - 1]));
            pieces.push(Piece::Text("${"));
            rest = &rest[at + 2..];
            continue;
        }
        pieces.push(Piece::Text(&rest[..at]));
        let Some(end) = closing_brace(&rest[at + 2..]) else {
            pieces.push(Piece::Broken);
            return pieces;
        };
        let (inside, after) = (&rest[at + 2..at + 2 + end], &rest[at + 3 + end..]);
        let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, to)| (name, Some(to)));
        if !is_identifier(name) {
            pieces.push(Piece::Broken);
            return pieces;
        }
        pieces.push(Piece::Variable(name, default));
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Returns where the brace is that ends a variable; a default may name variables itself.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if text[..at].ends_with('$') => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}
