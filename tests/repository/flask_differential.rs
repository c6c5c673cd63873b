//! The same operations in Flask-SQLAlchemy 3 and here, from the same text of a configuration: the same tables and rows, in
//! the same binds.
//!
//! Needs a Python with the packages of `tests/flask/requirements.txt`: the one that `MULTIBIND_FLASK_PYTHON` names, which
//! must have them, or else `python3` if it has. Without one the test is skipped, and says so.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use multibind::rusqlite::types::{Value as SqlValue, ValueRef};
use multibind::rusqlite::{params_from_iter, Connection, OpenFlags};
use multibind::{BindKey, Config, Harness, Row, Session};
use rstest::rstest;
use serde_json::{json, Map, Value};

/// The variable that names the Python to use.
const PYTHON: &str = "MULTIBIND_FLASK_PYTHON";

/// An application of `tests/flask/applications.py`, with the tables that its configuration makes here.
struct Application {
    name: &'static str,
    config: &'static str,
    binds: &'static [Option<&'static str>],
    tables: &'static [Table],
    /// Two tables of one bind, and the columns that are equal.
    joins: &'static [(&'static str, &'static str, [&'static str; 2])],
    /// The binds by their databases. Keys of one database have one metadata here, and one each in Flask-SQLAlchemy; so
    /// their tables are made and dropped together.
    groups: &'static [&'static [Option<&'static str>]],
}

impl Application {
    /// All binds, as `create_all` is told. Without a default bind, Flask-SQLAlchemy's `create_all()` fails.
    fn all(&self) -> Value {
        if self.binds.contains(&None) {
            Value::Null
        } else {
            json!(self.binds)
        }
    }
}

/// A table as both sides name it, and what its columns may hold.
struct Table {
    name: &'static str,
    is_model: bool,
    columns: &'static [(&'static str, Kind)],
}

#[derive(Clone, Copy)]
enum Kind {
    /// Left out at times, so that the database gives one.
    Id,
    Number,
    Real,
    Text,
}

use Kind::{Id, Number, Real, Text};

const fn model(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, is_model: true, columns }
}

const fn table(name: &'static str, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, is_model: false, columns }
}

const BLOG: Application = Application {
    name: "blog",
    config: r#"
SQLALCHEMY_DATABASE_URI = "sqlite:///blog.db"
SQLALCHEMY_TRACK_MODIFICATIONS = false
SECRET_KEY = "not a secret"

[SQLALCHEMY_ENGINE_OPTIONS]
pool_size = 5

[SQLALCHEMY_BINDS]
meta = "sqlite:///meta.db"

[SQLALCHEMY_BINDS.auth]
url = "sqlite:///accounts.db"
pool_recycle = 3600

# What Flask-SQLAlchemy passes over. SQLite enforces no foreign key unless it is told to, and there it is not.
[default]
foreign_keys = false
schema_sql = """
CREATE TABLE post (id INTEGER NOT NULL, title VARCHAR(80) NOT NULL, author VARCHAR(40), score FLOAT, PRIMARY KEY (id));
CREATE TABLE tag (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40) UNIQUE);
CREATE TABLE post_tag (
    post_id INTEGER NOT NULL REFERENCES post (id),
    tag_id INTEGER NOT NULL REFERENCES tag (id),
    PRIMARY KEY (post_id, tag_id)
);
CREATE TABLE log (id INTEGER NOT NULL PRIMARY KEY, event TEXT NOT NULL);
"""

[binds.auth]
foreign_keys = false
schema_sql = """
CREATE TABLE user (
    id INTEGER NOT NULL PRIMARY KEY,
    username VARCHAR(40) NOT NULL UNIQUE,
    email VARCHAR(80)
);
CREATE INDEX ix_user_email ON user (email);
CREATE TABLE role (name VARCHAR(40) NOT NULL PRIMARY KEY, rank INTEGER);
CREATE TABLE user_role (user_id INTEGER NOT NULL REFERENCES user (id), role VARCHAR(40) REFERENCES role (name));
"""

[binds.meta]
schema_sql = """
CREATE TABLE setting (name TEXT NOT NULL PRIMARY KEY, value TEXT);
CREATE TABLE log (id INTEGER NOT NULL PRIMARY KEY, event TEXT, post_id INTEGER);
"""
"#,
    binds: &[None, Some("auth"), Some("meta")],
    tables: &[
        model("post", &[("id", Id), ("title", Text), ("author", Text), ("score", Real)]),
        model("tag", &[("id", Id), ("name", Text)]),
        table("post_tag", &[("post_id", Number), ("tag_id", Number)]),
        model("main.log", &[("id", Id), ("event", Text)]),
        model("user", &[("id", Id), ("username", Text), ("email", Text)]),
        model("role", &[("name", Text), ("rank", Number)]),
        table("user_role", &[("user_id", Number), ("role", Text)]),
        model("setting", &[("name", Text), ("value", Text)]),
        model("meta.log", &[("id", Id), ("event", Text), ("post_id", Number)]),
    ],
    joins: &[
        ("post", "post_tag", ["id", "post_id"]),
        ("post_tag", "tag", ["tag_id", "id"]),
        ("user", "user_role", ["id", "user_id"]),
        ("user_role", "role", ["role", "name"]),
        ("setting", "meta.log", ["name", "event"]),
    ],
    groups: &[&[None], &[Some("auth")], &[Some("meta")]],
};

