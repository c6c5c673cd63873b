//! A connection with the tables of some binds under their keys, on which statements are prepared and never run.
//!
//! A name that must not be found there leads to a decoy: a view in `temp`, where SQLite looks up first what is written
//! without a schema. Its body names a table that is nowhere, so a statement that uses the name fails, and the message
//! has the name. What has a schema, a CTE, and the bodies of views and triggers never meet it.

use std::cell::OnceCell;

use rusqlite::config::DbConfig;
use rusqlite::Connection;

use super::access::{Access, AccessLog, Kind};
use super::catalog::{folded, Catalog};
use crate::error::{sqlite_message, Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::list::mapped;
use crate::sqlite::attach;
use crate::sqlite::script::{explained, quote};
use crate::sqlite::texts;

/// The most databases SQLite attaches to a connection unless it was compiled otherwise, see
/// <https://sqlite.org/limits.html>.
pub(super) const MOST_ATTACHED: usize = 10;

/// A key by which a statement may name a bind, with its member.
pub(super) type Present = (BindKey, BindIndex);

/// What a stage is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The keys whose tables are there, in the order of the members.
    pub(super) present: Vec<Present>,
    pub(super) decoys: Decoys,
    /// Whether foreign keys are enforced, which has a statement use tables that it does not name.
    pub(super) foreign_keys: bool,
}

/// The names that lead to a decoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoys {
    None,
    /// Those that would be taken for another table than they mean.
    Doubtful,
    /// Those of the functions that look names up when they run.
    Lookups,
}

/// A connection to look at statements with.
pub(super) struct Stage {
    conn: Connection,
    log: AccessLog,
    present: Vec<Present>,
    /// The member that `main` stands for, whether its tables are there or not.
    main: Option<BindIndex>,
    /// The tables by schema and the page that they or an index of theirs begin on.
    roots: OnceCell<Vec<Root>>,
    /// A query of each virtual table.
    virtuals: Vec<String>,
}

struct Root {
    schema: String,
    page: i64,
    table: String,
}

/// What SQLite said of a statement.
pub(super) struct Seen {
    pub(super) accesses: Vec<Access>,
    /// Whether it is an `EXPLAIN`, which runs nothing.
    pub(super) explains: bool,
    /// Whether SQLite says that running it writes to no database file.
    pub(super) readonly: bool,
    /// Whether it gives rows.
    pub(super) has_columns: bool,
}

/// What SQLite says of a statement, or why it does not accept it, with what it reported before.
pub(super) type Look = Result<Seen, (rusqlite::Error, Vec<Access>)>;

/// What the program of a statement uses, from `EXPLAIN`, by schema name.
#[derive(Default)]
pub(super) struct Program {
    /// Each schema that it uses, and whether it writes there.
    pub(super) transactions: Vec<(String, bool)>,
    pub(super) vacuums: Vec<String>,
    /// What is opened to be read: the schema, and the page that it begins on.
    opened: Vec<(String, i64)>,
    /// The virtual tables and table-valued functions that are opened, as SQLite tells one from another.
    virtuals: Vec<String>,
}

/// Where the table begins that describes a schema, see <https://sqlite.org/fileformat2.html#storage_of_the_sql_database_schema>.
const SCHEMA_PAGE: i64 = 1;

/// The start of the name of the table that a decoy's body is about.
const DECOY: &str = "multibind: ";

impl Program {
    /// Whether it reads tables of a schema that are not virtual.
    pub(super) fn reads(&self, schema: &str) -> bool {
        self.opened.iter().any(|(opened, _)| opened == schema)
    }

    /// How many virtual tables and table-valued functions it opens.
    pub(super) fn virtuals(&self) -> usize {
        self.virtuals.len()
    }
}

impl Stage {
    pub(super) fn new(catalog: &Catalog, setting: &Setting) -> Result<Stage> {
        let conn = Connection::open_in_memory().map_err(Error::sql(&BindKey::DEFAULT, ""))?;
        // The names of the application's own functions and collations.
        let mut known = Vec::new();
        for member in catalog.members.values() {
            for connect in member.image.on_connect() {
                if !known.contains(&connect) {
                    connect.run(&conn).map_err(Error::sql(member.key(), ""))?;
                    known.push(connect);
                }
            }
        }
        Stage::over(conn, catalog, setting).map_err(Error::sql(&BindKey::DEFAULT, ""))
    }

