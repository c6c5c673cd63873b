//! The changes that a test expects: tables by name, each with a number of rows.

use std::fmt;

use super::change::{ChangeKind, RowChanges, TableChange};
use crate::error::shown_path;
use crate::key::BindKey;
use crate::observe::rows::ExpectedRows;
use crate::row::Row;

/// The changes a test expects, no others; for [`ChangeSet::assert`](super::ChangeSet::assert), made with
/// [`changes!`](crate::changes!) or from a list of tables and counts.
///
/// ```
/// use multibind::changes::ExpectedChanges;
/// use multibind::changes;
///
/// let written = ExpectedChanges::from([("auth.user", 1), ("meta.log", -2)]);
/// assert_eq!(written, changes! { "auth.user" => +1, "meta.log" => -2 });
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "it asserts nothing by itself: give it to `ChangeSet::assert`"]
pub struct ExpectedChanges {
    pub(super) tables: Vec<(ExpectedTable, ExpectedChange)>,
}

impl ExpectedChanges {
    /// Expects no change in any bind.
    ///
    /// ```
    /// assert_eq!(multibind::changes::ExpectedChanges::new(), multibind::changes! {});
    /// ```
    pub fn new() -> ExpectedChanges {
        ExpectedChanges::default()
    }

    /// Expects a change in one more table.
    ///
    /// ```
    /// use multibind::changes::{ExpectedChange, ExpectedChanges};
    /// use multibind::changes;
    ///
    /// let table = "user";
    /// let expected = ExpectedChanges::new().and(("auth", table), ExpectedChange::new().inserted(2));
    /// assert_eq!(expected, changes! { ("auth", "user") => +2 });
    /// ```
    pub fn and(mut self, table: impl Into<ExpectedTable>, counts: impl Into<ExpectedChange>) -> ExpectedChanges {
        self.tables.push((table.into(), counts.into()));
        self
    }
}

impl<T: Into<ExpectedTable>, C: Into<ExpectedChange>, const N: usize> From<[(T, C); N]> for ExpectedChanges {
    fn from(tables: [(T, C); N]) -> Self {
        tables.into_iter().collect()
    }
}

impl<T: Into<ExpectedTable>, C: Into<ExpectedChange>> From<Vec<(T, C)>> for ExpectedChanges {
    fn from(tables: Vec<(T, C)>) -> Self {
        tables.into_iter().collect()
    }
}

impl<T: Into<ExpectedTable>, C: Into<ExpectedChange>> FromIterator<(T, C)> for ExpectedChanges {
    fn from_iter<I: IntoIterator<Item = (T, C)>>(tables: I) -> Self {
        ExpectedChanges { tables: tables.into_iter().map(|(table, counts)| (table.into(), counts.into())).collect() }
    }
}

/// A table of a bind: `"auth.user"`, or `("auth", "user")`.
///
/// In the short form the default bind is `default`, or `main` as in SQL. Where dots in keys and tables leave it open which
/// is meant, the long form says it; its key for the default bind is `None`.
///
/// ```
/// use multibind::changes::ExpectedTable;
///
/// assert_eq!(ExpectedTable::from("auth.user").to_string(), "auth.user");
/// assert_eq!(ExpectedTable::from((None, "post")).to_string(), "default.post");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTable(pub(super) Named);

/// The form of a table's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// `bind.table`, not yet split.
    Text(String),
    Of(BindKey, String),
}

impl fmt::Display for ExpectedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Named::Text(text) => f.write_str(text),
            Named::Of(key, table) => write!(f, "{key}.{table}"),
        }
    }
}

impl From<&str> for ExpectedTable {
    fn from(text: &str) -> Self {
        // The URL in the key of a dynamic bind's database may be written in any form.
        let (key, table) = text.find("].").map_or(("", text), |end| text.split_at(end + 1));
        ExpectedTable(Named::Text(if key.is_empty() {
            table.to_string()
        } else {
            format!("{}{table}", BindKey::from(key))
        }))
    }
}

impl From<String> for ExpectedTable {
    fn from(text: String) -> Self {
        ExpectedTable::from(text.as_str())
    }
}

impl<K: Into<BindKey>, T: Into<String>> From<(K, T)> for ExpectedTable {
    fn from((key, table): (K, T)) -> Self {
        ExpectedTable(Named::Of(key.into(), table.into()))
    }
}