const COLOURS: Application = Application {
    name: "colours",
    config: r#"
PROJECT_NAME = 'Project Name'
SECRET_KEY = 'super_secret_password'
# The default database
SQLALCHEMY_DATABASE_URI = 'sqlite:///app.db'

# Additional databases
[SQLALCHEMY_BINDS]
second_db = 'sqlite:///second.db'
memory_db = 'sqlite:///:memory:'

[default]
schema_sql = "CREATE TABLE test1 (id INTEGER NOT NULL PRIMARY KEY, color VARCHAR(64))"

[binds.second_db]
schema_sql = "CREATE TABLE test2 (id INTEGER NOT NULL PRIMARY KEY, color VARCHAR(64))"

[binds.memory_db]
schema_sql = "CREATE TABLE test3 (id INTEGER NOT NULL PRIMARY KEY, color VARCHAR(64))"
"#,
    binds: &[None, Some("memory_db"), Some("second_db")],
    tables: &[
        model("test1", &[("id", Id), ("color", Text)]),
        model("test2", &[("id", Id), ("color", Text)]),
        model("test3", &[("id", Id), ("color", Text)]),
    ],
    joins: &[],
    groups: &[&[None], &[Some("memory_db")], &[Some("second_db")]],
};

const SHOP: Application = Application {
    name: "shop",
    config: r#"
SQLALCHEMY_DATABASE_URI = 'sqlite:///test1.db'
SQLALCHEMY_BINDS = { test2 = 'sqlite:///test2.db', test1 = 'sqlite:///test1.db' }

[default]
schema_sql = "CREATE TABLE tb_sale (id INTEGER NOT NULL PRIMARY KEY, store INTEGER)"

[binds.test1]
schema_sql = "CREATE TABLE tb_store (id INTEGER NOT NULL, name INTEGER NOT NULL, PRIMARY KEY (id, name))"

[binds.test2]
schema_sql = "CREATE TABLE tb_user (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR)"
"#,
    binds: &[None, Some("test1"), Some("test2")],
    tables: &[
        model("tb_user", &[("id", Id), ("name", Text)]),
        model("tb_store", &[("id", Number), ("name", Number)]),
        model("tb_sale", &[("id", Id), ("store", Number)]),
    ],
    joins: &[],
    groups: &[&[None, Some("test1")], &[Some("test2")]],
};

