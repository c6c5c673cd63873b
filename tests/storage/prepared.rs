//! A state that a test's own code makes once, and every harness of it starts with.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::thread;

use multibind::binds::{Lag, Prepared, Storage};
use multibind::rusqlite::{Connection, OpenFlags};
use multibind::{context, row, Bind, BindKey, Config, Harness};
use rstest::rstest;

pub(crate) type Done = Result<(), Box<dyn StdError + Send + Sync>>;

pub(crate) const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)";

pub(crate) fn config(storage: Storage) -> Config {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (title TEXT)"))
        .bind("auth", Bind::memory().storage(storage).schema(USER))
}

pub(crate) fn execute(db: &Harness, key: impl Into<BindKey>, sql: &str) -> Done {
    db.connection(key)?.execute_batch(sql)?;
    Ok(())
}

/// A connection as a driver opens one that knows the URI alone.
pub(crate) fn driver(db: &Harness, key: impl Into<BindKey>) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(db.uri(key).unwrap(), flags).unwrap()
}

pub(crate) fn names(db: &Harness, key: impl Into<BindKey>) -> String {
    let sql = "SELECT ifnull(group_concat(name, ', '), '') FROM (SELECT name FROM user ORDER BY id)";
    db.connection(key).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn its_code_runs_once_for_many_harnesses(#[case] storage: Storage) {
    static RUNS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    let place = storage as usize;
    // A closure of no captures for each storage.
    let signed_up = || match place {
        0 => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[0])),
        1 => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[1])),
        2 => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[2])),
        _ => config(storage).without_images().prepared("signed-up", |db| sign_up(db, &RUNS[3])),
    };
    fn sign_up(db: &Harness, runs: &AtomicUsize) -> Done {
        runs.fetch_add(1, Ordering::Relaxed);
        execute(db, "auth", "INSERT INTO user (name) VALUES ('ann')")?;
        let driver = driver(db, None);
        driver.execute("INSERT INTO post VALUES ('hello')", [])?;
        let mut session = db.session();
        session.execute("INSERT INTO user (name) VALUES ('bob')", [])?;
        session.commit()?;
        Ok(())
    }
    for _ in 0..3 {
        let db = signed_up().start().unwrap();
        assert_eq!(names(&db, "auth"), "ann, bob");
        db.assert_landed(None, "post", row! { title: "hello" });
        let before = db.snapshot().unwrap();
        execute(&db, "auth", "INSERT INTO user (name) VALUES ('cleo')").unwrap();
        db.assert_landed("auth", "user", row! { id: 3, name: "cleo" });
        db.changes_since(&before).unwrap().assert_only("auth");
        db.reset().unwrap();
        assert_eq!(names(&db, "auth"), "ann, bob");
        db.changes_since(&before).unwrap().assert_none();
        execute(&db, "auth", "DELETE FROM user").unwrap();
        db.restore(&before).unwrap();
        assert_eq!(names(&db, "auth"), "ann, bob");
    }
    assert_eq!(RUNS[place].load(Ordering::Relaxed), 1);
}

#[test]
fn harnesses_that_start_at_once_share_one_run() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let start = || {
        let prepared = config(Storage::Memory).without_images().prepared("at once", |db| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            execute(db, "auth", "INSERT INTO user (name) VALUES ('ann')")
        });
        names(&prepared.start().unwrap(), "auth")
    };
    thread::scope(|scope| {
        let started = (0..8).map(|_| scope.spawn(start)).collect::<Vec<_>>();
        for started in started {
            assert_eq!(started.join().unwrap(), "ann");
        }
    });
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}

#[test]
fn a_state_begins_with_the_one_before_it() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let signed_up = || {
        config(Storage::Memory).without_images().prepared("signed-up", |db| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            execute(db, "auth", "INSERT INTO user (name) VALUES ('ann')")
        })
    };
    let renamed = || signed_up().prepared("renamed", |db| execute(db, "auth", "UPDATE user SET name = 'bob'"));
    assert_eq!(names(&renamed().start().unwrap(), "auth"), "bob");
    assert_eq!(names(&signed_up().start().unwrap(), "auth"), "ann");
    assert_eq!(names(&renamed().start().unwrap(), "auth"), "bob");
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}

