//! Random binds: their keys, their storage and their first tables.

use multibind::rusqlite::Connection;
use multibind::{Bind, BindKey, Harness};

use super::dice::Dice;

/// Names of tables. There are few, so that several binds have the same one.
pub(crate) const NAMES: [&str; 9] = ["user", "post", "log", "Tag", "a table", "日本", "select", "item", "docs"];

/// Keys of binds, some of which need quotes.
const KEYS: [&str; 8] = ["auth", "me ta", "日本", "x';--", "SELECT", "quo\"te", "Blog", "user"];

/// One database and its keys; the first is that of the connection with everything attached.
pub(crate) struct Place {
    pub(crate) keys: Vec<Option<&'static str>>,
    on_disk: bool,
    schema: String,
}

impl Place {
    pub(crate) fn key(&self) -> BindKey {
        self.keys[0].into()
    }

    /// Its name on the connection with everything attached.
    pub(crate) fn name(&self) -> &'static str {
        named(self.keys[0])
    }
}

/// A key as SQL has it.
pub(crate) fn named(key: Option<&'static str>) -> &'static str {
    key.unwrap_or("main")
}

pub(crate) fn quoted(name: impl AsRef<str>) -> String {
    format!("\"{}\"", name.as_ref().replace('"', "\"\""))
}

/// The binds of a trial.
pub(crate) struct World {
    pub(crate) places: Vec<Place>,
}

impl World {
    pub(crate) fn of(dice: &mut Dice) -> World {
        let has_default = dice.chance(85);
        let named = 1 + dice.below(5) + usize::from(!has_default);
        let places_in_all = named + usize::from(has_default);
        let mut left = KEYS.to_vec();
        let mut places = Vec::new();
        for at in 0..places_in_all {
            let key = |dice: &mut Dice, left: &mut Vec<&'static str>| Some(left.remove(dice.below(left.len())));
            let mut keys = vec![if has_default && at == 0 { None } else { key(dice, &mut left) }];
            // Each bind that is to come needs one.
            if dice.chance(12) && at < 3 && left.len() > places_in_all - at - 1 {
                keys.push(key(dice, &mut left));
            }
            let mut schema = Vec::new();
            let mut names = NAMES.to_vec();
            for _ in 0..1 + dice.below(3) {
                let name = names.remove(dice.below(names.len()));
                schema.push(table(dice, "", name, &schema_tables(&schema)));
                schema.push(rows(dice, schema.last().unwrap()));
            }
            let schema = schema.iter().map(|made| format!("{};\n", made.sql)).collect();
            places.push(Place { keys, on_disk: dice.chance(12), schema });
        }
        World { places }
    }

    /// The harness over these binds.
    pub(crate) fn start(&self) -> Harness {
        let mut builder = Harness::builder();
        for (at, place) in self.places.iter().enumerate() {
            let url = format!("postgres://db.example/{at}");
            for (which, key) in place.keys.iter().enumerate() {
                let bind = match (place.keys.len() > 1, which, place.on_disk) {
                    (true, 0, _) => Bind::url(&url).schema(place.schema.as_str()),
                    (true, _, _) => Bind::url(&url),
                    (false, _, true) => Bind::temp_file().schema(place.schema.as_str()),
                    (false, _, false) => Bind::memory().schema(place.schema.as_str()),
                };
                let bind = bind.busy_timeout(std::time::Duration::ZERO);
                builder = match key {
                    None => builder.default_bind(bind),
                    Some(key) => builder.bind(*key, bind),
                };
            }
        }
        builder.start().unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// Whether a name without a key has a bind to be made in.
    pub(crate) fn has_default(&self) -> bool {
        self.places.iter().any(|place| place.keys.contains(&None))
    }

    /// Makes the first tables of a place.
    pub(crate) fn fill(&self, place: usize, conn: &Connection) {
        conn.execute_batch(&self.places[place].schema).unwrap_or_else(|error| panic!("{error}\n{self}"));
    }
}

impl std::fmt::Display for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for place in &self.places {
            let keys = place.keys.iter().map(|key| key.unwrap_or("default")).collect::<Vec<_>>();
            let kind = if place.on_disk { "a file" } else { "memory" };
            writeln!(f, "-- {} in {kind}\n{}", keys.join(" = "), place.schema.trim_end())?;
        }
        Ok(())
    }
}

/// A statement that makes something, and what it makes.
pub(crate) struct Made {
    pub(crate) sql: String,
    table: Option<String>,
    columns: Vec<&'static str>,
}

