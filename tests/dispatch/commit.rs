//! Every point of failure in a session's commit of three binds: what the error says, that the databases agree with it,
//! and that the session goes on.

use std::time::Duration;

use multibind::faults::FaultBuilder;
use multibind::rusqlite::{self, ffi, Connection};
use multibind::{row, Bind, BindKey, Error, Harness, Session};
use rstest::rstest;

/// The binds in the order in which the session touches them, and so commits them.
const BINDS: [&str; 3] = ["shop", "bank", "stock"];

/// A table in each bind, and one whose rows SQLite checks when they are committed.
fn harness(bind: fn() -> Bind) -> Harness {
    BINDS
        .into_iter()
        .fold(Harness::builder(), |builder, key| {
            let schema = format!(
                "CREATE TABLE {key}_item (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
                 CREATE TABLE {key}_part (item INTEGER NOT NULL REFERENCES {key}_item (id) DEFERRABLE INITIALLY DEFERRED)"
            );
            builder.bind(key, bind().schema(schema).busy_timeout(Duration::ZERO))
        })
        .start()
        .unwrap()
}

/// What fails, in one of the binds.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// A fault that begins before the commit does.
    Fault(fn(FaultBuilder) -> multibind::Result<multibind::faults::Fault>),
    /// A row that refers to none.
    ForeignKey,
    /// Another connection that reads, where a commit waits for it.
    Reader,
}

/// Writes a row to each bind, and one that refers to none where that is what fails.
fn write(session: &mut Session, name: &str, broken: Option<&str>) -> multibind::Result<()> {
    for key in BINDS {
        session.table(&format!("{key}_item"))?.insert(row! { name: name })?;
        if broken == Some(key) {
            session.execute(&format!("INSERT INTO {key}_part VALUES (1000)"), [])?;
        }
    }
    Ok(())
}

/// The row is in the binds that the error calls committed and in no other, for every connection.
fn assert_agrees(db: &Harness, name: &str, committed: &[BindKey]) {
    for key in BINDS {
        let table = format!("{key}_item");
        let there = plain(db, key)
            .query_row(&format!("SELECT count(*) FROM {table} WHERE name = ?1"), [name], |row| row.get(0));
        assert_eq!(there, Ok(i64::from(committed.contains(&key.into()))), "{key}");
        match committed.contains(&key.into()) {
            true => db.assert_landed(key, &table, row! { name: name }),
            false => db.assert_not_landed(key, &table, row! { name: name }),
        };
    }
}

fn plain(db: &Harness, key: &str) -> Connection {
    Connection::open(db.uri(key).unwrap()).unwrap()
}

fn code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().unwrap().extended_code
}

