//! Random statements, each in two writings: with every table by its bind, and as an application would write it.

use std::collections::BTreeSet;

use super::dice::Dice;
use super::one::Table;
use super::world::{named, quoted, value, World};

/// One statement in two writings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sql {
    /// For one connection with every bind attached.
    pub(crate) one: String,
    /// For a session.
    pub(crate) session: String,
}

impl Sql {
    pub(crate) fn of(text: impl AsRef<str>) -> Sql {
        Sql { one: text.as_ref().to_string(), session: text.as_ref().to_string() }
    }

    pub(crate) fn text(mut self, text: impl AsRef<str>) -> Sql {
        self.one += text.as_ref();
        self.session += text.as_ref();
        self
    }

    pub(crate) fn and(mut self, other: &Sql) -> Sql {
        self.one += &other.one;
        self.session += &other.session;
        self
    }
}

/// Who runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// A session, which finds the bind.
    Session,
    /// A session that is told the bind.
    Told(usize),
    /// Somebody on a connection to one bind.
    Other(usize),
}

/// A statement, and what is to be expected of it.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Sql,
    pub(crate) run: For,
    /// The binds whose tables it names.
    pub(crate) uses: BTreeSet<usize>,
    pub(crate) writes: Option<usize>,
    /// Whether a name without a key is in several binds.
    pub(crate) is_ambiguous: bool,
    /// Whether it makes something in the default bind, and there is none.
    pub(crate) is_homeless: bool,
}

/// What a statement is written with.
pub(crate) struct Writer<'w> {
    pub(crate) dice: &'w mut Dice,
    pub(crate) world: &'w World,
    /// Every table that can be named.
    pub(crate) tables: &'w [Table],
    pub(crate) run: For,
    aliases: usize,
    /// Names that a `WITH` has taken.
    taken: Vec<String>,
    uses: BTreeSet<usize>,
    pub(crate) is_ambiguous: bool,
    pub(crate) is_homeless: bool,
}

/// A table in `FROM`: what it is called there, and its columns.
type Source = (String, Vec<String>);

impl<'w> Writer<'w> {
    pub(crate) fn new(dice: &'w mut Dice, world: &'w World, tables: &'w [Table], run: For) -> Writer<'w> {
        let (uses, taken) = (BTreeSet::new(), Vec::new());
        Writer { dice, world, tables, run, aliases: 0, taken, uses, is_ambiguous: false, is_homeless: false }
    }

    pub(crate) fn done(self, sql: Sql, writes: Option<usize>) -> Statement {
        let Writer { run, mut uses, is_ambiguous, is_homeless, .. } = self;
        uses.extend(writes);
        Statement { sql, run, uses, writes, is_ambiguous, is_homeless }
    }

    /// A name of a bind's table, with the bind's key or without.
    pub(crate) fn name(&mut self, place: usize, name: &str) -> Sql {
        let one = format!("{}.{}", quoted(self.world.places[place].name()), quoted(name));
        let plain = self.respelt(name);
        let is_taken = self.taken.iter().any(|taken| taken.eq_ignore_ascii_case(name));
        let session = match self.run {
            For::Other(_) => return Sql::of(plain),
            For::Told(_) if !is_taken && self.dice.chance(85) => plain,
            For::Session if !is_taken && self.is_alone(name) && self.dice.chance(75) => plain,
            // Now and then a name that is in several binds.
            For::Session if !is_taken && self.dice.chance(4) => {
                self.is_ambiguous |= !self.is_alone(name);
                plain
            }
            // The key that `on` is given.
            For::Told(_) => format!("{}.{plain}", quoted(named(self.world.places[place].keys[0]))),
            For::Session => {
                let key = named(*self.dice.one(&self.world.places[place].keys));
                format!("{}.{plain}", quoted(key))
            }
        };
        Sql { one, session }
    }

    /// Whether one bind alone has a table of that name.
    pub(crate) fn is_alone(&self, name: &str) -> bool {
        self.tables.iter().filter(|table| table.name.eq_ignore_ascii_case(name)).count() == 1
    }

    fn respelt(&mut self, name: &str) -> String {
        if self.dice.chance(90) {
            quoted(name)
        } else {
            quoted(name.to_ascii_uppercase())
        }
    }

    fn table(&mut self) -> Option<&'w Table> {
        let within = match self.run {
            For::Told(place) | For::Other(place) => Some(place),
            // One bind for most of a statement's tables.
            For::Session => self.uses.first().copied().filter(|_| self.dice.chance(50)),
        };
        let of = self.tables.iter().filter(|table| !table.columns.is_empty());
        let of = of.filter(|table| within.is_none_or(|place| table.place == place));
        let of = of.collect::<Vec<_>>();
        if of.is_empty() {
            None
        } else {
            Some(*self.dice.one(&of))
        }
    }

