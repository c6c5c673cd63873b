//! Code of the user's that panics where this crate or SQLite has called it: the test that follows finds everything as
//! it should be.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once};
use std::thread;

use multibind::rusqlite::functions::FunctionFlags;
use multibind::rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use multibind::rusqlite::{self, Connection, Row, ToSql};
use multibind::{row, Bind, Harness, Keep, Result, Session};
use rstest::{fixture, rstest};

use crate::alone::alone;

#[fixture]
fn db() -> Harness {
    let db = Harness::builder()
        .default_bind(
            Bind::memory()
                .schema("CREATE TABLE post (title TEXT, author TEXT); INSERT INTO post VALUES ('hello', 'ann')"),
        )
        .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann'), ('bob')"))
        .bind("meta", Bind::memdb().schema("CREATE TABLE setting (name TEXT)"))
        .bind("blog", Bind::temp_file().schema("CREATE TABLE entry (title TEXT)"))
        .start()
        .unwrap();
    db.keep(Keep::Never);
    db
}

/// The text that `work` panicked with.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(work()))).unwrap_err();
    panic.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_else(|| *panic.downcast::<String>().unwrap())
}

/// Every bind can be written to and read, by sessions, pools and assertions.
fn assert_usable(db: &Harness) {
    let mut session = db.session();
    for (sql, key, table, of) in [
        ("INSERT INTO post (title) VALUES ('after')", None, "post", row! { title: "after" }),
        ("INSERT INTO user VALUES ('after')", Some("auth"), "user", row! { name: "after" }),
        ("INSERT INTO setting VALUES ('after')", Some("meta"), "setting", row! { name: "after" }),
        ("INSERT INTO entry VALUES ('after')", Some("blog"), "entry", row! { title: "after" }),
    ] {
        session.execute(sql, []).unwrap();
        session.commit().unwrap();
        db.assert_landed(key, table, of);
        db.connection(key).unwrap().execute(&format!("DELETE FROM {table}"), []).unwrap();
    }
    let before = db.snapshot().unwrap();
    db.reset().unwrap();
    db.restore(&before).unwrap();
    db.reset().unwrap();
    let joined = "SELECT count(*) FROM post JOIN user ON author = user.name JOIN pragma_table_info('user')";
    assert_eq!(db.session().query_row(joined, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

/// A parameter that panics when it is bound, and a value that panics when it is read.
struct Panics;

impl ToSql for Panics {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        panic!("the parameter fails")
    }
}

impl FromSql for Panics {
    fn column_result(_: ValueRef<'_>) -> FromSqlResult<Panics> {
        panic!("the value fails")
    }
}

fn mapper(_: &Row<'_>) -> rusqlite::Result<()> {
    panic!("the mapper fails")
}

const JOIN: &str = "SELECT title FROM post JOIN user ON author = name";
const LOOKUP: &str = "SELECT p.name FROM post JOIN user ON author = user.name JOIN pragma_table_info('user') AS p";

#[rstest]
#[case::query(|session: &mut Session| session.query("SELECT * FROM user", [], mapper).map(drop), "the mapper fails")]
#[case::query_row(|session: &mut Session| session.query_row("SELECT * FROM user", [], mapper), "the mapper fails")]
#[case::join(|session: &mut Session| session.query(JOIN, [], mapper).map(drop), "the mapper fails")]
#[case::join_that_looks_names_up(|session: &mut Session| session.query(LOOKUP, [], mapper).map(drop), "the mapper fails")]
#[case::on_a_bind(|session: &mut Session| session.on("auth")?.query("SELECT * FROM user", [], mapper).map(drop), "the mapper fails")]
#[case::returning(|session: &mut Session| session.query("INSERT INTO user VALUES ('x') RETURNING name", [], mapper).map(drop), "the mapper fails")]
#[case::value(|session: &mut Session| session.query_row("SELECT * FROM user", [], |row| row.get::<_, Panics>(0)).map(drop), "the value fails")]
#[case::parameter(|session: &mut Session| session.execute("INSERT INTO user VALUES (?1)", [Panics]).map(drop), "the parameter fails")]
#[case::parameter_of_a_query(|session: &mut Session| session.query("SELECT * FROM user WHERE name = ?1", [Panics], |_| Ok(())).map(drop), "the parameter fails")]
#[case::parameter_of_a_row(|session: &mut Session| session.table("user")?.insert(row! { name: Panics }).map(drop), "the parameter fails")]
#[case::savepoint(|session: &mut Session| session.savepoint()?.query("SELECT * FROM user", [], mapper).map(drop), "the mapper fails")]
#[case::found_value(|session: &mut Session| session.table("user")?.find(row! {})?.unwrap().get::<Panics>("name").map(drop), "the value fails")]
fn a_session_goes_on_after_a_panic_in_what_it_called(
    db: Harness,
    #[case] work: fn(&mut Session) -> Result<()>,
    #[case] problem: &str,
) -> Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES ('before')", [])?;
    assert_eq!(panic_of(|| work(&mut session)), problem);

    // The unit of work is the one that it was, with what the statement itself did.
    session.execute("INSERT INTO post VALUES ('after', 'before')", [])?;
    let authors: Vec<String> = session.query(&format!("{JOIN} ORDER BY title"), [], |row| row.get(0))?;
    assert_eq!(authors, ["after", "hello"]);
    session.commit()?;
    db.assert_landed("auth", "user", row! { name: "before" });
    drop(session);
    assert_usable(&db);
    Ok(())
}

#[rstest]
fn a_row_is_the_last_inserted_also_where_its_mapper_panicked(db: Harness) -> Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO post VALUES ('before', 'ann')", [])?;
    panic_of(|| session.query("INSERT INTO user (rowid, name) VALUES (77, 'x') RETURNING name", [], mapper));
    assert_eq!(session.query_row("SELECT last_insert_rowid()", [], |row| row.get::<_, i64>(0))?, 77);
    Ok(())
}