#[test]
fn other_tables_and_another_name_are_another_state() {
    let start = |config: Config, name: &str| {
        let db = config.without_images().prepared(name, |db| execute(db, None, "INSERT INTO t (a) VALUES (1)")).start();
        db.unwrap().connection(None).unwrap().query_row("SELECT * FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let of = |schema: &str| Harness::builder().default_bind(Bind::memory().schema(schema));
    assert_eq!(start(of("CREATE TABLE t (a, b)"), "one"), 1);
    assert_eq!(start(of("CREATE TABLE t (b DEFAULT 2, a)"), "one"), 2);
    assert_eq!(start(of("CREATE TABLE t (a, b)"), "two"), 1);
}

#[rstest]
#[case::the_clock("INSERT INTO user (name) VALUES (strftime('%f', 'now') || hex(randomblob(4)))")]
#[case::chance("INSERT INTO user (name) VALUES (hex(randomblob(8)))")]
#[case::a_default(
    "CREATE TABLE user2 (id INTEGER PRIMARY KEY, name TEXT DEFAULT (random())); \
    INSERT INTO user2 DEFAULT VALUES; INSERT INTO user (name) SELECT name FROM user2"
)]
#[case::a_trigger(
    "CREATE TRIGGER t AFTER INSERT ON user BEGIN UPDATE user SET name = hex(randomblob(8)); END; \
    INSERT INTO user (name) VALUES ('x')"
)]
#[case::a_query("CREATE TEMP TABLE x AS SELECT hex(randomblob(8)) AS name; INSERT INTO user (name) SELECT name FROM x")]
pub(crate) fn what_sqlite_says_is_not_the_same_twice_runs_at_each_start(
    #[case] sql: &'static str,
    #[values(Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile)] storage: Storage,
    #[values("pool", "driver", "session")] by: &'static str,
) {
    static SQL: Mutex<()> = Mutex::new(());
    thread_local! { static RUN: std::cell::Cell<(&'static str, &'static str)> = const { std::cell::Cell::new(("", "")) } }
    let _one = SQL.lock();
    RUN.set((sql, by));
    let start = || {
        let prepared = config(storage).without_images().prepared(format!("{by} {sql}"), |db| {
            let (sql, by) = RUN.get();
            match by {
                "pool" => execute(db, "auth", sql),
                "driver" => driver(db, "auth").execute_batch(sql).map_err(Into::into),
                _ => {
                    let mut session = db.session();
                    session.on("auth")?.execute_batch(sql)?;
                    session.commit().map_err(Into::into)
                }
            }
        });
        names(&prepared.start().unwrap(), "auth")
    };
    if by == "session" && sql.contains("TEMP") {
        return;
    }
    let (first, second) = (start(), start());
    assert!(!first.is_empty());
    assert_ne!(first, second);
}

#[test]
fn a_closure_that_captures_something_runs_at_each_start() {
    for name in ["ann", "bob"] {
        let name = name.to_string();
        let prepared = config(Storage::Memory).prepared("signed-up", move |db| {
            execute(db, "auth", &format!("INSERT INTO user (name) VALUES ('{name}')"))
        });
        let db = prepared.start().unwrap();
        assert!(["ann", "bob"].contains(&names(&db, "auth").as_str()));
        db.assert_landed("auth", "user", row! { id: 1 });
    }
}

#[test]
fn tenants_and_replicas_are_there_from_the_start() {
    let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema(USER);
    let prepared = Harness::builder()
        .bind("users", users)
        .bind("auth", Bind::memory().schema(USER))
        .bind("replica", Bind::mirror("auth").read_only(true))
        .prepared("tenants", |db| {
            db.connection_for("users", context! { tenant: "acme" })?
                .execute("INSERT INTO user (name) VALUES ('ann')", [])?;
            execute(db, "auth", "INSERT INTO user (name) VALUES ('bob')")
        });
    let db = prepared.start().unwrap();
    assert_eq!(db.database_keys("users").unwrap(), [BindKey::from("users[acme]")]);
    assert_eq!(names(&db, "users[acme]"), "ann");
    assert_eq!(names(&db, "replica"), "bob");
    let before = db.snapshot().unwrap();
    db.connection_for("users", context! { tenant: "bee" }).unwrap();
    assert_eq!(names(&db, "users[bee]"), "");
    execute(&db, "users[acme]", "DELETE FROM user").unwrap();
    db.reset().unwrap();
    assert_eq!(names(&db, "users[acme]"), "ann");
    // Closed and used again, it is what it started as.
    db.close_database("users[acme]").unwrap();
    db.changes_since(&before).unwrap().assert_none();
    db.connection_for("users", context! { tenant: "acme" }).unwrap();
    assert_eq!(names(&db, "users[acme]"), "ann");
}