    fn over(mut conn: Connection, catalog: &Catalog, setting: &Setting) -> rusqlite::Result<Stage> {
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, setting.foreign_keys)?;
        // Some systems' SQLite starts with it, and then nothing can be named as a decoy of `sqlite_sequence` has to be.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        let mut virtuals = Vec::new();
        let has_main = setting.present.iter().any(|(key, _)| key.is_default());
        for (key, at) in &setting.present {
            let member = &catalog.members[*at];
            // What is attached has to have the encoding of `main`, and an empty `main` takes any.
            let encoding = member.image.with(|image| texts(image, "PRAGMA encoding"))?;
            if let ([encoding], false) = (encoding.as_slice(), has_main) {
                conn.pragma_update(None, "encoding", encoding)?;
            }
            if !key.is_default() {
                attach(&conn, ":memory:", key.schema_name())?;
            }
            member.image.copy_into(&mut conn, key.schema_name())?;
            for table in &member.virtuals {
                virtuals.push(format!("SELECT 1 FROM {}.{}", quote(key.schema_name()), quote(table)));
            }
        }
        connect(&conn, &virtuals);
        let views = match setting.decoys {
            Decoys::None => String::new(),
            Decoys::Doubtful => doubtful_views(catalog, &setting.present, &conn)?,
            Decoys::Lookups => lookup_views(&conn)?,
        };
        if !views.is_empty() {
            // Some names are SQLite's own, and it takes them only so.
            conn.execute_batch(&format!(
                "PRAGMA writable_schema = ON; BEGIN; {views} COMMIT; PRAGMA writable_schema = OFF"
            ))?;
        }
        let log = AccessLog::default();
        log.listen(&conn)?;
        let main = catalog.default_member();
        Ok(Stage { conn, log, present: setting.present.clone(), main, roots: OnceCell::new(), virtuals })
    }

    /// A stage with the tables of one member in `main`, whoever's key that is.
    pub(super) fn of_main(catalog: &Catalog, member: BindIndex) -> Result<Stage> {
        let present = vec![(BindKey::DEFAULT, member)];
        let stage = Stage::new(catalog, &Setting { present, decoys: Decoys::None, foreign_keys: false })?;
        Ok(Stage { main: Some(member), ..stage })
    }

    /// The keys whose tables are there.
    pub(super) fn present(&self) -> &[Present] {
        &self.present
    }

    /// The member and the key that a schema name stands for; `None` for `temp`, and for `main` without a default bind.
    pub(super) fn member(&self, schema: &str) -> Option<Present> {
        if schema.eq_ignore_ascii_case("main") {
            return self.main.map(|main| (BindKey::DEFAULT, main));
        }
        // Usually as the key is spelt, but as the statement spells it where no column of a table is read.
        self.present.iter().find(|(key, _)| key.schema_name().eq_ignore_ascii_case(schema)).cloned()
    }

    /// Reads a name as a statement writes it, quoted or not.
    pub(super) fn read_name(&self, written: &str) -> Option<String> {
        let select = self.conn.prepare(&format!("SELECT 1 AS {written}")).ok()?;
        select.column_name(0).ok().map(str::to_string)
    }

    /// Prepares a statement.
    pub(super) fn see(&self, sql: &str) -> Look {
        #[cfg(test)]
        PREPARES.set(PREPARES.get() + 1);
        self.log.take();
        let prepared = self.conn.prepare(sql).map(|statement| Seen {
            accesses: Vec::new(),
            explains: statement.is_explain() != 0,
            readonly: statement.readonly(),
            has_columns: statement.column_count() > 0,
        });
        let accesses = self.log.take();
        match prepared {
            Ok(seen) => Ok(Seen { accesses, ..seen }),
            Err(error) => Err((error, accesses)),
        }
    }

    /// The databases that the program of a statement opens, which is prepared but not run. Not for an `EXPLAIN`.
    pub(super) fn program(&self, sql: &str) -> rusqlite::Result<Program> {
        #[cfg(test)]
        PREPARES.set(PREPARES.get() + 1);
        let mut listing = self.conn.prepare(&explained(sql))?;
        let mut rows = listing.raw_query();
        let mut program = Program::default();
        while let Some(row) = rows.next()? {
            let number = |column: usize| row.get::<_, i64>(column).ok().and_then(|number| usize::try_from(number).ok());
            match row.get_ref(1)?.as_str()? {
                "Transaction" => {
                    let schema = self.conn.db_name(number(2).unwrap_or_default())?;
                    program.transactions.push((schema, number(3) != Some(0)));
                }
                "Vacuum" => program.vacuums.push(self.conn.db_name(number(2).unwrap_or_default())?),
                "VOpen" => {
                    let opened = row.get(5)?;
                    if !program.virtuals.contains(&opened) {
                        program.virtuals.push(opened);
                    }
                }
                "OpenRead" => {
                    program.opened.push((self.conn.db_name(number(4).unwrap_or_default())?, row.get(3)?));
                }
                _ => {}
            }
        }
        drop(rows);
        drop(listing);
        self.log.take();
        Ok(program)
    }

    /// The tables that a program opens to read, each with its schema. It tells nothing of virtual tables.
    pub(super) fn opened(&self, program: &Program) -> rusqlite::Result<Vec<(String, String)>> {
        let mut tables = Vec::new();
        for (schema, page) in &program.opened {
            if *page == SCHEMA_PAGE {
                tables.push((schema.clone(), "sqlite_schema".to_string()));
            }
            let root = self.roots()?.iter().find(|root| root.page == *page && root.schema == *schema);
            if let Some(root) = root {
                tables.push((schema.clone(), root.table.clone()));
            }
        }
        Ok(tables)
    }

    /// Whether a schema has a table that has pages of its own: no view and no virtual table.
    pub(super) fn is_stored(&self, schema: &str, table: &str) -> rusqlite::Result<bool> {
        let is_it = |root: &&Root| root.schema.eq_ignore_ascii_case(schema) && root.table.eq_ignore_ascii_case(table);
        Ok(self.roots()?.iter().any(|root| is_it(&root)))
    }

    fn roots(&self) -> rusqlite::Result<&[Root]> {
        if let Some(roots) = self.roots.get() {
            return Ok(roots);
        }
        let mut roots = Vec::new();
        for (key, _) in &self.present {
            let schema = key.schema_name();
            let sql = format!("SELECT rootpage, tbl_name FROM {}.sqlite_schema WHERE rootpage > 0", quote(schema));
            let mut select = self.conn.prepare(&sql)?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                roots.push(Root { schema: schema.to_string(), page: row.get(0)?, table: row.get(1)? });
            }
        }
        self.log.take();
        Ok(self.roots.get_or_init(|| roots))
    }

    /// Runs statements on this copy and its `temp` schema.
    pub(super) fn temp(&self, sql: &str) -> rusqlite::Result<()> {
        AccessLog::leave(&self.conn)?;
        let done = self.conn.execute_batch(sql);
        // What is rolled back has SQLite forget its schema.
        connect(&self.conn, &self.virtuals);
        self.log.listen(&self.conn)?;
        done
    }
}

