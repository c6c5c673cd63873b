//! The statements that ran, on connections of pools and in sessions, while a log was alive.

use std::io::Write;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use insta::assert_snapshot;
use multibind::fixture::harness;
use multibind::rusqlite::backup::Backup;
use multibind::rusqlite::functions::FunctionFlags;
use multibind::rusqlite::{ffi, params, Connection, MAIN_DB};
use multibind::statements::{Statement, StatementKind};
use multibind::{row, Bind, BindKey, Harness};
use rstest::rstest;

use crate::failure::{failure, message};
use crate::frame::unframed;

fn texts(statements: &[Statement]) -> Vec<&str> {
    statements.iter().map(Statement::sql_with_values).collect()
}

#[rstest]
fn statements_of_pools_and_of_sessions_are_in_one_log_in_order(harness: Harness) {
    let auth = harness.connection("auth").unwrap();
    let log = harness.record();

    auth.execute("INSERT INTO user (username) VALUES (?1)", ["ann"]).unwrap();
    let mut session = harness.session();
    session.execute("INSERT INTO post (title, author) VALUES (?1, 'ann')", ["hello"]).unwrap();
    session.table("setting").unwrap().update(row! { name: "motto" }, row! { value: "o'clock" }).unwrap();
    session.commit().unwrap();
    let names = "SELECT username FROM user WHERE id > ?1";
    auth.prepare(names).unwrap().query_map([1], |row| row.get::<_, String>(0)).unwrap().for_each(drop);

    assert_snapshot!(unframed(&log), @r#"
     bind      does     rows   statement
     auth      writes   1      INSERT INTO user (username) VALUES ('ann')
    ─
     default                   BEGIN
    ─
     default   writes   1      INSERT INTO post (title, author) VALUES ('hello',
                                   'ann')
    ─
     meta                      BEGIN
    ─
     meta      writes   1      UPDATE main."setting" AS t SET "value" = 'o''clock'
                                   WHERE t."name" IS 'motto'
    ─
     default                   COMMIT
    ─
     meta                      COMMIT
    ─
     auth      reads           SELECT username FROM user WHERE id > 1
    "#);
    let from_session = log.statements().iter().map(Statement::is_from_session).collect::<Vec<_>>();
    assert_eq!(from_session, [false, true, true, true, true, true, true, false]);
    assert!(log.statements().iter().all(|statement| statement.time().is_some()));
    assert!(log.statements().iter().all(|statement| statement.thread().id() == std::thread::current().id()));
}

#[rstest]
fn a_log_has_what_ran_while_it_lived_and_no_more(harness: Harness) {
    let conn = harness.connection("meta").unwrap();
    let run = |value: i64| conn.query_row("SELECT ?1", [value], |row| row.get::<_, i64>(0)).unwrap();
    run(1);
    let outer = harness.record();
    run(2);
    let inner = harness.record();
    run(3);
    assert_eq!(texts(&inner.statements()), ["SELECT 3"]);
    drop(inner);
    run(4);
    assert_eq!(texts(&outer.statements()), ["SELECT 2", "SELECT 3", "SELECT 4"]);
    drop(outer);
    run(5);
    let last = harness.record();
    run(6);
    assert_eq!(texts(&last.statements()), ["SELECT 6"]);
}

#[rstest]
fn the_first_log_after_thousands_of_statements_has_its_own(harness: Harness) {
    let conn = harness.connection("meta").unwrap();
    let run = |value: i64| conn.query_row("SELECT ?1", [value], |row| row.get::<_, i64>(0)).unwrap();
    let before = harness.record();
    for at in 0..3000 {
        run(at);
    }
    assert_eq!(before.statements().len(), 3000);
    drop(before);
    let log = harness.record();
    run(-1);
    assert_eq!(texts(&log.statements()), ["SELECT -1"]);
}

#[rstest]
fn a_log_is_of_one_harness(harness: Harness) {
    let other = Harness::from_file("fixtures/binds.toml").unwrap();
    let log = harness.record();
    other.connection("auth").unwrap().execute("DELETE FROM session_token", []).unwrap();
    other.session().execute("DELETE FROM session_token", []).unwrap();
    assert_eq!(log.to_string(), "no statements");
}

#[rstest]
fn a_log_keeps_no_harness_alive_and_is_readable_after_it(harness: Harness) {
    let pool = harness.pool("auth").unwrap();
    let log = harness.record();
    pool.get().unwrap().execute("DELETE FROM session_token", []).unwrap();
    harness.close().unwrap();
    assert_eq!(texts(&log.statements()), ["DELETE FROM session_token"]);
    // What is left of the pool is a pool of nothing that the harness knows.
    drop(pool);
}

#[rstest]
fn a_connection_outlives_its_harness_while_statements_are_recorded_elsewhere(harness: Harness) {
    let other = Harness::from_file("fixtures/binds.toml").unwrap();
    let conn = harness.connection("auth").unwrap();
    let log = other.record();
    drop(harness);
    conn.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)).unwrap();
    drop(conn);
    assert_eq!(log.statements().len(), 0);
}

