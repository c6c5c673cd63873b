//! What makes a start cheap, held in place by counts and not by a clock: no table is made twice, no thread and no pool
//! is there before it is asked for.

#[cfg(target_os = "linux")]
use std::collections::BTreeSet;
use std::ffi::{c_char, c_int, CStr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, ThreadId};

use multibind::binds::Storage;
use multibind::rusqlite::{self, ffi, Connection};
use multibind::{row, Bind, BindKey, Harness};
use rstest::rstest;
use tempfile::TempDir;

use crate::alone::alone;
use crate::statements::{started_by, Started};

/// Tables that no other test of the process makes, so that the first start is the first.
fn schema(name: &str, tables: usize) -> String {
    let table = |at| {
        format!("CREATE TABLE {name}_{at} (id INTEGER PRIMARY KEY, x); CREATE INDEX {name}_i{at} ON {name}_{at} (x);")
    };
    (0..tables).map(table).collect()
}

/// A folder with these files, each a name and its content.
fn folder<C: AsRef<str>>(files: impl IntoIterator<Item = (&'static str, C)>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.as_ref()).unwrap();
    }
    folder
}

/// A harness of one bind.
fn start(bind: Bind) -> Harness {
    Harness::builder().bind("auth", bind).start().unwrap()
}

fn tables(db: &Harness, key: impl Into<BindKey>) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let conn = db.connection(key).unwrap();
    let mut names = conn.prepare(sql).unwrap();
    let names = names.query_map([], |row| row.get(0)).unwrap();
    names.collect::<rusqlite::Result<_>>().unwrap()
}

fn ddl(started: &[Started]) -> usize {
    started.iter().filter(|statement| statement.is_ddl()).count()
}

fn writing(started: Vec<Started>) -> Vec<String> {
    started.into_iter().filter(|statement| statement.writes).map(|statement| statement.sql).collect()
}

#[rstest]
#[case::memory(Storage::Memory, "memory")]
#[case::shared_cache(Storage::SharedCache, "shared")]
#[case::memdb(Storage::MemDb, "memdb")]
#[case::temp_file(Storage::TempFile, "file")]
fn a_warm_start_runs_no_statement_that_writes(#[case] storage: Storage, #[case] name: &str) {
    let data = format!("INSERT INTO {name}_0 (x) VALUES (1), (2); PRAGMA user_version = 7;");
    let files = folder([("more.sql", format!("CREATE VIEW {name}_view AS SELECT x FROM {name}_0"))]);
    let bind = || {
        Bind::default()
            .storage(storage)
            .schema(schema(name, 10) + &data)
            .schema_path(files.path().join("more.sql"))
            .schema_with(|conn| conn.execute_batch("CREATE TABLE migrated (x); INSERT INTO migrated VALUES (1)"))
    };

    let (cold, first) = started_by(|| start(bind()));
    let (warm, then) = started_by(|| start(bind()));

    assert_eq!(ddl(&first), 22);
    assert_eq!(writing(then), [] as [String; 0]);
    assert_eq!(tables(&warm, "auth"), tables(&cold, "auth"));
    assert_eq!(tables(&warm, "auth").len(), 11);
}

#[rstest]
#[case::memory(Storage::Memory, "memory")]
#[case::shared_cache(Storage::SharedCache, "shared")]
#[case::memdb(Storage::MemDb, "memdb")]
#[case::temp_file(Storage::TempFile, "file")]
fn a_warm_starts_cost_ignores_the_number_of_tables(#[case] storage: Storage, #[case] name: &str) {
    let statements = |tables| {
        let bind = || Bind::default().storage(storage).schema(schema(&format!("{name}_of_{tables}"), tables));
        let _cold = start(bind());
        started_by(|| start(bind())).1.len()
    };

    assert_eq!(statements(1), statements(100));
}

#[rstest]
#[case::memory(Storage::Memory, "memory_reset")]
#[case::shared_cache(Storage::SharedCache, "shared_reset")]
#[case::memdb(Storage::MemDb, "memdb_reset")]
#[case::temp_file(Storage::TempFile, "file_reset")]
fn a_reset_makes_no_table_anew(#[case] storage: Storage, #[case] name: &str) {
    let db = start(Bind::default().storage(storage).schema(schema(name, 10)));
    let conn = db.connection("auth").unwrap();
    conn.execute_batch(&format!("DROP TABLE {name}_1; INSERT INTO {name}_0 (x) VALUES (1)")).unwrap();

    let ((), started) = started_by(|| db.reset().unwrap());

    assert_eq!(writing(started), [] as [String; 0]);
    assert_eq!(tables(&db, "auth").len(), 10);
    db.assert_not_landed("auth", &format!("{name}_0"), row! { x: 1 });
}