/// The rows inserted, updated and deleted in a table, and whether the table itself is created, altered or dropped.
///
/// Of each kind, the rows are a number, or a list of [`row!`](crate::row!)s with their values: those of updated rows as they
/// are now. A number alone is that many rows inserted, a negative one deleted.
///
/// ```
/// use multibind::changes::ExpectedChange;
///
/// assert_eq!(ExpectedChange::from(-2), ExpectedChange::new().deleted(2));
/// assert_eq!(ExpectedChange::new().created().inserted(1).to_string(), "created, + 1 inserted");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "it asserts nothing by itself: give it to `ExpectedChanges::and`"]
pub struct ExpectedChange {
    /// `None` where only rows changed, or nothing.
    pub(super) kind: Option<ChangeKind>,
    pub(super) inserted: ExpectedRows,
    pub(super) updated: ExpectedRows,
    pub(super) deleted: ExpectedRows,
}

impl ExpectedChange {
    /// Expects no change.
    ///
    /// ```
    /// assert_eq!(multibind::changes::ExpectedChange::new().to_string(), "nothing");
    /// ```
    pub fn new() -> ExpectedChange {
        ExpectedChange::default()
    }

    /// Expects so many new rows, or these.
    ///
    /// ```
    /// # use multibind::changes::ExpectedChange;
    /// assert_eq!(ExpectedChange::new().inserted(2), ExpectedChange::from(2));
    /// ```
    pub fn inserted(self, rows: impl Into<ExpectedRows>) -> ExpectedChange {
        ExpectedChange { inserted: rows.into(), ..self }
    }

    /// Expects so many rows with other values, or these, as they are now.
    ///
    /// ```
    /// assert_eq!(multibind::changes::ExpectedChange::new().updated(2).to_string(), "~ 2 updated");
    /// ```
    pub fn updated(self, rows: impl Into<ExpectedRows>) -> ExpectedChange {
        ExpectedChange { updated: rows.into(), ..self }
    }

    /// Expects so many rows to be gone, or these.
    ///
    /// ```
    /// # use multibind::changes::ExpectedChange;
    /// assert_eq!(ExpectedChange::new().deleted(2), ExpectedChange::from(-2));
    /// ```
    pub fn deleted(self, rows: impl Into<ExpectedRows>) -> ExpectedChange {
        ExpectedChange { deleted: rows.into(), ..self }
    }

    /// Expects the table or view to be new; its rows count as inserted.
    ///
    /// ```
    /// # use multibind::{changes::{ExpectedChange, ExpectedChanges}, changes};
    /// let counts = ExpectedChange::new().created().inserted(1);
    /// assert_eq!(ExpectedChanges::from([("auth.user", counts)]), changes! { "auth.user" => created +1 });
    /// ```
    pub fn created(self) -> ExpectedChange {
        ExpectedChange { kind: Some(ChangeKind::Created), ..self }
    }

    /// Expects the SQL of the table or view, or of its indexes or triggers, to have changed.
    ///
    /// ```
    /// # use multibind::{changes::{ExpectedChange, ExpectedChanges}, changes};
    /// let counts = ExpectedChange::new().altered().updated(1);
    /// assert_eq!(ExpectedChanges::from([("auth.user", counts)]), changes! { "auth.user" => altered ~1 });
    /// ```
    pub fn altered(self) -> ExpectedChange {
        ExpectedChange { kind: Some(ChangeKind::Altered), ..self }
    }

    /// Expects the table or view to be gone; its rows count as deleted.
    ///
    /// ```
    /// # use multibind::{changes::{ExpectedChange, ExpectedChanges}, changes};
    /// let counts = ExpectedChange::new().dropped().deleted(1);
    /// assert_eq!(ExpectedChanges::from([("auth.user", counts)]), changes! { "auth.user" => dropped -1 });
    /// ```
    pub fn dropped(self) -> ExpectedChange {
        ExpectedChange { kind: Some(ChangeKind::Dropped), ..self }
    }

