//! The binds' tables and what refers to what, as a Mermaid diagram.

use std::fmt::Write as _;
use std::sync::Arc;

use super::mermaid::{quoted, type_name, word};
use crate::config::Storage;
use crate::error::Result;
use crate::harness::{Harness, ReferenceEnd, RunningBind};
use crate::key::BindKey;
use crate::list::has_name;
use crate::observe::tables;
use crate::schema::{ColumnInfo, ForeignKey, Metadata, TableInfo};

impl Harness {
    /// Draws the tables of every bind with their columns, foreign keys and references into other binds, as a
    /// [Mermaid](https://mermaid.js.org) diagram, which a README or a pull request shows as a picture.
    ///
    /// A table is `bind.table`, with `default` for the default bind. A solid line is a foreign key, a dashed one a
    /// reference from one bind into another, declared with [`reference`](crate::Config::reference). The tables
    /// are in the order of the binds (of a [dynamic bind](crate::Bind::dynamic) each database, or what they will be
    /// made as where nobody has used one) and, within one, in that in which they were made. Views are left out. As long
    /// as the tables are the same, so is the text: it has no row counts, which [`describe`](Harness::describe) has.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`](crate::Error::Sql) for a bind whose tables cannot be read.
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, author TEXT NOT NULL)"))
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT PRIMARY KEY)"))
    ///     .reference("default.post.author", "auth.user.name")
    ///     .start()?;
    /// assert_eq!(db.diagram()?, r#"erDiagram
    ///     %% bind default, in memory
    ///     "default.post" {
    ///         INTEGER id PK
    ///         TEXT author FK
    ///     }
    ///     %% bind auth, in memory
    ///     "auth.user" {
    ///         TEXT name PK
    ///     }
    ///     %% references from one bind into another
    ///     "auth.user" ||..o{ "default.post" : "author → name"
    /// "#);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn diagram(&self) -> Result<String> {
        let running = self.running();
        let binds = running.binds().try_map(|_, place| drawn(place))?;
        let mut diagram = String::from("erDiagram\n");
        for (bind, databases) in binds.iter() {
            let refers = |table: &TableInfo, column: &ColumnInfo| {
                let mut references = running.references().iter().map(|reference| &reference.from);
                references.any(|from| from.bind == bind && is(from, table, column))
            };
            for drawn in databases {
                draw(&mut diagram, drawn, &refers);
            }
        }
        if !running.references().is_empty() {
            diagram.push_str("    %% references from one bind into another\n");
        }
        for reference in running.references() {
            let (from, to) = (&reference.from, &reference.to);
            let Some(parent) = binds[to.bind].first() else { continue };
            for child in &binds[from.bind] {
                let columns = std::slice::from_ref(&from.column);
                let table = child.tables.table(&from.table);
                let (one, many) = table.map_or(("|o", "o{"), |table| cardinality(table, columns));
                let (parent, child) = (name(&parent.key, &to.table), name(&child.key, &from.table));
                let label = quoted(&format!("{} → {}", from.column, to.column));
                let _ = writeln!(diagram, "    {parent} {one}..{many} {child} : {label}");
            }
        }
        Ok(diagram)
    }
}

/// One database as it is drawn.
struct Drawn {
    key: BindKey,
    label: String,
    storage: Storage,
    tables: Arc<Metadata>,
}

/// Returns the databases of a bind; of a dynamic bind that nobody has used, the tables it will have.
fn drawn(place: &RunningBind) -> Result<Vec<Drawn>> {
    // A replica has the tables of its source.
    if place.replica().is_some() {
        return Ok(Vec::new());
    }
    let mut databases = Vec::new();
    for database in place.databases() {
        let (key, tables) = (database.key().clone(), Arc::new(tables(&database)?));
        databases.push(Drawn { key, label: database.label(), storage: database.storage(), tables });
    }
    match place {
        RunningBind::Dynamic(bind) if databases.is_empty() => {
            let (key, label) = (bind.key().clone(), format!("{}, dynamic", bind.key()));
            Ok(vec![Drawn { key, label, storage: bind.storage(), tables: bind.metadata()? }])
        }
        _ => Ok(databases),
    }
}

