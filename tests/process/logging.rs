//! What multibind says beside its errors, to a logger and to a `tracing` subscriber.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::{Arc, Mutex, Once};

use insta::assert_snapshot;
use log::LevelFilter;
use multibind::{row, Bind, Config, Harness};
use tracing::{span, Event, Level, Metadata, Subscriber};
use tracing_log::LogTracer;

thread_local! {
    static LOGGED: RefCell<String> = const { RefCell::new(String::new()) };
    static BRIDGED: Cell<bool> = const { Cell::new(false) };
}

/// The logger of this process. A test's thread has what it logs to itself, or handed on to its subscriber.
struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if BRIDGED.get() {
            return LogTracer::new().log(record);
        }
        let line = format!("{} {}: {}\n", record.level(), record.target(), record.args());
        LOGGED.with_borrow_mut(|logged| *logged += &line);
    }

    fn flush(&self) {}
}

/// Does it with a logger, and gives what that was told.
fn logged(work: impl FnOnce()) -> String {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(LevelFilter::Info);
    });
    LOGGED.take();
    work();
    LOGGED.take()
}

/// What a subscriber has printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does it with a subscriber that takes what is of this level, and gives what that has printed.
fn traced(level: Level, work: impl FnOnce()) -> String {
    let printed = Printed::default();
    let subscriber = tracing_subscriber::fmt().without_time().with_ansi(false).with_max_level(level).with_writer({
        let printed = printed.clone();
        move || printed.clone()
    });
    tracing::subscriber::with_default(subscriber.finish(), work);
    let bytes = printed.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

/// A bind with `echo`, an option that SQLite has no use for, and a name that has no effect.
const CONFIG: &str = r#"
    SQLALCHEMY_TRACK_MODIFICATIONS = false

    [binds.auth]
    schema_sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT)"
    charset = "utf8"
    echo = true
"#;

fn start() -> Harness {
    Harness::from_config(Config::from_toml(CONFIG, ".").unwrap()).unwrap()
}

/// A pool's connection signs a user up, and a session that is dropped another.
fn two_sign_ups() {
    let db = start();
    db.connection("auth").unwrap().execute("INSERT INTO user (username) VALUES (?1)", ["ann"]).unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('bob')", []).unwrap();
    drop(session);
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.assert_not_landed("auth", "user", row! { username: "bob" });
}

