//! What is done with input that nobody meant: each function takes any bytes, and fails a test where a promise is broken.
//!
//! A fuzzer calls them with bytes of its own, `tests/repository/fuzz_corpus.rs` with each file of the fuzzer's corpus, and
//! `tests/config/bad_input.rs` with generated texts. None may panic, hang, leave a file, or touch one that was there.

mod guarded;
#[path = "../serialized.rs"]
mod serialized;

use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::time::Duration;

use guarded::{guarded, Production};
use multibind::rusqlite::types::Value;
use multibind::{row, Bind, BindKey, Config, Error, Harness, Keep, Result, Row, Session};

/// In an input, the absolute path of the folder with the files that must not be touched.
pub(crate) const FOLDER: &str = "PRODUCTION";

/// What may be said of an input that is wrong, as people get to read it.
fn told(error: &Error) -> String {
    let told = error.to_string();
    assert!(!told.trim().is_empty());
    // What `unwrap` shows: the message, then the call, where one returned it, and the variant.
    let shown = format!("{error:?}");
    let rest = shown.strip_prefix(&told).and_then(|rest| rest.strip_prefix("\n  ")).unwrap();
    let variant = if error.place().is_some() { rest.rsplit_once("\n  ").unwrap().1 } else { rest };
    assert!(variant.starts_with(|letter: char| letter.is_ascii_uppercase()), "{shown}");
    shown
}

fn text<'b>(bytes: &'b [u8], production: &Production) -> Cow<'b, str> {
    match String::from_utf8_lossy(bytes) {
        text if text.contains(FOLDER) => text.replace(FOLDER, &production.path().display().to_string()).into(),
        text => text,
    }
}

/// A bind's URL.
pub(crate) fn url(bytes: &[u8]) {
    guarded(|production| {
        let url = text(bytes, production);
        for storage in [multibind::binds::Storage::Memory, multibind::binds::Storage::TempFile] {
            let bind = Bind::url(url.as_ref()).storage(storage).schema("CREATE TABLE t (x)");
            // A second bind of the same URL shares its database, or has memory of its own.
            let started = Harness::builder().bind("auth", bind.clone()).bind("same", bind.clone()).start();
            assert!(!format!("{bind:?}").is_empty());
            match started {
                Ok(db) => {
                    db.keep(Keep::Never);
                    db.connection("auth").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
                    assert_eq!(db.path("auth").unwrap().is_some(), storage == multibind::binds::Storage::TempFile);
                    let path = db.connection("auth").unwrap().path().map(std::path::PathBuf::from).unwrap();
                    assert_eq!(path.exists(), storage == multibind::binds::Storage::TempFile);
                    let landed = db.locate("t", row! { x: 1 }).unwrap();
                    assert!(!landed.is_empty());
                    db.close().unwrap();
                }
                Err(error) => {
                    told(&error);
                    assert!(matches!(error, Error::Url { .. }), "{error}");
                }
            }
        }
    });
}

/// A configuration file.
pub(crate) fn toml(bytes: &[u8]) {
    guarded(|production| {
        let file = production.scratch("binds.toml");
        let text = text(bytes, production);
        fs::write(&file, if std::str::from_utf8(bytes).is_ok() { text.as_bytes() } else { bytes }).unwrap();
        let config = match Config::from_file(&file) {
            Ok(config) => config,
            Err(error) => {
                let told = told(&error);
                match error {
                    // Not text at all.
                    Error::Io { .. } => assert!(std::str::from_utf8(bytes).is_err(), "{told}"),
                    Error::Config { file: Some(_), line: Some(line), .. } => {
                        assert!((1..=text.lines().count().max(1) + 1).contains(&line), "{told}");
                        assert!(told.starts_with(&format!("{}:{line}: ", file.display())), "{told}");
                    }
                    _ => panic!("{told}"),
                }
                return;
            }
        };
        assert!(!format!("{config:?}").is_empty());
        match Harness::from_config(config) {
            Ok(db) => {
                db.keep(Keep::Never);
                for key in db.binds() {
                    db.metadata(&key).unwrap();
                }
                db.close().unwrap();
            }
            Err(error) => {
                let told = told(&error);
                if let Error::Url { file: named, line, .. } = error {
                    assert!(named.as_deref() == Some(file.as_path()) && line.is_some(), "{told}");
                }
            }
        }
    });
}

