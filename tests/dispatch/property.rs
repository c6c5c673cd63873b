//! Generated schemas, placements and statements: dispatched over binds they give what one plain database gives.
//!
//! 64 cases, always the same; `PROPTEST_CASES` asks for more, and `PROPTEST_RNG_SEED` for others.

use std::collections::BTreeSet;

use multibind::rusqlite::types::Value;
use multibind::rusqlite::Connection;
use multibind::{Bind, Error, Harness};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Names of tables, none of which another table has, and some that a scanner of text would trip over.
const NAMES: [&str; 8] = ["user", "Post", "a table", "select", "it's", "日本", "from;", "x.y"];
const KEYS: [&str; 6] = ["", "auth", "me ta", "日本", "a.b", "x';--"];

/// Decisions, taken one after the other; where they run out each is the first choice, so that shrinking ends.
struct Choices<'c>(std::slice::Iter<'c, u16>);

impl Choices<'_> {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |choice| usize::from(*choice) % bound)
    }

    fn one<'o>(&mut self, of: &[&'o str]) -> &'o str {
        of[self.below(of.len())]
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// A table as it is named for one database alone, and for binds.
#[derive(Clone, Debug, Default)]
struct Sql {
    one: String,
    binds: String,
}

impl Sql {
    fn push(&mut self, text: &str) -> &mut Sql {
        self.one += text;
        self.binds += text;
        self
    }

    fn add(&mut self, other: &Sql) -> &mut Sql {
        self.one += &other.one;
        self.binds += &other.binds;
        self
    }
}