const NAMED_ONLY: Application = Application {
    name: "named_only",
    config: r#"
[SQLALCHEMY_BINDS]
audit = "sqlite:///audit.db"
queue = { url = "sqlite:///queue.db", pool_size = 2 }

[binds.audit]
schema_sql = "CREATE TABLE entry (id INTEGER NOT NULL PRIMARY KEY, line TEXT)"

[binds.queue]
schema_sql = "CREATE TABLE job (id INTEGER NOT NULL PRIMARY KEY, line TEXT UNIQUE)"
"#,
    binds: &[Some("audit"), Some("queue")],
    tables: &[model("entry", &[("id", Id), ("line", Text)]), model("job", &[("id", Id), ("line", Text)])],
    joins: &[],
    groups: &[&[Some("audit")], &[Some("queue")]],
};

// Operations.

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn value(&mut self, kind: Kind) -> Value {
        let texts = ["ann", "bob", "hello", "it's; --", "日本", "", "7", " 7.0 "];
        match (kind, self.below(8)) {
            (_, 0) => Value::Null,
            (Id | Number, _) => json!(self.below(6)),
            (Real, _) => json!(self.below(8) as f64 / 4.0),
            (Text, _) => json!(*self.one(&texts)),
        }
    }

    fn row(&mut self, table: &Table) -> Value {
        let mut row = Map::new();
        for (column, kind) in table.columns {
            let left_out = matches!(kind, Id) && self.below(4) > 0;
            if !left_out {
                row.insert((*column).to_string(), self.value(*kind));
            }
        }
        Value::Object(row)
    }

    /// One or two columns, or none, which every row has.
    fn some(&mut self, table: &Table, least: usize) -> Value {
        let mut some = Map::new();
        for _ in 0..least + self.below(3 - least) {
            let (column, kind) = self.one(table.columns);
            some.insert((*column).to_string(), self.value(*kind));
        }
        Value::Object(some)
    }

    fn binds(&mut self, application: &Application) -> Value {
        match self.below(3) {
            0 => application.all(),
            1 => json!(self.one(application.groups)),
            _ => json!([*self.one(application.groups), *self.one(application.groups)].concat()),
        }
    }

    /// Tables made for some of the binds and then for all, and thirty operations with commits between.
    fn operations(&mut self, application: &Application) -> Vec<Value> {
        let mut operations = vec![
            json!({ "op": "checkpoint" }),
            json!({ "op": "create_all", "binds": self.binds(application) }),
            json!({ "op": "checkpoint" }),
            json!({ "op": "create_all", "binds": application.all() }),
        ];
        for _ in 0..30 {
            let table = self.one(application.tables);
            let (name, row, some) = (table.name, self.row(table), self.some(table, 0));
            let operation = match (self.below(16), table.is_model) {
                (0..4, true) => json!({ "op": "add", "table": name, "row": row }),
                (0..6, _) => json!({ "op": "insert", "table": name, "row": row }),
                (6, true) => json!({ "op": "change", "table": name, "where": some, "set": self.some(table, 1) }),
                (6..8, _) => json!({ "op": "update", "table": name, "where": some, "set": self.some(table, 1) }),
                (8, true) => json!({ "op": "remove", "table": name, "where": self.some(table, 1) }),
                (8..10, _) => json!({ "op": "delete", "table": name, "where": self.some(table, 1) }),
                (11, _) if !application.joins.is_empty() => {
                    let (left, right, on) = *self.one(application.joins);
                    json!({ "op": "join", "left": left, "right": right, "on": on })
                }
                (10..12, _) => json!({ "op": "select", "table": name, "where": some }),
                (12, _) => json!({ "op": "rollback" }),
                (13, _) if self.below(3) == 0 => {
                    operations.push(json!({ "op": "commit" }));
                    operations.push(json!({ "op": "drop_all", "binds": self.binds(application) }));
                    operations.push(json!({ "op": "checkpoint" }));
                    json!({ "op": "create_all", "binds": self.binds(application) })
                }
                _ => json!({ "op": "commit" }),
            };
            operations.push(operation);
            // Two transactions of Flask-SQLAlchemy on one database would lock it for each other.
            if application.groups.iter().any(|group| group.len() > 1) {
                operations.push(json!({ "op": "commit" }));
            }
        }
        operations.extend([json!({ "op": "commit" }), json!({ "op": "checkpoint" })]);
        operations
    }
}