#[test]
fn a_join_that_panicked_leaves_its_connection_as_it_was() -> Result<()> {
    let db = Harness::builder()
        .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')"))
        .bind("blog", Bind::memory().schema("CREATE TABLE post (author TEXT); INSERT INTO post VALUES ('ann')"))
        .start()?;
    let mut session = db.session();
    assert_eq!(panic_of(|| session.query(LOOKUP, [], mapper)), "the mapper fails");
    assert_eq!(session.query("SELECT 1 FROM post JOIN user ON author = name", [], |_| Ok(()))?.len(), 1);
    Ok(())
}

#[rstest]
fn a_savepoint_that_a_panic_drops_is_rolled_back(db: Harness) -> Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user VALUES ('before')", [])?;
    let problem = panic_of(|| -> Result<()> {
        let mut savepoint = session.savepoint()?;
        savepoint.execute("INSERT INTO user VALUES ('within')", [])?;
        savepoint.execute("INSERT INTO entry VALUES ('within')", [])?;
        panic!("within the savepoint")
    });
    assert_eq!(problem, "within the savepoint");
    session.commit()?;
    db.assert_landed("auth", "user", row! { name: "before" });
    db.assert_not_landed("auth", "user", row! { name: "within" });
    db.assert_not_landed("blog", "entry", row! { title: "within" });
    assert_usable(&db);
    Ok(())
}

#[rstest]
fn a_failed_thread_leaves_the_harness_usable(db: Harness) {
    thread::scope(|threads| {
        for _ in 0..4 {
            let failed = threads.spawn(|| {
                let mut session = db.session();
                session.execute("INSERT INTO entry VALUES ('not committed')", []).unwrap();
                db.assert_landed("auth", "user", row! { name: "nobody" });
            });
            assert!(failed.join().is_err());
        }
    });
    assert_usable(&db);
}

#[rstest]
fn a_connection_survives_a_panic(db: Harness) {
    for key in [None, Some("auth"), Some("meta"), Some("blog")] {
        let problem = panic_of(|| {
            let mut conn = db.connection(key).unwrap();
            let transaction = conn.transaction().unwrap();
            transaction.execute("CREATE TABLE half (x)", []).unwrap();
            panic!("in a transaction")
        });
        assert_eq!(problem, "in a transaction");
    }
    assert_usable(&db);
}

/// A migrator that captures nothing, whose tables are made once in a process.
fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    static CALLS: Mutex<usize> = Mutex::new(0);
    let mut calls = CALLS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *calls += 1;
    conn.execute_batch("BEGIN; CREATE TABLE t (x)")?;
    assert!(*calls > 3, "the migrator fails");
    conn.execute_batch("COMMIT")
}

#[test]
fn a_panicking_migrator_is_an_error_and_is_called_again() {
    let start = || Harness::builder().bind("auth", Bind::memory().schema_with(migrate)).without_images().start();
    let failed = thread::scope(|threads| {
        let starts = [(); 3].map(|()| threads.spawn(start));
        starts.map(|start| start.join().unwrap().err().map(|error| error.to_string()))
    });
    for error in failed {
        assert_eq!(error.unwrap(), "bind `auth`: the schema failed: the migrator panicked: the migrator fails");
    }
    assert!(start().unwrap().metadata("auth").unwrap().table("t").is_some());
}

