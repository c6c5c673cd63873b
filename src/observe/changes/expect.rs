//! Assertions on what changed, and what they say when they fail.

use super::expected::{ExpectedTable, Named};
use super::{ChangeSet, Counts, ExpectedChanges};
use crate::error::{argument, joined_by, list, Result};
use crate::key::{BindKey, Selection};
use crate::list::{filtered, mapped};
use crate::observe::binds;
use crate::observe::report::{paragraph, Table, NOTHING_WRITTEN};
use crate::order::{sort_by, sort_by_key};
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

        let mut compared = Table::new(&["", "bind", "table", "expected", "found"]);
        for ((position, _), table) in tables.entries() {
            let mark = if table.is_as_expected() { "" } else { "≠" };
            let bind = list(&self.names(&[*position]));
            let (expected, found) = (Compared::shown(&table.expected), Compared::shown(&table.found));
            compared.row(&[mark, &bind, &table.name, &expected, &found]);
        }
        let found = match self.is_empty() {
            true => paragraph(&format!("Nothing changed in any bind. {NOTHING_WRITTEN}"), 0, 0),
            false => format!(
                "The changes:\n\n{self}\n\nIf they are meant, this expects them:\n\n{}\n\nIf not, look which bind's \
                 connection wrote the rows above.",
                self.as_expected()
            ),
        };
        let compared = compared.drawn();
        Ok(Some(format!("the changes are not those expected, where marked ≠:\n\n{compared}\n\n{found}")))
    }

    /// The position and the name of an expected table.
    fn meant<'t>(&self, table: &'t ExpectedTable) -> Result<(usize, &'t str), String> {
        let text = match &table.0 {
            Named::Text(text) => text.as_str(),
            Named::Of(key, table) => match self.position(key) {
                Ok(position) => return Ok((position, table)),
                Err(error) => return Err(error.to_string()),
            },
        };
        // Keys and tables may have dots of their own, so every way to read it is tried.
        let mut readings = Vec::new();
        for (position, keys) in self.binds.of_each().iter().enumerate() {
            for key in keys {
                if let Some(table) = table_of(text, &key.to_string()).or_else(|| table_of(text, key.schema_name())) {
                    readings.push((position, table));
                }
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
                let mut keys = self.binds.of_each().concat();
                sort_by_key(&mut keys, |key| !key.is_default());
                let keys = joined_by(&keys, ", ", &BindKey::to_string);
                Err(format!("`{text}` is not `bind.table` with one of the binds {keys}"))
            }
        }
    }

    /// The changes as a test would write them.
    fn as_expected(&self) -> String {
        let tables = joined_by(&self.changes, "", &|change| {
            let short = format!("{}.{}", change.bind, change.table);
            let name = match short.matches('.').count() {
                1 => format!("{short:?}"),
                _ => format!("({}, {:?})", argument(&change.bind), change.table),
            };
            format!("    {name} => {},\n", Counts::of(change).as_written())
        });
        format!("changes! {{\n{tables}}}")
    }

    /// The message if not just the selected binds changed.
    fn failure(&self, selection: &Selection) -> Result<Option<String>> {
        let changed = self.changed();
        let mut expected = Vec::new();
        match selection.keys() {
            Some(keys) => {
                for key in keys {
                    expected.push(self.position(key)?);
                }
                sort_by_key(&mut expected, |position| *position);
                expected.dedup();
            }
            None => expected.extend(0..self.binds.of_each().len()),
        }
        let still = filtered(&expected, |position| !changed.contains(position));
        let others = filtered(&changed, |position| !expected.contains(position));

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
        let mut changed = mapped(&self.changes, |change| change.position);
        changed.dedup();
        changed
    }

    /// The keys that name databases first.
    fn names(&self, positions: &[usize]) -> Vec<BindKey> {
        let mut names = Vec::with_capacity(positions.len());
        for position in positions {
            if let Some(name) = self.binds.of_each()[*position].first() {
                names.push(name.clone());
            }
        }
        names
    }

    /// The assertion that would hold.
    fn to_allow(&self, positions: &[usize]) -> String {
        let names = self.names(positions);
        let keys = binds::as_written(&names);
        let meant = paragraph(&format!("If that is meant, assert_only({keys}) says so."), 0, 0);
        format!("{meant}\nIf not, look which bind's connection wrote the rows above.")
    }
}

/// What stands after the bind's name and a dot.
fn table_of<'t>(text: &'t str, bind: &str) -> Option<&'t str> {
    let table = text.strip_prefix(bind)?.strip_prefix('.')?;
    (!table.is_empty()).then_some(table)
}

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
            let mut written = mapped(counts, Counts::as_written);
            sort_by(&mut written, |one, other| one.cmp(other));
            written
        };
        sorted(&self.expected) == sorted(&self.found)
    }

    fn shown(counts: &[Counts]) -> String {
        match counts {
            [] => "nothing".to_string(),
            counts => joined_by(counts, "\n", &|counts| counts.phrases().join("\n")),
        }
    }
}
