//! A connection with copies of the binds' tables under their keys, on which statements are prepared and never run.

use rusqlite::config::DbConfig;
use rusqlite::{ffi, Connection, OptionalExtension};

use super::access::{Access, AccessLog, Act};
use super::catalog::{folded, Place};
use crate::database::attach;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::script::{has_letters, quote};

/// The most databases SQLite attaches to a connection unless it was compiled otherwise, see
/// <https://sqlite.org/limits.html>.
pub(super) const MOST_ATTACHED: usize = 10;

/// A connection to look at statements with.
pub(super) struct Router {
    conn: Connection,
    log: AccessLog,
    /// The member whose tables are in `main`.
    main: Option<usize>,
    /// What is attached, the least recently wanted first.
    attached: Vec<(BindKey, usize)>,
    /// Every key that can be attached, with its member.
    all: Vec<(BindKey, usize)>,
    /// The names of virtual tables.
    virtuals: Vec<String>,
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

/// Prepares a statement on a connection that the log listens on.
pub(super) fn see(conn: &Connection, log: &AccessLog, sql: &str) -> Result<Seen, (rusqlite::Error, Vec<Access>)> {
    log.take();
    let prepared = conn.prepare(sql).map(|statement| Seen {
        accesses: Vec::new(),
        explains: statement.is_explain() != 0,
        readonly: statement.readonly(),
        has_columns: statement.column_count() > 0,
    });
    let accesses = log.take();
    match prepared {
        Ok(seen) => Ok(Seen { accesses, ..seen }),
        Err(error) => Err((error, accesses)),
    }
}

/// Whether a statement may join by the names of columns. Where that is said of one that does not, it costs a look.
pub(super) fn may_join_by_name(sql: &str) -> bool {
    has_letters(sql, "using") || has_letters(sql, "natural")
}

/// Has SQLite leave no table out of a program that it finds to be of no use, see `SQLITE_TESTCTRL_OPTIMIZATIONS` in
/// <https://sqlite.org/c3ref/c_testctrl_always.html>.
fn leave_nothing_out(conn: &Connection) {
    // SAFETY: the handle is open, and the arguments are those that this operation takes.
    unsafe { ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_OPTIMIZATIONS, conn.handle(), !0_u32) };
}

/// Has SQLite report the source of `INSERT INTO … SELECT * FROM` too, whose rows it would else copy from table to table
/// without asking its authorizer, see "no transfer optimization" in <https://sqlite.org/src/file/src/insert.c>.
pub(super) fn copy_no_table_at_once(conn: &Connection, never: bool) -> rusqlite::Result<()> {
    conn.pragma_update(None, "count_changes", never)
}

/// What the program of a statement uses, from `EXPLAIN`, by schema name.
#[derive(Default)]
pub(super) struct Program {
    pub(super) transactions: Vec<String>,
    pub(super) vacuums: Vec<String>,
    /// What is opened to be read: the schema, and the page that it begins on.
    opened: Vec<(String, i64)>,
}

impl Router {
    /// A router over `members`, with the tables of `main` in its `main` schema and no other attached yet.
    pub(super) fn new(members: &[Place], main: Option<usize>) -> Result<Router> {
        let conn = Connection::open_in_memory().map_err(Error::sql(&BindKey::DEFAULT, ""))?;
        // The names of the application's own functions and collations.
        let mut known = Vec::new();
        for member in members {
            for connect in member.image.on_connect() {
                if !known.contains(&connect) {
                    connect.run(&conn).map_err(Error::sql(member.key(), ""))?;
                    known.push(connect);
                }
            }
        }
        Router::over(conn, members, main).map_err(Error::sql(&BindKey::DEFAULT, ""))
    }

    fn over(mut conn: Connection, members: &[Place], main: Option<usize>) -> rusqlite::Result<Router> {
        if let Some(member) = main.and_then(|main| members.get(main)) {
            member.image.copy_into(&mut conn, "main")?;
        }
        // Whatever SQLite was compiled to do unasked: a foreign key has a statement read tables that it does not name.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        leave_nothing_out(&conn);
        copy_no_table_at_once(&conn, true)?;
        let log = AccessLog::default();
        log.listen(&conn)?;
        let (mut all, mut virtuals) = (Vec::new(), Vec::new());
        for (at, member) in members.iter().enumerate() {
            for key in &member.keys {
                if !key.is_default() {
                    all.push((key.clone(), at));
                }
            }
            virtuals.extend_from_slice(&member.virtuals);
        }
        Ok(Router { conn, log, main, attached: Vec::new(), all, virtuals })
    }