/// A CSV file of data.
pub(crate) fn csv(bytes: &[u8]) {
    data(bytes, "t.csv");
}

/// A JSON file of data.
pub(crate) fn json(bytes: &[u8]) {
    data(bytes, "t.json");
}

/// A file of SQL as data.
pub(crate) fn sql_data(bytes: &[u8]) {
    data(bytes, "auth.sql");
}

fn data(bytes: &[u8], name: &str) {
    guarded(|production| {
        let file = production.scratch(name);
        let text = text(bytes, production);
        let is_text = std::str::from_utf8(bytes).is_ok();
        fs::write(&file, if is_text { text.as_bytes() } else { bytes }).unwrap();
        let tables =
            "CREATE TABLE t (a, b INTEGER, c TEXT DEFAULT 'c', d REAL); CREATE TABLE s (x INTEGER PRIMARY KEY) STRICT";
        let bind = Bind::memory().schema(tables).data(&file).schema_timeout(Duration::from_millis(100));
        match Harness::builder().bind("auth", bind).start() {
            Ok(db) => {
                db.keep(Keep::Never);
                let rows: i64 = db
                    .connection("auth")
                    .unwrap()
                    .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                    .unwrap_or(0);
                db.reset().unwrap();
                let again: i64 = db
                    .connection("auth")
                    .unwrap()
                    .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
                    .unwrap_or(0);
                assert_eq!(rows, again);
                db.close().unwrap();
            }
            Err(error) => {
                let told = told(&error);
                match error {
                    Error::Data { file: named, line, .. } => {
                        assert_eq!(named, file);
                        let lines = text.matches('\n').count() + 1;
                        assert!(line.is_none_or(|line| (1..=lines).contains(&line)), "{told}");
                        assert!(line.is_some() || bytes.is_empty() || name.ends_with("sql") || is_text, "{told}");
                    }
                    // SQL that drops what the bind is started from.
                    _ => assert!(name.ends_with("sql"), "{told}"),
                }
            }
        }
    });
}

/// SQL that makes a bind's tables.
pub(crate) fn sql_schema(bytes: &[u8]) {
    guarded(|production| {
        let sql = text(bytes, production);
        let bind = Bind::memory().schema(sql.as_ref()).schema_timeout(Duration::from_millis(100));
        match Harness::builder().default_bind(bind).bind("auth", Bind::memory()).start() {
            Ok(db) => {
                db.keep(Keep::Never);
                let _ = told_of(db.metadata(None));
                let _ = told_of(db.session().route("SELECT * FROM t"));
                let _ = told_of(db.locate("t", row! { x: 1 }));
                db.reset().unwrap();
                db.close().unwrap();
            }
            Err(error) => {
                told(&error);
            }
        }
    });
}

fn told_of<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(|error| drop(told(error))).ok()
}

/// Statements given to a session, in all the ways there are.
pub(crate) fn sql_session(bytes: &[u8]) {
    guarded::stop_what_does_not_end();
    guarded(|production| {
        let sql = text(bytes, production);
        let db = Harness::builder()
            .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT, author TEXT); CREATE TABLE log (x)"))
            .bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE log (x); INSERT INTO user VALUES (1, 'ann')"))
            .bind("meta", Bind::memdb().schema("CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID"))
            .start()
            .unwrap();
        db.keep(Keep::Never);
        let ways: [fn(&mut Session, &str) -> Result<()>; 6] = [
            |session, sql| session.route(sql).map(drop),
            |session, sql| session.execute(sql, []).map(drop),
            |session, sql| session.query(sql, [], |_| Ok(())).map(drop),
            |session, sql| session.execute_batch(sql),
            |session, sql| session.on("auth")?.execute_batch(sql),
            |session, sql| session.table(sql)?.count(row! {}).map(drop),
        ];
        let mut session = db.session();
        for way in ways {
            told_of(way(&mut session, &sql));
            session.rollback().unwrap();
        }
        drop(session);
        // Whatever it was, the next test starts from the beginning.
        db.reset().unwrap();
        db.session().table("post").unwrap().insert(row! { title: "hello" }).unwrap();
        assert_eq!(db.session().table("auth.user").unwrap().count(row! { name: "ann" }).unwrap(), 1);
        db.close().unwrap();
    });
}