// Here.

fn columns<'a>(application: &'a Application, name: &str) -> Vec<&'a str> {
    let table = application.tables.iter().find(|table| table.name == name).unwrap();
    table.columns.iter().map(|(column, _)| *column).collect()
}

fn text<'v>(operation: &'v Value, argument: &str) -> &'v str {
    operation[argument].as_str().unwrap()
}

fn sql_value(value: &Value) -> SqlValue {
    match value {
        Value::Null => SqlValue::Null,
        Value::Number(number) => number.as_i64().map_or_else(|| number.as_f64().unwrap().into(), SqlValue::Integer),
        value => value.as_str().unwrap().to_string().into(),
    }
}

fn json_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(text) => json!(std::str::from_utf8(text).unwrap()),
        ValueRef::Blob(_) => panic!("no operation writes a blob"),
    }
}

fn row(values: &Value) -> Row {
    let values = values.as_object().unwrap();
    values.iter().fold(Row::new(), |row, (column, value)| row.set(column.as_str(), sql_value(value)))
}

/// The columns of an object as SQL, each with what goes between, and their values.
fn parts(values: &Value, each: &str, between: &str) -> (String, Vec<SqlValue>) {
    let values = values.as_object().unwrap();
    let parts = values.keys().map(|column| each.replace("{}", column)).collect::<Vec<_>>();
    (parts.join(between), values.values().map(sql_value).collect())
}

/// ` WHERE …`, or nothing for no column.
fn filter(values: &Value) -> (String, Vec<SqlValue>) {
    let (sql, values) = parts(values, "{} IS ?", " AND ");
    (if sql.is_empty() { sql } else { format!(" WHERE {sql}") }, values)
}

fn rows(session: &mut Session, sql: &str, values: Vec<SqlValue>) -> multibind::Result<Value> {
    let read = |row: &multibind::rusqlite::Row<'_>| {
        let columns = 0..row.as_ref().column_count();
        columns.map(|column| row.get_ref(column).map(json_value)).collect::<Result<Vec<_>, _>>()
    };
    Ok(json!(session.query(sql, params_from_iter(values), read)?))
}