#[rstest]
#[case::read("SELECT username FROM user", StatementKind::Read, 0)]
#[case::insert("INSERT INTO user (username) VALUES ('ann'), ('bob')", StatementKind::Write, 2)]
#[case::update("UPDATE user SET is_active = 0", StatementKind::Write, 2)]
#[case::update_of_nothing("UPDATE user SET is_active = 0 WHERE id = 99", StatementKind::Write, 0)]
#[case::delete("DELETE FROM user_role", StatementKind::Write, 3)]
#[case::table("CREATE TABLE made (x)", StatementKind::Write, 0)]
#[case::upsert(
    "INSERT INTO role (id, name) VALUES (1, 'x') ON CONFLICT DO UPDATE SET name = 'x'",
    StatementKind::Write,
    1
)]
#[case::pragma("PRAGMA table_list", StatementKind::Read, 0)]
#[case::begin("BEGIN IMMEDIATE", StatementKind::Transaction, 0)]
#[case::savepoint("/* why not */ SAVEPOINT here", StatementKind::Transaction, 0)]
fn a_statement_is_what_sqlite_says_of_it(
    harness: Harness,
    #[case] sql: &str,
    #[case] kind: StatementKind,
    #[case] rows: u64,
) {
    let conn = harness.connection("auth").unwrap();
    // Counts that are another statement's.
    conn.execute("INSERT INTO session_token (token, user_id, expires_at) SELECT id, id, 0 FROM user", []).unwrap();
    let log = harness.record();
    let mut statement = conn.prepare(sql).unwrap();
    let mut ran = statement.query([]).unwrap();
    while ran.next().unwrap().is_some() {}
    drop(ran);
    let ran = log.statements();
    assert_eq!((ran[0].sql(), ran[0].kind(), ran[0].rows_changed()), (sql, kind, rows));
    assert_eq!((ran.len(), ran[0].bind()), (1, &BindKey::from("auth")));
}