/// Two keys of binds, the first line and the rest.
pub(crate) fn key(bytes: &[u8]) {
    guarded(|production| {
        let text = text(bytes, production);
        let (one, other) = text.split_once('\n').unwrap_or((&text, "other"));
        let bind = || Bind::temp_file().schema("CREATE TABLE t (x)");
        let started = Harness::builder().default_bind(bind()).bind(one, bind()).bind(other, bind()).start();
        let db = match started {
            Ok(db) => db,
            Err(error) => {
                told(&error);
                assert!(matches!(error, Error::BindKey { .. } | Error::DuplicateBind { .. }), "{error}");
                return;
            }
        };
        db.keep(Keep::Never);
        let saved = production.scratch("saved");
        for (at, key) in [(0, one), (1, other)] {
            assert_eq!(db.connection(key).unwrap().execute("INSERT INTO t VALUES (?1)", [at]).unwrap(), 1);
            assert_eq!(db.locate("t", row! { x: at }).unwrap()[0].bind(), &BindKey::from(key));
            let mut session = db.session();
            assert_eq!(
                session.on(key).unwrap().query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)).unwrap(),
                at
            );
            let quoted = format!("\"{}\"", key.replace('"', "\"\""));
            assert_eq!(
                session.query_row(&format!("SELECT x FROM {quoted}.t"), [], |row| row.get::<_, i64>(0)).unwrap(),
                at
            );
            assert_eq!(session.table(&format!("{key}.t")).unwrap().count(row! {}).unwrap(), 1);
        }
        db.save_to(&saved).unwrap();
        let names = fs::read_dir(&saved).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!(
            names.iter().filter(|name| Path::new(name).extension().is_some_and(|found| found == "db")).count(),
            3,
            "{names:?}"
        );
        assert!(!db.describe().to_string().is_empty());
        db.diagram().unwrap();
        db.close().unwrap();
    });
}

/// A row: a column's name up to a NUL, then a byte that says which kind its value is, and the value up to a NUL.
pub(crate) fn row(bytes: &[u8]) {
    guarded(|production| {
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.split('\0');
        let (mut row, mut values) = (Row::new(), Vec::new());
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            let value = value_of(value);
            row = row.set(name, value.clone());
            values.push(value);
        }
        assert_eq!(row.to_string().is_empty(), row.is_empty());
        let file = production.scratch("rows.db");
        drop(file);
        let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x, y, z)")).start().unwrap();
        db.keep(Keep::Never);
        let mut session = db.session();
        let mut table = session.table("t").unwrap();
        // As it is: most have columns that the table has not.
        let given = table.insert(row.clone());
        told_of(table.find(row.clone()));
        told_of(table.update(row.clone(), row.clone()));
        told_of(table.delete(row.clone()));
        told_of(db.locate("t", row.clone()));
        if let Err(error) = &given {
            told(error);
        }
        session.rollback().unwrap();
        // Its values in columns that take each as it is: what is written is found again.
        let mut kept = Row::new();
        for (name, value) in ["x", "y", "z"].into_iter().zip(values) {
            kept = kept.set(name, value);
        }
        session.table("t").unwrap().insert(kept.clone()).unwrap();
        assert_eq!(session.table("t").unwrap().count(kept.clone()).unwrap(), 1);
        session.commit().unwrap();
        db.assert_landed(None, "t", kept.clone());
        for (name, value) in kept.columns() {
            assert_eq!(db.locate("t", kept.clone()).unwrap()[0].row().value(name), Some(value));
        }
        drop(session);
        db.close().unwrap();
    });
}

fn value_of(text: &str) -> Value {
    let rest = text.get(1..).unwrap_or_default();
    match text.as_bytes().first() {
        Some(b'i') => rest.parse().map_or(Value::Integer(i64::MIN), Value::Integer),
        Some(b'r') => rest.parse().map_or(Value::Real(f64::NAN), Value::Real),
        Some(b'b') => Value::Blob(rest.as_bytes().to_vec()),
        Some(b'n') | None => Value::Null,
        _ => Value::Text(text.to_string()),
    }
}

/// A target by its name, which is that of its folder in the corpus.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
#[allow(dead_code, reason = "generated texts and fuzzers call them one by one")]
pub(crate) const ALL: [Target; 9] = [
    ("url", url),
    ("toml", toml),
    ("csv", csv),
    ("json", json),
    ("sql_data", sql_data),
    ("sql_schema", sql_schema),
    ("sql_session", sql_session),
    ("key", key),
    ("row", row),
];