#[rstest]
#[case::first("first_a_0")]
#[case::last("first_c_0")]
fn a_statement_attaches_no_bind_and_one_that_is_searched_for_its_tables_alone(#[case] table: &str) {
    let bind = |name: &str| Bind::memory().schema(schema(name, 3) + &format!("CREATE TABLE with_{table} (x)"));
    let binds = || Harness::builder().bind("a", bind("first_a")).bind("b", bind("first_b")).bind("c", bind("first_c"));
    let db = binds().start().unwrap();
    let mut session = db.session();
    let attached = |started: &[Started]| started.iter().filter(|statement| statement.sql.starts_with("ATTACH")).count();

    // It might mean a table of the default bind.
    let (_, searched) = started_by(|| session.route(&format!("SELECT x, 'main' FROM {table}")).unwrap());
    let (_, plain) = started_by(|| session.execute(&format!("INSERT INTO {table} (x) VALUES (1)"), []).unwrap());
    let (_, qualified) = started_by(|| session.route("SELECT * FROM b.first_b_0").unwrap());

    assert_eq!((attached(&searched), attached(&plain), attached(&qualified)), (1, 0, 0));
}

#[test]
fn memory_is_copied_when_first_opened_and_otherwise_never() {
    // What SQLite asks itself when it is asked for a database's bytes.
    let copies = |started: &[Started]| started.iter().any(|it| it.sql == r#"PRAGMA "main".page_count"#);
    let bind = |name: &str| Bind::memory().schema(schema(name, 3));
    // A store of images takes the bytes at once.
    let builder = Harness::builder().bind("a", bind("opened_a")).bind("b", bind("opened_b")).without_images();

    let (db, start) = started_by(|| builder.start().unwrap());
    let open = || drop(Connection::open(db.uri("a").unwrap()).unwrap());
    let ((), first) = started_by(open);
    let ((), second) = started_by(open);

    assert_eq!([start, first, second].each_ref().map(|started| copies(started)), [false, true, false]);
}

#[test]
fn a_join_copies_a_bind_once_after_each_write() {
    let copies = |session: &mut multibind::Session, rows: usize| {
        let sql = "SELECT * FROM joined_a_0 CROSS JOIN joined_b_0";
        let (found, started) = started_by(|| session.query(sql, [], |_| Ok(())).unwrap());
        assert_eq!(found.len(), rows);
        // As SQLite puts bytes in the place of a database.
        started.iter().filter(|it| it.sql.starts_with("ATTACH x AS")).count()
    };
    let bind = |name: &str| Bind::memory().schema(schema(name, 1));
    let db = Harness::builder().bind("a", bind("joined_a")).bind("b", bind("joined_b")).start().unwrap();
    let conn = db.connection("a").unwrap();
    // The first statement of all reads tables.
    let mut session = db.session();
    session.query("SELECT 1 FROM joined_a_0, joined_b_0", [], |_| Ok(())).unwrap();
    session.rollback().unwrap();
    conn.execute("INSERT INTO joined_a_0 (x) VALUES (1)", []).unwrap();
    assert_eq!([copies(&mut session, 0), copies(&mut session, 0)], [0, 0]);

    session.execute("INSERT INTO joined_b_0 (x) VALUES (1)", []).unwrap();
    assert_eq!([copies(&mut session, 1), copies(&mut session, 1)], [1, 0]);
    session.query("SELECT * FROM joined_b_0", [], |_| Ok(())).unwrap();
    assert_eq!(copies(&mut session, 1), 0);
    session.execute("INSERT INTO joined_b_0 (x) VALUES (2)", []).unwrap();
    assert_eq!([copies(&mut session, 2), copies(&mut session, 2)], [1, 0]);
    session.commit().unwrap();
    assert_eq!(copies(&mut session, 2), 0);
}

#[test]
fn binds_of_one_harness_with_the_same_tables_make_them_once() {
    let bind = || Bind::memory().schema(schema("alike", 5));

    let (db, started) =
        started_by(|| Harness::builder().bind("a", bind()).bind("b", bind()).without_images().start().unwrap());

    assert_eq!(ddl(&started), 10);
    assert_eq!(tables(&db, "a"), tables(&db, "b"));
}

#[test]
fn eight_first_starts_at_once_make_the_tables_once() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    fn bind() -> Bind {
        Bind::memory().schema(schema("at_once", 20)).schema_with(|conn| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            conn.execute_batch("CREATE TABLE migrated (x)")
        })
    }
    let gate = Barrier::new(8);

    let starts = std::thread::scope(|scope| {
        let start = || {
            gate.wait();
            started_by(|| start(bind()))
        };
        let threads = [(); 8].map(|()| scope.spawn(start));
        threads.map(|thread| thread.join().unwrap())
    });

    assert_eq!(starts.iter().map(|(_, started)| ddl(started)).sum::<usize>(), 41);
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
    for (db, _) in &starts {
        assert_eq!(tables(db, "auth").len(), 21);
    }
}