/// A case: where each table is, and what is asked.
struct World {
    tables: Vec<(&'static str, usize)>,
    schemas: Vec<String>,
    all: String,
}

const QUOTES: [(&str, &str, &str); 3] = [("\"", "\"", "\"\""), ("`", "`", "``"), ("[", "]", "]")];

fn spelt(name: &str, choices: &mut Choices<'_>) -> String {
    let (open, close, doubled) = QUOTES[choices.below(QUOTES.len())];
    let name = if choices.below(3) == 1 { name.to_ascii_uppercase() } else { name.to_string() };
    format!("{open}{}{close}", name.replace(close, doubled))
}

fn world(choices: &mut Choices<'_>) -> World {
    let binds = 1 + choices.below(KEYS.len());
    let mut world = World { tables: Vec::new(), schemas: vec![String::new(); binds], all: String::new() };
    for name in NAMES.iter().take(2 + choices.below(NAMES.len() - 1)) {
        let bind = choices.below(binds);
        let key = ["INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "INT PRIMARY KEY", "INT"];
        let mut schema = format!("CREATE TABLE \"{name}\" (id {}, a TEXT, b INT", choices.one(&key));
        schema += choices.one(&["", ", UNIQUE (a, b)", ", c AS (b + 1)", ", CHECK (b <> 99)"]);
        schema += ");\n";
        if choices.maybe() {
            schema += &format!("CREATE INDEX \"index of {name}\" ON \"{name}\" (b, a);\n");
        }
        for id in 0..choices.below(5) {
            let (a, b) = (choices.one(&["'x'", "'y'", "NULL"]), choices.below(4));
            schema += &format!("INSERT OR IGNORE INTO \"{name}\" (id, a, b) VALUES ({id}, {a}, {b});\n");
        }
        if choices.maybe() {
            schema += &format!("CREATE VIEW \"view of {name}\" AS SELECT id, a, b FROM \"{name}\" WHERE b > 0;\n");
        }
        world.schemas[bind] += &schema;
        world.all += &schema;
        world.tables.push((name, bind));
    }
    world
}

/// A statement under way: the tables it uses, and the CTE names that stand before tables.
struct Statement<'w> {
    world: &'w World,
    used: BTreeSet<usize>,
    /// The table that a CTE is called like, and the bind that the CTE reads: SQLite looks at it only where it is used.
    shadowed: Option<(usize, Option<usize>)>,
    depth: usize,
    aliases: usize,
}

impl Statement<'_> {
    /// A table, or a view over one, by whatever spelling.
    fn table(&mut self, choices: &mut Choices<'_>, view: bool) -> Sql {
        let at = choices.below(self.world.tables.len());
        let (name, bind) = self.world.tables[at];
        let shadowed = self.shadowed.filter(|(shadowed, _)| *shadowed == at);
        let qualifies = choices.below(3) == 1;
        let viewed = view && choices.maybe() && self.world.all.contains(&format!("\"view of {name}\""));
        let name = if viewed { format!("view of {name}") } else { name.to_string() };
        let name = spelt(&name, choices);
        // Qualified it is the table, whatever a CTE is called.
        match shadowed {
            Some((_, read)) if !qualifies && !viewed => self.used.extend(read),
            _ => drop(self.used.insert(bind)),
        }
        let blank = choices.one(&["", " ", "/* user */"]);
        let schema = if bind == 0 { spelt("main", choices) } else { spelt(KEYS[bind], choices) };
        match qualifies {
            true => Sql { one: format!("main.{name}"), binds: format!("{schema}{blank}.{blank}{name}") },
            false => Sql { one: name.clone(), binds: name },
        }
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// A condition on the columns of a table that is called `of`.
    fn condition(&mut self, choices: &mut Choices<'_>, of: &str) -> Sql {
        let mut sql = Sql::default();
        match choices.below(if self.depth > 2 { 3 } else { 7 }) {
            0 => sql.push(&format!("{of}.b = {}", choices.below(4))),
            1 => sql.push(&format!("{of}.a IS 'x'")),
            2 => sql.push(&format!("{of}.id BETWEEN 1 AND {}", choices.below(4))),
            3 => {
                let inner = self.query(choices, "id", Some(of));
                sql.push(&format!("{of}.id {}IN (", choices.one(&["", "NOT "]))).add(&inner).push(")")
            }
            4 => {
                let inner = self.query(choices, "1", Some(of));
                sql.push(choices.one(&["EXISTS (", "NOT EXISTS ("])).add(&inner).push(")")
            }
            5 => {
                let inner = self.query(choices, "count(*)", None);
                sql.push("(").add(&inner).push(&format!(") > {of}.b"))
            }
            _ => {
                let (left, right) = (self.condition(choices, of), self.condition(choices, of));
                sql.push("(").add(&left).push(choices.one(&[" AND ", " OR "])).add(&right).push(")")
            }
        };
        sql
    }

    /// A query of one column.
    fn query(&mut self, choices: &mut Choices<'_>, column: &str, outer: Option<&str>) -> Sql {
        self.depth += 1;
        let (alias, mut sql) = (self.alias(), Sql::default());
        let column = if column == "id" { format!("{alias}.id") } else { column.to_string() };
        let table = self.table(choices, true);
        sql.push(&format!("SELECT {column} FROM ")).add(&table).push(&format!(" AS {alias}"));
        if choices.below(3) == 1 {
            let (other, table) = (self.alias(), self.table(choices, true));
            sql.push(choices.one(&[" JOIN ", " LEFT JOIN ", ", "])).add(&table).push(&format!(" AS {other}"));
            if !sql.one.contains(", ") || sql.one.contains("JOIN") {
                sql.push(&format!(" ON {other}.b = {alias}.b"));
            }
        }
        if choices.maybe() {
            let condition = self.condition(choices, &alias);
            sql.push(" WHERE ").add(&condition);
            if let (Some(outer), true) = (outer, choices.maybe()) {
                sql.push(&format!(" AND {alias}.b = {outer}.b"));
            }
        }
        self.depth -= 1;
        sql
    }

    /// CTEs, one of which may be called like a table.
    fn with(&mut self, choices: &mut Choices<'_>) -> Sql {
        let mut sql = Sql::default();
        if choices.below(3) != 1 {
            return sql;
        }
        let at = choices.below(self.world.tables.len());
        let name = spelt(self.world.tables[at].0, choices);
        let mut inner = Sql::default();
        let mut read = None;
        // Within its own definition the name would be the CTE's.
        match choices.below(self.world.tables.len() + 1) {
            table if table < self.world.tables.len() && table != at => {
                let (table, bind) = self.world.tables[table];
                read = Some(bind);
                inner.push(&format!("SELECT id, a, b FROM {}", spelt(table, choices)));
            }
            _ => drop(inner.push("VALUES (1, 'x', 2), (2, 'y', 1)")),
        }
        self.shadowed = Some((at, read));
        sql.push(&format!("WITH {name} (id, a, b) AS (")).add(&inner).push(") ");
        sql
    }
}

/// A statement for both, and the binds of what it reads and writes.
fn statement(world: &World, choices: &mut Choices<'_>) -> (Sql, Option<usize>, BTreeSet<usize>) {
    let mut statement = Statement { world, used: BTreeSet::new(), shadowed: None, depth: 0, aliases: 0 };
    let mut sql = Sql::default();
    if choices.below(3) != 1 {
        let with = statement.with(choices);
        let query = match choices.below(3) {
            0 => statement.query(choices, "count(*)", None),
            _ => statement.query(choices, "id", None),
        };
        sql.add(&with).add(&query);
        if choices.below(4) == 1 {
            let other = statement.query(choices, "id", None);
            sql.push(choices.one(&[" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "])).add(&other);
        }
        sql.push(choices.one(&["", " -- FROM user", ";"]));
        return (sql, None, statement.used);
    }
    // A CTE never stands for what is written.
    let mut target = Statement { world, used: BTreeSet::new(), shadowed: None, depth: 0, aliases: 0 };
    let table = target.table(choices, false);
    let write = target.used.first().copied();
    let with = statement.with(choices);
    let new = 10 + choices.below(90);
    match choices.below(5) {
        0 => sql.push("INSERT INTO ").add(&table).push(&format!(" (id, a, b) VALUES ({new}, 'new', {new})")),
        1 => {
            let query = statement.query(choices, "id", None);
            sql.add(&with)
                .push("INSERT INTO ")
                .add(&table)
                .push(&format!(" (id, a, b) SELECT {new} + id, 'from', {new} FROM ("));
            sql.add(&query).push(") LIMIT 1")
        }
        2 => {
            let condition = statement.condition(choices, "w");
            sql.add(&with).push("UPDATE ").add(&table).push(" AS w SET b = b + 1 WHERE ").add(&condition)
        }
        3 => {
            let condition = statement.condition(choices, "w");
            sql.add(&with).push("DELETE FROM ").add(&table).push(" AS w WHERE ").add(&condition)
        }
        _ => {
            let value = statement.query(choices, "count(*)", None);
            sql.add(&with).push("UPDATE OR IGNORE ").add(&table).push(" SET a = (").add(&value).push(") WHERE id = 1")
        }
    };
    statement.used.extend(write);
    (sql, write, statement.used)
}

fn values(row: &multibind::rusqlite::Row<'_>) -> multibind::rusqlite::Result<Vec<Value>> {
    (0..row.as_ref().column_count()).map(|at| row.get(at)).collect()
}

fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}