    /// A table in `FROM`, under a name of its own.
    fn source(&mut self) -> (Sql, Source) {
        let Some(table) = self.table() else {
            let alias = self.alias();
            return (
                Sql::of(format!("(SELECT 1 AS id, 'x' AS name) AS {alias}")),
                (alias, vec!["id".into(), "name".into()]),
            );
        };
        self.uses.insert(table.place);
        let name = self.name(table.place, &table.name);
        let alias = self.alias();
        (name.text(format!(" AS {alias}")), (alias, table.columns.clone()))
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    fn column(&mut self, of: &[Source]) -> String {
        let (alias, columns) = self.dice.one(of).clone();
        format!("{alias}.{}", quoted(self.dice.one(&columns)))
    }

    /// What follows `FROM`, of up to three tables.
    fn from(&mut self) -> (Sql, Vec<Source>) {
        let (mut sql, first) = self.source();
        let mut sources = vec![first];
        for _ in 0..[0, 0, 1, 1, 1, 2][self.dice.below(6)] {
            let (table, source) = self.source();
            let shared = source.1.iter().filter(|column| sources.iter().any(|(_, columns)| columns.contains(column)));
            let shared = shared.cloned().collect::<Vec<_>>();
            let left = sources.clone();
            let both = [self.column(&left), self.column(std::slice::from_ref(&source))].join(" = ");
            sources.push(source);
            sql = match self.dice.below(9) {
                0 => sql.text(", ").and(&table),
                1 => sql.text(" NATURAL JOIN ").and(&table),
                2 => sql.text(" NATURAL LEFT JOIN ").and(&table),
                3 | 4 if !shared.is_empty() => {
                    let verb = *self.dice.one(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
                    let by = quoted(self.dice.one(&shared));
                    sql.text(format!(" {verb} ")).and(&table).text(format!(" USING ({by})"))
                }
                5 => sql.text(" LEFT JOIN ").and(&table).text(format!(" ON {both}")),
                6 => sql.text(" RIGHT JOIN ").and(&table).text(format!(" ON {both}")),
                7 => sql.text(" CROSS JOIN ").and(&table),
                _ => sql.text(" JOIN ").and(&table).text(format!(" ON {both}")),
            };
        }
        (sql, sources)
    }

    /// A condition; some of them SQLite resolves and never runs. What follows `0 AND` it does not even resolve, so there
    /// is none of these.
    fn condition(&mut self, of: &[Source], depth: usize) -> Sql {
        let column = self.column(of);
        let limit = self.dice.below(8);
        if depth == 0 {
            return Sql::of(format!("{column} > {limit}"));
        }
        match self.dice.below(11) {
            0 => Sql::of(format!("{column} IN (")).and(&self.query(1, depth - 1)).text(")"),
            1 => Sql::of("EXISTS (").and(&self.query(1, depth - 1)).text(")"),
            2 => Sql::of("NOT EXISTS (").and(&self.query(1, depth - 1)).text(")"),
            3 => Sql::of("1 OR EXISTS (").and(&self.query(1, depth - 1)).text(")"),
            4 => Sql::of("1 > 2 AND EXISTS (").and(&self.query(1, depth - 1)).text(")"),
            5 => Sql::of(format!("{column} >= coalesce((SELECT min(m) FROM (SELECT 1 AS m, "))
                .and(&self.scalar(depth - 1))
                .text(" AS unused)), 0)"),
            6 => {
                let (from, inner) = self.source();
                let both = [self.column(std::slice::from_ref(&inner)), self.column(of)].join(" = ");
                Sql::of("EXISTS (SELECT 1 FROM ").and(&from).text(format!(" WHERE {both})"))
            }
            7 => {
                Sql::of(format!("CASE WHEN 1 THEN {column} > {limit} ELSE ")).and(&self.scalar(depth - 1)).text(" END")
            }
            8 => Sql::of(format!("{column} IS NOT NULL AND ")).and(&self.condition(of, depth - 1)),
            _ => Sql::of(format!("{column} > {limit} OR {column} LIKE 'fox%'")),
        }
    }

    /// A query in brackets that gives one value.
    fn scalar(&mut self, depth: usize) -> Sql {
        let (from, sources) = self.source();
        let sources = [sources];
        let value = match self.dice.below(3) {
            0 => "count(*)".to_string(),
            1 => format!("max({})", self.column(&sources)),
            _ => format!("count({})", self.column(&sources)),
        };
        let sql = Sql::of(format!("(SELECT {value} FROM ")).and(&from);
        if self.dice.chance(40) {
            return sql.text(" WHERE ").and(&self.condition(&sources, depth.min(1))).text(")");
        }
        sql.text(")")
    }

    /// A query of so many columns.
    pub(crate) fn query(&mut self, width: usize, depth: usize) -> Sql {
        if depth > 0 && self.dice.chance(12) {
            let verb = *self.dice.one(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
            return self.query(width, depth - 1).text(format!(" {verb} ")).and(&self.query(width, depth - 1));
        }
        let (from, sources) = self.from();
        let columns = (0..width).map(|_| self.column(&sources)).collect::<Vec<_>>();
        let mut sql = Sql::of(format!("SELECT {} FROM ", columns.join(", "))).and(&from);
        if self.dice.chance(60) {
            sql = sql.text(" WHERE ").and(&self.condition(&sources, depth));
        }
        sql
    }

    /// Any query.
    pub(crate) fn select(&mut self) -> Sql {
        match self.dice.below(16) {
            0 => {
                let (from, _) = self.from();
                Sql::of("SELECT count(*) FROM ").and(&from)
            }
            1 => {
                let (from, _) = self.from();
                Sql::of("SELECT * FROM ").and(&from)
            }
            2 => {
                let (from, sources) = self.from();
                let column = self.column(&sources);
                let by = self.scalar(1);
                Sql::of(format!("SELECT max({column}) FROM ")).and(&from).text(" ORDER BY ").and(&by)
            }
            3 => {
                let limit = self.scalar(0);
                self.query(2, 1).text(" LIMIT 100000 + ").and(&limit)
            }
            4 => {
                let (from, sources) = self.from();
                let column = self.column(&sources);
                let value = self.scalar(1);
                Sql::of(format!("SELECT {column}, ")).and(&value).text(" FROM ").and(&from)
            }
            5 => {
                let (from, sources) = self.from();
                let (by, of) = (self.column(&sources), self.column(&sources));
                let having = self.scalar(0);
                let sql = Sql::of(format!("SELECT {by}, count({of}) FROM ")).and(&from);
                sql.text(format!(" GROUP BY {by} HAVING 1 OR ")).and(&having)
            }
            6 => {
                let (from, sources) = self.from();
                let (by, of) = (self.column(&sources), self.column(&sources));
                Sql::of(format!("SELECT {by}, rank() OVER (ORDER BY {by}), count({of}) OVER (PARTITION BY {by}) FROM "))
                    .and(&from)
            }
            7 => {
                let (from, sources) = self.from();
                let column = self.column(&sources);
                Sql::of(format!("SELECT {column}, value FROM ")).and(&from).text(", json_each('[1, 2]') AS housing")
            }
            8 | 9 => self.with(),
            10 => {
                let value = self.scalar(1);
                let sql =
                    Sql::of("WITH fresh (id) AS (").and(&self.query(1, 1)).text(") SELECT a FROM (SELECT id AS a, ");
                sql.and(&value).text(" AS b FROM fresh)")
            }
            11 => {
                let inner = self.query(1, 1);
                Sql::of("SELECT count(*) FROM (").and(&inner).text(")")
            }
            12 => {
                let (one, other) = (self.scalar(1), self.scalar(1));
                Sql::of("SELECT ").and(&one).text(", ").and(&other)
            }
            13 => Sql::of("EXPLAIN QUERY PLAN ").and(&self.query(1, 2)),
            _ => {
                let width = 1 + self.dice.below(3);
                self.query(width, 2)
            }
        }
    }

    /// A query with a name of its own, often that of a table.
    fn with(&mut self) -> Sql {
        let name = match self.table() {
            Some(table) if self.dice.chance(70) => table.name.clone(),
            _ => "fresh".to_string(),
        };
        // In its own query the name would be that of the query itself.
        self.taken.push(name.clone());
        let body = self.query(2, 1);
        let with = Sql::of(format!("WITH {} (id, name) AS (", quoted(&name))).and(&body).text(") ");
        let own = [("w".to_string(), vec!["id".to_string(), "name".to_string()])];
        let sql = if self.dice.chance(50) {
            let condition = self.condition(&own, 1);
            with.text(format!("SELECT w.name FROM {} AS w WHERE ", quoted(&name))).and(&condition)
        } else {
            let (from, _) = self.source();
            with.text(format!("SELECT w.id FROM {} AS w NATURAL JOIN ", quoted(&name))).and(&from)
        };
        self.taken.pop();
        sql
    }

    /// A statement that writes rows, and the bind it writes.
    pub(crate) fn write(&mut self) -> Option<(Sql, usize)> {
        let table = self.table()?;
        let (place, writable) = (table.place, table.writable.clone());
        self.uses.insert(place);
        let name = self.name(place, &table.name);
        let columns = writable.iter().map(quoted).collect::<Vec<_>>();
        let list = columns.join(", ");
        let target = [("w".to_string(), table.columns.clone())];
        let set = self.dice.below(writable.len());
        let (column, kind) = (columns[set].clone(), writable[set].clone());
        let id = 1 + self.dice.below(14);
        let new = value(self.dice, &kind, id);
        let row = |dice: &mut Dice| {
            let id = 1 + dice.below(30);
            format!("({})", writable.iter().map(|column| value(dice, column, id)).collect::<Vec<_>>().join(", "))
        };
        let values = row(self.dice);
        let sql = match self.dice.below(15) {
            0 | 1 => Sql::of("INSERT INTO ").and(&name).text(format!(" ({list}) VALUES {values}, {}", row(self.dice))),
            2 => Sql::of("INSERT OR IGNORE INTO ").and(&name).text(format!(" ({list}) VALUES {values}")),
            3 if !table.is_view => Sql::of("REPLACE INTO ").and(&name).text(format!(" ({list}) VALUES {values}")),
            4 => {
                let query = self.query(writable.len(), 1);
                let order = (1..=writable.len()).map(|at| at.to_string()).collect::<Vec<_>>().join(", ");
                let sql = Sql::of("INSERT OR IGNORE INTO ").and(&name).text(format!(" ({list}) SELECT * FROM ("));
                sql.and(&query).text(format!(") ORDER BY {order}"))
            }
            5 if !table.is_virtual => {
                let value = self.scalar(0);
                let sql = Sql::of("INSERT INTO ")
                    .and(&name)
                    .text(format!(" ({list}) VALUES {values} ON CONFLICT (id) DO UPDATE SET {column} = "));
                sql.and(&value)
            }
            6 => {
                let returned = if self.dice.chance(50) { Sql::of("1") } else { self.scalar(0) };
                let sql =
                    Sql::of("INSERT INTO ").and(&name).text(format!(" ({list}) VALUES {values} RETURNING {column}, "));
                sql.and(&returned)
            }
            7 | 8 => {
                let condition = self.condition(&target, 1);
                Sql::of("UPDATE OR IGNORE ")
                    .and(&name)
                    .text(format!(" AS w SET {column} = {new} WHERE "))
                    .and(&condition)
            }
            9 => {
                let value = self.scalar(1);
                Sql::of("UPDATE OR IGNORE ")
                    .and(&name)
                    .text(format!(" AS w SET {column} = "))
                    .and(&value)
                    .text(format!(" WHERE {column} > 3"))
            }
            10 => {
                let (from, sources) = self.source();
                let sources = [sources];
                let (by, of) = (self.column(&sources), self.column(&sources));
                let sql = Sql::of("UPDATE OR IGNORE ")
                    .and(&name)
                    .text(format!(" AS w SET {column} = y.v FROM (SELECT {by} AS k, max({of}) AS v FROM "));
                sql.and(&from).text(format!(" GROUP BY 1) AS y WHERE y.k = w.{column}"))
            }
            11 => {
                let with = self.query(1, 0);
                let sql = Sql::of("WITH gone (id) AS (").and(&with).text(") DELETE FROM ").and(&name);
                sql.text(format!(" AS w WHERE {column} IN (SELECT id FROM gone) AND w.{column} > 5"))
            }
            12 => {
                let of = self.scalar(0);
                Sql::of("DELETE FROM ").and(&name).text(" WHERE 1 > 2 AND ").and(&of)
            }
            13 => {
                let condition = self.condition(&target, 1);
                Sql::of("DELETE FROM ").and(&name).text(format!(" AS w WHERE w.{column} > 7 AND ")).and(&condition)
            }
            _ => Sql::of("INSERT INTO ").and(&name).text(format!(" ({list}) VALUES {values}")),
        };
        Some((sql, place))
    }
}