#[test]
fn only_capturing_migrators_run_at_each_start() {
    static BARE: AtomicUsize = AtomicUsize::new(0);
    let captured = Arc::new(AtomicUsize::new(0));
    let make = || {
        let counter = Arc::clone(&captured);
        Harness::builder()
            .bind("bare", {
                Bind::memory().schema_with(|conn| {
                    let run = BARE.fetch_add(1, Ordering::Relaxed);
                    conn.execute_batch(&format!("CREATE TABLE bare_{run} (x)"))
                })
            })
            .bind("capturing", {
                Bind::memory().schema_with(move |conn| {
                    let run = counter.fetch_add(1, Ordering::Relaxed);
                    conn.execute_batch(&format!("CREATE TABLE capturing_{run} (x)"))
                })
            })
            .without_images()
            .start()
            .unwrap()
    };

    let harnesses = [(); 3].map(|()| make());

    assert_eq!((BARE.load(Ordering::Relaxed), captured.load(Ordering::Relaxed)), (1, 3));
    for (run, db) in harnesses.iter().enumerate() {
        assert_eq!(tables(db, "bare"), ["bare_0"]);
        assert_eq!(tables(db, "capturing"), [format!("capturing_{run}")]);
    }
}

#[test]
fn a_function_by_pointer_is_not_taken_for_another() {
    type Migrate = fn(&mut Connection) -> rusqlite::Result<()>;
    let migrations: [Migrate; 2] =
        [|conn| conn.execute_batch("CREATE TABLE one (x)"), |conn| conn.execute_batch("CREATE TABLE two (x)")];

    let [one, two] = migrations.map(|migrate| start(Bind::memory().schema_with(migrate)));

    assert_eq!((tables(&one, "auth"), tables(&two, "auth")), (vec!["one".to_string()], vec!["two".to_string()]));
}

/// A marker that says in its type what a migrator makes.
trait Named: 'static {
    const NAME: &'static str;
}
struct One;
struct Two;
impl Named for One {
    const NAME: &'static str = "one";
}
impl Named for Two {
    const NAME: &'static str = "two";
}

fn migrate<N: Named>(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.execute_batch(&format!("CREATE TABLE {} (x)", N::NAME))
}

fn closure_of<N: Named>() -> Bind {
    Bind::memory().schema_with(|conn| migrate::<N>(conn))
}

#[rstest]
#[case::closures_of_one_generic_function(closure_of::<One>(), closure_of::<Two>())]
#[case::functions(Bind::memory().schema_with(migrate::<One>), Bind::memory().schema_with(migrate::<Two>))]
#[case::closures_on_one_line(
    Bind::memory().schema_with(|conn| conn.execute_batch("CREATE TABLE one (x)")),
    Bind::memory().schema_with(|conn| conn.execute_batch("CREATE TABLE two (x)"))
)]
fn migrators_that_capture_nothing_are_not_taken_for_each_other(#[case] one: Bind, #[case] two: Bind) {
    for _ in 0..2 {
        let db = Harness::builder().bind("a", one.clone()).bind("b", two.clone()).start().unwrap();
        assert_eq!((tables(&db, "a"), tables(&db, "b")), (vec!["one".to_string()], vec!["two".to_string()]));
    }
}