#[test]
fn tables_that_its_code_makes_and_migrations_that_it_runs_are_part_of_it() {
    let prepared =
        Harness::builder().bind("auth", Bind::memory().schema_up_to("fixtures/auth", 3)).prepared("later", |db| {
            execute(db, "auth", "CREATE TABLE made (x); INSERT INTO made VALUES (1)")?;
            db.migrate_to("auth", 4)?;
            Ok::<(), Box<dyn StdError + Send + Sync>>(())
        });
    let db = prepared.start().unwrap();
    assert!(db.metadata("auth").unwrap().table("made").is_some());
    db.assert_landed("auth", "made", row! { x: 1 });
    db.assert_not_landed("auth", "user", row! { email: None });
    // Nothing is left to run up to there: the column would be there twice.
    db.migrate_to("auth", 4).unwrap();
}

/// Two tests of one program that give their states one name, as two files of tests do.
mod of_one_name {
    use super::*;

    const NAME: &str = "of one name";

    fn hold(prepared: impl Fn() -> Prepared + Sync, expected: &str) {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..8 {
                        assert_eq!(names(&prepared().start().unwrap(), "auth"), expected);
                    }
                });
            }
        });
    }

    fn insert(db: &Harness, name: &str) -> Done {
        execute(db, "auth", &format!("INSERT INTO user (name) VALUES ('{name}')"))
    }

    #[test]
    fn the_first_has_ann() {
        hold(|| config(Storage::Memory).prepared(NAME, |db| insert(db, "ann")), "ann");
    }

    #[test]
    fn the_second_has_bob() {
        hold(|| config(Storage::Memory).prepared(NAME, |db| insert(db, "bob")), "bob");
    }

    #[test]
    fn functions_by_pointer_are_not_mixed_up() {
        fn cleo(db: &Harness) -> Done {
            insert(db, "cleo")
        }
        fn dora(db: &Harness) -> Done {
            insert(db, "dora")
        }
        // Two values of one type.
        type Code = fn(&Harness) -> Done;
        for (function, expected) in [(cleo as Code, "cleo"), (dora as Code, "dora")] {
            hold(|| config(Storage::Memory).prepared(NAME, function), expected);
        }
    }

    #[test]
    fn closures_of_a_generic_function_are_not_mixed_up() {
        fn of<const FIRST: bool>() -> Prepared {
            config(Storage::Memory).prepared(NAME, |db| insert(db, if FIRST { "eve" } else { "fay" }))
        }
        for _ in 0..2 {
            assert_eq!(names(&of::<true>().start().unwrap(), "auth"), "eve");
            assert_eq!(names(&of::<false>().start().unwrap(), "auth"), "fay");
        }
    }
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn a_lagging_replica_starts_as_the_code_has_left_it(#[case] storage: Storage) {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let behind = || {
        let late = Bind::mirror("auth").read_only(true).lag(Lag::Manual);
        config(storage).bind("late", late).without_images().prepared("late", |db| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            execute(db, "auth", "INSERT INTO user (name) VALUES ('ann')")?;
            db.replicate("late")?;
            execute(db, "auth", "INSERT INTO user (name) VALUES ('bob')")
        })
    };
    for _ in 0..2 {
        let db = behind().start().unwrap();
        assert_eq!((names(&db, "auth").as_str(), names(&db, "late").as_str()), ("ann, bob", "ann"));
        db.replicate("late").unwrap();
        assert_eq!(names(&db, "late"), "ann, bob");
        db.reset().unwrap();
        assert_eq!((names(&db, "auth").as_str(), names(&db, "late").as_str()), ("ann, bob", "ann"));
    }
}
