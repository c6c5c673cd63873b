//! What may cross to another thread and what may be shared, told when this is compiled; and that it is true.

use std::sync::{Arc, Barrier};
use std::thread;

use multibind::binds::{Description, Storage};
use multibind::changes::{ChangeSet, Snapshot};
use multibind::faults::{Fault, FaultBuilder, Operation};
use multibind::landings::{Landing, Orphan};
use multibind::locks::Conflict;
use multibind::pools::{Pool, PooledConnection};
use multibind::sessions::{BindSession, Route, Savepoint, SessionTable};
use multibind::tables::{Metadata, Table, TableGroup};
use multibind::{row, Bind, BindKey, Config, Error, Harness, Keep, Row, Selection, Session};

const fn crosses<T: Send>() {}
const fn is_shared<T: Sync>() {}

macro_rules! all {
    ($claim:ident: $($type:ty),* $(,)?) => { const _: () = { $($claim::<$type>();)* }; };
}

all!(crosses: Harness, Config, Bind, Table, TableGroup, BindKey, Selection, Storage, Keep, Error, Row);
all!(crosses: Session, Savepoint<'_>, BindSession<'_>, SessionTable<'_>, Pool, PooledConnection, Route);
all!(crosses: Fault, FaultBuilder, Operation, Snapshot, ChangeSet, Landing, Metadata, Description, Orphan, Conflict);
all!(is_shared: Harness, Config, Bind, Table, TableGroup, BindKey, Selection, Storage, Keep, Error, Row);
all!(is_shared: Fault, FaultBuilder, Operation, Pool, Route, Snapshot, ChangeSet, Landing, Metadata, Description, Orphan, Conflict);

/// Compiles where no type is `Sync` of those given: for one that is, both implementations fit and neither is chosen.
macro_rules! none_is_shared {
    ($($type:ty),* $(,)?) => {$(
        const _: fn() = || {
            trait Either<T> {
                fn chosen() {}
            }
            struct Shared;
            impl<T: ?Sized> Either<()> for T {}
            impl<T: ?Sized + Sync> Either<Shared> for T {}
            let _ = <$type as Either<_>>::chosen;
        };
    )*};
}

// One connection each, which SQLite opens without a lock of its own: two threads must not use it at once.
none_is_shared!(Session, Savepoint<'static>, BindSession<'static>, SessionTable<'static>, PooledConnection);

fn binds() -> Harness {
    let tables = "CREATE TABLE t (x INTEGER)";
    Harness::builder()
        .default_bind(Bind::memory().schema(tables))
        .bind("file", Bind::temp_file().schema(tables))
        .bind("memdb", Bind::memdb().schema(tables))
        .start()
        .unwrap()
}

#[test]
fn a_harness_is_shared_by_threads_that_do_all_at_once() {
    const THREADS: i64 = 8;
    let db = binds();
    let together = Barrier::new(THREADS as usize);
    thread::scope(|threads| {
        for number in 0..THREADS {
            let (db, together) = (&db, &together);
            threads.spawn(move || {
                together.wait();
                for key in [Some("memdb"), Some("file")] {
                    db.connection(key).unwrap().execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
                    assert!(!db.locate("t", row! { x: number }).unwrap().is_empty());
                    db.metadata(key).unwrap();
                }
                assert_eq!(db.binds().len(), 3);
                assert_eq!(db.session().route("SELECT x FROM file.t").unwrap().reads(), [BindKey::from("file")]);
                assert!(!db.uri(None).unwrap().is_empty() && !format!("{db:?}").is_empty());
            });
        }
    });
    for key in ["memdb", "file"] {
        let rows: i64 = db.connection(key).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, THREADS);
    }
}

#[test]
fn a_session_moves_between_threads() {
    let db = binds();
    let mut session = db.session();
    for number in 0..4 {
        session = thread::spawn(move || {
            for key in ["main", "file", "memdb"] {
                session.execute(&format!("INSERT INTO {key}.t VALUES (?1)"), [number]).unwrap();
            }
            session
        })
        .join()
        .unwrap();
    }
    session.commit().unwrap();
    for key in [None, Some("file"), Some("memdb")] {
        let rows: i64 = db.connection(key).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 4);
    }
}

#[test]
fn a_session_outlives_its_harness() {
    let db = binds();
    let mut session = db.session();
    session.execute("INSERT INTO file.t VALUES (1)", []).unwrap();
    drop(db);
    let session = thread::spawn(move || {
        session.execute("INSERT INTO main.t VALUES (2)", []).unwrap();
        assert_eq!(session.table("file.t").unwrap().count(row! {}).unwrap(), 1);
        session
    });
    drop(session.join().unwrap());
}

#[test]
fn harnesses_of_many_threads_are_apart() {
    const THREADS: i64 = 8;
    let together = Arc::new(Barrier::new(THREADS as usize));
    let started = (0..THREADS).map(|number| {
        let together = Arc::clone(&together);
        thread::spawn(move || {
            together.wait();
            let db = binds();
            db.session().on("memdb").unwrap().execute("INSERT INTO t VALUES (0)", []).unwrap();
            db.connection("file").unwrap().execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
            db
        })
    });
    for (number, db) in (0..).zip(started.collect::<Vec<_>>()) {
        let db = db.join().unwrap();
        let found = db.session().query("SELECT x FROM file.t", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(found, [number]);
        db.close().unwrap();
    }
}

// The names that SQLite keeps a pointer to.

#[test]
fn a_bind_answers_to_each_of_its_keys() {
    let url = "postgres://db.example/app";
    let keys =
        (0..20).map(|at| format!("{at} {}", "long enough to be on the heap, ".repeat(at + 1))).collect::<Vec<_>>();
    let builder = Harness::builder().bind(keys[0].as_str(), Bind::url(url).schema("CREATE TABLE t (x)"));
    let db = keys[1..].iter().fold(builder, |builder, key| builder.bind(key, Bind::url(url))).start().unwrap();
    let mut session = db.session();
    let mut filler = Vec::new();
    for round in 0..3 {
        for key in &keys {
            let quoted = format!("\"{key}\"");
            session.on(key).unwrap().execute(&format!("INSERT INTO {quoted}.t VALUES ({round})"), []).unwrap();
            // What a freed name would be overwritten with.
            filler.push("x".repeat(key.len()));
            let schemas = "SELECT name FROM pragma_database_list WHERE seq = 0";
            let named: String = session.on(key).unwrap().query_row(schemas, [], |row| row.get(0)).unwrap();
            assert_eq!(&named, key);
        }
        // The connections move with their session, the names do not.
        session = thread::spawn(move || session).join().unwrap();
    }
    assert_eq!(
        session.on(&keys[7]).unwrap().query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap(),
        60
    );
    drop(filler);
}
