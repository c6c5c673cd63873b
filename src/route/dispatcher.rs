//! The dispatcher: finds the plan of each statement once, and keeps it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::catalog::{Candidate, Catalog};
use super::decide::{decide, one_statement};
use super::effects::effects_on_one;
use super::known::KnownPlans;
use super::plan::{Effects, Plan};
use super::pragma::refuse_pragma;
use super::stages::Stages;
use crate::error::{Error, Result};
use crate::instrument::unwatched;
use crate::key::{BindIndex, BindKey, PerBind};
use crate::list::filtered;
use crate::sqlite::Image;
use crate::sync::{lock, Blocked, OnceCache};

/// The names of every bind at one moment, and the plans that were found with them.
///
/// All harnesses of the process whose binds have the same tables share it.
pub(crate) struct Dispatcher {
    catalog: Catalog,
    stages: Mutex<Stages>,
    known: KnownPlans,
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.catalog.keys()).finish()
    }
}

/// The number of dispatchers that are kept while no session uses them.
const MOST_UNUSED: usize = 64;
/// The number of those that are kept for tables that a running database has come to. A session that creates tables makes
/// one after each, all with copies of every table: more than the last would be megabytes.
const MOST_PASSING: usize = 1;
/// The time that a session waits for another that makes the dispatcher it needs.
const LONGEST: Duration = Duration::from_secs(60);

/// The identity of a dispatcher: for each bind its keys, its schema's number, and how it is used.
type Identity = Vec<(BindKey, Vec<BindKey>, u64, Option<BindIndex>, bool)>;
static STANDING: OnceCache<Identity, Dispatcher> = OnceCache::new(MOST_UNUSED);
static PASSING: OnceCache<Identity, Dispatcher> = OnceCache::dropping_at_once(MOST_PASSING);

impl Dispatcher {
    /// Returns the dispatcher of these databases: that of an earlier harness with the same tables, where it is kept.
    pub(crate) fn of(databases: PerBind<Candidate>) -> Result<Arc<Dispatcher>> {
        let identity = identity(&databases)?;
        let is_passing = databases.values().iter().any(|of| of.image.is_passing());
        let kept = if is_passing { &PASSING } else { &STANDING };
        let bind = databases.values().first().map_or(BindKey::DEFAULT, |of| of.key.clone());
        let blocked =
            |blocked: Blocked| Error::Schema { bind, file: None, line: None, problem: blocked.problem(), at: None };
        kept.get_or_make(&identity, LONGEST, || Dispatcher::make(databases), |_| true, blocked)
    }

    /// Returns the dispatcher of one database alone, whose names mean it whatever other binds have.
    pub(crate) fn alone(key: BindKey, names: &[BindKey], image: Arc<Image>) -> Result<Arc<Dispatcher>> {
        let mut all = vec![BindKey::DEFAULT];
        all.append(&mut filtered(names, |key| !key.is_default()));
        Dispatcher::of(PerBind::new(vec![Candidate { key, names: all, image, replica_of: None, foreign_keys: false }]))
    }

    fn make(databases: PerBind<Candidate>) -> Result<Dispatcher> {
        let catalog = Catalog::new(databases)?;
        Ok(Dispatcher { catalog, stages: Mutex::default(), known: KnownPlans::default() })
    }

    /// Reports whether this is the dispatcher of these databases.
    pub(crate) fn is_of(&self, databases: &PerBind<Candidate>) -> Result<bool> {
        Ok(identity(&self.catalog.binds)? == identity(databases)?)
    }

    /// Returns the plan of a statement, found once and then kept by its text.
    pub(crate) fn plan(&self, sql: &str) -> Result<Arc<Plan>> {
        // As rusqlite prepares it, which takes blanks for blanks that SQLite does not.
        let sql = sql.trim();
        // What is tried on the way is no statement of the application's.
        self.known.plan(sql, || {
            unwatched(|| {
                one_statement(sql)?;
                decide(&self.catalog, &mut lock(&self.stages), sql)
            })
        })
    }

