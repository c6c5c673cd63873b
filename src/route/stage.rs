//! A connection with the tables of some binds under their keys, on which statements are prepared and never run.

use std::cell::OnceCell;

use rusqlite::config::DbConfig;
use rusqlite::Connection;

use super::access::{Access, AccessLog};
use super::catalog::{Catalog, NamedBind};
use super::decoys::{doubtful_views, lookup_views, stand_ins, Doubts};
#[cfg(test)]
use super::program::PREPARES;
use super::program::{Program, SCHEMA_PAGE};
use crate::error::{Error, Result};
use crate::key::{BindIndex, BindKey};
use crate::sqlite::private::open_in_memory;
use crate::sqlite::script::quote;
use crate::sqlite::{attach, Authorized};

/// The contents of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// The keys whose tables are there, in the order of the binds.
    pub(super) present: Vec<NamedBind>,
    pub(super) decoys: Decoys,
    /// Set if foreign keys are enforced: then a statement uses tables that it does not name.
    pub(super) foreign_keys: bool,
}

impl Setting {
    /// Returns the setting with decoys where these keys are present. Foreign keys bear on what is used only within one bind.
    pub(super) fn of(catalog: &Catalog, present: &[NamedBind]) -> Setting {
        let foreign_keys = match present {
            [(_, bind)] => catalog.binds[*bind].foreign_keys,
            _ => false,
        };
        Setting { present: present.to_vec(), decoys: Decoys::Doubtful, foreign_keys }
    }

    /// Returns the same setting with other decoys.
    pub(super) fn with(&self, decoys: Decoys) -> Setting {
        Setting { decoys, ..self.clone() }
    }
}

/// The names that lead to a decoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoys {
    None,
    /// Names that would be taken for another table than they mean.
    Doubtful,
    /// Names of the functions that look names up when they run.
    Lookups,
}

/// A connection to look at statements with.
pub(super) struct Stage {
    conn: Authorized<Connection>,
    log: AccessLog,
    present: Vec<NamedBind>,
    /// The bind that `main` stands for, whether its tables are there or not.
    main: Option<BindIndex>,
    /// The tables by schema and the page that they or an index of theirs begin on.
    roots: OnceCell<Vec<Root>>,
    /// A query of each virtual table.
    virtuals: Vec<String>,
    /// The keys of absent tables for which SQLite may take a decoy, where a statement creates, changes or drops something.
    stand_ins: Vec<NamedBind>,
}

struct Root {
    schema: String,
    page: i64,
    table: String,
}

/// SQLite's report on a statement that it accepts.
pub(super) struct Accepted {
    pub(super) accesses: Vec<Access>,
    /// Set if it is an `EXPLAIN`, which runs nothing.
    pub(super) explains: bool,
    /// Set if SQLite says that running it writes to no database file.
    pub(super) readonly: bool,
    /// Set if it returns rows.
    pub(super) has_columns: bool,
}

/// SQLite's answer to a statement: its report, or its error with the accesses reported before.
pub(super) type Look = Result<Accepted, (rusqlite::Error, Vec<Access>)>;

/// The text encoding of a new database, see <https://sqlite.org/pragma.html#pragma_encoding>.
const USUAL_ENCODING: &str = "UTF-8";

impl Stage {
    /// Sets a stage up.
    pub(super) fn new(catalog: &Catalog, doubts: &Doubts, setting: &Setting) -> Result<Stage> {
        let conn = open_in_memory().map_err(Error::sql(&BindKey::DEFAULT))?;
        // The names of the application's own functions and collations.
        let mut known = Vec::new();
        for of in catalog.binds.values() {
            for connect in of.image.on_connect() {
                if !known.contains(&connect) {
                    connect.run(&conn).map_err(Error::sql(&of.key))?;
                    known.push(connect);
                }
            }
        }
        Stage::over(conn, catalog, doubts, setting).map_err(Error::sql(&BindKey::DEFAULT))
    }

