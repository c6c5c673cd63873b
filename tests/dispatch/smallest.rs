//! Whatever a statement does with its tables, `route` gives the smallest set of binds with which SQLite accepts it.
//!
//! 300 statements, always the same; `PROPTEST_CASES` asks for more, and `PROPTEST_RNG_SEED` for others.

use multibind::rusqlite::types::Value;
use multibind::rusqlite::{self, Connection};
use multibind::{Bind, BindKey, Error, Harness};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

/// The binds by their schema names. No two have a table of one name but `both`, and one has that of a function.
const BINDS: [(&str, &str); 4] = [
    (
        "main",
        "CREATE TABLE post (id INTEGER PRIMARY KEY, name, housing); CREATE VIRTUAL TABLE word USING fts5 (id, name);
         CREATE VIEW posts AS SELECT id, name FROM post; CREATE TABLE both (id, name); CREATE TABLE generated (id, name AS (id));
         CREATE TABLE post_copy (id INTEGER PRIMARY KEY, name, housing);
         INSERT INTO post VALUES (1, 'a', 1), (2, 'b', 2); INSERT INTO word VALUES (1, 'a');",
    ),
    (
        "auth",
        "CREATE TABLE user (id INTEGER PRIMARY KEY, name, housing); CREATE TABLE user_copy (id INTEGER PRIMARY KEY, name, housing);
         CREATE VIEW users AS SELECT id, name FROM user WHERE 1 OR EXISTS (SELECT 1 FROM user_copy);
         CREATE TABLE logged (id, name);
         CREATE TRIGGER logs AFTER INSERT ON user BEGIN INSERT INTO logged (id) VALUES (new.id); END;
         INSERT INTO user VALUES (1, 'a', 1), (3, 'c', 3);",
    ),
    (
        "me ta",
        "CREATE VIRTUAL TABLE docs USING fts5 (id, name); CREATE TABLE kind (id INTEGER PRIMARY KEY, name TEXT) WITHOUT ROWID;
         INSERT INTO docs VALUES (1, 'a'), (2, 'b'); INSERT INTO kind VALUES (1, 'a');",
    ),
    (
        "natural",
        "CREATE TABLE \"using\" (id INTEGER PRIMARY KEY AUTOINCREMENT, name UNIQUE, housing);
         CREATE VIRTUAL TABLE both USING fts5 (id, name); CREATE TABLE json_each (id, name, value);
         INSERT INTO \"using\" VALUES (1, 'a', 1); INSERT INTO json_each VALUES (1, 'a', 1);",
    ),
];
const TABLES: [(&str, usize); 15] = [
    ("post", 0),
    ("word", 0),
    ("posts", 0),
    ("generated", 0),
    ("post_copy", 0),
    ("user", 1),
    ("user_copy", 1),
    ("users", 1),
    ("logged", 1),
    ("docs", 2),
    ("kind", 2),
    ("using", 3),
    ("json_each", 3),
    ("both", 0),
    ("both", 3),
];
/// Those of them that are written to.
const WRITTEN: [(&str, usize); 7] =
    [("post", 0), ("post_copy", 0), ("user", 1), ("user_copy", 1), ("logged", 1), ("kind", 2), ("using", 3)];

/// One connection that has the tables of these binds and of no other; names of no bind of it are `broken`.
fn one(db: &Harness, present: &[usize], broken: &[&str]) -> Connection {
    let uri = |key: &str| db.uri(Some(key).filter(|key| *key != "main")).unwrap();
    let conn = if present.contains(&0) { Connection::open(uri("main")) } else { Connection::open_in_memory() }.unwrap();
    for (key, _) in present.iter().map(|at| BINDS[*at]).filter(|(key, _)| *key != "main") {
        conn.execute(&format!("ATTACH ?1 AS \"{key}\""), [uri(key)]).unwrap();
    }
    for name in broken {
        // SQLite looks here first for what is written without a key.
        conn.execute_batch(&format!("CREATE TEMP VIEW {name} AS SELECT * FROM \"broken {name}\"")).unwrap();
        if *name == "json_each" {
            // And it takes this name for the function's even with a key.
            let view = "CREATE VIEW \"natural\".json_each AS SELECT * FROM broken";
            conn.execute_batch(&format!("ATTACH ':memory:' AS \"natural\"; {view}")).unwrap();
        }
    }
    conn
}

struct Choices<'c>(std::slice::Iter<'c, u16>);