/// Uses virtual tables, none of which is used for the first time then: that prepares statements of their own, which would
/// be reported as those of the statement that uses them. One that cannot be used says so to who uses it.
fn connect(conn: &Connection, virtuals: &[String]) {
    for query in virtuals {
        drop(conn.prepare(query));
    }
}

/// The statement that makes the decoy of a name.
pub(super) fn decoy(name: &str) -> String {
    format!("CREATE TEMP VIEW {} AS SELECT * FROM temp.{};", quote(name), quote(&format!("{DECOY}{name}")))
}

/// The name whose decoy made SQLite refuse a statement.
pub(super) fn met(error: &rusqlite::Error) -> Option<String> {
    let message = sqlite_message(error);
    message.strip_prefix("no such table: temp.")?.strip_prefix(DECOY).map(str::to_string)
}

/// A name that does not always mean the one table of that name.
pub(super) struct Doubtful {
    name: String,
    /// Whether SQLite may take it for a table-valued function's, where there is no such table.
    is_function: bool,
}

/// The names that several members have, replicas among them, and those that functions may have too.
pub(super) fn doubtful_names(catalog: &Catalog, conn: &Connection) -> rusqlite::Result<Vec<Doubtful>> {
    let modules = mapped(&texts(conn, "PRAGMA module_list")?, |name| folded(name));
    let mut doubtful = Vec::new();
    for name in catalog.table_names() {
        // SQLite makes the functions of these names when they are first used.
        let is_lazy = name.starts_with("pragma_") || name.starts_with("json");
        let is_function = is_lazy || modules.iter().any(|module| module == name);
        let named = catalog.named(Kind::Table, name);
        if is_function || named.len() > 1 || named.iter().any(|named| catalog.is_replica(named.member)) {
            doubtful.push(Doubtful { name: name.to_string(), is_function });
        }
    }
    Ok(doubtful)
}