#[test]
fn a_logger_is_told_where_there_is_no_subscriber() {
    let said = logged(two_sign_ups);

    assert_snapshot!(said, @r"
    WARN multibind: bind `auth`: the engine option `charset` is not applied: SQLite has no use for it
    INFO multibind::echo: [auth] INSERT INTO user (username) VALUES (?1)
    INFO multibind::echo: [auth] BEGIN
    INFO multibind::echo: [auth] INSERT INTO user (username) VALUES ('bob')
    INFO multibind::echo: [auth] ROLLBACK
    ");
}

#[test]
fn a_subscriber_is_told_the_bind_and_the_statement_as_fields() {
    let said = traced(Level::DEBUG, two_sign_ups);

    assert_snapshot!(said, @r#"
    DEBUG multibind: `SQLALCHEMY_TRACK_MODIFICATIONS` has no effect here
     WARN multibind: bind `auth`: the engine option `charset` is not applied: SQLite has no use for it bind="auth"
     INFO multibind::echo: bind="auth" sql="INSERT INTO user (username) VALUES (?1)"
     INFO multibind::echo: bind="auth" sql="BEGIN"
     INFO multibind::echo: bind="auth" sql="INSERT INTO user (username) VALUES ('bob')"
     INFO multibind::echo: bind="auth" sql="ROLLBACK"
    "#);
}

#[test]
fn events_are_within_the_spans_of_the_code_under_test() {
    let said = traced(Level::INFO, || {
        let db = start();
        tracing::info_span!("sign_up", username = "ann").in_scope(|| {
            db.connection("auth").unwrap().execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
        });
    });

    assert_snapshot!(said, @r#"
    WARN multibind: bind `auth`: the engine option `charset` is not applied: SQLite has no use for it bind="auth"
    INFO sign_up{username="ann"}: multibind::echo: bind="auth" sql="INSERT INTO user (username) VALUES ('ann')"
    "#);
}

#[test]
fn with_a_logger_beside_a_subscriber_nothing_is_said_twice() {
    let mut traced_alone = String::new();
    let logged_too = logged(|| traced_alone = traced(Level::INFO, two_sign_ups));
    assert_eq!(logged_too, "");

    // The logger is the bridge that hands everything on to the subscriber.
    let mut bridged = String::new();
    let logged_too = logged(|| {
        BRIDGED.set(true);
        bridged = traced(Level::INFO, || {
            two_sign_ups();
            log::warn!(target: "my_app", "what others log");
        });
        BRIDGED.set(false);
    });
    assert_eq!(logged_too, "");
    assert_eq!(bridged, format!("{traced_alone} WARN my_app: what others log\n"));
}

#[test]
fn events_that_a_subscriber_filters_out_do_not_reach_the_logger() {
    let mut said = String::new();
    let logged = logged(|| said = traced(Level::WARN, two_sign_ups));

    assert_eq!(logged, "");
    assert_snapshot!(said.trim(), @r#"WARN multibind: bind `auth`: the engine option `charset` is not applied: SQLite has no use for it bind="auth""#);
}

#[test]
fn a_refusal_names_its_bind() {
    let place = format!("{}:{}:24", file!(), line!() + 3);
    let said = traced(Level::WARN, || {
        let db = start();
        let guard = db.deny_writes("auth");
        db.connection("auth").unwrap().execute("DELETE FROM user", []).unwrap_err();
        assert_eq!(guard.refused().len(), 1);
    });

    assert_snapshot!(said.replace(&place, "[test]"), @r#"
    WARN multibind: bind `auth`: the engine option `charset` is not applied: SQLite has no use for it bind="auth"
    WARN multibind: refused on bind `auth` by `deny_writes("auth")` at [test]: DELETE FROM user bind="auth"
    "#);
}

/// A subscriber that goes down with what it is told.
struct Broken;

impl Subscriber for Broken {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "multibind::echo"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        panic!("a subscriber's own bug");
    }

    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_subscriber_that_panics_takes_no_statement_with_it() {
    let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE t (x)").echo(true)).start().unwrap();

    tracing::subscriber::with_default(Broken, || {
        db.connection("auth").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
    });

    db.assert_landed("auth", "t", row! { x: 1 });
}

#[test]
fn a_varying_seed_is_logged_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.csv");
    std::fs::write(&file, "id\n1\n2\n").unwrap();
    let start = |bind: Bind| {
        let logged = logged(|| drop(Harness::builder().bind("auth", bind).start().unwrap()));
        logged.replace(&folder.path().display().to_string(), "[folder]")
    };
    let in_schema =
        || Bind::memory().schema("CREATE TABLE token (x);\n\nINSERT INTO token VALUES (randomblob(4)), (random())");
    let in_data = || Bind::memory().schema("CREATE TABLE token (id, at DEFAULT CURRENT_TIMESTAMP)").data(&file);
    let in_migrator =
        || Bind::memory().schema_with(|conn| conn.execute_batch("CREATE TABLE made AS SELECT date('now') AS at"));
    assert_snapshot!(start(in_schema()), @"INFO multibind: bind `auth`: each start copies the tables and rows that come first and makes the rest anew, for line 3 of its schema asks for a random number");
    assert_snapshot!(start(in_data()), @"INFO multibind: bind `auth`: each start copies the tables and rows that come first and makes the rest anew, for [folder]/token.csv:2 asks for the time");
    assert_snapshot!(start(in_migrator()), @"INFO multibind: bind `auth`: each start makes its tables and data anew, for its migrator asks for the time");
    for again in [in_schema(), in_data(), in_migrator()] {
        assert_eq!(start(again), "");
    }
}