#[test]
fn a_migrator_that_failed_runs_again_at_the_next_start() {
    static READY: AtomicBool = AtomicBool::new(false);
    fn bind() -> Bind {
        Bind::memory().schema_with(|conn| match READY.load(Ordering::Relaxed) {
            true => conn.execute_batch("CREATE TABLE migrated (x)"),
            false => conn.execute_batch("CREATE TABLE half (x); CREATE TABEL migrated (x)"),
        })
    }
    let error = Harness::builder().bind("auth", bind()).without_images().start().unwrap_err();
    insta::assert_snapshot!(error, @r#"bind `auth`: the schema failed: the migrator failed: near "TABEL": syntax error"#);

    READY.store(true, Ordering::Relaxed);

    assert_eq!(
        tables(&Harness::builder().bind("auth", bind()).without_images().start().unwrap(), "auth"),
        ["migrated"]
    );
}

#[test]
fn changed_files_are_read_at_the_next_start() {
    let files = folder([
        ("one.sql", "CREATE TABLE one (x INTEGER)"),
        ("all/1.sql", "CREATE TABLE a (x)"),
        ("all/2.sql", "CREATE TABLE b (x)"),
        ("one.csv", "x\n1\n"),
    ]);
    let start = || {
        let bind = Bind::memory().schema_path(files.path().join("one.sql")).schema_path(files.path().join("all"));
        start(bind.data(files.path().join("one.csv")))
    };
    let before = start();
    assert_eq!(tables(&before, "auth"), ["a", "b", "one"]);

    // Of the same length, and written within the same tick of the clock: only the content tells.
    std::fs::write(files.path().join("all/1.sql"), "CREATE TABLE c (x)").unwrap();
    std::fs::write(files.path().join("one.csv"), "x\n2\n").unwrap();
    let after = start();
    assert_eq!(tables(&after, "auth"), ["b", "c", "one"]);
    after.assert_landed("auth", "one", row! { x: 2 });
    after.assert_not_landed("auth", "one", row! { x: 1 });

    std::fs::write(files.path().join("all/3.sql"), "CREATE TABLE d (x)").unwrap();
    std::fs::remove_file(files.path().join("all/1.sql")).unwrap();
    assert_eq!(tables(&start(), "auth"), ["b", "d", "one"]);

    // What was started before is as it was.
    before.reset().unwrap();
    assert_eq!(tables(&before, "auth"), ["a", "b", "one"]);
    before.assert_landed("auth", "one", row! { x: 1 });
}

#[rstest]
#[case::page_size("page_size", 512, 8192)]
#[case::auto_vacuum("auto_vacuum", 1, 2)]
#[case::user_version("user_version", 3, 4)]
fn binds_that_differ_in_a_pragma_share_no_image(#[case] name: &str, #[case] one: i64, #[case] two: i64) {
    let start = |value: i64| start(Bind::memory().schema("CREATE TABLE by_pragma (x)").pragma(name, value));
    let pragma = |db: &Harness| {
        db.connection("auth").unwrap().pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap()
    };

    let started = [one, two, one, two].map(start);

    assert_eq!(started.each_ref().map(pragma), [one, two, one, two]);
}

#[test]
fn enforcing_and_other_binds_share_no_image() {
    let orphan = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p); INSERT INTO c VALUES (1);";
    let builder = |enforced| Harness::builder().bind("auth", Bind::memory().schema(orphan).foreign_keys(enforced));

    builder(false).start().unwrap().assert_landed("auth", "c", row! { p: 1 });

    insta::assert_snapshot!(builder(true).start().unwrap_err(), @"bind `auth`: the schema failed at line 1: FOREIGN KEY constraint failed");
}

#[test]
fn binds_that_differ_in_their_data_share_no_image() {
    let files = folder([("one/t.csv", "x\n1\n"), ("two/t.csv", "x\n2\n")]);
    let bind = || Bind::memory().schema("CREATE TABLE t (x INTEGER)");

    let db = Harness::builder()
        .bind("none", bind())
        .bind("one", bind().data(files.path().join("one")))
        .bind("two", bind().data(files.path().join("two")))
        .start()
        .unwrap();

    let landed =
        |x: i64| db.locate("t", row! { x: x }).unwrap().iter().map(|found| found.bind().clone()).collect::<Vec<_>>();
    assert_eq!(landed(1), ["one".into()]);
    assert_eq!(landed(2), ["two".into()]);
}

