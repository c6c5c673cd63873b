//! An overwrite by `reset` or `restore` invalidates what idle connections remember of a database: its pages, its schema,
//! their prepared statements, the size of its pages and its journal mode.

use std::fmt::Write;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use multibind::binds::Storage;
use multibind::rusqlite::backup::Backup;
use multibind::rusqlite::types::Value;
use multibind::rusqlite::{Connection, ErrorCode};
use multibind::{Bind, Harness};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rstest::rstest;

const TABLES: &str = "
    CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE blob (x);
    INSERT INTO item (name) VALUES ('a'), ('b'), ('c');
    INSERT INTO blob SELECT zeroblob(3000) FROM item;
    PRAGMA user_version = 7;
    PRAGMA application_id = 8;
";

/// How another connection changes the database before it is overwritten.
const CHANGES: [&str; 14] = [
    "",
    "INSERT INTO item (name) VALUES ('d')",
    "UPDATE item SET name = upper(name)",
    "DELETE FROM item; DELETE FROM blob",
    "INSERT INTO blob SELECT zeroblob(9000) FROM item, item AS other",
    "CREATE TABLE later (x); INSERT INTO later VALUES (1)",
    "DROP TABLE blob; CREATE TABLE blob (y, x); INSERT INTO blob VALUES (1, 2)",
    "CREATE INDEX item_name ON item (name); ANALYZE",
    "PRAGMA writable_schema = ON;
     UPDATE sqlite_schema SET sql = 'CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT DEFAULT 1)' WHERE name = 'item';
     PRAGMA writable_schema = OFF",
    "PRAGMA page_size = 8192; VACUUM",
    "PRAGMA page_size = 512; VACUUM",
    "PRAGMA auto_vacuum = FULL; VACUUM",
    "PRAGMA user_version = 70; PRAGMA application_id = 80",
    "PRAGMA schema_version = 1000",
];

/// Journal modes: of the idle connections, then as another connection sets them before it changes the database, after that,
/// and after the overwrite.
const MODES: [[&str; 4]; 12] = [
    ["wal", "wal", "wal", "wal"],
    ["wal", "wal", "wal", "delete"],
    ["delete", "delete", "delete", "delete"],
    ["delete", "wal", "wal", "wal"],
    ["delete", "wal", "wal", "delete"],
    ["delete", "delete", "wal", "delete"],
    ["delete", "delete", "wal", "wal"],
    ["delete", "wal", "delete", "delete"],
    ["delete", "delete", "delete", "wal"],
    ["truncate", "persist", "persist", "truncate"],
    ["persist", "wal", "wal", "persist"],
    ["memory", "wal", "wal", "memory"],
];

/// How a database is overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Reset,
    Restore,
}

fn bind(storage: Storage) -> Bind {
    Bind::default().storage(storage).schema(TABLES)
}

fn open(db: &Harness) -> Connection {
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.busy_timeout(Duration::ZERO).unwrap();
    conn
}

/// Runs SQL that an idle connection in WAL mode may rightly block, such as a change of the journal mode.
fn run(conn: &Connection, sql: &str) {
    if let Err(error) = conn.execute_batch(sql) {
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy), "{sql}: {error}");
        conn.execute_batch("PRAGMA writable_schema = OFF").unwrap();
    }
}

fn set_mode(conn: &Connection, mode: &str) {
    run(conn, &format!("PRAGMA journal_mode = {mode}"));
}

/// Everything that the connection reads.
fn state(conn: &Connection) -> String {
    let mut text = String::new();
    for row in rows(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
        let [Value::Text(name)] = row.as_slice() else { panic!("{row:?}") };
        for sql in [format!("SELECT rowid, * FROM {name}"), format!("PRAGMA table_xinfo({name})")] {
            writeln!(text, "{sql} {:?}", rows(conn, &sql)).unwrap();
        }
    }
    for sql in [
        "SELECT type, name, sql FROM sqlite_schema ORDER BY rowid",
        "PRAGMA user_version",
        "PRAGMA application_id",
        "PRAGMA auto_vacuum",
        "PRAGMA integrity_check",
    ] {
        writeln!(text, "{sql} {:?}", rows(conn, sql)).unwrap();
    }
    text
}