#[rstest]
#[case::commit_hook(Failure::Fault(FaultBuilder::fail_commit), Bind::memory, ffi::SQLITE_CONSTRAINT_COMMITHOOK)]
#[case::disk_full(Failure::Fault(FaultBuilder::disk_full), Bind::memory, ffi::SQLITE_FULL)]
#[case::disk_broken(Failure::Fault(FaultBuilder::fail_io), Bind::memory, ffi::SQLITE_IOERR_WRITE)]
#[case::foreign_key(Failure::ForeignKey, Bind::memory, ffi::SQLITE_CONSTRAINT_FOREIGNKEY)]
#[case::commit_hook_on_files(
    Failure::Fault(FaultBuilder::fail_commit),
    Bind::temp_file,
    ffi::SQLITE_CONSTRAINT_COMMITHOOK
)]
#[case::disk_full_on_files(Failure::Fault(FaultBuilder::disk_full), Bind::temp_file, ffi::SQLITE_FULL)]
#[case::disk_broken_on_files(Failure::Fault(FaultBuilder::fail_io), Bind::temp_file, ffi::SQLITE_IOERR_WRITE)]
#[case::foreign_key_on_files(Failure::ForeignKey, Bind::temp_file, ffi::SQLITE_CONSTRAINT_FOREIGNKEY)]
#[case::busy_with_a_rollback_journal(Failure::Reader, rollback_journal, ffi::SQLITE_BUSY)]
#[case::disk_full_with_a_rollback_journal(Failure::Fault(FaultBuilder::disk_full), rollback_journal, ffi::SQLITE_FULL)]
#[case::commit_hook_in_a_shared_cache(
    Failure::Fault(FaultBuilder::fail_commit),
    Bind::shared_cache,
    ffi::SQLITE_CONSTRAINT_COMMITHOOK
)]
#[case::foreign_key_in_a_shared_cache(Failure::ForeignKey, Bind::shared_cache, ffi::SQLITE_CONSTRAINT_FOREIGNKEY)]
#[case::commit_hook_in_memdb(Failure::Fault(FaultBuilder::fail_commit), Bind::memdb, ffi::SQLITE_CONSTRAINT_COMMITHOOK)]
#[case::foreign_key_in_memdb(Failure::ForeignKey, Bind::memdb, ffi::SQLITE_CONSTRAINT_FOREIGNKEY)]
fn a_failed_commit_lists_committed_and_rolled_back(
    #[case] failure: Failure,
    #[case] bind: fn() -> Bind,
    #[case] expected: i32,
    #[values(0, 1, 2)] place: usize,
    #[values(false, true)] after_others: bool,
) -> multibind::Result<()> {
    let db = harness(bind);
    let binds = BINDS.map(BindKey::from);
    let (committed, rolled_back) = binds.split_at(place);
    let failing = BINDS[place];
    let mut session = db.session();
    if after_others {
        write(&mut session, "earlier", None)?;
        session.commit()?;
    }

    let broken = matches!(failure, Failure::ForeignKey).then_some(failing);
    write(&mut session, "ann", broken)?;
    let reader = matches!(failure, Failure::Reader).then(|| reading(&db, failing));
    let fault = match failure {
        Failure::Fault(begin) => Some(begin(db.fault(failing))?),
        Failure::ForeignKey | Failure::Reader => None,
    };
    let error = session.commit().unwrap_err();
    drop((fault, reader));

    let said = error.to_string();
    let Error::Commit { failed, committed: kept, rolled_back: undone, source, .. } = error else { panic!("{error}") };
    assert_eq!((failed, code(&source)), (failing.into(), expected), "{said}");
    assert_eq!((&*kept, &*undone), (committed, rolled_back), "{said}");
    assert_agrees(&db, "ann", committed);

    // The session goes on: what it did is over, what it does next is not concerned.
    assert_eq!(session.table(&format!("{failing}_item"))?.count(row! { name: "ann" })?, 0);
    session.commit()?;
    write(&mut session, "bob", None)?;
    session.commit()?;
    assert_agrees(&db, "bob", &BINDS.map(BindKey::from));
    assert_agrees(&db, "ann", committed);
    // And it is in nobody's way.
    for key in BINDS {
        plain(&db, key).execute(&format!("INSERT INTO {key}_item (name) VALUES ('cleo')"), []).unwrap();
    }
    db.reset()
}

fn rollback_journal() -> Bind {
    Bind::memory().pragma("journal_mode", "delete")
}

/// A connection in the middle of reading.
fn reading(db: &Harness, key: &str) -> Connection {
    let conn = plain(db, key);
    conn.execute_batch(&format!("BEGIN; SELECT * FROM {key}_item")).unwrap();
    conn
}

#[rstest]
fn every_point_is_told_in_words() -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let commit = |key: &str| {
        let _fault = db.fault(key).fail_commit()?;
        let mut session = db.session();
        write(&mut session, key, None)?;
        session.commit()
    };
    insta::assert_snapshot!(commit("shop").unwrap_err(), @"commit failed in bind `shop`: constraint failed, since a commit hook refused it. Committed: none; rolled back: shop, bank, stock");
    insta::assert_snapshot!(commit("bank").unwrap_err(), @"commit failed in bind `bank`: constraint failed, since a commit hook refused it. Committed: shop; rolled back: bank, stock");
    insta::assert_snapshot!(commit("stock").unwrap_err(), @"commit failed in bind `stock`: constraint failed, since a commit hook refused it. Committed: shop, bank; rolled back: stock");
    Ok(())
}

#[rstest]
fn a_read_bind_is_listed_in_a_failed_commit() -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let _fault = db.fault("bank").fail_commit()?;
    let mut session = db.session();
    session.table("shop_item")?.all(row! {})?;
    session.table("bank_item")?.insert(row! { name: "ann" })?;
    session.table("stock_item")?.all(row! {})?;
    let Err(Error::Commit { committed, rolled_back, .. }) = session.commit() else { panic!("committed") };
    assert_eq!((&*committed, &*rolled_back), (&["shop".into()][..], &["bank".into(), "stock".into()][..]));
    Ok(())
}