    /// Returns the change as it was found, in numbers.
    pub(crate) fn of(change: &TableChange) -> ExpectedChange {
        let kind = Some(change.kind).filter(|kind| *kind != ChangeKind::Rows);
        let RowChanges { inserted, updated, deleted } = &*change.rows;
        let [inserted, updated, deleted] = [inserted.len(), updated.len(), deleted.len()].map(ExpectedRows::from);
        ExpectedChange { kind, inserted, updated, deleted }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.kind.is_none() && self.rows().iter().all(|(_, rows)| rows.count() == Some(0))
    }

    /// Returns each change as a phrase.
    pub(crate) fn phrases(&self) -> Vec<String> {
        let mut phrases = Vec::new();
        if let Some(kind) = self.kind() {
            phrases.push(kind.to_string());
        }
        for (kind, rows) in self.rows() {
            let (mark, what) = (kind.mark(), kind.name());
            match (rows.count(), rows.file()) {
                (Some(count), _) if count > 0 => phrases.push(format!("{mark} {count} {what}")),
                (_, Some(file)) => phrases.push(format!("{mark} {what} as in {}", shown_path(file))),
                _ => {}
            }
        }
        phrases
    }

    /// Returns the counts as [`changes!`](crate::changes!) takes them.
    pub(crate) fn as_written(&self) -> String {
        let mut written = self.kind().unwrap_or_default().to_string();
        for (kind, rows) in self.rows() {
            if let Some(count) = rows.count().filter(|count| *count > 0) {
                written += &format!(" {}{count}", kind.mark());
            }
        }
        written.trim_start().to_string()
    }

    /// Returns the rows of each kind.
    pub(crate) fn rows(&self) -> [(RowKind, &ExpectedRows); 3] {
        [(RowKind::Inserted, &self.inserted), (RowKind::Updated, &self.updated), (RowKind::Deleted, &self.deleted)]
    }

    /// Returns the change with other rows of a kind.
    pub(super) fn with(self, kind: RowKind, rows: Vec<Row>) -> ExpectedChange {
        match kind {
            RowKind::Inserted => self.inserted(rows),
            RowKind::Updated => self.updated(rows),
            RowKind::Deleted => self.deleted(rows),
        }
    }

    fn kind(&self) -> Option<&'static str> {
        match self.kind? {
            ChangeKind::Created => Some("created"),
            ChangeKind::Altered => Some("altered"),
            ChangeKind::Dropped => Some("dropped"),
            ChangeKind::Rows => None,
        }
    }
}

/// A kind of change to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    Inserted,
    Updated,
    Deleted,
}

impl RowKind {
    fn mark(self) -> char {
        match self {
            RowKind::Inserted => '+',
            RowKind::Updated => '~',
            RowKind::Deleted => '-',
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            RowKind::Inserted => "inserted",
            RowKind::Updated => "updated",
            RowKind::Deleted => "deleted",
        }
    }
}

impl fmt::Display for ExpectedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            f.write_str("nothing")
        } else {
            f.write_str(&self.phrases().join(", "))
        }
    }
}

impl From<i32> for ExpectedChange {
    fn from(rows: i32) -> Self {
        let count = usize::try_from(rows.unsigned_abs()).unwrap_or(usize::MAX);
        if rows < 0 {
            ExpectedChange::new().deleted(count)
        } else {
            ExpectedChange::new().inserted(count)
        }
    }
}

