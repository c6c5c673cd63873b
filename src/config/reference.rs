//! References from a column in one bind to a column in another, as the user wrote them.

use super::origin::Origin;
use super::Config;

/// A reference that SQLite cannot enforce, for its two ends are in different databases.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceText {
    /// `bind.table.column`.
    pub(crate) from: String,
    /// `bind.table.column`, with `default` or `main` for the default bind.
    pub(crate) to: String,
    pub(crate) origin: Origin,
}

impl Config {
    /// Declares that a column in one bind refers to a column in another: each as `bind.table.column`, with `default` or
    /// `default` for the default bind.
    ///
    /// [`Session::commit`](crate::Session::commit) then refuses rows that would be orphans, and
    /// [`Harness::check_references`](crate::Harness::check_references) finds those that other connections made. A bind,
    /// a table or a column that does not exist is an error at start.
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new()
    ///     .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE nut (tree_name TEXT)"))
    ///     .reference("auth.nut.tree_name", "default.tree.name");
    /// ```
    pub fn reference(mut self, from: impl Into<String>, to: impl Into<String>) -> Config {
        self.references.push(ReferenceText { from: from.into(), to: to.into(), origin: Origin::Code });
        self
    }

    /// The references declared.
    pub(crate) fn references(&self) -> &[ReferenceText] {
        &self.references
    }
}
