//! The state of every bind taken and put back.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use multibind::binds::Storage;
use multibind::changes::Snapshot;
use multibind::rusqlite::{Connection, OpenFlags, TransactionBehavior};
use multibind::{row, Bind, BindKey, Error, Harness};
use rstest::{fixture, rstest};

const USER: &str =
    "CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT); INSERT INTO user (name) VALUES ('ann')";

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(USER))
        .bind("auth", Bind::memdb().schema(USER))
        .bind("meta", Bind::temp_file().schema(USER))
        .start()
        .unwrap()
}

fn in_storage(storage: Storage) -> Harness {
    Harness::builder().bind("auth", Bind::memory().storage(storage).schema(USER)).start().unwrap()
}

/// A connection as a driver opens one that knows the URI alone.
fn driver(db: &Harness, key: impl Into<BindKey>) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(db.uri(key).unwrap(), flags).unwrap()
}

fn names(conn: &Connection) -> Vec<String> {
    let mut statement = conn.prepare_cached("SELECT name FROM user ORDER BY id").unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

fn pragma(conn: &Connection, name: &str) -> i64 {
    conn.pragma_query_value(None, name, |row| row.get(0)).unwrap()
}

#[test]
fn a_snapshot_goes_where_it_is_needed() {
    fn goes<T: Send + Sync + Clone + std::fmt::Debug>() {}
    goes::<Snapshot>();
}

#[rstest]
fn every_bind_goes_back_whoever_wrote_to_it(db: Harness) {
    let before = db.snapshot().unwrap();
    let mut session = db.session();
    session.on(None).unwrap().execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    session.commit().unwrap();
    db.pool("auth").unwrap().get().unwrap().execute("UPDATE user SET name = 'bob'", []).unwrap();
    driver(&db, "meta").execute("DELETE FROM user", []).unwrap();
    let after = db.snapshot().unwrap();

    db.restore(&before).unwrap();
    for key in [None, Some("auth"), Some("meta")] {
        assert_eq!(names(&driver(&db, key)), ["ann"]);
    }
    db.changes_since(&before).unwrap().assert_none();

    // Forward again, too: a snapshot is not used up.
    db.restore(&after).unwrap();
    db.changes_since(&after).unwrap().assert_none();
    assert_eq!(names(&driver(&db, None)), ["ann", "bob"]);
    assert_eq!(names(&driver(&db, "meta")), [] as [&str; 0]);
    db.restore(&before).unwrap();
    db.changes_since(&before).unwrap().assert_none();
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::file(Storage::TempFile)]
fn connections_that_stay_open_see_what_was_restored_and_go_on(#[case] storage: Storage) {
    let db = in_storage(storage);
    let before = db.snapshot().unwrap();
    let pool = db.pool("auth").unwrap();
    let (pooled, own) = (pool.get().unwrap(), driver(&db, "auth"));
    let mut session = db.session();
    pooled.execute_batch("INSERT INTO user (name) VALUES ('bob'); ALTER TABLE user ADD COLUMN email").unwrap();
    assert_eq!(names(&own), ["ann", "bob"]);
    assert_eq!(session.table("user").unwrap().count(row! { email: None }).unwrap(), 2);
    session.commit().unwrap();

    db.restore(&before).unwrap();
    assert_eq!(names(&pooled), ["ann"]);
    assert_eq!(names(&own), ["ann"]);
    assert!(pooled.prepare("SELECT email FROM user").is_err());
    pooled.execute("INSERT INTO user (name) VALUES ('cleo')", []).unwrap();
    session.execute("INSERT INTO user (name) VALUES ('dora')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(names(&own), ["ann", "cleo", "dora"]);
    drop(pooled);
    assert_eq!(names(&pool.get().unwrap()), ["ann", "cleo", "dora"]);
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::file(Storage::TempFile)]
fn counters_and_pragmas_go_back_too(#[case] storage: Storage) {
    let db = in_storage(storage);
    let conn = driver(&db, "auth");
    conn.execute_batch("PRAGMA user_version = 3; PRAGMA application_id = 4").unwrap();
    let before = db.snapshot().unwrap();
    conn.execute_batch(
        "PRAGMA user_version = 30; PRAGMA application_id = 40;
         INSERT INTO user (name) VALUES ('bob'), ('cleo'); DELETE FROM user WHERE id > 1",
    )
    .unwrap();
    db.restore(&before).unwrap();
    assert_eq!((pragma(&conn, "user_version"), pragma(&conn, "application_id")), (3, 4));
    conn.execute("INSERT INTO user (name) VALUES ('dora')", []).unwrap();
    assert_eq!(conn.last_insert_rowid(), 2);
    assert_eq!(conn.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(), "ok");
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::file(Storage::TempFile)]
fn a_table_that_was_dropped_comes_back_with_its_rows(#[case] storage: Storage) {
    let db = in_storage(storage);
    let before = db.snapshot().unwrap();
    db.drop_all("auth").unwrap();
    driver(&db, "auth").execute_batch("CREATE TABLE other (x)").unwrap();
    db.reflect("auth").unwrap();
    assert!(db.metadata("auth").unwrap().table("other").is_some());

    db.restore(&before).unwrap();
    assert!(db.metadata("auth").unwrap().table("user").is_some());
    assert!(db.metadata("auth").unwrap().table("other").is_none());
    db.assert_landed("auth", "user", row! { id: 1, name: "ann" });
    db.changes_since(&before).unwrap().assert_none();
    let mut session = db.session();
    let found: Vec<String> = session.query("SELECT name FROM user", [], |row| row.get(0)).unwrap();
    assert_eq!(found, ["ann"]);
}

#[rstest]
fn a_reset_after_a_restore_goes_back_to_the_start(db: Harness) {
    let start = db.snapshot().unwrap();
    driver(&db, None).execute("DELETE FROM user", []).unwrap();
    let empty = db.snapshot().unwrap();
    db.reset().unwrap();
    db.changes_since(&start).unwrap().assert_none();
    db.restore(&empty).unwrap();
    db.changes_since(&empty).unwrap().assert_none();
    db.reset().unwrap();
    db.changes_since(&start).unwrap().assert_none();
}

#[rstest]
#[case::an_empty_database(Bind::memory())]
#[case::an_empty_memdb(Bind::memdb())]
#[case::an_empty_file(Bind::temp_file())]
#[case::one_that_is_read_only_for_its_application(Bind::memory().pragma("query_only", true))]
#[case::a_small_page(Bind::memory().pragma("page_size", 512))]
#[case::automatic_vacuum(Bind::temp_file().pragma("auto_vacuum", 1))]
fn any_bind_can_be_taken_and_put_back(#[case] bind: Bind) {
    let db = Harness::builder().default_bind(bind).start().unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, None).execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    db.changes_since(&before).unwrap().assert_only(None);
    db.restore(&before).unwrap();
    db.changes_since(&before).unwrap().assert_none();
    driver(&db, None).execute_batch("CREATE TABLE t (x)").unwrap();
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::file(Storage::TempFile)]
fn a_snapshot_is_taken_beside_connections_that_read(#[case] storage: Storage) {
    let db = in_storage(storage);
    let conn = driver(&db, "auth");
    conn.execute_batch("BEGIN; SELECT * FROM user").unwrap();
    let before = db.snapshot().unwrap();
    conn.execute_batch("COMMIT").unwrap();
    db.changes_since(&before).unwrap().assert_none();
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::file(Storage::TempFile)]
fn a_snapshot_beside_an_open_write_transaction_is_what_is_committed(#[case] storage: Storage) {
    let db = in_storage(storage);
    let conn = driver(&db, "auth");
    conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    conn.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('cleo')").unwrap();
    let before = db.snapshot().unwrap();
    conn.execute_batch("COMMIT").unwrap();
    assert_eq!(names(&conn), ["ann", "bob", "cleo"]);
    db.restore(&before).unwrap();
    assert_eq!(names(&conn), ["ann", "bob"]);
}

#[rstest]
#[case::memdb(Storage::MemDb)]
#[case::shared_cache(Storage::SharedCache)]
fn an_unreadable_bind_is_named_by_a_snapshot(#[case] storage: Storage) {
    let db = in_storage(storage);
    let conn = driver(&db, "auth");
    conn.execute_batch("BEGIN; UPDATE user SET name = 'bob'").unwrap();
    let error = db.snapshot().unwrap_err();
    assert!(matches!(&error, Error::InUse { bind, .. } if *bind == BindKey::from("auth")), "{error}");
    conn.execute_batch("COMMIT").unwrap();
    drop(db.snapshot().unwrap());
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::file(Storage::TempFile)]
fn nothing_is_restored_while_one_bind_is_being_written_to(#[case] storage: Storage) {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(USER))
        .bind("auth", Bind::memory().storage(storage).schema(USER))
        .start()
        .unwrap();
    let before = db.snapshot().unwrap();
    driver(&db, None).execute("DELETE FROM user", []).unwrap();
    let conn = driver(&db, "auth");
    conn.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('bob')").unwrap();

    let error = db.restore(&before).unwrap_err();
    let Error::Restore { failed, restored, .. } = &error else { panic!("{error}") };
    assert_eq!((failed, restored.as_slice()), (&BindKey::from("auth"), [].as_slice()));
    assert_eq!(names(&driver(&db, None)), [] as [&str; 0]);
    assert_eq!(names(&conn), ["ann", "bob"]);

    conn.execute_batch("COMMIT").unwrap();
    db.restore(&before).unwrap();
    db.changes_since(&before).unwrap().assert_none();
}

#[rstest]
fn a_restore_that_fails_says_what_is_in_the_way(db: Harness) {
    let before = db.snapshot().unwrap();
    let conn = db.connection("auth").unwrap();
    conn.execute_batch("BEGIN; DELETE FROM user").unwrap();
    insta::assert_snapshot!(db.restore(&before).unwrap_err(), @"cannot restore bind `auth`: database is locked: another connection has a transaction or an unfinished query open on it. SQLite does not report which one; 1 connection of its pool is in use. Commit it, roll it back or drop it first; an uncommitted session counts. Restored: none");
}

#[rstest]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
fn a_query_that_is_not_finished_keeps_its_database_under_it(#[case] storage: Storage) {
    let db = in_storage(storage);
    let before = db.snapshot().unwrap();
    let conn = driver(&db, "auth");
    conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    {
        let mut statement = conn.prepare("SELECT name FROM user").unwrap();
        let mut rows = statement.query([]).unwrap();
        assert!(rows.next().unwrap().is_some());
        assert!(matches!(db.restore(&before).unwrap_err(), Error::Restore { .. }));
        assert!(rows.next().unwrap().is_some());
    }
    db.restore(&before).unwrap();
    assert_eq!(names(&conn), ["ann"]);
}

#[test]
fn a_reader_of_a_file_keeps_its_view() {
    let db = in_storage(Storage::TempFile);
    let before = db.snapshot().unwrap();
    let conn = driver(&db, "auth");
    conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    assert_eq!(names(&conn), ["ann", "bob"]);
    db.restore(&before).unwrap();
    assert_eq!(names(&conn), ["ann", "bob"]);
    conn.execute_batch("COMMIT").unwrap();
    assert_eq!(names(&conn), ["ann"]);
}

#[rstest]
fn a_snapshot_of_another_harness_is_refused(db: Harness) {
    let other = in_storage(Storage::Memory);
    let foreign = other.snapshot().unwrap();
    insta::assert_snapshot!(db.restore(&foreign).unwrap_err(), @"the snapshot was taken of another harness, with the binds auth: take one of this harness with `snapshot()`, or start both with one `prepared` state");
    insta::assert_snapshot!(db.changes_since(&foreign).unwrap_err(), @"the snapshot was taken of another harness, with the binds auth: take one of this harness with `snapshot()`, or start both with one `prepared` state");
    other.close().unwrap(); // a snapshot does not keep it open
    assert!(matches!(db.restore(&foreign).unwrap_err(), Error::ForeignSnapshot { .. }));
}

#[rstest]
fn a_bind_whose_file_is_gone_is_named(db: Harness) {
    let file = db.path("meta").unwrap().unwrap();
    std::fs::remove_file(&file).unwrap();
    let error = db.snapshot().unwrap_err().to_string().replace(file.to_str().unwrap(), "FILE");
    insta::assert_snapshot!(error, @"bind `meta`: unable to open database file: file:FILE: No such file or directory (os error 2)");
}

// Beside an application that goes on.

/// Runs `application` until `looks` have been taken beside it, and gives how often one was refused.
fn beside(looks: usize, look: impl Fn() + Sync, application: impl Fn() -> bool + Sync) -> usize {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let application = scope.spawn(|| {
            let mut refused = 0;
            while !done.load(Ordering::Relaxed) {
                refused += usize::from(!application());
            }
            refused
        });
        let looking = scope.spawn(|| {
            for _ in 0..looks {
                look();
            }
        });
        let looked = looking.join();
        done.store(true, Ordering::Relaxed);
        let refused = application.join().unwrap();
        looked.unwrap();
        refused
    })
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::memdb(Storage::MemDb)]
#[case::file(Storage::TempFile)]
fn looks_refuse_no_transaction(#[case] storage: Storage) {
    let db = in_storage(storage);
    let before = db.snapshot().unwrap();
    let pool = db.pool("auth").unwrap();
    // In WAL mode, any reader that meets a header which is just written takes the writer's lock for a moment, and SQLite lets a
    // transaction that has read wait for no writer.
    let begin = match storage {
        Storage::Memory | Storage::TempFile => TransactionBehavior::Immediate,
        _ => TransactionBehavior::Deferred,
    };
    let refused = beside(
        100,
        || {
            drop(db.snapshot().unwrap());
            let changes = db.changes_since(&before).unwrap();
            assert!(changes.is_empty() || changes.changes().len() == 1);
            // A look that fails tells who writes, and asks for no lock for that.
            let landed = || db.assert_landed("auth", "user", row! { name: "nobody" }).binds();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(landed)).unwrap_err();
        },
        || {
            let mut conn = pool.get().unwrap();
            let mut run = || {
                let transaction = conn.transaction_with_behavior(begin)?;
                let rows: i64 = transaction.query_row("SELECT count(*) FROM user", [], |row| row.get(0))?;
                transaction.execute("UPDATE user SET name = ?1", [format!("{rows}")])?;
                transaction.commit()
            };
            run().is_ok()
        },
    );
    assert_eq!(refused, 0);
}