/// Does one operation, and gives what the session says.
fn operate(application: &Application, db: &Harness, session: &mut Session, asked: &Value) -> multibind::Result<Value> {
    let selected = || -> Option<Vec<BindKey>> {
        let keys = asked["binds"].as_array()?;
        Some(keys.iter().map(|key| BindKey::from(key.as_str())).collect())
    };
    let name = || text(asked, "table");
    Ok(match text(asked, "op") {
        "create_all" => {
            selected().map_or_else(|| db.create_all(..), |keys| db.create_all(keys)).map(|()| Value::Null)?
        }
        "drop_all" => selected().map_or_else(|| db.drop_all(..), |keys| db.drop_all(keys)).map(|()| Value::Null)?,
        "add" => session.table(name())?.insert(row(&asked["row"])).map(|_| Value::Null)?,
        "insert" => {
            let (columns, values) = parts(&asked["row"], "{}", ", ");
            let places = vec!["?"; values.len()].join(", ");
            let sql = format!("INSERT INTO {} ({columns}) VALUES ({places})", name());
            session.execute(&sql, params_from_iter(values)).map(|_| Value::Null)?
        }
        "change" => json!(session.table(name())?.update(row(&asked["where"]), row(&asked["set"]))?),
        "remove" => json!(session.table(name())?.delete(row(&asked["where"]))?),
        "update" => {
            let (set, mut values) = parts(&asked["set"], "{} = ?", ", ");
            let (filter, more) = filter(&asked["where"]);
            values.extend(more);
            json!(session.execute(&format!("UPDATE {} SET {set}{filter}", name()), params_from_iter(values))?)
        }
        "delete" => {
            let (filter, values) = filter(&asked["where"]);
            json!(session.execute(&format!("DELETE FROM {}{filter}", name()), params_from_iter(values))?)
        }
        "select" => {
            let columns = columns(application, name()).join(", ");
            let (filter, values) = filter(&asked["where"]);
            rows(session, &format!("SELECT {columns} FROM {}{filter} ORDER BY {columns}", name()), values)?
        }
        "join" => {
            let of = |side: &str, alias: &str| {
                let columns = columns(application, text(asked, side)).into_iter();
                columns.map(|column| format!("{alias}.{column}")).collect::<Vec<_>>()
            };
            let columns = [of("left", "l"), of("right", "r")].concat().join(", ");
            let (left, right, on) = (text(asked, "left"), text(asked, "right"), &asked["on"]);
            let (one, other) = (on[0].as_str().unwrap(), on[1].as_str().unwrap());
            let sql =
                format!("SELECT {columns} FROM {left} l JOIN {right} r ON l.{one} = r.{other} ORDER BY {columns}");
            rows(session, &sql, Vec::new())?
        }
        "commit" => session.commit().map(|()| Value::Null)?,
        "rollback" => session.rollback().map(|()| Value::Null)?,
        "checkpoint" => Value::Null,
        other => panic!("no operation {other}"),
    })
}

// Comparing.

/// Everything in a database that a user of it can tell: tables with columns, keys and indexes, and rows.
fn dump(conn: &Connection) -> String {
    let all = |sql: &str, of: &str| {
        let mut statement = conn.prepare(sql).unwrap();
        let lines = statement.query_map([of], |row| row.get::<_, String>(0)).unwrap();
        lines.map(Result::unwrap).collect::<Vec<_>>()
    };
    let mut text = String::new();
    for table in all("SELECT name FROM sqlite_schema WHERE type = ?1 ORDER BY name", "table") {
        writeln!(text, "{table}").unwrap();
        let columns = all("SELECT name FROM pragma_table_xinfo(?1)", &table);
        let described = [
            all(
                "SELECT printf('column %s %s, not null %d, default %s, key %d', name, type, \"notnull\", dflt_value, pk)
                 FROM pragma_table_xinfo(?1)",
                &table,
            ),
            all(
                "SELECT printf('reference %s to %s %s, %s, %s', \"from\", \"table\", \"to\", on_update, on_delete)
                 FROM pragma_foreign_key_list(?1) ORDER BY 1",
                &table,
            ),
            all(
                "SELECT printf('index %s, unique %d, of %s', iif(origin = 'c', list.name, 'unnamed'), \"unique\",
                     (SELECT group_concat(name) FROM pragma_index_info(list.name)))
                 FROM pragma_index_list(?1) AS list ORDER BY 1",
                &table,
            ),
        ];
        let values =
            columns.iter().map(|column| format!("quote(\"{column}\")")).collect::<Vec<_>>().join(" || ', ' || ");
        let rows = all(&format!("SELECT 'row ' || {values} FROM \"{table}\" WHERE ?1 = ?1 ORDER BY rowid"), "");
        for line in described.concat().iter().chain(&rows) {
            writeln!(text, "  {line}").unwrap();
        }
    }
    text
}

/// The Python to run, or none and a message that says so.
fn python() -> Option<String> {
    let named = std::env::var(PYTHON).ok().filter(|python| !python.is_empty());
    let python = named.clone().unwrap_or_else(|| "python3".to_string());
    let probe = "import importlib.metadata as m, importlib.util as u, sys; \
                 sys.exit(not (m.version('flask-sqlalchemy').startswith('3.') and (u.find_spec('tomllib') or u.find_spec('tomli'))))";
    let found = Command::new(&python).args(["-c", probe]).output().is_ok_and(|output| output.status.success());
    if found {
        return Some(python);
    }
    let lacks = format!("`{python}` is not there or lacks what tests/flask/requirements.txt names");
    assert!(named.is_none(), "{PYTHON}: {lacks}");
    // Past the test harness, which shows what a passing test prints only where it is asked to.
    let message = format!("skipped, not compared with Flask-SQLAlchemy: {lacks}\n");
    std::io::stderr().write_all(message.as_bytes()).unwrap();
    None
}