#[rstest]
#[case::with_a_table_made(&["CREATE TABLE bank.extra (x)", "INSERT INTO extra VALUES (1)"])]
#[case::with_a_table_dropped(&["DROP TABLE bank_part"])]
fn a_schema_that_was_not_committed_is_not_known_afterwards(#[case] statements: &[&str]) -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let mut session = db.session();
    write(&mut session, "ann", None)?;
    for sql in statements {
        session.execute(sql, [])?;
    }
    let fault = db.fault("bank").fail_commit()?;
    session.commit().unwrap_err();
    drop(fault);
    assert!(session.route("SELECT * FROM extra").is_err());
    assert!(session.route("SELECT * FROM bank_part").is_ok());
    session.execute("CREATE TABLE bank.extra (x)", [])?;
    session.execute("INSERT INTO extra VALUES (2)", [])?;
    session.commit()?;
    db.assert_landed("bank", "extra", row! { x: 2 });
    Ok(())
}

#[rstest]
fn prepared_statements_survive_a_failed_commit() -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let mut session = db.session();
    let fault = db.fault("bank").after(1).times(2).fail_commit()?;
    let mut landed = Vec::new();
    for name in ["ann", "bob", "cleo", "dora"] {
        session.execute("INSERT INTO bank_item (name) VALUES (?1)", [name])?;
        if session.commit().is_ok() {
            landed.push(name);
        }
    }
    assert_eq!((landed, fault.triggered()), (vec!["ann", "dora"], 2));
    assert_eq!(session.table("bank_item")?.count(row! {})?, 2);
    Ok(())
}

#[rstest]
fn a_lost_transaction_fails_the_whole_commit(#[values("shop", "bank", "stock")] lost: &str) -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let mut session = db.session();
    write(&mut session, "ann", None)?;
    session
        .execute(
            &format!("INSERT OR ROLLBACK INTO {lost}_item (id, name) SELECT max(id), 'twice' FROM {lost}_item"),
            [],
        )
        .unwrap_err();
    let Err(Error::RolledBack { bind, .. }) = session.commit() else { panic!("committed") };
    assert_eq!(bind, BindKey::from(lost));
    session.rollback()?;
    assert_agrees(&db, "ann", &[]);
    write(&mut session, "bob", None)?;
    session.commit()?;
    assert_agrees(&db, "bob", &BINDS.map(BindKey::from));
    Ok(())
}

#[rstest]
fn a_savepoint_inside_goes_with_its_bind() -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let mut session = db.session();
    let mut savepoint = session.savepoint()?;
    write(&mut savepoint, "ann", None)?;
    savepoint.commit()?;
    let fault = db.fault("stock").fail_commit()?;
    session.commit().unwrap_err();
    drop(fault);
    assert_agrees(&db, "ann", &["shop".into(), "bank".into()]);
    let mut savepoint = session.savepoint()?;
    write(&mut savepoint, "bob", None)?;
    savepoint.rollback()?;
    session.commit()?;
    assert_agrees(&db, "bob", &[]);
    Ok(())
}

#[rstest]
fn a_session_dropped_after_a_failed_commit_leaves_no_lock() -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let fault = db.fault("bank").fail_io()?;
    let mut session = db.session();
    write(&mut session, "ann", None)?;
    session.commit().unwrap_err();
    drop((fault, session));
    for key in BINDS {
        plain(&db, key).execute(&format!("INSERT INTO {key}_item (name) VALUES ('bob')"), []).unwrap();
    }
    db.close()
}

#[rstest]
fn a_lasting_fault_loses_no_committed_row() -> multibind::Result<()> {
    let db = harness(Bind::memory);
    let _fault = db.fault("bank").disk_full()?;
    let mut session = db.session();
    for name in ["ann", "bob", "cleo"] {
        write(&mut session, name, None)?;
        let Err(Error::Commit { committed, .. }) = session.commit() else { panic!("committed") };
        assert_agrees(&db, name, &committed);
    }
    Ok(())
}