/// The application commits to one bind and then to the other, as fast as it can.
#[rstest]
#[case::memory(Storage::Memory, Storage::Memory)]
#[case::files(Storage::TempFile, Storage::TempFile)]
#[case::memdb(Storage::MemDb, Storage::MemDb)]
#[case::shared_cache(Storage::SharedCache, Storage::Memory)]
#[case::mixed(Storage::Memory, Storage::TempFile)]
fn all_binds_of_a_snapshot_are_of_one_moment(#[case] first: Storage, #[case] second: Storage) {
    let bind =
        |storage| Bind::memory().storage(storage).schema("CREATE TABLE t (n)").busy_timeout(Duration::from_secs(60));
    // The one that is written to last is looked at first, and the other way round.
    for keys in [["a", "b"], ["b", "a"]] {
        let db = Harness::builder().bind("a", bind(first)).bind("b", bind(second)).start().unwrap();
        let before = db.snapshot().unwrap();
        let [one, other] = keys.map(|key| Mutex::new(db.connection(key).unwrap()));
        let count = AtomicI64::new(0);
        let written = |key: &str, changes: &multibind::changes::ChangeSet| {
            changes
                .changes()
                .iter()
                .filter(|change| change.bind().as_str() == Some(key))
                .map(|change| change.inserted().len())
                .sum::<usize>()
        };
        let refused = beside(
            30,
            || {
                let changes = db.changes_since(&before).unwrap();
                let [one, other] = keys.map(|key| written(key, &changes));
                assert!(one == other || one == other + 1, "{keys:?}: {one} and {other}");
            },
            || {
                let n = count.fetch_add(1, Ordering::Relaxed);
                // In a shared cache a look may be in the way, and there is no waiting.
                while one.lock().unwrap().execute("INSERT INTO t VALUES (?1)", [n]).is_err() {}
                while other.lock().unwrap().execute("INSERT INTO t VALUES (?1)", [n]).is_err() {}
                true
            },
        );
        assert_eq!(refused, 0);
    }
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::file(Storage::TempFile)]
fn looks_block_no_exclusive_connection(#[case] storage: Storage) {
    let db = in_storage(storage);
    let conn = driver(&db, "auth");
    conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    let look = || {
        db.assert_landed("auth", "user", row! { name: "bob" });
        db.locate("user", row! { name: "bob" }).unwrap();
        let before = db.snapshot().unwrap();
        db.changes_since(&before).unwrap().assert_none();
        db.session().route("SELECT name FROM user").unwrap();
        db.reflect("auth").unwrap();
        let _ = db.describe().to_string();
    };
    for mode in ["delete", "wal", "truncate", "wal"] {
        look();
        let now: String = conn.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| row.get(0)).unwrap();
        assert_eq!(now, mode);
        conn.execute("INSERT INTO user (name) VALUES ('cleo')", []).unwrap();
    }
    look();
    conn.execute_batch("PRAGMA journal_mode = delete; PRAGMA locking_mode = EXCLUSIVE").unwrap();
    conn.execute("INSERT INTO user (name) VALUES ('dora')", []).unwrap();
    conn.execute_batch("PRAGMA locking_mode = NORMAL; SELECT name FROM user").unwrap();
    db.assert_landed("auth", "user", row! { name: "dora" });
}

/// A look sets nothing in the database that the bind's pragmas ask for: the application may have chosen otherwise since.
#[rstest]
#[case::memory(Storage::Memory)]
#[case::file(Storage::TempFile)]
fn looks_do_not_set_the_binds_pragmas_anew(#[case] storage: Storage) {
    let bind = Bind::memory().storage(storage).schema(USER).pragma("journal_mode", "delete").pragma("user_version", 7);
    let db = Harness::builder().bind("auth", bind.pragma("locking_mode", "exclusive")).start().unwrap();
    let conn = driver(&db, "auth");
    conn.execute_batch("PRAGMA journal_mode = wal; PRAGMA user_version = 8").unwrap();
    db.assert_landed("auth", "user", row! { name: "ann" });
    drop(db.snapshot().unwrap());
    assert_eq!(pragma(&conn, "user_version"), 8);
    assert_eq!(conn.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).unwrap(), "wal");
    conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
}