impl Choices<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |choice| usize::from(*choice) % bound)
    }

    fn one<'o>(&mut self, of: &[&'o str]) -> &'o str {
        of[self.below(of.len())]
    }

    fn named(&mut self, (name, bind): (&str, usize)) -> String {
        match self.below(4) {
            0 => format!("\"{}\".\"{name}\"", BINDS[bind].0),
            1 => format!("[{}]", name.to_uppercase()),
            _ => format!("\"{name}\""),
        }
    }

    fn table(&mut self) -> String {
        let at = self.below(TABLES.len());
        self.named(TABLES[at])
    }

    /// Tables joined in whatever way.
    fn tables(&mut self, depth: usize) -> String {
        let mut tables = format!("{} AS t", self.table());
        for alias in ["u", "v"].iter().take(self.below(3)) {
            let joined = match self.below(6) {
                0 if depth < 2 => format!("({})", self.query(depth + 1)),
                1 => "json_each('[1, 2]')".to_string(),
                _ => self.table(),
            };
            tables += &match self.below(7) {
                0 => format!(" NATURAL JOIN {joined} AS {alias}"),
                1 | 2 => format!(" JOIN {joined} AS {alias} USING ({})", self.one(&["id", "name", "id, name"])),
                3 => format!(" LEFT JOIN {joined} AS {alias} USING (id)"),
                4 => format!(" RIGHT JOIN {joined} AS {alias} ON {alias}.id = t.id"),
                5 => format!(", {joined} AS {alias}"),
                _ => format!(" JOIN {joined} AS {alias} ON 1"),
            };
        }
        tables
    }

    fn value(&mut self, depth: usize) -> String {
        match self.below(if depth > 1 { 3 } else { 8 }) {
            0 => "1".to_string(),
            1 => "t.name".to_string(),
            2 => "'natural using main.post'".to_string(),
            3 => format!("(SELECT count(*) FROM {})", self.table()),
            4 => format!("coalesce(1, ({}))", self.query(depth + 1)),
            5 => format!("CASE WHEN 1 THEN 1 ELSE EXISTS ({}) END", self.query(depth + 1)),
            6 => format!("1 OR t.id IN ({})", self.query(depth + 1)),
            _ => format!("({})", self.query(depth + 1)),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        match self.below(if depth > 1 { 2 } else { 7 }) {
            0 => "t.id > 0".to_string(),
            1 => "t.name = 'a'".to_string(),
            2 => format!("1 OR EXISTS ({})", self.query(depth + 1)),
            3 => format!("0 AND EXISTS ({})", self.query(depth + 1)),
            4 => format!("t.id IN {}", self.table()),
            5 => format!("t.id IN ({})", self.query(depth + 1)),
            _ => format!("NOT (0 AND {})", self.value(depth)),
        }
    }

    /// A query of one column.
    fn query(&mut self, depth: usize) -> String {
        let mut query = String::new();
        if self.below(4) == 1 {
            let at = self.below(TABLES.len());
            query += &format!("WITH \"{}\" (id, name) AS (SELECT id, name FROM {}) ", TABLES[at].0, self.table());
        }
        let column = match self.below(4) {
            0 => "count(*)".to_string(),
            1 => "1".to_string(),
            _ => self.value(depth),
        };
        query += &format!("SELECT {column} AS id FROM {}", self.tables(depth));
        if self.below(2) == 1 {
            query += &format!(" WHERE {}", self.condition(depth));
        }
        match self.below(if depth > 1 { 1 } else { 6 }) {
            1 => query += &format!(" ORDER BY ({})", self.query(depth + 1)),
            2 => {
                query +=
                    &format!(" UNION ALL {}", self.query(depth + 2).replace("WITH", "SELECT 1 WHERE 0 UNION ALL WITH"))
            }
            3 => query += &format!(" GROUP BY t.id HAVING {}", self.condition(depth)),
            _ => {}
        }
        query
    }

    /// A statement, and the bind it writes to.
    fn statement(&mut self) -> (String, Option<usize>) {
        let explain = self.one(&["", "", "", "EXPLAIN ", "EXPLAIN QUERY PLAN "]);
        if self.below(3) != 1 {
            return (format!("{explain}{}", self.query(0)), None);
        }
        let written = WRITTEN[self.below(WRITTEN.len())];
        let table = self.named(written);
        let mut statement = match self.below(5) {
            0 => format!("INSERT INTO {table} SELECT * FROM {}", self.table()),
            1 => format!("INSERT INTO {table} (id) {}", self.query(0)),
            2 => format!("UPDATE {table} AS t SET name = {} WHERE {}", self.value(0), self.condition(0)),
            3 => format!("DELETE FROM {table} AS t WHERE {}", self.condition(0)),
            _ => format!("REPLACE INTO {table} (id, name) VALUES (1, ({}))", self.query(0)),
        };
        if self.below(4) == 1 {
            statement += &format!(" RETURNING coalesce(1, ({}))", self.query(1));
        }
        (format!("{explain}{statement}"), Some(written.1).filter(|_| explain.is_empty()))
    }
}