    /// Whether every key can be attached at once.
    pub(super) fn holds_all(&self) -> bool {
        self.all.len() <= MOST_ATTACHED
    }

    /// Every key that can be attached, with its member.
    pub(super) fn all(&self) -> Vec<(BindKey, usize)> {
        self.all.clone()
    }

    /// The keys that are attached, with their members.
    pub(super) fn attached(&self) -> Vec<(BindKey, usize)> {
        self.attached.clone()
    }

    /// Attaches what is wanted and is not, dropping what was wanted longest ago. No more than ten can be wanted.
    pub(super) fn attach(&mut self, members: &[Place], wanted: &[(BindKey, usize)]) -> rusqlite::Result<()> {
        let place = |attached: &[(BindKey, usize)], key: &BindKey| attached.iter().position(|(known, _)| known == key);
        // The source of a replica comes before it.
        let mut ordered = Vec::with_capacity(wanted.len());
        for (key, at) in wanted {
            let source = members.get(*at).and_then(|member| member.replica_of);
            let source = source.and_then(|source| Some((members.get(source)?.named_key()?.clone(), source)));
            for one in source.into_iter().chain([(key.clone(), *at)]) {
                if !ordered.contains(&one) {
                    ordered.push(one);
                }
            }
        }
        let wanted = &ordered;
        for (key, _) in wanted {
            if let Some(place) = place(&self.attached, key) {
                let entry = self.attached.remove(place);
                self.attached.push(entry);
            }
        }
        for (key, at) in wanted {
            if place(&self.attached, key).is_some() {
                continue;
            }
            if self.attached.len() == MOST_ATTACHED {
                self.detach_oldest(members)?;
            }
            attach(&self.conn, ":memory:", key.schema_name())?;
            self.attached.push((key.clone(), *at));
            if let Some(member) = members.get(*at) {
                member.image.copy_into(&mut self.conn, key.schema_name())?;
            }
        }
        self.log.take();
        Ok(())
    }

    /// Detaches what was wanted longest ago, and the replicas of it: SQLite takes a name without a key for that of the
    /// first that has it, so no replica is there without its source before it.
    fn detach_oldest(&mut self, members: &[Place]) -> rusqlite::Result<()> {
        let (oldest, source) = self.attached.remove(0);
        let of_it = |at: usize| members.get(at).is_some_and(|member| member.replica_of == Some(source));
        let (replicas, rest) =
            std::mem::take(&mut self.attached).into_iter().partition::<Vec<_>, _>(|(_, at)| of_it(*at));
        self.attached = rest;
        for (key, _) in std::iter::once((oldest, source)).chain(replicas) {
            self.conn.execute(&format!("DETACH {}", quote(key.schema_name())), [])?;
        }
        Ok(())
    }

    /// Attaches every key there is, if there are no more than ten.
    pub(super) fn attach_all(&mut self, members: &[Place]) -> rusqlite::Result<()> {
        if self.attached.len() == self.all.len() {
            return Ok(());
        }
        self.attach(members, &self.all())
    }

    /// Whether a key is attached, or is that of `main`.
    pub(super) fn has(&self, key: &BindKey) -> bool {
        key.is_default() || self.attached.iter().any(|(attached, _)| attached == key)
    }

    /// Whether a member is attached, by whatever key, or is in `main`.
    pub(super) fn holds(&self, member: usize) -> bool {
        self.main == Some(member) || self.attached.iter().any(|(_, at)| *at == member)
    }

    /// The member and the key that a schema name stands for; `None` for `temp`, and for `main` without a default bind.
    pub(super) fn member(&self, schema: &str) -> Option<(BindKey, usize)> {
        if schema.eq_ignore_ascii_case("main") {
            return self.main.map(|main| (BindKey::DEFAULT, main));
        }
        // Usually as the key is spelt, but as the statement spells it where no column of a table is read.
        self.attached.iter().find(|(key, _)| key.schema_name().eq_ignore_ascii_case(schema)).cloned()
    }