    fn over(mut conn: Connection, catalog: &Catalog, doubts: &Doubts, setting: &Setting) -> rusqlite::Result<Stage> {
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, setting.foreign_keys)?;
        // Some systems' SQLite starts with it, and then nothing can be named as a decoy of `sqlite_sequence` has to be.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)?;
        let mut virtuals = Vec::new();
        // All that is on one connection has one encoding, and what is only prepared may have any.
        let encoding = match setting.present.first() {
            Some((_, bind)) => catalog.encoding(*bind)?,
            None => USUAL_ENCODING,
        };
        if encoding != USUAL_ENCODING {
            conn.pragma_update(None, "encoding", encoding)?;
        }
        for (key, bind) in &setting.present {
            let image = &catalog.binds[*bind].image;
            if !key.is_default() {
                attach(&conn, ":memory:", key.schema_name())?;
            }
            image.copy_tables_into(&mut conn, key.schema_name(), encoding)?;
            for table in catalog.virtuals(*bind) {
                virtuals.push(format!("SELECT 1 FROM {}.{}", quote(key.schema_name()), quote(table)));
            }
        }
        connect(&conn, &virtuals);
        let views = match setting.decoys {
            Decoys::None => String::new(),
            Decoys::Doubtful => doubtful_views(catalog, doubts, &setting.present, &conn)?,
            Decoys::Lookups => lookup_views(&conn)?,
        };
        if !views.is_empty() {
            // Some names are SQLite's own, and it takes them only so.
            conn.execute_batch(&format!(
                "PRAGMA writable_schema = ON; BEGIN; {views} COMMIT; PRAGMA writable_schema = OFF"
            ))?;
        }
        let log = AccessLog::default();
        let conn = log.listen(conn);
        let main = catalog.default_bind();
        let stand_ins = match setting.decoys {
            Decoys::Doubtful => stand_ins(catalog, doubts, &setting.present, &conn)?,
            Decoys::None | Decoys::Lookups => Vec::new(),
        };
        let (present, roots) = (setting.present.clone(), OnceCell::new());
        Ok(Stage { conn, log, present, main, roots, virtuals, stand_ins })
    }

    /// Sets a stage up with the tables of one bind in `main`, whatever its key.
    pub(super) fn of_main(catalog: &Catalog, bind: BindIndex) -> Result<Stage> {
        let present = vec![(BindKey::DEFAULT, bind)];
        let stage =
            Stage::new(catalog, &Doubts::default(), &Setting { present, decoys: Decoys::None, foreign_keys: false })?;
        Ok(Stage { main: Some(bind), ..stage })
    }

    /// Returns the keys whose tables are there.
    pub(super) fn present(&self) -> &[NamedBind] {
        &self.present
    }

    /// Returns the keys of absent tables for which SQLite may take a decoy.
    pub(super) fn stand_ins(&self) -> &[NamedBind] {
        &self.stand_ins
    }

    /// Returns the bind and the key that a schema name stands for; `None` for `temp`, and for `main` without a default bind.
    pub(super) fn named(&self, schema: &str) -> Option<NamedBind> {
        if schema.eq_ignore_ascii_case("main") {
            return self.main.map(|main| (BindKey::DEFAULT, main));
        }
        // Usually as the key is spelt, but as the statement spells it where no column of a table is read.
        self.present.iter().find(|(key, _)| key.schema_name().eq_ignore_ascii_case(schema)).cloned()
    }

    /// Reads a name as a statement writes it, quoted or not.
    pub(super) fn read_name(&self, written: &str) -> Option<String> {
        #[cfg(test)]
        PREPARES.set(PREPARES.get() + 1);
        let select = self.conn.prepare(&format!("SELECT 1 AS {written}")).ok()?;
        select.column_name(0).ok().map(str::to_string)
    }

    /// Prepares a statement.
    pub(super) fn see(&self, sql: &str) -> Look {
        #[cfg(test)]
        PREPARES.set(PREPARES.get() + 1);
        self.log.take();
        let prepared = self.conn.prepare(sql).map(|statement| Accepted {
            accesses: Vec::new(),
            explains: statement.is_explain() != 0,
            readonly: statement.readonly(),
            has_columns: statement.column_count() > 0,
        });
        let accesses = self.log.take();
        match prepared {
            Ok(seen) => Ok(Accepted { accesses, ..seen }),
            Err(error) => Err((error, accesses)),
        }
    }

    /// Prepares a statement on rows, and returns its program as well. Not for an `EXPLAIN`, which SQLite refuses here, nor for
    /// whether it returns rows: that of its listing does.
    pub(super) fn see_listed(&self, sql: &str) -> rusqlite::Result<(Accepted, Program)> {
        self.log.take();
        let (program, readonly) = Program::listed(&self.conn, sql)?;
        let accesses = self.log.take();
        Ok((Accepted { accesses, explains: false, readonly, has_columns: false }, program))
    }

    /// Returns the program of a statement, which is prepared but not run. Not for an `EXPLAIN`.
    pub(super) fn program(&self, sql: &str) -> rusqlite::Result<Program> {
        let listed = Program::listed(&self.conn, sql);
        self.log.take();
        listed.map(|(program, _)| program)
    }

    /// Returns the tables that a program opens to read, each with its schema; virtual tables are not among them.
    pub(super) fn opened(&self, program: &Program) -> rusqlite::Result<Vec<(String, String)>> {
        let mut tables = Vec::new();
        for (schema, page) in program.opened() {
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

    /// Reports whether a schema has a table with pages of its own, neither a view nor a virtual table.
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
        self.conn.without(|conn| {
            let done = conn.execute_batch(sql);
            // A rollback has SQLite forget the schema.
            connect(conn, &self.virtuals);
            done
        })
    }
}

/// Uses each virtual table once. The first use prepares statements of the table's own, which would be reported as those of
/// the statement that uses it. The error of one that cannot be used comes back with that statement.
fn connect(conn: &Connection, virtuals: &[String]) {
    for query in virtuals {
        drop(conn.prepare(query));
    }
}