fn rows(conn: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let short = |value| match value {
        Value::Blob(bytes) => Value::Text(format!("{} bytes", bytes.len())),
        value => value,
    };
    let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at).map(short)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn number(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Overwrites a database behind connections that are idle after they opened, read, wrote, prepared, or saw the change.
fn overwrite(storage: Storage, [first, meanwhile, then, after]: [&str; 4], change: &str, by: By) {
    let mut options = bind(storage);
    if by == By::Restore {
        // The harness keeps the connection that took the snapshot, which in WAL mode fixes the journal mode.
        options = options.pragma("journal_mode", first.to_string());
    }
    let db = Harness::builder().bind("auth", options).start().unwrap();
    let wanted = state(&open(&Harness::builder().bind("auth", bind(storage)).start().unwrap()));
    let snapshot = (by == By::Restore).then(|| {
        // A snapshot of what was never written to needs no connection.
        open(&db).execute_batch("PRAGMA user_version = 7").unwrap();
        db.snapshot().unwrap()
    });

    let wrote = open(&db);
    set_mode(&wrote, first);
    wrote.execute("INSERT INTO item (name) VALUES ('gone')", []).unwrap();
    let (opened, read, prepared, saw_the_change, other) = (open(&db), open(&db), open(&db), open(&db), open(&db));
    state(&read);
    let mut select = prepared.prepare("SELECT count(*) FROM item WHERE name = 'late'").unwrap();
    let mut insert = prepared.prepare("INSERT INTO item (name) VALUES ('prepared')").unwrap();
    assert_eq!(select.query_row([], |row| row.get::<_, i64>(0)).unwrap(), 0);
    set_mode(&other, meanwhile);
    run(&other, change);
    state(&saw_the_change);
    set_mode(&other, then);

    match &snapshot {
        None => db.reset().unwrap(),
        Some(snapshot) => db.restore(snapshot).unwrap(),
    }

    set_mode(&other, after);
    assert_eq!(state(&open(&db)), wanted, "a new connection");
    other.execute("INSERT INTO item (name) VALUES ('late')", []).unwrap();
    for (name, conn) in [("wrote", &wrote), ("read", &read), ("saw the change", &saw_the_change)] {
        assert_eq!(state(conn), state(&open(&db)), "the connection that {name}");
        conn.execute("INSERT INTO item (name) VALUES (?1)", [name]).unwrap();
    }
    opened.execute("INSERT INTO item (name) VALUES ('opened')", []).unwrap();
    insert.execute([]).unwrap();
    assert_eq!(select.query_row([], |row| row.get::<_, i64>(0)).unwrap(), 1, "by a prepared statement");
    for conn in [&open(&db), &wrote, &opened, &read, &prepared, &saw_the_change, &other] {
        let names = rows(conn, "SELECT group_concat(name) FROM item");
        assert_eq!(names, [[Value::Text("a,b,c,late,wrote,read,saw the change,opened,prepared".to_string())]]);
        assert_eq!(rows(conn, "PRAGMA integrity_check"), [[Value::Text("ok".to_string())]]);
    }
}

#[rstest]
fn an_idle_connection_survives_an_overwrite(
    #[values(Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile)] storage: Storage,
    #[values(By::Reset, By::Restore)] by: By,
) {
    let mut failures = Vec::new();
    for modes in MODES {
        for change in CHANGES {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| overwrite(storage, modes, change, by))) {
                let message = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                failures.push(format!("{modes:?} {change:?}: {message}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn reset_puts_the_page_size_back(#[case] storage: Storage, #[values("delete", "wal")] mode: &str) {
    let db = Harness::builder().bind("auth", bind(storage)).start().unwrap();
    let conn = open(&db);
    conn.execute_batch("PRAGMA journal_mode = delete; PRAGMA page_size = 8192; VACUUM").unwrap();
    set_mode(&conn, mode);
    assert_eq!(number(&conn, "PRAGMA page_size"), 8192);
    drop(conn);

    db.reset().unwrap();

    let conn = open(&db);
    assert_eq!(number(&conn, "PRAGMA page_size"), 4096);
    assert_eq!(rows(&conn, "PRAGMA journal_mode"), [[Value::Text(mode.to_string())]]);
    assert_eq!(state(&conn), state(&open(&Harness::builder().bind("auth", bind(storage)).start().unwrap())));
}

#[test]
fn reset_keeps_a_files_page_size_beside_wal_connections() {
    let rowids = "CREATE TABLE plain (x); INSERT INTO plain (rowid, x) VALUES (5, 'five'), (9, 'nine')";
    let db = Harness::builder().bind("auth", bind(Storage::TempFile).schema(rowids)).start().unwrap();
    let conn = open(&db);
    conn.execute_batch("PRAGMA journal_mode = delete; PRAGMA page_size = 8192; VACUUM; PRAGMA journal_mode = wal")
        .unwrap();
    conn.execute_batch("DELETE FROM plain; DROP TABLE item").unwrap();

    db.reset().unwrap();

    assert_eq!(number(&conn, "PRAGMA page_size"), 8192);
    assert_eq!(number(&conn, "SELECT sum(rowid) FROM plain"), 14);
    assert_eq!(number(&conn, "SELECT count(*) FROM item"), 3);
}

#[rstest]
fn an_idle_connection_reads_no_text_in_the_encoding_of_before(
    #[values(Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile)] storage: Storage,
) {
    let db = Harness::builder().bind("auth", bind(storage)).start().unwrap();
    let (mut conn, before, after) = (open(&db), open(&db), open(&db));
    let names =
        |conn: &Connection| conn.query_row("SELECT group_concat(name) FROM item", [], |row| row.get::<_, String>(0));
    assert_eq!(names(&before).unwrap(), "a,b,c");
    let other = Connection::open_in_memory().unwrap();
    other.execute_batch(&format!("PRAGMA encoding = 'UTF-16le'; {TABLES} UPDATE item SET name = 'other'")).unwrap();
    Backup::new(&other, &mut conn).unwrap().run_to_completion(1000, Duration::ZERO, None).unwrap();
    if storage != Storage::SharedCache {
        assert_eq!(names(&after).unwrap(), "other,other,other");
    }

    db.reset().unwrap();

    assert_eq!(names(&open(&db)).unwrap(), "a,b,c");
    assert_eq!(names(&before).unwrap(), "a,b,c");
    // SQLite fixes a connection's encoding when it first reads.
    for conn in [&conn, &after] {
        match names(conn) {
            Ok(names) => assert_eq!(names, "a,b,c"),
            Err(error) => assert!(error.to_string().contains("text encoding"), "{error}"),
        }
    }
}

#[test]
fn an_idle_checkpoint_after_a_page_size_reset_is_busy() {
    let db = Harness::builder().bind("auth", bind(Storage::Memory)).start().unwrap();
    let (conn, idle) = (open(&db), open(&db));
    conn.execute_batch("PRAGMA journal_mode = delete; PRAGMA page_size = 8192; VACUUM; PRAGMA journal_mode = wal")
        .unwrap();
    assert_eq!(number(&idle, "SELECT count(*) FROM item"), 3);

    db.reset().unwrap();

    conn.execute("INSERT INTO item (name) VALUES ('late')", []).unwrap();
    let is_busy = || number(&idle, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_eq!(is_busy(), 1);
    assert_eq!(number(&idle, "SELECT count(*) FROM item"), 4);
    assert_eq!(is_busy(), 0);
    drop((conn, idle));
    assert_eq!(number(&open(&db), "SELECT count(*) FROM item"), 4);
}

#[rstest]
fn reset_mends_a_schema_that_no_connection_can_read(#[values(Storage::Memory, Storage::MemDb)] storage: Storage) {
    let db = Harness::builder().bind("auth", bind(storage)).start().unwrap();
    let (conn, wanted) = (open(&db), state(&open(&db)));
    conn.execute_batch("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE'").unwrap();
    conn.execute_batch("PRAGMA writable_schema = OFF; PRAGMA schema_version = 99").unwrap();
    let broken = open(&db);
    assert!(broken.prepare("SELECT * FROM item").is_err());

    db.reset().unwrap();

    for conn in [&open(&db), &conn, &broken] {
        assert_eq!(state(conn), wanted);
    }
}

/// One step of a random schedule on several connections.
#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Read(usize),
    Run(usize, &'static str),
    Mode(usize, &'static str),
    Reopen(usize),
    Snapshot,
    Reset,
    Restore,
}

const CONNECTIONS: usize = 4;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let conn = || 0..CONNECTIONS;
    let mut changes = CHANGES.to_vec();
    // Set back, the number of the schema is one that SQLite has counted before.
    changes.retain(|change| !change.contains("schema_version"));
    let step = prop_oneof![
        8 => conn().prop_map(Step::Write),
        3 => conn().prop_map(Step::Read),
        3 => (conn(), prop::sample::select(changes)).prop_map(|(conn, change)| Step::Run(conn, change)),
        1 => (conn(), prop::sample::select(vec![
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "PRAGMA wal_autocheckpoint = 1",
            "PRAGMA cache_size = 1",
            "PRAGMA journal_size_limit = 0",
        ])).prop_map(|(conn, sql)| Step::Run(conn, sql)),
        4 => (conn(), prop::sample::select(vec!["wal", "delete", "truncate", "persist", "memory"]))
            .prop_map(|(conn, mode)| Step::Mode(conn, mode)),
        2 => conn().prop_map(Step::Reopen),
        1 => Just(Step::Snapshot),
        3 => Just(Step::Reset),
        2 => Just(Step::Restore),
    ];
    prop::collection::vec(step, 1..40)
}

/// Plays the steps; after each overwrite the connections see what a new one sees, and no write is lost.
fn play(storage: Storage, steps: &[Step]) -> Result<(), TestCaseError> {
    let db = Harness::builder().bind("auth", bind(storage)).start().unwrap();
    let start = state(&open(&db));
    let mut connections = (0..CONNECTIONS).map(|_| open(&db)).collect::<Vec<_>>();
    let (mut saved, mut is_edited) = (None, false);
    for (at, step) in steps.iter().enumerate() {
        let mut wanted = None;
        match step {
            Step::Write(conn) => {
                let (conn, name) = (&connections[*conn], format!("of step {at}"));
                let before = number(&open(&db), "SELECT count(*) FROM item");
                conn.execute("INSERT INTO item VALUES (NULL, ?1)", [&name]).unwrap();
                let (id, new) = (conn.last_insert_rowid(), open(&db));
                let row = rows(&new, &format!("SELECT * FROM item WHERE rowid = {id}"));
                prop_assert_eq!(row, [[Value::Integer(id), Value::Text(name)]], "at {}", at);
                prop_assert_eq!(number(&new, "SELECT count(*) FROM item"), before + 1, "at {}", at);
            }
            // SQLite itself tells nobody of an edited schema.
            Step::Read(_) | Step::Snapshot if is_edited => {}
            Step::Read(conn) => prop_assert_eq!(state(&connections[*conn]), state(&open(&db)), "at {}", at),
            Step::Run(conn, sql) => {
                is_edited |= sql.contains("writable_schema");
                // It may name what an earlier step removed, or what another connection holds; and a file too answers a
                // checkpoint with an I/O error after its connection failed to leave WAL mode.
                let failed = connections[*conn].execute_batch(sql).err().and_then(|error| error.sqlite_error_code());
                let is_checkpoint = sql.contains("wal_checkpoint");
                let allowed = match failed {
                    None | Some(ErrorCode::Unknown | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => true,
                    Some(ErrorCode::SystemIoFailure) => is_checkpoint,
                    Some(_) => false,
                };
                prop_assert!(allowed, "at {}: {:?}", at, failed);
                connections[*conn].execute_batch("PRAGMA writable_schema = OFF").unwrap();
            }
            Step::Mode(conn, mode) => {
                // SQLite 3.53 itself, in a file too, loses what others committed in WAL mode since the connection that
                // leaves that mode has last read.
                number(&connections[*conn], "SELECT count(*) FROM item");
                set_mode(&connections[*conn], mode);
            }
            Step::Reopen(conn) => connections[*conn] = open(&db),
            Step::Snapshot => saved = Some((db.snapshot().unwrap(), state(&open(&db)))),
            Step::Reset => {
                db.reset().unwrap();
                wanted = Some(&start);
            }
            Step::Restore => {
                if let Some((snapshot, state)) = &saved {
                    db.restore(snapshot).unwrap();
                    wanted = Some(state);
                }
            }
        }
        if let Some(wanted) = wanted {
            is_edited = false;
            prop_assert_eq!(&state(&open(&db)), wanted, "a new connection at {}", at);
        }
    }
    for conn in connections.iter().filter(|_| !is_edited) {
        prop_assert_eq!(state(conn), state(&open(&db)), "in the end");
    }
    Ok(())
}

/// The same schedules in each run: `PROPTEST_CASES=5000` for more, `PROPTEST_RNG_SEED` for others.
fn generated() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(0x4e5e),
        fixed => fixed,
    };
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..given }
}

proptest! {
    #![proptest_config(generated())]

    #[test]
    fn idle_connections_see_what_a_new_one_sees_whatever_happened_before(steps in steps()) {
        for storage in [Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile] {
            play(storage, &steps).map_err(|error| TestCaseError::fail(format!("{storage:?}: {error}")))?;
        }
    }
}