/// Every set of binds, the smaller first, and a connection with them.
fn subsets(db: &Harness) -> Vec<(Vec<usize>, Connection)> {
    let mut subsets = (0..1_usize << BINDS.len())
        .map(|mask| (0..BINDS.len()).filter(|at| mask & (1 << at) != 0).collect::<Vec<_>>())
        .collect::<Vec<_>>();
    subsets.sort_by_key(Vec::len);
    // Without the table SQLite takes the name for its function's.
    let broken = |present: &[usize]| if present.contains(&3) { &[][..] } else { &["json_each"][..] };
    subsets.into_iter().map(|present| (present.clone(), one(db, &present, broken(&present)))).collect()
}

fn rows(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut statement = conn.prepare(sql)?;
    let columns = statement.column_count();
    statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?.collect()
}

fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

#[test]
fn a_statement_needs_the_smallest_set_of_binds_that_accepts_it() {
    let builder = Harness::builder().default_bind(Bind::memory().schema(BINDS[0].1));
    let db =
        BINDS[1..].iter().fold(builder, |builder, (key, schema)| builder.bind(*key, Bind::memory().schema(*schema)));
    let db = db.start().unwrap();
    let subsets = subsets(&db);
    let (_, all) = subsets.last().unwrap();
    let no_both = one(&db, &[0, 1, 2, 3], &["both"]);
    let key = |at: &usize| if *at == 0 { BindKey::DEFAULT } else { BINDS[*at].0.into() };
    let given = ProptestConfig::default();
    let asked = |name: &str| std::env::var_os(name).is_some();
    let config = ProptestConfig {
        cases: if asked("PROPTEST_CASES") { given.cases } else { 300 },
        rng_seed: if asked("PROPTEST_RNG_SEED") { given.rng_seed } else { RngSeed::Fixed(13) },
        failure_persistence: None,
        ..given
    };
    let kinds = std::cell::RefCell::new([0; 5]);
    let run = TestRunner::new(config).run(&prop::collection::vec(any::<u16>(), 100..200), |choices| {
        let (sql, write) = Choices(choices.iter()).statement();
        let mut session = db.session();
        let found = session.route(&sql);
        let count = |kind: usize| kinds.borrow_mut()[kind] += 1;
        // Of a statement with several errors SQLite tells one, on one connection this and on another that.
        if all.prepare(&sql).is_ok()
            && let Err(error) = no_both.prepare(&sql)
            && error.to_string().starts_with("no such table: broken both")
        {
            count(0);
            prop_assert!(
                matches!(&found, Err(Error::AmbiguousTable { table, .. }) if table == "both"),
                "{}: {:?}",
                sql,
                found
            );
            return Ok(());
        }
        let accepted = subsets.iter().find(|(_, conn)| conn.prepare(&sql).is_ok());
        let Some((needed, _)) = accepted else {
            count(1);
            let is_refused =
                matches!(found, Err(Error::Prepare { .. } | Error::UnknownTable { .. } | Error::AmbiguousTable { .. }));
            prop_assert!(is_refused, "{}: {:?}, one connection {:?}", sql, found, all.prepare(&sql).err());
            return Ok(());
        };
        let needed = needed.iter().map(key).collect::<Vec<_>>();
        if write.is_some() && needed.len() > 1 {
            count(2);
            prop_assert!(
                matches!(&found, Err(Error::CrossBindWrite { .. })),
                "{}: {:?}, needs {:?}",
                sql,
                found,
                needed
            );
            return Ok(());
        }
        let Ok(route) = found else { return Err(TestCaseError::fail(format!("{sql}: {found:?}, needs {needed:?}"))) };
        let mut used = route.reads().iter().chain(route.writes()).cloned().collect::<Vec<_>>();
        used.sort_by_key(|key| BINDS.iter().position(|(schema, _)| key.to_string() == *schema));
        used.dedup();
        prop_assert_eq!(&used, &needed, "{}", sql);
        let written = write.as_ref().map(key);
        prop_assert_eq!(route.writes(), written.as_slice(), "{}", sql);
        if write.is_none() && !sql.starts_with("EXPLAIN") {
            count(3 + usize::from(needed.len() > 1));
            let expected = rows(all, &sql);
            let given = session.query(&sql, [], |row| (0..row.as_ref().column_count()).map(|at| row.get(at)).collect());
            match (expected, given) {
                (Ok(expected), Ok(given)) => prop_assert_eq!(sorted(expected), sorted(given), "{}", sql),
                (Err(_), Err(Error::Sql { .. })) => {}
                (expected, given) => prop_assert!(false, "{}: {:?}, one connection {:?}", sql, given, expected),
            }
        }
        Ok(())
    });
    run.unwrap();
    // As many of each kind as there should be, so that nothing above was passed over.
    assert!(kinds.borrow().iter().all(|count| *count >= 5), "{kinds:?}");
}