/// The threads of the process that are there now.
#[cfg(target_os = "linux")]
fn threads() -> BTreeSet<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.map(|task| task.unwrap().file_name().into_string().unwrap()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn pools_and_threads_are_created_on_demand() {
    if !alone() {
        return;
    }
    let before = threads();
    let start = |_| {
        let bind = |bind: Bind| bind.schema("CREATE TABLE t (x)").pool_size(4);
        let db = Harness::builder()
            .default_bind(bind(Bind::memory()))
            .bind("b", bind(Bind::memdb()))
            .bind("c", bind(Bind::temp_file()))
            .start()
            .unwrap();
        let mut session = db.session();
        session.on("b").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
        session.commit().unwrap();
        drop(session);
        db.assert_landed("b", "t", row! { x: 1 });
        let snapshot = db.snapshot().unwrap();
        db.changes_since(&snapshot).unwrap().assert_none();
        db.reset().unwrap();
        db.drop_all("c").unwrap();
        db.create_all("c").unwrap();
        db
    };
    let harnesses = (0..10).map(start).collect::<Vec<_>>();
    assert_eq!(threads(), before);

    // One opens every connection to memory; two those to files, and hand over to a third.
    drop([None, Some("b")].map(|key| harnesses[0].connection(key).unwrap()));
    assert_eq!(threads().len(), before.len() + 1);
    drop(harnesses[0].connection("c").unwrap());
    assert_eq!(threads().len(), before.len() + 1 + 2 + 1);
}

#[cfg(target_os = "linux")]
#[test]
fn harnesses_share_pool_threads() {
    if !alone() {
        return;
    }
    let start = |_| {
        let bind = |bind: Bind| bind.schema("CREATE TABLE t (x)");
        let db = Harness::builder()
            .bind("a", bind(Bind::memory()))
            .bind("b", bind(Bind::memdb()))
            .bind("c", bind(Bind::temp_file()))
            .start()
            .unwrap();
        let connections = ["a", "b", "c"].map(|key| [(); 3].map(|()| db.connection(key).unwrap()));
        (connections, db)
    };
    let first = start(0);
    let workers = threads();

    let more = (0..50).map(start).collect::<Vec<_>>();

    assert_eq!(threads(), workers);
    drop((first, more));
    assert_eq!(threads(), workers);
}

/// The threads that SQLite has opened binds on, each opening one.
static OPENED_BY: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

unsafe extern "C" fn note_opening(
    db: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: the connection is open, and its file has a name, of no length where it has none.
    let file = unsafe { CStr::from_ptr(ffi::sqlite3_db_filename(db, c"main".as_ptr())) };
    if file.to_bytes().starts_with(b"/multibind/") {
        OPENED_BY.lock().unwrap().push(thread::current().id());
    }
    ffi::SQLITE_OK
}

#[test]
fn the_caller_opens_the_connection_that_it_gets() {
    if !alone() {
        return;
    }
    // SAFETY: the callback has the form that SQLite calls it with.
    unsafe { ffi::sqlite3_auto_extension(Some(note_opening)) };
    let opened_by = || std::mem::take(&mut *OPENED_BY.lock().unwrap());
    let this = thread::current().id();
    let db = start(Bind::memory().schema("CREATE TABLE t (x)").pool_size(2));
    opened_by();

    let first = db.connection("auth").unwrap();
    assert_eq!(opened_by(), [this]);
    drop(first);
    // One that is there is given again, and beyond those there may be, none is opened.
    let both = [(); 2].map(|()| db.connection("auth").unwrap());
    assert_eq!(opened_by(), [this]);
    let pool = db.pool("auth").unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| db.connection("auth").unwrap());
        drop(both);
        drop(waits.join().unwrap());
    });
    assert_eq!(opened_by(), []);
    assert_eq!(pool.state().connections, 2);

    // The application's own code runs on a thread that nobody waits for.
    let set_up = |_: &Connection| Ok::<_, rusqlite::Error>(());
    let db = start(Bind::memory().schema("CREATE TABLE t (x)").on_connect(set_up));
    opened_by();
    drop(db.connection("auth").unwrap());
    assert!(!opened_by().contains(&this));
}

#[test]
fn callers_at_once_leave_no_connection_beside_the_pool() {
    if !alone() {
        return;
    }
    for _ in 0..20 {
        let db = start(Bind::memory().schema("CREATE TABLE t (x)").pool_size(3));
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    db.connection("auth").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
                });
            }
        });
        let pool = db.pool("auth").unwrap();
        let held = [(); 3].map(|()| pool.get().unwrap());
        assert_eq!(pool.state().connections, 3);
        drop((held, pool));
        db.close().unwrap();
    }
}