    /// Prepares a statement and says what SQLite reported; what was noted before a failure comes with it.
    pub(super) fn see(&self, sql: &str) -> Result<Seen, (rusqlite::Error, Vec<Access>)> {
        let seen = self.see_once(sql)?;
        // A virtual table prepares statements of its own when it is first used, which are reported like this one's. One that
        // is only joined by name is not reported itself.
        let is_virtual = |table| self.virtuals.contains(&folded(table));
        let uses_virtual = !self.virtuals.is_empty()
            && (may_join_by_name(sql) || seen.accesses.iter().filter_map(Access::table).any(is_virtual));
        if uses_virtual {
            return self.see_once(sql).and_then(|seen| self.with_joined(sql, seen));
        }
        self.with_joined(sql, seen)
    }

    /// With the tables of which a statement reads only the columns that it joins by name: `USING` and `NATURAL` have
    /// SQLite read them without asking its authorizer. Its program opens them.
    fn with_joined(&self, sql: &str, seen: Seen) -> Result<Seen, (rusqlite::Error, Vec<Access>)> {
        if seen.explains || !may_join_by_name(sql) {
            return Ok(seen);
        }
        let Seen { mut accesses, .. } = seen;
        let opened = match self.opened(sql) {
            Ok(opened) => opened,
            Err(error) => return Err((error, accesses)),
        };
        for (schema, table) in opened {
            let is_it = |access: &Access| {
                let same = access.schema.as_ref().map(|known| known.eq_ignore_ascii_case(&schema));
                match &table {
                    Some(table) => access.table() == Some(table) && same != Some(false),
                    None => same == Some(true),
                }
            };
            if !accesses.iter().any(is_it) {
                let table = table.unwrap_or_else(|| "sqlite_schema".to_string());
                accesses.push(Access { act: Act::Read(table), schema: Some(schema), accessor: None });
            }
        }
        Ok(Seen { accesses, ..seen })
    }

    /// The tables that the program of a statement reads, each with its schema. Of a virtual table it tells the schema
    /// only; then the table is one that every schema has.
    fn opened(&self, sql: &str) -> rusqlite::Result<Vec<(String, Option<String>)>> {
        let program = self.program(sql)?;
        let mut tables = Vec::new();
        for (schema, root) in program.opened {
            let table = self.table_at(&schema, root)?;
            tables.push((schema, table));
        }
        tables.extend(program.transactions.into_iter().map(|schema| (schema, None)));
        Ok(tables)
    }

    /// The table that begins on a page of a schema, or whose index does.
    fn table_at(&self, schema: &str, root: i64) -> rusqlite::Result<Option<String>> {
        let sql = format!("SELECT tbl_name FROM {}.sqlite_schema WHERE rootpage = ?1", quote(schema));
        let found = self.conn.prepare(&sql)?.query_row([root], |row| row.get(0)).optional();
        self.log.take();
        found
    }

    fn see_once(&self, sql: &str) -> Result<Seen, (rusqlite::Error, Vec<Access>)> {
        see(&self.conn, &self.log, sql)
    }

    /// The databases that the program of a statement opens, which is prepared but not run. Not for an `EXPLAIN`.
    pub(super) fn program(&self, sql: &str) -> rusqlite::Result<Program> {
        let mut listing = self.conn.prepare(&format!("EXPLAIN {sql}"))?;
        let mut rows = listing.raw_query();
        let mut program = Program::default();
        while let Some(row) = rows.next()? {
            let database: usize = match row.get_ref(2)?.as_i64() {
                Ok(number) => usize::try_from(number).unwrap_or_default(),
                Err(_) => continue,
            };
            match row.get_ref(1)?.as_str()? {
                "Transaction" => program.transactions.push(self.conn.db_name(database)?),
                "Vacuum" => program.vacuums.push(self.conn.db_name(database)?),
                "OpenRead" => {
                    let number = usize::try_from(row.get::<_, i64>(4)?).unwrap_or_default();
                    program.opened.push((self.conn.db_name(number)?, row.get(3)?));
                }
                _ => {}
            }
        }
        drop(rows);
        drop(listing);
        self.log.take();
        Ok(program)
    }

    /// Runs statements on this copy and its `temp` schema.
    pub(super) fn temp(&self, sql: &str) -> rusqlite::Result<()> {
        let done = self.conn.execute_batch(sql);
        self.log.take();
        done
    }
}