fn schema_tables(schema: &[Made]) -> Vec<String> {
    schema.iter().filter_map(|made| made.table.clone()).collect()
}

/// A table of any kind that SQLite has. `others` are tables of the same bind.
pub(crate) fn table(dice: &mut Dice, prefix: &str, name: &str, others: &[String]) -> Made {
    let target = format!("{prefix}{}", quoted(name));
    let made =
        |sql: String, columns: &[&'static str]| Made { sql, table: Some(name.to_string()), columns: columns.to_vec() };
    let other = others.first().map(quoted);
    match (dice.below(16), other) {
        (0, _) => made(format!("CREATE VIRTUAL TABLE {target} USING fts5 (name, id UNINDEXED)"), &["name", "id"]),
        (1, _) => made(format!("CREATE VIRTUAL TABLE {target} USING fts4 (name, title)"), &["name", "title"]),
        (2, _) => made(format!("CREATE VIRTUAL TABLE {target} USING rtree (id, lo, hi)"), &["id", "lo", "hi"]),
        (3, _) => made(
            format!("CREATE TABLE {target} (id INTEGER, name TEXT, n INT, PRIMARY KEY (id, name)) WITHOUT ROWID"),
            &["id", "name", "n"],
        ),
        (4, _) => made(
            format!("CREATE TABLE {target} (id INTEGER PRIMARY KEY, name TEXT, n INTEGER CHECK (n < 1000)) STRICT"),
            &["id", "name", "n"],
        ),
        (5, _) => made(
            format!("CREATE TABLE {target} (id INTEGER PRIMARY KEY, n INT, twice AS (n * 2) STORED, next AS (n + 1))"),
            &["id", "n"],
        ),
        (6, _) => made(
            format!("CREATE TABLE {target} (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT COLLATE NOCASE, housing INT DEFAULT 7)"),
            &["id", "title", "housing"],
        ),
        (7, Some(other)) => Made {
            sql: format!("CREATE TABLE {target} (id INTEGER PRIMARY KEY, ref INTEGER REFERENCES {other} ON DELETE SET NULL, n)"),
            table: Some(name.to_string()),
            // The other one may be none that can be referred to.
            columns: Vec::new(),
        },
        (8, _) => made(
            format!("CREATE TABLE {target} (id INTEGER PRIMARY KEY, ref INT REFERENCES {} (id) ON DELETE CASCADE, name)", quoted(name)),
            &["id", "name"],
        ),
        (9, _) => made(format!("CREATE TABLE {target} (id PRIMARY KEY, title UNIQUE, n) "), &["id", "title", "n"]),
        (10, Some(other)) => Made {
            sql: format!("CREATE VIEW {target} AS SELECT count(*) AS n, 1 AS id FROM {other}"),
            table: Some(name.to_string()),
            columns: Vec::new(),
        },
        (11, Some(other)) => Made {
            sql: format!("CREATE VIEW {target} (id, name) AS SELECT 1, 'one' WHERE EXISTS (SELECT 1 FROM {other})"),
            table: Some(name.to_string()),
            columns: Vec::new(),
        },
        _ => made(format!("CREATE TABLE {target} (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, title)"), &["id", "name", "n", "title"]),
    }
}

/// A few rows for it.
fn rows(dice: &mut Dice, of: &Made) -> Made {
    let Some(table) = of.table.as_ref().filter(|_| !of.columns.is_empty()) else {
        return Made { sql: "SELECT 1".to_string(), table: None, columns: Vec::new() };
    };
    let mut rows = Vec::new();
    for id in 1..=1 + dice.below(5) {
        let values = of.columns.iter().map(|column| value(dice, column, id)).collect::<Vec<_>>();
        rows.push(format!("({})", values.join(", ")));
    }
    let columns = of.columns.join(", ");
    let sql = format!("INSERT INTO {} ({columns}) VALUES {}", quoted(table), rows.join(", "));
    Made { sql, table: None, columns: Vec::new() }
}

/// A value that a column of that name may have.
pub(crate) fn value(dice: &mut Dice, column: &str, id: usize) -> String {
    match column {
        "id" => id.to_string(),
        "lo" => dice.below(5).to_string(),
        "hi" => (5 + dice.below(5)).to_string(),
        "name" | "title" if dice.chance(90) => format!("'{} {id}'", dice.one(&["name", "word", "fox"])),
        "ref" => "NULL".to_string(),
        "n" | "twice" | "housing" if dice.chance(90) => dice.below(10).to_string(),
        "n" | "housing" => "NULL".to_string(),
        _ => format!("'t{id}'"),
    }
}