    /// Returns the effects of a statement that is given to the one bind there is.
    pub(crate) fn effects(&self, sql: &str) -> Result<Effects> {
        let sql = sql.trim();
        self.known.effects(sql, || {
            unwatched(|| {
                one_statement(sql)?;
                effects_on_one(&self.catalog, &mut lock(&self.stages), sql)
            })
        })
    }

    /// Returns the bind and the spelling of a table by its name, plain (`user`) or with its key (`auth.user`).
    pub(crate) fn table(&self, name: &str) -> Result<(BindIndex, String)> {
        self.catalog.table(name)
    }

    /// Returns why a pragma that a table-valued function runs beside all binds cannot be answered, if it cannot.
    pub(crate) fn refuse_pragma(&self, name: &str, value: Option<&str>, schema: Option<&str>) -> Option<Error> {
        unwatched(|| refuse_pragma(&self.catalog, name, value, schema))
    }
}

fn identity(databases: &PerBind<Candidate>) -> Result<Identity> {
    let mut identity = Vec::with_capacity(databases.len());
    for of in databases.values() {
        identity.push((of.key.clone(), of.names.clone(), of.schema_id()?, of.replica_of, of.foreign_keys));
    }
    Ok(identity)
}

// The number of prepared statements is not seen from outside: SQLite reports those that run.
#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rstest::rstest;
    use rusqlite::Connection;

    use super::super::catalog::Candidate;
    use super::super::program::PREPARES;
    use super::*;
    use crate::key::PerBind;
    use crate::sqlite::Image;

    const DEFAULT: &str = "CREATE TABLE post (id, title); CREATE TABLE log (x);
        CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, line); CREATE VIEW titled AS SELECT title FROM post";
    const BINDS: [(&str, &str); 4] = [
        ("auth", "CREATE TABLE user (id, name); CREATE TABLE log (x)"),
        ("meta", "CREATE TABLE kind (id, name); CREATE VIRTUAL TABLE word USING fts5 (title)"),
        ("more", "CREATE TABLE sort (id, name)"),
        ("most", "CREATE TABLE type (id, name)"),
    ];

    fn dispatcher() -> Dispatcher {
        dispatcher_of(|image| image)
    }

    /// One whose images lend their connections.
    fn lent() -> Dispatcher {
        dispatcher_of(Image::lending)
    }

    fn dispatcher_of(make: fn(Image) -> Image) -> Dispatcher {
        let image = |tables: &str| {
            let conn = Connection::open_in_memory().unwrap();
            conn.execute_batch(tables).unwrap();
            Arc::new(make(Image::new(conn).unwrap()))
        };
        let candidate = |key: BindKey, tables: &str| Candidate {
            key: key.clone(),
            names: vec![key],
            image: image(tables),
            replica_of: None,
            foreign_keys: true,
        };
        let mut candidates = vec![candidate(BindKey::DEFAULT, DEFAULT)];
        candidates.extend(BINDS.map(|(key, tables)| candidate(key.into(), tables)));
        Dispatcher::make(PerBind::new(candidates)).unwrap()
    }

    fn prepares(dispatcher: &Dispatcher, sql: &str) -> usize {
        PREPARES.set(0);
        let _ = dispatcher.plan(sql);
        PREPARES.get()
    }

    #[rstest]
    #[case::default("SELECT title FROM post", 3)]
    #[case::named("SELECT name FROM user", 3)]
    #[case::write("INSERT INTO user VALUES (1, 'ann')", 3)]
    #[case::constant("SELECT 1", 2)]
    #[case::function("SELECT value FROM json_each('[1]')", 2)]
    #[case::join("SELECT title FROM post JOIN user ON post.id = user.id", 4)]
    #[case::using("SELECT title FROM post JOIN user USING (id)", 4)]
    #[case::natural_of_a_virtual_table("SELECT title FROM post NATURAL JOIN word", 5)]
    #[case::without_effect("SELECT title FROM post WHERE 1 OR EXISTS (SELECT 1 FROM user)", 4)]
    #[case::three("SELECT 1 FROM post JOIN user USING (id) JOIN kind USING (id)", 6)]
    #[case::five("SELECT 1 FROM post, user, kind, sort, type", 6)]
    #[case::unknown_table("SELECT 1 FROM nowhere", 2)]
    #[case::unknown_table_beside_another("SELECT 1 FROM user, nowhere", 3)]
    #[case::unknown_column("SELECT no_column FROM user", 3)]
    #[case::ambiguous("SELECT x FROM log", 2)]
    #[case::ambiguous_in_a_join("SELECT title FROM post JOIN user USING (id) JOIN log ON 1", 4)]
    #[case::cross_bind_write("INSERT INTO user SELECT * FROM post", 4)]
    #[case::drop("DROP TABLE user", 2)]
    #[case::pragma("PRAGMA table_info(user)", 1)]
    fn a_new_route_takes_few_prepares_and_a_known_one_none(#[case] sql: &str, #[case] most: usize) {
        let dispatcher = dispatcher();
        assert_eq!(prepares(&dispatcher, sql), most);
        assert_eq!(prepares(&dispatcher, sql), 0);
    }

    #[rstest]
    #[case::default("SELECT title FROM post", 1)]
    #[case::named("SELECT name FROM user", 1)]
    #[case::write("INSERT INTO user VALUES (1, 'ann')", 1)]
    #[case::number_of_rows("SELECT count(*) FROM sort", 1)]
    #[case::alias("SELECT 1 AS title FROM auth.user AS post WHERE name = 'kind'", 1)]
    #[case::word_of_another("SELECT name AS type FROM user", 4)]
    #[case::constant("SELECT 1", 2)]
    #[case::virtual_table("SELECT title FROM word", 3)]
    #[case::ambiguous("SELECT x FROM log, user", 2)]
    #[case::maintenance("SELECT name FROM user WHERE name = 'maintenance'", 3)]
    #[case::schema("SELECT name FROM user NATURAL JOIN sqlite_schema", 5)]
    fn a_route_on_the_connection_of_an_image_takes_one(#[case] sql: &str, #[case] most: usize) {
        let dispatcher = lent();
        assert_eq!(prepares(&dispatcher, sql), most);
    }

    #[rstest]
    #[case::the_bind_of_the_one_before("SELECT id FROM user", 1)]
    #[case::a_write_there("INSERT INTO user VALUES (1, 'ann')", 1)]
    #[case::the_number_of_its_rows("SELECT count(*) FROM user", 1)]
    #[case::another_bind("SELECT name FROM kind", 2)]
    #[case::a_join("SELECT title FROM post JOIN user ON post.id = user.id", 6)]
    #[case::no_table("SELECT 1", 3)]
    fn a_new_statement_is_tried_on_the_bind_of_the_one_before(#[case] sql: &str, #[case] most: usize) {
        let dispatcher = dispatcher();
        dispatcher.plan("SELECT name FROM user").unwrap();
        assert_eq!(prepares(&dispatcher, sql), most);
    }

    #[rstest]
    #[case::after_default("SELECT title FROM post")]
    #[case::after_auth("SELECT name FROM user")]
    #[case::after_meta("SELECT name FROM kind")]
    fn a_plan_is_the_same_whatever_came_before(#[case] before: &str) {
        for dispatcher in [dispatcher(), lent()] {
            for sql in STATEMENTS {
                dispatcher.plan(before).unwrap();
                assert_eq!(answer(&dispatcher, sql), answer(&self::dispatcher(), sql), "{sql}");
                dispatcher.known.clear();
            }
        }
    }

    #[test]
    fn a_plan_is_the_same_on_the_connection_of_an_image() {
        for sql in STATEMENTS {
            assert_eq!(answer(&lent(), sql), answer(&dispatcher(), sql), "{sql}");
        }
    }

    fn answer(dispatcher: &Dispatcher, sql: &str) -> String {
        format!("{:?}", dispatcher.plan(sql).map_err(|error| error.to_string()))
    }

    const STATEMENTS: [&str; 53] = [
        "WITH user (x) AS (VALUES (1), (2)) SELECT count(*) FROM user",
        "WITH post AS (SELECT name FROM user) SELECT count(*) FROM post",
        "WITH user AS (SELECT 1), kind AS (SELECT 2) SELECT 3 FROM user, kind",
        "SELECT count(*) FROM user WHERE EXISTS (WITH kind AS (VALUES (1)) SELECT 1 FROM kind)",
        "DELETE FROM user WHERE EXISTS (WITH kind AS (VALUES (1)) SELECT 1 FROM kind)",
        "SELECT count(*) FROM word",
        "INSERT INTO event (line) VALUES ('x')",
        "INSERT INTO event SELECT * FROM event ON CONFLICT (id) DO UPDATE SET line = excluded.line",
        "SELECT title FROM titled",
        "SELECT count(*) FROM titled",
        "WITH titled AS (SELECT 1) SELECT count(*) FROM titled",
        "SELECT title FROM post",
        "SELECT count(*) FROM user",
        "SELECT main.post.title FROM main.post",
        "SELECT x FROM auth.log",
        "SELECT x FROM main.log",
        "SELECT x FROM log",
        "SELECT name FROM user JOIN log USING (name)",
        "SELECT name FROM user NATURAL JOIN sqlite_schema",
        "SELECT name FROM user NATURAL JOIN auth.sqlite_schema",
        "SELECT name FROM user NATURAL JOIN pragma_table_list",
        "SELECT name FROM user, json_each('[1]')",
        "SELECT name FROM user WHERE 1 OR EXISTS (SELECT 1 FROM kind)",
        "SELECT name FROM kind NATURAL JOIN word",
        "SELECT changes() FROM user",
        "INSERT INTO user SELECT * FROM kind",
        "INSERT INTO auth.log SELECT * FROM main.log",
        "INSERT INTO user VALUES (1, 'ann') RETURNING id",
        "VACUUM INTO (SELECT name FROM user)",
        "EXPLAIN SELECT name FROM user",
        "CREATE INDEX user_name ON user (name)",
        "DELETE FROM user WHERE id IN (SELECT id FROM sort)",
        "SELECT nothing FROM user",
        "SELECT name FROM nowhere.user",
        "WITH user AS (SELECT 1 AS name) SELECT name FROM user",
        "WITH user AS (SELECT 1 AS name) SELECT count(*) FROM user",
        "SELECT (SELECT count(*) FROM user) FROM user",
        "SELECT main.user.name FROM user",
        "SELECT name FROM main.user",
        "SELECT name FROM \"user\"",
        "SELECT auth.user.name FROM auth.user WHERE EXISTS (SELECT 1 FROM post)",
        "SELECT name FROM user UNION SELECT title FROM post",
        "UPDATE user SET name = (SELECT title FROM post)",
        "DELETE FROM user",
        "SELECT title FROM post NATURAL JOIN user",
        "SELECT name FROM user WHERE 1 OR EXISTS (SELECT 1 FROM log)",
        "SELECT name FROM user NATURAL JOIN main.sqlite_schema",
        "SELECT name FROM user, pragma_table_list",
        "SELECT total_changes(), name FROM user",
        "PRAGMA table_info(user)",
        "DROP TABLE user",
        "ALTER TABLE user ADD COLUMN age",
        "SELECT nothing(name) FROM user; SELECT 1",
    ];

    #[test]
    fn databases_with_the_same_tables_share_a_dispatcher() {
        let of = |tables: &str, rows: &str| {
            let conn = Connection::open_in_memory().unwrap();
            conn.execute_batch(&format!("{tables}; {rows}")).unwrap();
            let image = Arc::new(Image::new(conn).unwrap());
            Dispatcher::alone("auth".into(), &["auth".into()], image).unwrap()
        };
        let tables = "CREATE TABLE shared_by_schema (x)";
        let first = of(tables, "");
        first.plan("SELECT x FROM shared_by_schema").unwrap();
        let second = of(tables, "INSERT INTO shared_by_schema VALUES (1)");
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(prepares(&second, "SELECT x FROM shared_by_schema"), 0);
        assert!(!Arc::ptr_eq(&first, &of(&format!("{tables}; CREATE TABLE other (x)"), "")));
    }
}