#[rstest]
fn a_failure_has_its_message_from_a_session_and_else_the_words_for_its_code(harness: Harness) {
    let log = harness.record();
    let insert = "INSERT INTO user (username) VALUES (?1)";
    let mut session = harness.session();
    session.execute(insert, ["grace"]).unwrap_err();
    session.execute(insert, ["ann"]).unwrap();
    session.commit().unwrap();
    harness.connection("auth").unwrap().execute(insert, ["grace"]).unwrap_err();

    assert_snapshot!(unframed(&log), @r#"
     bind   does     rows   statement
     auth                   BEGIN
    ─
     auth   writes   0      INSERT INTO user (username) VALUES ('grace')
                              failed: UNIQUE constraint failed: user.username
    ─
     auth   writes   1      INSERT INTO user (username) VALUES ('ann')
    ─
     auth                   COMMIT
    ─
     auth   writes   0      INSERT INTO user (username) VALUES ('grace')
                              failed: UNIQUE constraint failed: user.username
    "#);
    let known = log.statements().iter().map(Statement::has_failed).collect::<Vec<_>>();
    assert_eq!(known, [Some(false), Some(true), Some(false), Some(false), Some(true)]);
}

#[rstest]
fn an_error_of_a_row_reader_is_no_failure_of_its_statement(harness: Harness) {
    let log = harness.record();
    harness.session().query("SELECT username FROM user", [], |row| row.get::<_, i64>(0)).unwrap_err();
    assert_eq!(log.on("auth").unwrap()[1].has_failed(), Some(false));
}

#[rstest]
fn statements_that_never_ran_are_not_recorded(harness: Harness) {
    let conn = harness.connection("auth").unwrap();
    let mut session = harness.session();
    session.query_row("SELECT 1", [], |row| row.get::<_, i64>(0)).unwrap();
    let log = harness.record();

    conn.execute("INSERT INTO nowhere VALUES (1)", []).unwrap_err();
    session.execute("INSERT INTO nowhere VALUES (1)", []).unwrap_err();
    conn.prepare("SELECT * FROM user").unwrap();
    conn.query_row("EXPLAIN SELECT * FROM user", [], |_| Ok(())).unwrap();
    session.on("auth").unwrap().query("EXPLAIN SELECT * FROM user", [], |_| Ok(())).unwrap();
    session.route("DELETE FROM user").unwrap();
    session.execute("INSERT INTO user (username) VALUES (?1)", params!["ann", "bob"]).unwrap_err();
    conn.execute("INSERT INTO user (username) VALUES (?1)", params!["ann", "bob"]).unwrap_err();

    assert_eq!(texts(&log.statements()), ["BEGIN"]);
}

#[rstest]
fn lookups_of_this_crate_are_not_recorded(harness: Harness) {
    let log = harness.record();
    let before = harness.snapshot().unwrap();
    harness.assert_landed("auth", "user", row! { username: "grace" });
    harness.changes_since(&before).unwrap().assert_none();
    harness.restore(&before).unwrap();
    harness.describe().to_string();
    harness.metadata("auth").unwrap();
    harness.session().route("SELECT * FROM user").unwrap();
    assert_eq!(log.to_string(), "no statements");
}

#[test]
fn inner_statements_are_part_of_the_outer_one() {
    let schema = "CREATE TABLE t (x); CREATE TABLE audit (x);
                  CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT INTO audit VALUES (new.x); END;
                  CREATE VIRTUAL TABLE found USING fts5(text)";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    let conn = db.connection(None).unwrap();
    // When first used on a connection, the virtual table looks itself up, before the statement begins.
    conn.prepare("SELECT * FROM found").unwrap();
    let log = db.record();
    conn.execute("INSERT INTO t VALUES (1), (2), (3)", []).unwrap();
    conn.execute("INSERT INTO found VALUES ('hello')", []).unwrap();
    db.session().execute("INSERT INTO t VALUES (1), (2), (3)", []).unwrap();
    assert_snapshot!(unframed(&log), @r"
     bind      does     rows   statement
     default   writes   3      INSERT INTO t VALUES (1), (2), (3)
                                 ran the trigger noted
    ─
     default   writes   1      INSERT INTO found VALUES ('hello')
    ─
     default                   BEGIN
    ─
     default   writes   3      INSERT INTO t VALUES (1), (2), (3)
                                 rolled back
                                 ran the trigger noted
    ─
     default                   ROLLBACK
    ");
}

#[rstest]
fn a_join_of_binds_is_one_statement_on_each_of_them(harness: Harness) {
    let mut session = harness.session();
    let log = harness.record();
    let join = "SELECT title FROM post JOIN user ON user.username = post.author WHERE username = ?1";
    session.query(join, ["grace"], |_| Ok(())).unwrap();
    let read = &log.statements()[0];
    assert_eq!(read.binds(), [BindKey::DEFAULT, "auth".into()]);
    log.assert_count(None, 1).assert_count("auth", 1).assert_count("meta", 0).assert_reads_only(..);
    assert_snapshot!(unframed(&log), @r"
     bind            does    rows   statement
     default, auth   reads          SELECT title FROM post JOIN user ON
                                        user.username = post.author WHERE
                                        username = 'grace'
    ");
}

#[test]
fn every_key_of_a_shared_stand_in_means_its_statements() {
    let url = "postgresql://db.example/one";
    let schema = "CREATE TABLE t (x)";
    let db =
        Harness::builder().default_bind(Bind::url(url).schema(schema)).bind("replica", Bind::url(url)).start().unwrap();
    let log = db.record();
    db.connection("replica").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
    log.assert_count("replica", 1).assert_count(None, 1);
    assert_eq!(log.on("replica").unwrap()[0].bind(), &BindKey::DEFAULT);
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn every_storage_and_thread_is_recorded(#[case] bind: Bind) {
    const THREADS: usize = 8;
    let db = Harness::builder().bind("auth", bind.pool_size(8).schema("CREATE TABLE t (x)")).start().unwrap();
    // Checked out before the log, and after it.
    let early = (0..THREADS / 2).map(|_| db.connection("auth").unwrap()).collect::<Vec<_>>();
    let log = db.record();
    let pool = db.pool("auth").unwrap();
    let barrier = Arc::new(Barrier::new(THREADS));
    std::thread::scope(|scope| {
        let mut early = early.into_iter();
        for at in 0..THREADS {
            let (conn, pool, barrier) = (early.next(), pool.clone(), Arc::clone(&barrier));
            let run = move || {
                let conn = conn.unwrap_or_else(|| pool.get().unwrap());
                barrier.wait();
                for value in 0..100 {
                    conn.query_row("SELECT ?1, ?2, count(*) FROM t", params![at as i64, value], |_| Ok(())).unwrap();
                }
            };
            std::thread::Builder::new().name(format!("reader {at}")).spawn_scoped(scope, run).unwrap();
        }
    });

    let ran = log.assert_count("auth", 100 * THREADS).statements();
    for at in 0..THREADS {
        let name = format!("reader {at}");
        let own = ran.iter().filter(|statement| statement.thread().name() == Some(&name));
        let expected = (0..100).map(|value| format!("SELECT {at}, {value}, count(*) FROM t"));
        assert!(own.map(Statement::sql_with_values).eq(expected), "{log}");
    }
    assert!(ran.iter().all(|statement| statement.time().is_some()));
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn a_statement_restarted_after_a_schema_change_is_recorded_once(#[case] bind: Bind) {
    let db = Harness::builder().default_bind(bind.schema("CREATE TABLE t (x)")).start().unwrap();
    let before = db.snapshot().unwrap();
    let (conn, other) = (db.connection(None).unwrap(), db.connection(None).unwrap());
    let mut insert = conn.prepare("INSERT INTO t VALUES (?1), (?1)").unwrap();
    insert.execute([0]).unwrap();
    db.restore(&before).unwrap();
    let log = db.record();
    insert.execute([1]).unwrap();
    other.execute("CREATE TABLE made (x)", []).unwrap();
    insert.execute([2]).unwrap();
    conn.query_row("EXPLAIN SELECT 1", [], |_| Ok(())).unwrap();

    let ran = log.statements();
    let values = "INSERT INTO t VALUES (1), (1)\nCREATE TABLE made (x)\nINSERT INTO t VALUES (2), (2)";
    assert_eq!(texts(&ran).join("\n"), values);
    assert_eq!(ran.iter().map(Statement::rows_changed).collect::<Vec<_>>(), [2, 0, 2]);
    db.assert_landed(None, "t", row! { x: 2 });
}

#[rstest]
fn a_query_that_is_being_read_has_not_ended(harness: Harness) {
    let conn = harness.connection("auth").unwrap();
    let log = harness.record();
    let mut select = conn.prepare("SELECT id FROM user").unwrap();
    let mut rows = select.query([]).unwrap();
    rows.next().unwrap();
    conn.execute("UPDATE user SET is_active = 0 WHERE id = 1", []).unwrap();
    let ended = |log: &multibind::statements::StatementLog| {
        log.statements().iter().map(|s| s.time().is_some()).collect::<Vec<_>>()
    };
    assert_eq!(ended(&log), [false, true]);
    drop(rows);
    assert_eq!(ended(&log), [true, true]);
    assert_eq!(log.statements()[1].rows_changed(), 1);
}

#[rstest]
fn values_are_as_sqlite_writes_them(harness: Harness) {
    let log = harness.record();
    let values = params!["it's", 1.5, Option::<i64>::None, [0_u8, 255], i64::MIN];
    let sql = "SELECT ?1, ?2, ?3, ?4, ?5, '?1'";
    harness.connection(None).unwrap().query_row(sql, values, |_| Ok(())).unwrap();
    let mut session = harness.session();
    session.query(sql, values, |_| Ok(())).unwrap();
    let ran = log.statements();
    assert_eq!((ran[0].sql(), ran[2].sql()), (sql, sql));
    assert_snapshot!(ran[0].sql_with_values(), @"SELECT 'it''s', 1.5, NULL, x'00ff', -9223372036854775808, '?1'");
    assert_eq!(ran[0].sql_with_values(), ran[2].sql_with_values());
}

#[rstest]
fn a_trace_of_the_users_own_takes_the_place_of_the_log(harness: Harness) {
    let conn = harness.connection("auth").unwrap();
    let log = harness.record();
    // SAFETY: the handle is open, and no callback needs no context.
    unsafe { ffi::sqlite3_trace_v2(conn.handle(), 0, None, std::ptr::null_mut()) };
    conn.execute("DELETE FROM session_token", []).unwrap();
    assert_eq!(log.statements().len(), 0);
    harness.connection("auth").unwrap().execute("DELETE FROM session_token", []).unwrap();
    assert_eq!(log.statements().len(), 1);
    conn.execute("UPDATE user SET is_active = 0", []).unwrap();
    assert!(failure(|| log.assert_count("auth", 1)).contains("whose trace the application has replaced"));
}

#[rstest]
fn a_connection_of_the_applications_own_is_recorded(harness: Harness) {
    let log = harness.record();
    let driver = Connection::open(harness.uri("auth").unwrap()).unwrap();
    driver.execute("DELETE FROM session_token", []).unwrap();
    assert_eq!(texts(&log.on("auth").unwrap()), ["DELETE FROM session_token"]);
}

/// A bind with a row to write to, in each kind of storage that has a file system of this crate's.
fn with_a_blob(bind: Bind) -> Harness {
    let schema = "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(3))";
    Harness::builder().bind("meta", bind.schema(schema)).bind("auth", Bind::memory()).start().unwrap()
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::memory_with_a_journal(Bind::memory().pragma("journal_mode", "delete"))]
#[case::temp_file(Bind::temp_file())]
#[case::temp_file_with_a_journal(Bind::temp_file().pragma("journal_mode", "delete"))]
#[case::memdb(Bind::memdb())]
#[case::shared_cache(Bind::shared_cache())]
#[case::without_a_journal(Bind::memory().pragma("journal_mode", "memory"))]
fn a_write_that_no_statement_makes_fails_what_asserts_that_there_is_none(
    #[case] bind: Bind,
    #[values("", "BEGIN", "BEGIN IMMEDIATE")] begin: &str,
    #[values(true, false)] by_backup: bool,
) {
    let db = with_a_blob(bind);
    let mut conn = db.connection("meta").unwrap();
    let shares_cache = db.uri("meta").unwrap().contains("cache=shared");
    if shares_cache && !by_backup && begin == "BEGIN IMMEDIATE" {
        return; // Nothing of SQLite's tells of it.
    }
    conn.execute("UPDATE t SET x = x", []).unwrap();
    let outer = db.record();
    conn.execute_batch("BEGIN; UPDATE t SET x = zeroblob(3); COMMIT; UPDATE t SET x = zeroblob(3)").unwrap();
    let log = db.record();
    if by_backup {
        let other = Connection::open_in_memory().unwrap();
        other.execute_batch("CREATE TABLE t (x)").unwrap();
        Backup::new(&other, &mut conn).unwrap().run_to_completion(100, Duration::ZERO, None).unwrap();
    } else {
        conn.execute_batch(begin).unwrap();
        let mut blob = conn.blob_open(MAIN_DB, "t", "x", 1, false).unwrap();
        blob.write_all(b"new").unwrap();
        blob.close().unwrap();
        if !begin.is_empty() {
            conn.execute_batch("COMMIT").unwrap();
        }
    }
    log.assert_reads_only("auth").assert_count("auth", 0);
    assert_eq!(
        failure(|| log.assert_reads_only("meta")),
        "expected only reads on meta, but meta was written to by no statement that was seen: by incremental blob I/O, by a \
         backup into\na connection, or on a connection whose trace the application has replaced. Assert on \
         what\nchanged: `db.changes_since(&before)`"
    );
    assert!(failure(|| log.assert_count("meta", 0)).contains("written to by no statement"));
    assert!(failure(|| outer.assert_count("meta", 2)).contains("written to by no statement"));
    db.record().assert_reads_only(..);
}

#[rstest]
fn statements_begun_before_the_log_are_no_unexplained_writes(
    #[values(0, 1, 2, 3)] storage: usize,
    #[values("wal", "delete")] journal: &str,
) {
    let bind = [Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache][storage]();
    let bind = bind.pragma("journal_mode", journal);
    let db = with_a_blob(bind);
    let conn = db.connection("meta").unwrap();
    let mut insert = conn.prepare("INSERT INTO t VALUES (1), (2) RETURNING x").unwrap();
    let mut rows = insert.query([]).unwrap();
    rows.next().unwrap();
    let log = db.record();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    log.assert_reads_only("meta");
    drop(log);
    conn.execute_batch("BEGIN; DELETE FROM t").unwrap();
    let (log, guard) = (db.record(), db.deny_writes("meta"));
    conn.execute_batch("COMMIT; BEGIN IMMEDIATE; COMMIT; BEGIN; SELECT x FROM t; ROLLBACK").unwrap();
    log.assert_reads_only("meta");
    assert!(guard.refused().is_empty());
    drop(guard);
    let mut session = db.session();
    session.execute("INSERT INTO t VALUES (3)", []).unwrap();
    session.commit().unwrap();
    db.reset().unwrap();
    db.drop_all("meta").unwrap();
    db.create_all("meta").unwrap();
    log.assert_count("meta", 2);
}

#[rstest]
#[case::temporary("INSERT INTO note VALUES (1)", StatementKind::Read)]
#[case::temporary_table("CREATE TEMP TABLE more (x)", StatementKind::Read)]
#[case::temporary_in_a_trigger("INSERT INTO noted VALUES (1)", StatementKind::Write)]
#[case::journal_mode("PRAGMA journal_mode", StatementKind::Read)]
#[case::new_journal_mode("PRAGMA journal_mode = delete", StatementKind::Write)]
#[case::checkpoint("PRAGMA wal_checkpoint", StatementKind::Read)]
#[case::copy("VACUUM INTO 'file:copy?mode=memory'", StatementKind::Read)]
#[case::vacuum("VACUUM", StatementKind::Write)]
#[case::user_version("PRAGMA user_version = 3", StatementKind::Write)]
#[case::optimize_that_only_says("PRAGMA optimize(-1)", StatementKind::Read)]
#[case::optimize_of_temporary_tables("PRAGMA temp.optimize(0x10002)", StatementKind::Read)]
fn a_statement_writes_if_it_may_change_the_bind(#[case] sql: &str, #[case] kind: StatementKind) {
    let schema = "CREATE TABLE t (x); CREATE INDEX by_x ON t (x); INSERT INTO t VALUES (1), (1), (2)";
    let db = Harness::builder().bind("meta", Bind::memory().schema(schema)).start().unwrap();
    let conn = db.connection("meta").unwrap();
    let temporary = "CREATE TEMP TABLE note (x); CREATE TEMP TABLE noted (x);
                     CREATE TEMP TRIGGER notes AFTER INSERT ON noted BEGIN INSERT INTO t VALUES (new.x); END";
    conn.execute_batch(temporary).unwrap();
    let log = db.record();
    let mut statement = conn.prepare(sql).unwrap();
    let mut rows = statement.raw_query();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    let ran = log.statements();
    assert_eq!((ran.len(), ran[0].sql(), ran[0].kind()), (1, sql, kind), "{log}");
    match kind {
        StatementKind::Read => drop(log.assert_reads_only("meta")),
        _ => assert!(failure(|| log.assert_reads_only("meta")).contains('≠')),
    }
}

#[test]
fn statements_run_by_optimize_are_recorded_separately() {
    let schema = "CREATE TABLE t (x); CREATE INDEX by_x ON t (x); INSERT INTO t VALUES (1), (1), (2)";
    let db = Harness::builder().bind("meta", Bind::memory().schema(schema)).start().unwrap();
    let log = db.record();
    db.connection("meta").unwrap().execute_batch("PRAGMA optimize(0x10002)").unwrap();
    assert_eq!(texts(&log.statements()), ["PRAGMA optimize(0x10002)", "ANALYZE \"main\".\"t\""]);
    assert!(failure(|| log.assert_reads_only("meta")).contains("≠"));
    let again = db.record();
    db.session().on("meta").unwrap().query("PRAGMA optimize(0x10002)", [], |_| Ok(())).unwrap();
    assert_eq!(again.assert_reads_only("meta").statements().len(), 1);
}

#[rstest]
fn a_write_inside_a_function_is_a_statement_of_its_own(#[values(true, false)] in_transaction: bool) {
    let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE t (x)")).start().unwrap();
    let conn = db.connection("meta").unwrap();
    conn.create_scalar_function("inserted", 0, FunctionFlags::SQLITE_UTF8, |context| {
        // SAFETY: the connection lives as long as the call, and is used by this thread alone.
        unsafe { context.get_connection() }?.execute("INSERT INTO t VALUES (1)", []).map(|_| 0)
    })
    .unwrap();
    if in_transaction {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    }
    let log = db.record();
    conn.query_row("SELECT inserted()", [], |_| Ok(())).unwrap();
    conn.execute("INSERT INTO t SELECT inserted()", []).unwrap();
    assert_eq!(
        texts(&log.statements()),
        ["SELECT inserted()", "INSERT INTO t VALUES (1)", "INSERT INTO t SELECT inserted()"]
    );
    assert!(failure(|| log.assert_reads_only("meta")).contains("≠"));
}

#[rstest]
fn writes_of_application_connections_fail_assertions_of_no_write(harness: Harness) {
    let driver = Connection::open(harness.uri("auth").unwrap()).unwrap();
    let log = harness.record();
    driver.query_row("SELECT count(*) FROM user", [], |_| Ok(())).unwrap();
    log.assert_reads_only(..).assert_count("auth", 1);
    driver.execute("UPDATE user SET is_active = 0", []).unwrap();
    log.assert_reads_only(["meta"]);
    assert!(failure(|| log.assert_reads_only("auth")).contains("UPDATE user SET is_active = 0"));
    assert!(failure(|| log.assert_count("auth", 0)).contains("UPDATE user SET is_active = 0"));
    harness.connection("auth").unwrap().execute("DELETE FROM session_token", []).unwrap();
    log.assert_count("auth", 3);
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::temp_file(Bind::temp_file())]
fn a_statement_on_an_attached_bind_is_that_binds(#[case] meta: Bind) {
    let schema = "CREATE TABLE setting (name)";
    let builder = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name)"));
    let db = builder.bind("meta", meta.schema(schema)).start().unwrap();
    let conn = db.connection("auth").unwrap();
    conn.execute("ATTACH ?1 AS other", [db.uri("meta").unwrap()]).unwrap();
    conn.execute_batch("ATTACH ':memory:' AS private; CREATE TABLE private.t (x); CREATE TEMP TABLE note (x)").unwrap();
    let log = db.record();
    for sql in [
        "INSERT INTO user VALUES ('ann')",
        "INSERT INTO setting SELECT name FROM user",
        "INSERT INTO private.t SELECT name FROM setting",
        "INSERT INTO note VALUES (1)",
    ] {
        conn.execute(sql, []).unwrap();
    }
    let on = |key: &str| {
        let ran = log.on(key).unwrap();
        texts(&ran).join("; ")
    };
    assert_eq!(on("meta"), "INSERT INTO setting SELECT name FROM user; INSERT INTO private.t SELECT name FROM setting");
    assert_eq!(
        on("auth"),
        "INSERT INTO user VALUES ('ann'); INSERT INTO setting SELECT name FROM user; INSERT INTO note VALUES (1)"
    );
    assert!(failure(|| log.assert_reads_only("meta")).contains("setting SELECT name FROM user"), "{log}");
    let later = db.record();
    conn.execute("INSERT INTO setting SELECT name FROM user", []).unwrap();
    later.assert_reads_only("auth");
    failure(|| later.assert_reads_only("meta"));
}

#[rstest]
#[case::drivers_check("SELECT 1", 0)]
#[case::drivers_setting("PRAGMA foreign_keys = ON", 0)]
#[case::pragma_that_asks("PRAGMA user_version", 0)]
#[case::own_rows("WITH one AS (SELECT 1 AS n) SELECT n FROM one", 0)]
#[case::pragma_that_writes("PRAGMA user_version = 3", 1)]
#[case::every_row("SELECT * FROM user", 1)]
#[case::no_column("SELECT count(*) FROM user", 1)]
#[case::no_row("DELETE FROM user WHERE 0", 1)]
#[case::table_in_a_condition("SELECT 1 WHERE EXISTS (SELECT 1 FROM user)", 1)]
#[case::statistics("ANALYZE user", 1)]
#[case::schema("SELECT name FROM sqlite_schema", 1)]
fn a_statement_counts_if_it_uses_a_table(harness: Harness, #[case] sql: &str, #[case] count: usize) {
    let pooled = harness.record();
    harness.connection("auth").unwrap().execute_batch(sql).unwrap();
    pooled.assert_count("auth", count).assert_total(count);
    assert_eq!(texts(&pooled.statements()), [sql]);
    let log = harness.record();
    let mut session = harness.session();
    session.on("auth").unwrap().query(sql, [], |_| Ok(())).unwrap();
    log.assert_count("auth", count).assert_total(count);
}

#[rstest]
fn a_wrong_count_shows_the_statements_of_the_bind(harness: Harness) {
    let log = harness.record();
    let mut session = harness.session();
    session.execute("INSERT INTO user (username) VALUES (?1)", ["ann"]).unwrap();
    session.execute("INSERT INTO post (title) VALUES ('hello')", []).unwrap();
    session.execute("UPDATE user SET is_active = 0\n  WHERE username = 'ann'\n    AND is_active = 1", []).unwrap();
    session.commit().unwrap();

    assert_snapshot!(failure(|| log.assert_count("auth", 1)), @r"
    expected 1 statement on bind `auth`, but 2 ran:

     bind   does     rows   statement
     auth   writes   1      INSERT INTO user (username) VALUES ('ann')
    ─
     auth   writes   1      UPDATE user SET is_active = 0
                              WHERE username = 'ann'
                                AND is_active = 1

    On other binds ran:

     bind      does     rows   statement
     default   writes   1      INSERT INTO post (title) VALUES ('hello')

    Of these wrote:
      INSERT INTO user (username) VALUES ('ann')
      at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      on the test's thread, in a session, connection 1
      committed at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      UPDATE user SET is_active = 0
      WHERE username = 'ann'
      AND is_active = 1
      at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      on the test's thread, in a session, connection 1
      committed at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
    ");
    assert_snapshot!(failure(|| log.assert_count("meta", 2)), @r"
    expected 2 statements on bind `meta`, but none ran on it. Those that ran:

     bind      does     rows   statement
     auth      writes   1      INSERT INTO user (username) VALUES ('ann')
    ─
     default   writes   1      INSERT INTO post (title) VALUES ('hello')
    ─
     auth      writes   1      UPDATE user SET is_active = 0
                                 WHERE username = 'ann'
                                   AND is_active = 1

    Does the code under test take its connections from this harness, and did it run
    while the log was alive?

    Of these wrote:
      INSERT INTO user (username) VALUES ('ann')
      at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      on the test's thread, in a session, connection 1
      committed at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      INSERT INTO post (title) VALUES ('hello')
      at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      on the test's thread, in a session, connection 2
      committed at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      UPDATE user SET is_active = 0
      WHERE username = 'ann'
      AND is_active = 1
      at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
      on the test's thread, in a session, connection 1
      committed at landing::recording::a_wrong_count_shows_the_statements_of_the_bind
    ");
    assert_snapshot!(failure(|| log.assert_count("audit", 2)), @"cannot tell whose statements to count: no bind `audit`: configured are default, auth, meta");
}

#[rstest]
fn the_guide_shows_what_a_failure_says(harness: Harness) {
    let log = harness.record();
    let auth = harness.connection("auth").unwrap();
    auth.execute("INSERT INTO user (username) VALUES (?1)", ["ann"]).unwrap();
    auth.execute("UPDATE user SET is_active = 1 WHERE username = ?1", ["ann"]).unwrap();
    let failure = message(|| log.assert_count("auth", 1));
    // The places are this test's.
    let (failure, places) = failure.split_once("\n\nOf these wrote:\n").unwrap();
    assert!(include_str!("../../docs/statements.md").contains(&format!("```text\n{failure}\n```")), "{failure}");
    assert!(places.contains("landing::recording"), "{places}");
}

#[rstest]
fn a_count_of_nothing_at_all_asks_whose_connections_were_used(harness: Harness) {
    let log = harness.record();
    assert_snapshot!(failure(|| log.assert_count("auth", 1)), @r"
    expected 1 statement on bind `auth`, but none ran on any bind.

    Does the code under test take its connections from this harness, and did it run
    while the log was alive?
    ");
}

#[rstest]
fn a_write_where_only_reads_are_to_be_is_marked(harness: Harness) {
    let log = harness.record();
    let meta = harness.connection("meta").unwrap();
    meta.query_row("SELECT value FROM setting WHERE name = ?1", ["site_name"], |_| Ok(())).unwrap();
    meta.execute_batch("BEGIN; DELETE FROM setting WHERE name = 'nothing'; COMMIT").unwrap();
    harness.connection("auth").unwrap().execute("DELETE FROM session_token", []).unwrap();

    log.assert_reads_only(None);
    assert_snapshot!(failure(|| log.assert_reads_only("meta")), @r"
    expected only reads on meta, but those marked ≠ write:

         bind   does     rows   statement
         meta   reads           SELECT value FROM setting WHERE name = 'site_name'
    ─
     ≠   meta   writes   0      DELETE FROM setting WHERE name = 'nothing';

    Of these wrote:
      DELETE FROM setting WHERE name = 'nothing'
      at landing::recording::a_write_where_only_reads_are_to_be_is_marked
      on the test's thread, connection 1, changed no row

    On other binds ran:

     bind   does     rows   statement
     auth   writes   0      DELETE FROM session_token
    ");
    assert_snapshot!(failure(|| log.assert_reads_only([None, Some("auth")])), @r"
    expected only reads on default, auth, but those marked ≠ write:

         bind   does     rows   statement
     ≠   auth   writes   0      DELETE FROM session_token

    Of these wrote:
      DELETE FROM session_token
      at landing::recording::a_write_where_only_reads_are_to_be_is_marked
      on the test's thread, connection 2, changed no row

    On other binds ran:

     bind   does     rows   statement
     meta   reads           SELECT value FROM setting WHERE name = 'site_name'
    ─
     meta   writes   0      DELETE FROM setting WHERE name = 'nothing';
    ");
    assert_snapshot!(failure(|| log.assert_reads_only(..)), @r"
    expected only reads on every bind, but those marked ≠ write:

         bind   does     rows   statement
         meta   reads           SELECT value FROM setting WHERE name = 'site_name'
    ─
     ≠   meta   writes   0      DELETE FROM setting WHERE name = 'nothing';
    ─
     ≠   auth   writes   0      DELETE FROM session_token

    Of these wrote:
      DELETE FROM setting WHERE name = 'nothing'
      at landing::recording::a_write_where_only_reads_are_to_be_is_marked
      on the test's thread, connection 1, changed no row
      DELETE FROM session_token
      at landing::recording::a_write_where_only_reads_are_to_be_is_marked
      on the test's thread, connection 2, changed no row
    ");
    assert_snapshot!(failure(|| log.assert_reads_only("audit")), @"cannot tell which binds are only to be read: no bind `audit`: configured are default, auth, meta");
}

#[rstest]
fn long_statements_and_long_logs_are_cut(harness: Harness) {
    let log = harness.record();
    let conn = harness.connection("meta").unwrap();
    let long = "word ".repeat(200);
    conn.query_row("SELECT ?1", [&long], |_| Ok(())).unwrap();
    assert_snapshot!(unframed(&log), @r"
     bind   does    rows   statement
     meta   reads          SELECT 'word word word word word word word word word
                               word word word word word word word word word word
                               word word word word word word word word word word
                               word word word word word word word word word word
                               word word word word word word word word word word
                               word word word word word word word word word wo…
    ");
    for at in 0..150 {
        conn.query_row("SELECT ?1", [at], |_| Ok(())).unwrap();
    }
    let shown = log.to_string();
    assert!(shown.starts_with("51 more before these:\n"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert_eq!(log.statements().len(), 151);
    assert_eq!(log.statements()[0].sql_with_values().len(), "SELECT ''".len() + long.len());
}

#[test]
fn a_log_can_be_sent_and_shared() {
    fn everywhere<T: Send + Sync>() {}
    everywhere::<multibind::statements::StatementLog>();
    everywhere::<Statement>();
}

#[rstest]
fn what_a_virtual_table_holds_back_until_a_savepoint_or_a_commit_is_no_statement(
    #[values(Bind::memory, Bind::temp_file, Bind::memdb, Bind::shared_cache)] storage: fn() -> Bind,
) {
    let db = Harness::builder()
        .bind("auth", storage().schema("CREATE VIRTUAL TABLE note USING fts5(body)"))
        .start()
        .unwrap();
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    // A virtual table reads its settings as a connection uses it first.
    conn.execute("INSERT INTO note VALUES ('first')", []).unwrap();
    let log = db.record();
    conn.execute_batch("BEGIN; INSERT INTO note VALUES ('a'); SAVEPOINT s; INSERT INTO note VALUES ('b'); COMMIT")
        .unwrap();
    log.assert_count("auth", 2);
    drop(log);
    conn.execute_batch("BEGIN; INSERT INTO note VALUES ('c'); SAVEPOINT s; COMMIT").unwrap();
    assert!(db.last_writes("auth", "note_data").unwrap().is_empty());
    let writes = db.last_writes("auth", "note").unwrap();
    assert!(writes.iter().all(|one| one.stayed() == Some(true)), "{writes:?}");
}

#[test]
fn a_statement_within_a_function_is_shown_as_it_is_written() {
    let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE t (x)")).start().unwrap();
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    conn.create_scalar_function("note", 1, FunctionFlags::SQLITE_UTF8, |context| {
        // SAFETY: the connection is the one that calls, and is used within the call alone.
        let conn = unsafe { context.get_connection() }?;
        conn.execute("INSERT INTO t\nVALUES (?1)", [context.get::<i64>(0)?]).map(|_| 0)
    })
    .unwrap();
    let log = db.record();
    conn.query_row("SELECT note(7)", [], |_| Ok(())).unwrap();
    let writes = log.containing("INSERT");
    assert_eq!(writes[0].sql_with_values(), "INSERT INTO t\nVALUES (?1)");
    assert_eq!(writes[0].stayed(), Some(true));
}