#[test]
fn a_capturing_migrator_may_panic_repeatedly() {
    let why = Arc::new("the migrator fails".to_string());
    let bind = Bind::temp_file().schema_with(move |_| -> rusqlite::Result<()> { panic!("{why}") });
    let good = Bind::temp_file().schema("CREATE TABLE t (x)");
    for _ in 0..3 {
        let error = Harness::builder().default_bind(good.clone()).bind("auth", bind.clone()).start().unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"bind `auth`: the schema failed: the migrator panicked: the migrator fails");
        }
    }
    drop(Harness::builder().default_bind(good).start().unwrap());
}

#[test]
fn a_panic_with_no_text_is_told_as_one() {
    let bind = Bind::memory().schema_with(|_| -> rusqlite::Result<()> { std::panic::panic_any(7) });
    let error = Harness::builder().default_bind(bind).start().unwrap_err();
    insta::assert_snapshot!(error, @"bind `default`: the schema failed: the migrator panicked: with a value that is not text");
}

// What SQLite calls.

/// A logger that panics over one statement.
struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let text = record.args().to_string();
        assert!(!text.contains("over this"), "the logger fails");
        if record.target() == "multibind::echo" {
            LOGGED.lock().unwrap().push(text);
        }
    }

    fn flush(&self) {}
}

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn start_logging() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
}

#[test]
fn a_binds_name_in_the_log_outlives_its_harness() {
    if !alone() {
        return;
    }
    start_logging();
    let keys = (0..5).map(|at| format!("bind {at} of a harness that is gone")).collect::<Vec<_>>();
    let conns = keys.iter().map(|key| {
        let db = Harness::builder().bind(key.as_str(), Bind::memdb().echo(true)).start().unwrap();
        db.connection(key).unwrap()
    });
    // SQLite calls back with the name for each statement, as long as there are connections.
    for conn in conns.collect::<Vec<_>>() {
        assert_eq!(conn.query_row("SELECT 5, 'gone'", [], |row| row.get::<_, i64>(0)).unwrap(), 5);
    }
    let logged = LOGGED.lock().unwrap();
    for key in keys {
        assert!(logged.contains(&format!("[{key}] SELECT 5, 'gone'")), "{logged:?}");
    }
}

#[test]
fn a_logger_that_panics_stops_no_statement() {
    if !alone() {
        return;
    }
    start_logging();
    let bind = Bind::memory().schema("CREATE TABLE t (x)").echo(true);
    let db = Harness::builder().bind("noted", bind).start().unwrap();
    let conn = db.connection("noted").unwrap();
    conn.execute("INSERT INTO t VALUES ('over this')", []).unwrap();
    db.session().execute("INSERT INTO t VALUES ('over this too')", []).unwrap();
    conn.execute("INSERT INTO t VALUES ('well')", []).unwrap();
    db.assert_landed("noted", "t", row! { x: "over this" }).assert_landed("noted", "t", row! { x: "well" });
    let logged = LOGGED.lock().unwrap();
    assert!(logged.iter().any(|text| text == "[noted] INSERT INTO t VALUES ('well')"), "{logged:?}");
}

#[rstest]
fn a_panicking_function_fails_its_statement(db: Harness) {
    for key in [None, Some("auth"), Some("meta"), Some("blog")] {
        let conn = db.connection(key).unwrap();
        conn.create_scalar_function("fails", 0, FunctionFlags::SQLITE_UTF8, |_| -> rusqlite::Result<i64> {
            panic!("the function fails")
        })
        .unwrap();
        assert!(conn.query_row("SELECT fails()", [], |_| Ok(())).is_err());
        assert_eq!(conn.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    }
    assert_usable(&db);
}

#[rstest]
fn panicking_hooks_fail_their_statements(db: Harness) {
    use multibind::rusqlite::hooks::{AuthContext, Authorization};
    let mut opened = Connection::open(db.uri("blog").unwrap()).unwrap();
    let conn = &mut opened;
    // Setting one gives nothing up to rusqlite 0.37, a result from 0.38 on, and needs the connection alone from 0.41 on.
    let _ = conn.authorizer(Some(|_: AuthContext<'_>| -> Authorization { panic!("the authorizer fails") }));
    assert!(conn.execute("INSERT INTO entry VALUES ('x')", []).is_err());
    let _ = conn.authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
    let _ = conn.commit_hook(Some(|| -> bool { panic!("the hook fails") }));
    assert!(matches!(conn.execute("INSERT INTO entry VALUES ('x')", []), Err(_) | Ok(1)));
    drop(opened);
    assert_usable(&db);
}
