//! Assertions on what changed, and what they say when they fail.

use super::expected::{ExpectedTable, Named};
use super::{ChangeSet, Counts, ExpectedChanges};
use crate::error::{argument, list, Result};
use crate::key::{BindKey, Selection};
use crate::observe::binds;
use crate::observe::report::{paragraph, table};
use crate::order::sort_by_key;
use crate::sorted::Sorted;

impl ChangeSet {
    /// Asserts that the selected binds changed, each of them, and no other; gives the change set for a next assertion.
    ///
    /// A selected bind in which nothing changed fails too: a test that passes although its subject did nothing proves
    /// nothing. Where several keys share one database, any of them means it.
    ///
    /// # Panics
    ///
    /// When another bind changed, when nothing changed in a selected one, and for a key that is not configured. The
    /// message shows every change.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let t = "CREATE TABLE t (x)";
    /// # let db = Harness::builder().default_bind(Bind::memory().schema(t)).bind("auth", Bind::memory().schema(t)).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO t VALUES (1)", [])?;
    /// db.changes_since(&before)?.assert_only("auth");
    ///
    /// db.connection(None)?.execute("INSERT INTO t VALUES (2)", [])?;
    /// db.changes_since(&before)?.assert_only([None, Some("auth")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_only(&self, selection: impl Into<Selection>) -> &ChangeSet {
        match self.failure(&selection.into()) {
            Ok(None) => self,
            Ok(Some(message)) => panic!("{message}"),
            Err(error) => panic!("cannot tell which binds may change: {error}"),
        }
    }

    /// Asserts that nothing changed in any bind; gives the change set for a next assertion.
    ///
    /// # Panics
    ///
    /// When something changed. The message shows every change.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    /// let before = db.snapshot()?;
    /// db.connection(None)?.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))?;
    /// db.changes_since(&before)?.assert_none();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_none(&self) -> &ChangeSet {
        let changed = self.changed();
        if changed.is_empty() {
            return self;
        }
        let (binds, way_out) = (list(&self.names(&changed)), self.to_allow(&changed));
        let found = paragraph(&format!("expected no change in any bind, but {binds} changed:"), 0, 0);
        panic!("{found}\n\n{self}\n\n{way_out}");
    }

    /// Asserts that these tables changed in this way, and no other; gives the change set for a next assertion.
    ///
    /// What is expected is a list of tables with the number of rows inserted in each, or deleted where it is negative. The
    /// macro [`changes!`](crate::changes!) also says how many were updated. Where several keys share one database, any of
    /// them means it.
    ///
    /// # Panics
    ///
    /// When another table changed, or one of these in another way, and for a table whose bind is not configured. The
    /// message shows what was expected of each table and what was found, and every change.
    ///
    /// ```
    /// # use multibind::{changes, Bind, Harness};
    /// # let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO user VALUES (1, 'ann')";
    /// # let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory().schema(user)).start()?;
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("INSERT INTO user (name) VALUES ('bob'), ('cleo')", [])?;
    /// db.changes_since(&before)?.assert([("auth.user", 2)]);
    ///
    /// db.connection("auth")?.execute("UPDATE user SET name = 'anna' WHERE id = 1", [])?;
    /// db.changes_since(&before)?.assert(changes! { "auth.user" => +2 ~1 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert(&self, expected: impl Into<ExpectedChanges>) -> &ChangeSet {
        match self.unexpected(&expected.into()) {
            Ok(None) => self,
            Ok(Some(message)) => panic!("{message}"),
            Err(problem) => panic!("cannot tell what is expected: {problem}"),
        }
    }

    /// The message if the changes are not those expected.
    fn unexpected(&self, expected: &ExpectedChanges) -> Result<Option<String>, String> {
        let mut tables = Sorted::<(usize, String), Compared>::default();
        for change in &self.changes {
            let table = tables.or_insert_with((change.position, change.table.to_ascii_lowercase()), Compared::default);
            table.name.clone_from(&change.table);
            table.found.push(Counts::of(change));
        }
        for (table, counts) in &expected.tables {
            let (position, name) = self.meant(table)?;
            if counts.is_nothing() {
                continue;
            }
            let table = tables.or_insert_with((position, name.to_ascii_lowercase()), || Compared::of(name));
            table.expected.push(*counts);
        }
        if tables.entries().iter().all(|(_, table)| table.is_as_expected()) {
            return Ok(None);
        }

        let rows = tables.entries().iter().map(|((position, _), table)| {
            let mark = if table.is_as_expected() { "" } else { "≠" };
            let bind = list(&self.names(&[*position]));
            [
                mark.to_string(),
                bind,
                table.name.clone(),
                Compared::shown(&table.expected),
                Compared::shown(&table.found),
            ]
        });
        let compared = table(&["", "bind", "table", "expected", "found"], rows);
        let found = match self.is_empty() {
            true => paragraph(&format!("Nothing changed in any bind. {NOTHING_WRITTEN}"), 0, 0),
            false => format!(
                "The changes:\n\n{self}\n\nIf they are meant, this expects them:\n\n{}\n\nIf not, look which bind's \
                 connection wrote the rows above.",
                self.as_expected()
            ),
        };
        Ok(Some(format!("the changes are not those expected, where marked ≠:\n\n{compared}\n\n{found}")))
    }

    /// The position and the name of an expected table.
    fn meant<'t>(&self, table: &'t ExpectedTable) -> Result<(usize, &'t str), String> {
        let text = match &table.0 {
            Named::Text(text) => text.as_str(),
            Named::Of(key, table) => {
                return self
                    .position(key)
                    .map(|position| (position, table.as_str()))
                    .map_err(|error| error.to_string());
            }
        };
        // Keys and tables may have dots of their own, so every way to read it is tried.
        let mut readings = Vec::new();
        for (position, keys) in self.binds.of_each().iter().enumerate() {
            let names = keys.iter().flat_map(|key| [Some(key.schema_name()), key.is_default().then_some("default")]);
            for name in names.flatten() {
                let table = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
                readings.extend(table.filter(|table| !table.is_empty()).map(|table| (position, table)));
            }
        }
        let changed = |(position, table): &(usize, &str)| {
            self.changes.iter().any(|change| change.position == *position && change.table.eq_ignore_ascii_case(table))
        };
        let mut likely = readings.iter().filter(|reading| changed(reading));
        match (likely.next(), likely.next(), readings.first()) {
            (Some(_), Some(_), _) => Err(format!("`{text}` means tables of several binds: write `(key, \"table\")`")),
            (Some(reading), None, _) | (None, _, Some(reading)) => Ok(*reading),
            (None, _, None) => {
                let mut keys = self.binds.of_each().iter().flatten().collect::<Vec<_>>();
                sort_by_key(&mut keys, |key| !key.is_default());
                let keys = list(&keys.into_iter().map(BindKey::schema_name).collect::<Vec<_>>());
                Err(format!("`{text}` is not `bind.table` with one of the binds {keys}"))
            }
        }
    }

    /// The changes as a test would write them.
    fn as_expected(&self) -> String {
        let tables = self.changes.iter().map(|change| {
            let short = format!("{}.{}", change.bind.schema_name(), change.table);
            let name = match short.matches('.').count() {
                1 => format!("{short:?}"),
                _ => format!("({}, {:?})", argument(&change.bind), change.table),
            };
            format!("    {name} => {},\n", Counts::of(change).as_written())
        });
        format!("changes! {{\n{}}}", tables.collect::<String>())
    }

    /// The message if not just the selected binds changed.
    fn failure(&self, selection: &Selection) -> Result<Option<String>> {
        let changed = self.changed();
        let mut expected = match selection.keys() {
            Some(keys) => keys.iter().map(|key| self.position(key)).collect::<Result<Vec<_>>>()?,
            None => (0..self.binds.of_each().len()).collect(),
        };
        expected.sort_unstable();
        expected.dedup();
        let besides = |these: &[usize], those: &[usize]| {
            these.iter().copied().filter(|position| !those.contains(position)).collect::<Vec<_>>()
        };
        let (still, others) = (besides(&expected, &changed), besides(&changed, &expected));

        let (unchanged, too) = (list(&self.names(&still)), list(&self.names(&others)));
        let (found, next) = match (still.is_empty(), others.is_empty()) {
            (true, true) => return Ok(None),
            _ if changed.is_empty() => ("nothing changed in any bind".to_string(), paragraph(NOTHING_WRITTEN, 0, 0)),
            (false, true) => (format!("nothing changed in {unchanged}"), paragraph(NOTHING_WRITTEN, 0, 0)),
            (true, false) if expected.is_empty() => (format!("{too} changed"), self.to_allow(&changed)),
            (true, false) => (format!("{too} changed too"), self.to_allow(&changed)),
            (false, false) => (
                format!("nothing changed in {unchanged}, and {too} changed"),
                paragraph(
                    &format!(
                        "What was meant for {unchanged} may be in {too}: look which bind's connection wrote the rows \
                         above."
                    ),
                    0,
                    0,
                ),
            ),
        };
        let asked = match selection.keys() {
            None => "a change in every bind".to_string(),
            Some([]) => "no change in any bind".to_string(),
            Some(keys) => format!("changes in {} only", list(keys)),
        };
        let shown = if self.is_empty() { String::new() } else { format!("\n\n{self}") };
        let end = if shown.is_empty() { "." } else { ":" };
        let found = paragraph(&format!("expected {asked}, but {found}{end}"), 0, 0);
        Ok(Some(format!("{found}{shown}\n\n{next}")))
    }

    /// The positions of the databases that changed, in order.
    fn changed(&self) -> Vec<usize> {
        let mut changed = self.changes.iter().map(|change| change.position).collect::<Vec<_>>();
        changed.dedup();
        changed
    }

    /// The keys that name databases first.
    fn names(&self, positions: &[usize]) -> Vec<BindKey> {
        positions.iter().filter_map(|position| self.binds.of_each().get(*position)?.first().cloned()).collect()
    }

    /// The assertion that would hold.
    fn to_allow(&self, positions: &[usize]) -> String {
        let names = self.names(positions);
        let keys = binds::as_written(&names);
        let meant = paragraph(&format!("If that is meant, assert_only({keys}) says so."), 0, 0);
        format!("{meant}\nIf not, look which bind's connection wrote the rows above.")
    }
}

/// What to do where nothing was written.
const NOTHING_WRITTEN: &str = "Does the code under test take its connections from this harness, and does it commit?";

/// What was expected of a table and what was found. A name may have two changes, of a table that went and of a view that
/// came.
#[derive(Default)]
struct Compared {
    name: String,
    expected: Vec<Counts>,
    found: Vec<Counts>,
}

impl Compared {
    fn of(name: &str) -> Compared {
        Compared { name: name.to_string(), ..Compared::default() }
    }

    fn is_as_expected(&self) -> bool {
        let sorted = |counts: &[Counts]| {
            let mut written = counts.iter().map(Counts::as_written).collect::<Vec<_>>();
            written.sort_unstable();
            written
        };
        sorted(&self.expected) == sorted(&self.found)
    }

    fn shown(counts: &[Counts]) -> String {
        match counts {
            [] => "nothing".to_string(),
            counts => counts.iter().flat_map(Counts::phrases).collect::<Vec<_>>().join("\n"),
        }
    }
}
