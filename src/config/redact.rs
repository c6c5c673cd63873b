//! URLs without their passwords, to be shown.

use std::fmt;

use super::origin::Origin;
use crate::url::redacted;

/// A URL as the user wrote it, shown without its password.
#[derive(Clone, Default)]
pub(crate) struct UrlText {
    text: String,
    /// The text as written, where variables have been put into it: their values are not shown.
    written: Option<String>,
    origin: Origin,
}

impl UrlText {
    pub(crate) fn new(text: impl Into<String>, origin: Origin) -> UrlText {
        UrlText { text: text.into(), written: None, origin }
    }

    /// Returns the URL with its password; not to be printed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the URL with variables put into its text.
    pub(crate) fn with_text(&self, text: String) -> UrlText {
        UrlText { text, written: Some(self.text.clone()), origin: self.origin.clone() }
    }

    fn shown(&self) -> String {
        redacted(self.written.as_ref().unwrap_or(&self.text))
    }

    /// Returns where it was written.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown(), f)
    }
}