fn is(end: &ReferenceEnd, table: &TableInfo, column: &ColumnInfo) -> bool {
    end.table.eq_ignore_ascii_case(table.name()) && end.column.eq_ignore_ascii_case(column.name())
}

/// Writes a table's name, of which no two are the same: a part with a dot of its own is in quotes, as in SQL.
fn name(key: &BindKey, table: &str) -> String {
    let part =
        |part: &str| if part.contains(['.', '"']) { crate::sqlite::script::quote(part) } else { part.to_string() };
    quoted(&format!("{}.{}", part(&key.to_string()), part(table)))
}

/// Draws the tables of a database and the references among them.
fn draw(diagram: &mut String, drawn: &Drawn, refers: &dyn Fn(&TableInfo, &ColumnInfo) -> bool) {
    let label = quoted(&drawn.label);
    let _ = writeln!(diagram, "    %% bind {}, in {}", label.trim_matches('"'), drawn.storage);
    for table in drawn.tables.tables() {
        entity(diagram, &name(&drawn.key, table.name()), table, refers);
    }
    for table in drawn.tables.tables() {
        for key in table.foreign_keys() {
            foreign_key(diagram, drawn, table, key);
        }
    }
}

fn entity(diagram: &mut String, name: &str, table: &TableInfo, refers: &dyn Fn(&TableInfo, &ColumnInfo) -> bool) {
    if table.columns().iter().all(ColumnInfo::is_hidden) {
        // A virtual table whose module only the application has.
        let _ = writeln!(diagram, "    {name}");
        return;
    }
    let _ = writeln!(diagram, "    {name} {{");
    for column in table.columns() {
        if column.is_hidden() {
            continue;
        }
        let has = |names: &[String]| has_name(names, column.name());
        let mut keys = Vec::new();
        if column.primary_key().is_some() {
            keys.push("PK");
        }
        if refers(table, column) || table.foreign_keys().iter().any(|key| has(key.columns())) {
            keys.push("FK");
        }
        if column.primary_key().is_none() && is_unique(table, &[column.name().to_string()]) {
            keys.push("UK");
        }
        let keys = keys.join(", ");
        let word = word(column.name());
        let comment = if word == column.name() { String::new() } else { format!(" {}", quoted(column.name())) };
        let space = if keys.is_empty() { "" } else { " " };
        let _ = writeln!(diagram, "        {} {word}{space}{keys}{comment}", type_name(column.declared_type()));
    }
    diagram.push_str("    }\n");
}

fn foreign_key(diagram: &mut String, drawn: &Drawn, child: &TableInfo, key: &ForeignKey) {
    let parent = drawn.tables.table(key.parent());
    let mut label = key.columns().join(", ");
    if !key.parent_columns().is_empty() {
        let _ = write!(label, " → {}", key.parent_columns().join(", "));
    }
    if parent.is_none() {
        label.push_str(" (no such table)");
    }
    let (one, many) = cardinality(child, key.columns());
    let parent = name(&drawn.key, parent.map_or(key.parent(), TableInfo::name));
    let _ = writeln!(diagram, "    {parent} {one}--{many} {} : {}", name(&drawn.key, child.name()), quoted(&label));
}

/// Returns the marks for the parents of a row, one or at most one, and for the rows of a parent, at most one or any number.
fn cardinality(child: &TableInfo, columns: &[String]) -> (&'static str, &'static str) {
    let may_lack = |name: &String| {
        child.column(name).is_some_and(|column| !column.is_not_null() && column.primary_key().is_none())
    };
    let one = if columns.iter().any(may_lack) { "|o" } else { "||" };
    (one, if is_unique(child, columns) { "o|" } else { "o{" })
}

/// Returns whether no two rows have the same values in these columns.
fn is_unique(table: &TableInfo, columns: &[String]) -> bool {
    let has = |name: &str| has_name(columns, name);
    let mut key = table.primary_key();
    if key.next().is_some_and(has) && key.all(has) {
        return true;
    }
    table.indexes().iter().any(|index| {
        let mut columns = index.columns();
        index.is_unique() && !index.is_partial() && columns.all(|column| column.is_some_and(has))
    })
}