fn plain(conn: &Connection, sql: &str) -> Result<Vec<Vec<Value>>, String> {
    let rows = conn.prepare(sql).and_then(|mut statement| statement.query_map([], values)?.collect());
    rows.map(sorted).map_err(|error| error.to_string())
}

fn same_as_one_database(choices: &[u16]) -> Result<(), TestCaseError> {
    let choices = &mut Choices(choices.iter());
    let world = world(choices);
    let one = Connection::open_in_memory().unwrap();
    one.execute_batch(&world.all).unwrap();
    let builder = Harness::builder().default_bind(Bind::memory().schema(world.schemas[0].as_str()));
    let binds = world.schemas.iter().zip(KEYS).skip(1);
    let db = binds.fold(builder, |builder, (schema, key)| builder.bind(key, Bind::memory().schema(schema.as_str())));
    let db = db.start().unwrap();

    let mut session = db.session();
    for _ in 0..12 {
        let (sql, write, used) = statement(&world, choices);
        let answer = session.query(&sql.binds, [], values).map(sorted);
        if write.is_some() && used.len() > 1 {
            prop_assert!(matches!(answer, Err(Error::CrossBindWrite { .. })), "{sql:?}: {answer:?}");
            continue;
        }
        match (plain(&one, &sql.one), answer) {
            (Ok(expected), Ok(found)) => prop_assert_eq!(expected, found, "{:?}", sql),
            (Err(_), Err(Error::Sql { .. } | Error::Prepare { .. })) => {}
            (expected, found) => prop_assert!(false, "{sql:?}: one database {expected:?}, dispatched {found:?}"),
        }
        let route = session.route(&sql.binds).unwrap();
        let expected = write.map(|bind| if bind == 0 { multibind::BindKey::DEFAULT } else { KEYS[bind].into() });
        prop_assert_eq!(route.writes(), expected.as_slice(), "{:?}", sql);
        if choices.below(4) == 1 {
            session.commit().unwrap();
        }
    }
    session.commit().unwrap();
    for (table, bind) in &world.tables {
        let key = (*bind != 0).then(|| KEYS[*bind]);
        let sql = format!("SELECT * FROM \"{table}\"");
        prop_assert_eq!(plain(&Connection::open(db.uri(key).unwrap()).unwrap(), &sql), plain(&one, &sql));
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let asked = |name: &str| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if asked("PROPTEST_CASES") { given.cases } else { 64 },
        rng_seed: if asked("PROPTEST_RNG_SEED") { given.rng_seed } else { RngSeed::Fixed(20) },
        failure_persistence: None,
        ..given
    }
}

/// A case as it is shown when it fails: what it generates.
#[derive(Clone)]
struct Case(Vec<u16>);

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let world = world(&mut Choices(self.0.iter()));
        world.schemas.iter().zip(KEYS).try_for_each(|(schema, key)| write!(f, "\n-- `{key}`\n{schema}"))
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn generated_statements_give_what_one_database_gives(case in prop::collection::vec(any::<u16>(), 400..600).prop_map(Case)) {
        same_as_one_database(&case.0)?;
    }
}