/// Whether a name leads to a decoy where only these keys are present: that of several binds, and one that SQLite would find
/// here though it means a table that is elsewhere, or none.
fn leads_astray(catalog: &Catalog, present: &[Present], doubtful: &Doubtful) -> bool {
    let is_here = |member: BindIndex| present.iter().any(|(_, at)| *at == member);
    let any_is_here = || catalog.named(Kind::Table, &doubtful.name).iter().any(|named| is_here(named.member));
    match catalog.owners(Kind::Table, &doubtful.name).as_slice() {
        [] => any_is_here(),
        [one] => !is_here(one.member) && (doubtful.is_function || any_is_here()),
        _ => true,
    }
}

/// The decoys where only these keys are present.
fn doubtful_views(catalog: &Catalog, present: &[Present], conn: &Connection) -> rusqlite::Result<String> {
    let mut views = elsewhere(catalog, present, conn)?;
    for doubtful in catalog.doubtful(conn)? {
        if leads_astray(catalog, present, doubtful) {
            views.push_str(&decoy(&doubtful.name));
        }
    }
    Ok(views)
}

/// The decoys of the functions that look names up, see <https://sqlite.org/pragma.html#pragfunc> and
/// <https://sqlite.org/dbstat.html>.
fn lookup_views(conn: &Connection) -> rusqlite::Result<String> {
    let mut views = decoy("dbstat");
    for pragma in texts(conn, "PRAGMA pragma_list")? {
        views.push_str(&decoy(&format!("pragma_{pragma}")));
    }
    Ok(views)
}

/// The decoys of tables of other binds that are called like a function: SQLite takes such a name for the function's even
/// where a key stands before it, unless there is something of that name under the key.
fn elsewhere(catalog: &Catalog, present: &[Present], conn: &Connection) -> rusqlite::Result<String> {
    let (mut views, mut added) = (String::new(), Vec::new());
    for Doubtful { name, .. } in catalog.doubtful(conn)?.iter().filter(|doubtful| doubtful.is_function) {
        for (key, member) in catalog.named_keys() {
            let is_its = catalog.named(Kind::Table, name).iter().any(|named| named.member == member);
            if !is_its || present.contains(&(key.clone(), member)) {
                continue;
            }
            let schema = key.schema_name();
            if !added.contains(&key) {
                // Beside as many as SQLite attaches there is no room, and what is reported has to do.
                if present.len() + added.len() >= MOST_ATTACHED {
                    continue;
                }
                attach(conn, ":memory:", schema)?;
                added.push(key.clone());
            }
            let body = quote(&format!("{DECOY}{name}"));
            views.push_str(&format!("CREATE VIEW {}.{} AS SELECT * FROM {body};", quote(schema), quote(name)));
        }
    }
    Ok(views)
}

#[cfg(test)]
thread_local! {
    /// How many statements this thread has prepared to find routes.
    pub(super) static PREPARES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