/// What Flask-SQLAlchemy makes of the scenarios.
fn flask(python: &str, scenarios: &[Value], work: &Path) -> Vec<Value> {
    std::fs::write(work.join("scenarios.json"), json!(scenarios).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flask/run.py");
    let output = Command::new(python).arg("-B").arg(script).arg(work).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(work.join("outcomes.json")).unwrap()).unwrap()
}

/// Goes through a scenario here, and compares each outcome and each checkpoint; gives how many operations succeeded.
fn compare(application: &Application, operations: &[Value], theirs: &Value, copies: &Path) -> usize {
    let db = Harness::from_config(Config::from_toml(application.config, "tests").unwrap()).unwrap();
    // An application of Flask-SQLAlchemy starts without tables.
    db.drop_all(..).unwrap();
    let mut keys = db.binds();
    keys.sort_by_key(|key| key.as_str().map(str::to_string));
    assert_eq!(json!(keys.iter().map(|key| key.as_str()).collect::<Vec<_>>()), theirs["binds"]);

    let mut session = db.session();
    let mut checkpoints = 0;
    let mut succeeded = 0;
    for (at, (asked, theirs)) in operations.iter().zip(theirs["outcomes"].as_array().unwrap()).enumerate() {
        let before = || operations[..=at].iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        match (operate(application, &db, &mut session, asked), theirs.get("gives")) {
            (Ok(ours), Some(theirs)) => {
                assert_eq!(&ours, theirs, "after\n{}", before());
                succeeded += 1;
            }
            // What each says of it is its own.
            (Err(_), None) => session.rollback().unwrap(),
            (ours, _) => panic!("here: {ours:?}, there: {theirs}, after\n{}", before()),
        }
        if asked["op"] == "checkpoint" {
            for (place, key) in application.binds.iter().enumerate() {
                let copy = copies.join(checkpoints.to_string()).join(format!("{place}.db"));
                let copy = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
                let ours = dump(&db.connection(*key).unwrap());
                assert_eq!(ours, dump(&copy), "bind {}, after\n{}", BindKey::from(*key), before());
            }
            checkpoints += 1;
        }
    }
    succeeded
}

#[rstest]
#[case::a_blog_with_three_files(BLOG)]
#[case::a_bind_in_memory(COLOURS)]
#[case::a_bind_with_the_url_of_the_default(SHOP)]
#[case::named_binds_only(NAMED_ONLY)]
fn flask_sqlalchemy_agrees_on_tables_and_rows(#[case] application: Application) {
    const SCENARIOS: u64 = 12;
    let Some(python) = python() else { return };
    let operations = (1..=SCENARIOS)
        .map(|seed| Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).operations(&application))
        .collect::<Vec<_>>();
    let scenarios = operations.iter().map(|operations| {
        let Application { name, config, binds, .. } = application;
        json!({ "application": name, "config": config, "binds": binds, "operations": operations })
    });
    let work = tempfile::tempdir().unwrap();
    let theirs = flask(&python, &scenarios.collect::<Vec<_>>(), work.path());

    let mut succeeded = 0;
    for (place, (operations, theirs)) in operations.iter().zip(&theirs).enumerate() {
        succeeded += compare(&application, operations, theirs, &work.path().join(place.to_string()));
    }
    // Most of them do something.
    let asked = operations.iter().map(Vec::len).sum::<usize>();
    assert!(theirs.len() == operations.len() && 2 * succeeded > asked, "{succeeded} of {asked}");
}