/// The changes a test expects, by table: `+n` rows inserted, `~n` updated, `-n` deleted, for
/// [`ChangeSet::assert`](crate::changes::ChangeSet::assert).
///
/// A table is `"bind.table"`, with `default` or `main` for the default bind, or `(key, "table")`. `created`, `altered` or
/// `dropped` before the counts is for the table itself. A count is a number, a name, or an expression in parentheses; in its
/// place, `[row! { … }, …]` lists the rows with their values, those of `~` as they are now: exactly these, in any order.
///
/// ```
/// use multibind::changes::{ExpectedChange, ExpectedChanges};
/// use multibind::changes;
///
/// let users = 3;
/// let expected = changes! {
///     "auth.user" => +users ~1,
///     "auth.token" => dropped -2,
///     (None, "post") => +(users * 2),
/// };
/// assert_eq!(
///     expected,
///     ExpectedChanges::new()
///         .and("auth.user", ExpectedChange::new().inserted(3).updated(1))
///         .and("auth.token", ExpectedChange::new().dropped().deleted(2))
///         .and((None, "post"), 6)
/// );
/// ```
///
/// ```
/// # use multibind::{changes, row, Bind, Harness};
/// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'an'), (2, 'bob')";
/// # let db = Harness::builder().bind("auth", Bind::memory().schema(user)).start()?;
/// let before = db.snapshot()?;
/// let conn = db.connection("auth")?;
/// conn.execute_batch("INSERT INTO user (name) VALUES ('cleo'); UPDATE user SET name = 'ann' WHERE id = 1")?;
/// conn.execute("DELETE FROM user WHERE id = 2", [])?;
/// db.changes_since(&before)?.assert(changes! {
///     "auth.user" => +[row! { name: "cleo" }] ~[row! { id: 1, name: "ann" }] -1,
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Anything else does not compile, and the compiler's message shows the form:
///
/// ```compile_fail
/// multibind::changes! { "auth.user" => created, +1 };
/// ```
///
/// ```compile_fail
/// multibind::changes! { "auth.user" => +3 +1 }; // four rows, or one?
/// ```
///
/// ```compile_fail
/// multibind::changes! { "auth.user" => created dropped };
/// ```
#[macro_export]
macro_rules! changes {
    // In brackets stands what a table already has: its kind, then its rows inserted, updated and deleted.
    (@table $list:expr;) => { $list };
    (@table $list:expr; $table:expr => $($rest:tt)+) => {
        $crate::changes!(@counts $list; $table; $crate::changes::ExpectedChange::new(); [_ _ _ _] $($rest)+)
    };
    // A row in a list is what turns into one.
    (@counts $list:expr; $table:expr; $counts:expr; [$($had:tt)*] $mark:tt [$($row:expr),* $(,)?] $($rest:tt)*) => {
        $crate::changes!(
            @counts $list; $table; $counts; [$($had)*]
            $mark (::std::vec![$($crate::Row::from($row)),*]) $($rest)*
        )
    };
    (@counts $list:expr; $table:expr; $counts:expr; [$k:tt _ $u:tt $d:tt] + $rows:tt $($rest:tt)*) => {
        $crate::changes!(@counts $list; $table; $counts.inserted($rows); [$k + $u $d] $($rest)*)
    };
    (@counts $list:expr; $table:expr; $counts:expr; [$k:tt $i:tt _ $d:tt] ~ $rows:tt $($rest:tt)*) => {
        $crate::changes!(@counts $list; $table; $counts.updated($rows); [$k $i ~ $d] $($rest)*)
    };
    (@counts $list:expr; $table:expr; $counts:expr; [$k:tt $i:tt $u:tt _] - $rows:tt $($rest:tt)*) => {
        $crate::changes!(@counts $list; $table; $counts.deleted($rows); [$k $i $u -] $($rest)*)
    };
    (@counts $list:expr; $table:expr; $counts:expr; [_ $i:tt $u:tt $d:tt] created $($rest:tt)*) => {
        $crate::changes!(@counts $list; $table; $counts.created(); [created $i $u $d] $($rest)*)
    };
    (@counts $list:expr; $table:expr; $counts:expr; [_ $i:tt $u:tt $d:tt] altered $($rest:tt)*) => {
        $crate::changes!(@counts $list; $table; $counts.altered(); [altered $i $u $d] $($rest)*)
    };
    (@counts $list:expr; $table:expr; $counts:expr; [_ $i:tt $u:tt $d:tt] dropped $($rest:tt)*) => {
        $crate::changes!(@counts $list; $table; $counts.dropped(); [dropped $i $u $d] $($rest)*)
    };
    (@counts $list:expr; $table:expr; $counts:expr; [$($had:tt)*] $(, $($rest:tt)*)?) => {
        $crate::changes!(@table $list.and($table, $counts); $($($rest)*)?)
    };
    (@$($other:tt)*) => {
        compile_error!(
            "`changes!` takes tables and what is expected of each, which is one or more of `+1`, `~2`, `-3` and one of \
             `created`, `altered` and `dropped`, each once, with a comma between tables only; `+[row! { name: \"ann\" }]` expects the values too: \
             `changes! { \"auth.user\" => created +1, \"meta.log\" => ~2 }`"
        )
    };
    ($($changes:tt)*) => { $crate::changes!(@table $crate::changes::ExpectedChanges::new(); $($changes)*) };
}
