//! The session: statements sent to their binds, one unit of work over all of them.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::thread;

use multibind::rusqlite::{self, named_params, params, params_from_iter, Connection};
use multibind::{row, Bind, BindKey, Error, Harness, Row, Session};
use rstest::{fixture, rstest};

const POST: &str = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)";
const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT)";
/// A note without its setting is an error when the transaction ends, not before.
const SETTING: &str = "
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT);
    CREATE TABLE note (setting TEXT REFERENCES setting (name) DEFERRABLE INITIALLY DEFERRED);
";

/// Milliseconds: enough for a lock that goes, and a test of one that stays is soon over.
const BUSY_TIMEOUT: u64 = 50;

fn bind(storage: Bind) -> Bind {
    storage.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT))
}

fn start(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(bind(storage()).schema(POST))
        .bind("auth", bind(storage()).schema(USER))
        .bind("meta", bind(storage()).schema(SETTING))
        .start()
        .unwrap()
}

#[fixture]
fn db() -> Harness {
    start(Bind::memory)
}

/// A plain connection, as any program opens one.
fn plain(db: &Harness, key: impl Into<BindKey>) -> Connection {
    let conn = Connection::open(db.uri(key).unwrap()).unwrap();
    conn.busy_timeout(std::time::Duration::ZERO).unwrap();
    conn
}

fn count(conn: &Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn names(session: &mut Session) -> Vec<String> {
    session.query("SELECT username FROM user ORDER BY id", [], |row| row.get(0)).unwrap()
}

// The unit of work.

#[rstest]
fn statements_go_to_the_bind_of_their_table(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    assert_eq!(session.execute("INSERT INTO user (username) VALUES (?1)", ["ann"])?, 1);
    session.table("post")?.insert(row! { title: "hello" })?;
    let names: Vec<String> = session.query("SELECT username FROM user", [], |row| row.get(0))?;
    session.on("meta")?.execute("INSERT INTO setting VALUES ('theme', 'dark')", [])?;
    session.commit()?;

    assert_eq!(names, ["ann"]);
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.assert_landed(None, "post", row! { title: "hello" });
    db.assert_landed("meta", "setting", row! { name: "theme", value: "dark" });
    Ok(())
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn the_first_statement_begins_its_binds_transaction(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;

    // A second writer is kept out of auth, and of no other bind.
    let refused = plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('bob')", []).unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    plain(&db, None).execute("INSERT INTO post (title) VALUES ('hello')", []).unwrap();
    plain(&db, "meta").execute("INSERT INTO setting (name) VALUES ('theme')", []).unwrap();

    session.commit()?;
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('bob')", []).unwrap();
    assert_eq!(names(&mut session), ["ann", "bob"]);
    Ok(())
}

#[rstest]
fn binds_are_committed_in_the_order_first_touched(db: Harness) -> multibind::Result<()> {
    // A commit that fails tells which were committed before it.
    let broken = |session: &mut Session, order: [&str; 3]| -> multibind::Result<()> {
        for bind in order {
            match bind {
                "default" => session.execute("INSERT INTO post (title) VALUES ('hello')", [])?,
                "auth" => session.execute("INSERT INTO user (username) VALUES ('ann')", [])?,
                _ => session.execute("INSERT INTO note VALUES ('missing')", [])?,
            };
        }
        session.execute("INSERT INTO post (title) VALUES ('again')", [])?;
        session.commit()
    };
    let mut session = db.session();
    insta::assert_snapshot!(broken(&mut session, ["auth", "default", "meta"]).unwrap_err(), @"commit failed in bind `meta`: FOREIGN KEY constraint failed. Committed: auth, default; rolled back: meta");
    // The user is there already: rolled back, so that auth is not the second time's error.
    plain(&db, "auth").execute("DELETE FROM user", []).unwrap();
    insta::assert_snapshot!(broken(&mut session, ["meta", "default", "auth"]).unwrap_err(), @"commit failed in bind `meta`: FOREIGN KEY constraint failed. Committed: none; rolled back: meta, default, auth");
    Ok(())
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_commit_failing_midway_lists_committed_binds(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    let mut session = db.session();
    session.execute("INSERT INTO post (title) VALUES ('hello')", [])?;
    session.execute("INSERT INTO note VALUES ('missing')", [])?;
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    let error = session.commit().unwrap_err();
    insta::allow_duplicates! {
        insta::assert_snapshot!(error, @"commit failed in bind `meta`: FOREIGN KEY constraint failed. Committed: default; rolled back: meta, auth");
    }
    let Error::Commit { failed, committed, rolled_back, .. } = error else { panic!("{error}") };
    assert_eq!(failed, BindKey::from("meta"));
    assert_eq!(*committed, [BindKey::DEFAULT]);
    assert_eq!(*rolled_back, [BindKey::from("meta"), BindKey::from("auth")]);

    // The databases agree.
    assert_eq!(count(&plain(&db, None), "post"), 1);
    assert_eq!(count(&plain(&db, "meta"), "note"), 0);
    assert_eq!(count(&plain(&db, "auth"), "user"), 0);

    // And the session goes on.
    session.execute("INSERT INTO note VALUES ('theme')", [])?;
    session.execute("INSERT INTO setting (name) VALUES ('theme')", [])?;
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    session.commit()?;
    assert_eq!(count(&plain(&db, "meta"), "note"), 1);
    assert_eq!(count(&plain(&db, "auth"), "user"), 1);
    Ok(())
}

#[rstest]
fn deferred_foreign_keys_fail_the_commit_too(db: Harness) -> multibind::Result<()> {
    plain(&db, "auth").execute_batch("CREATE TABLE token (user_id INTEGER REFERENCES user (id))").unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    session.on("auth")?.execute("PRAGMA defer_foreign_keys = ON", [])?;
    session.execute("INSERT INTO token VALUES (99)", [])?;
    insta::assert_snapshot!(session.commit().unwrap_err(), @"commit failed in bind `auth`: FOREIGN KEY constraint failed. Committed: none; rolled back: auth");
    assert_eq!(names(&mut session), [""; 0]);
    Ok(())
}

#[rstest]
fn a_rollback_undoes_what_was_done_in_every_bind(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    session.execute("INSERT INTO post (title) VALUES ('hello')", [])?;
    session.execute("CREATE TABLE meta.made (x)", [])?;
    session.rollback()?;
    for (key, table) in [(Some("auth"), "user"), (None, "post")] {
        assert_eq!(count(&plain(&db, key), table), 0);
    }
    let error = session.execute("INSERT INTO made VALUES (1)", []).unwrap_err();
    insta::assert_snapshot!(error, @"no table `made` in any bind");
    session.commit()?;
    session.rollback()?;
    Ok(())
}

#[rstest]
fn a_session_that_is_dropped_rolls_back(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    drop(session);
    assert_eq!(count(&plain(&db, "auth"), "user"), 0);

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut session = db.session();
        session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
        panic!("the test fails here");
    }));
    assert!(panicked.is_err());
    assert_eq!(count(&plain(&db, "auth"), "user"), 0);
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    Ok(())
}

#[rstest]
fn a_session_works_on_another_thread(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    let mut session = thread::spawn(move || {
        session.execute("INSERT INTO user (username) VALUES ('bob')", []).unwrap();
        session
    })
    .join()
    .unwrap();
    session.commit()?;
    assert_eq!(names(&mut session), ["ann", "bob"]);
    Ok(())
}

#[rstest]
fn two_sessions_of_one_harness_are_two_units_of_work(db: Harness) -> multibind::Result<()> {
    let (mut one, mut other) = (db.session(), db.session());
    one.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    other.execute("INSERT INTO post (title) VALUES ('hello')", [])?;
    one.rollback()?;
    other.execute("INSERT INTO user (username) VALUES ('bob')", [])?;
    other.commit()?;
    assert_eq!(names(&mut one), ["bob"]);
    assert_eq!(one.table("post")?.count(row! {})?, 1);
    Ok(())
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_session_sees_its_own_writes_however_it_is_asked(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    let mut session = db.session();
    for (number, name) in ["ann", "bob"].into_iter().enumerate() {
        session.on("auth")?.execute("INSERT INTO user (username) VALUES (?1)", [name])?;
        session.on("auth")?.table("user")?.update(row! { username: name }, row! { email: None })?;
        assert_eq!(session.table("user")?.count(row! {})?, number + 1);
        assert_eq!(session.route("DELETE FROM user")?.writes(), [BindKey::from("auth")]);
        session.on("auth")?.execute(&format!("CREATE TABLE t{number} (x)"), [])?;
        session.execute(&format!("INSERT INTO t{number} VALUES (1)"), [])?;
    }
    assert_eq!(names(&mut session), ["ann", "bob"]);
    session.commit()?;
    assert_eq!(count(&plain(&db, "auth"), "t1"), 1);
    Ok(())
}

#[rstest]
fn a_harness_cannot_be_closed_while_it_has_sessions(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    insta::assert_snapshot!(db.close().unwrap_err(), @"the harness is still in use: a session of it is alive; drop it before `close`");
    // The databases live as long as the session.
    session.commit()?;
    assert_eq!(names(&mut session), ["ann"]);

    let db = start(Bind::memory);
    let _sessions = (db.session(), db.session());
    insta::assert_snapshot!(db.close().unwrap_err(), @"the harness is still in use: 2 sessions of it are alive; drop them before `close`");
    Ok(())
}

// Savepoints.

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn savepoints_nest_and_cover_binds_first_touched_inside(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('outside')", [])?;
    {
        let mut outer = session.savepoint()?;
        outer.execute("INSERT INTO user (username) VALUES ('outer')", [])?;
        outer.execute("INSERT INTO post (title) VALUES ('outer')", [])?;
        {
            let mut inner = outer.savepoint()?;
            inner.execute("INSERT INTO user (username) VALUES ('inner')", [])?;
            inner.execute("INSERT INTO setting (name) VALUES ('inner')", [])?;
            inner.rollback()?;
        }
        assert_eq!(outer.table("setting")?.count(row! {})?, 0);
        {
            let mut kept = outer.savepoint()?;
            kept.execute("INSERT INTO setting (name) VALUES ('kept')", [])?;
            kept.commit()?;
        }
        outer.commit()?;
    }
    {
        let mut dropped = session.savepoint()?;
        dropped.execute("DELETE FROM user", [])?;
        dropped.table("post")?.delete(row! {})?;
    }
    session.commit()?;
    assert_eq!(names(&mut session), ["outside", "outer"]);
    db.assert_landed(None, "post", row! { title: "outer" });
    db.assert_landed("meta", "setting", row! { name: "kept" });
    db.assert_not_landed("meta", "setting", row! { name: "inner" });
    Ok(())
}

#[rstest]
fn an_outer_savepoint_rolls_back_inner_commits(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    let mut outer = session.savepoint()?;
    let mut inner = outer.savepoint()?;
    inner.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    inner.commit()?;
    outer.rollback()?;
    session.commit()?;
    assert_eq!(names(&mut session), [""; 0]);
    Ok(())
}

#[rstest]
fn a_savepoint_takes_tables_back_too(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    let mut savepoint = session.savepoint()?;
    savepoint.execute("CREATE TABLE auth.made (x)", [])?;
    savepoint.execute("INSERT INTO made VALUES (1)", [])?;
    drop(savepoint);
    insta::assert_snapshot!(session.execute("INSERT INTO made VALUES (1)", []).unwrap_err(), @"no table `made` in any bind");
    session.execute("CREATE TABLE meta.made (x)", [])?;
    session.execute("INSERT INTO made VALUES (2)", [])?;
    session.commit()?;
    db.assert_landed("meta", "made", row! { x: 2 });
    Ok(())
}

#[rstest]
fn a_session_is_not_committed_while_a_savepoint_is_open(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    let mut savepoint = session.savepoint()?;
    savepoint.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    insta::assert_snapshot!(Session::commit(&mut savepoint).unwrap_err(), @"the session cannot commit while a savepoint is open: commit or drop the savepoint first; `session.rollback()` ends one that was forgotten");
    savepoint.commit()?;
    session.commit()?;
    assert_eq!(names(&mut session), ["ann"]);
    Ok(())
}

#[rstest]
fn a_forgotten_savepoint_stays_open_until_rollback(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    let mut savepoint = session.savepoint()?;
    savepoint.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    std::mem::forget(savepoint);
    assert!(session.commit().is_err());
    assert_eq!(names(&mut session), ["ann"]);
    session.rollback()?;
    session.execute("INSERT INTO user (username) VALUES ('bob')", [])?;
    session.commit()?;
    assert_eq!(names(&mut session), ["bob"]);
    Ok(())
}

#[rstest]
fn a_savepoint_outlives_a_session_rollback(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    let mut savepoint = session.savepoint()?;
    savepoint.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    Session::rollback(&mut savepoint)?;
    savepoint.execute("INSERT INTO user (username) VALUES ('bob')", [])?;
    savepoint.commit()?;
    session.commit()?;
    assert_eq!(names(&mut session), ["bob"]);
    Ok(())
}

// What SQLite rolls back by itself.

const ROLLS_BACK: &str = "
    CREATE TABLE entry (x UNIQUE);
    CREATE TRIGGER refuse BEFORE INSERT ON entry WHEN new.x < 0 BEGIN SELECT RAISE(ROLLBACK, 'no negative entries'); END;
    INSERT INTO entry VALUES (1);
";

#[rstest]
#[case::raised("INSERT INTO entry VALUES (-1)")]
#[case::on_conflict("INSERT OR ROLLBACK INTO entry VALUES (1)")]
fn after_a_rollback_by_sqlite_nothing_is_committed_by_accident(#[case] sql: &str) -> multibind::Result<()> {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(POST))
        .bind("book", Bind::memory().schema(ROLLS_BACK))
        .start()?;
    let mut session = db.session();
    session.execute("INSERT INTO post (title) VALUES ('hello')", [])?;
    session.execute("INSERT INTO entry VALUES (2)", [])?;
    assert!(matches!(session.execute(sql, []), Err(Error::Sql { .. })));

    for error in [
        session.execute("INSERT INTO entry VALUES (3)", []).unwrap_err(),
        session.table("entry")?.insert(row! { x: 3 }).unwrap_err(),
        session.on("book")?.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0)).unwrap_err(),
        session.commit().unwrap_err(),
        session.commit().unwrap_err(),
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"bind `book`: an earlier error made SQLite roll the transaction back: call `session.rollback()`, then start the unit of work again");
        }
    }
    session.rollback()?;
    // Not even what is in other binds.
    assert_eq!(count(&plain(&db, None), "post"), 0, "committed in part");

    session.execute("INSERT INTO entry VALUES (4)", [])?;
    session.commit()?;
    let entries: Vec<i64> = session.query("SELECT x FROM entry ORDER BY x", [], |row| row.get(0))?;
    assert_eq!(entries, [1, 4]);
    Ok(())
}

#[test]
fn after_a_rollback_by_sqlite_a_savepoint_brings_nothing_back() -> multibind::Result<()> {
    let db = Harness::builder().bind("book", Bind::memory().schema(ROLLS_BACK)).start()?;
    let mut session = db.session();
    session.execute("INSERT INTO entry VALUES (2)", [])?;
    let mut savepoint = session.savepoint()?;
    assert!(savepoint.execute("INSERT INTO entry VALUES (-1)", []).is_err());
    savepoint.rollback()?;
    assert!(matches!(session.execute("INSERT INTO entry VALUES (3)", []), Err(Error::RolledBack { .. })));
    assert!(matches!(session.savepoint()?.execute("INSERT INTO entry VALUES (3)", []), Err(Error::RolledBack { .. })));
    session.rollback()?;
    assert_eq!(session.table("entry")?.count(row! {})?, 1);
    Ok(())
}

// Tables by rows.

fn shapes() -> Harness {
    let schema = r#"
        CREATE TABLE "odd ""table""" ("a column" TEXT, "select" INTEGER DEFAULT 7, "x;--" BLOB, "größe" REAL);
        CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
        CREATE TABLE t (t INTEGER);
        CREATE VIEW dear (k) AS SELECT k FROM keyed WHERE v > 100;
        CREATE TRIGGER dear_insert INSTEAD OF INSERT ON dear BEGIN INSERT INTO keyed VALUES (new.k, 1000); END;
    "#;
    Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap()
}

#[test]
fn rows_of_any_values_are_inserted_found_updated_and_deleted() -> multibind::Result<()> {
    let db = shapes();
    let mut session = db.session();
    let mut table = session.table("odd \"table\"")?;
    let whole = row! { "a column": "it's", "select": 1, "x;--": vec![0_u8, 255], "größe": 1.5 };
    assert_eq!(table.insert(whole.clone())?, 1);
    assert_eq!(table.insert(row! { "a column": None })?, 2);
    assert_eq!(table.insert(row! {})?, 3);

    assert_eq!(table.find(row! { "x;--": vec![0_u8, 255] })?, Some(whole.clone()));
    assert_eq!(table.find(row! { "größe": 1.5, "SELECT": 1 })?, Some(whole));
    assert_eq!(table.find(row! { "a column": "its" })?, None);
    let defaults = row! { "a column": None, "select": 7, "x;--": None, "größe": None };
    assert_eq!(table.all(row! { "a column": None })?, [defaults.clone(), defaults]);
    assert_eq!(table.count(row! {})?, 3);
    assert_eq!(table.count(row! { "a column": None, "select": 7 })?, 2);

    assert_eq!(table.update(row! { "select": 7 }, row! { "a column": "now", "größe": 2 })?, 2);
    assert_eq!(table.count(row! { "größe": 2.0 })?, 2);
    assert_eq!(table.update(row! { "select": 8 }, row! { "select": 9 })?, 0);
    assert_eq!(table.delete(row! { rowid: 2 })?, 1);
    assert_eq!(table.delete(row! {})?, 2);
    assert_eq!(table.all(row! {})?, []);
    Ok(())
}

#[test]
fn a_table_without_rowid_and_a_view_have_rows_too() -> multibind::Result<()> {
    let db = shapes();
    let mut session = db.session();
    session.table("keyed")?.insert(row! { k: "cheap", v: 1 })?;
    session.table("dear")?.insert(row! { k: "gold" })?;
    assert_eq!(session.table("dear")?.all(row! {})?, [row! { k: "gold" }]);
    assert_eq!(session.table("keyed")?.find(row! { k: "gold" })?, Some(row! { k: "gold", v: 1000 }));
    assert_eq!(session.table("KEYED")?.update(row! { k: "gold" }, row! { v: 1 })?, 1);
    assert_eq!(session.table("dear")?.count(row! {})?, 0);
    // A table, a column and this crate's own alias of one name.
    session.table("t")?.insert(row! { t: 1 })?;
    assert_eq!(session.table("main.t")?.update(row! { t: 1 }, row! { t: 2 })?, 1);
    assert_eq!(session.table("t")?.find(row! { t: 2 })?, Some(row! { t: 2 }));
    Ok(())
}

#[rstest]
fn a_temporary_table_hides_no_other(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.on("auth")?.execute("CREATE TEMP TABLE user (x)", [])?;
    session.on("auth")?.execute("INSERT INTO user VALUES (1)", [])?;
    session.table("user")?.insert(row! { username: "ann" })?;
    session.commit()?;
    db.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}

#[rstest]
#[case::insert(|s: &mut Session| s.table("user")?.insert(row! { nope: 1 }).map(drop))]
#[case::find(|s: &mut Session| s.table("user")?.find(row! { nope: "nope" }).map(drop))]
#[case::all(|s: &mut Session| s.table("user")?.all(row! { nope: "nope" }).map(drop))]
#[case::count(|s: &mut Session| s.table("user")?.count(row! { nope: "nope" }).map(drop))]
#[case::update(|s: &mut Session| s.table("user")?.update(row! { nope: "nope" }, row! { email: "x" }).map(drop))]
#[case::set(|s: &mut Session| s.table("user")?.update(row! {}, row! { nope: "nope" }).map(drop))]
#[case::delete(|s: &mut Session| s.table("user")?.delete(row! { nope: "nope" }).map(drop))]
fn a_missing_column_is_not_a_string(
    db: Harness,
    #[case] call: fn(&mut Session) -> multibind::Result<()>,
) -> multibind::Result<()> {
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    let mut session = db.session();
    let error = call(&mut session).unwrap_err();
    assert!(matches!(error, Error::Row { .. }), "{error:?}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(error, @"row: no column `nope` in table `user` of bind `auth`, whose columns are id, username, email");
    }
    assert_eq!(names(&mut session), ["ann"]);
    Ok(())
}

#[rstest]
fn the_errors_of_rows_name_table_and_column(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    let mut users = session.table("user")?;
    insta::assert_snapshot!(users.insert(row! { usrname: "ann" }).unwrap_err(), @"row: no column `usrname` in table `user` of bind `auth`, whose columns are id, username, email");
    insta::assert_snapshot!(users.find(row! { usrname: "ann" }).unwrap_err(), @"row: no column `usrname` in table `user` of bind `auth`, whose columns are id, username, email");
    insta::assert_snapshot!(users.insert(row! { email: "a@b.example" }).unwrap_err(), @r#"
    bind `auth`: NOT NULL constraint failed: user.username
      in: INSERT INTO main."user" ("email") VALUES (?)
    "#);
    insta::assert_snapshot!(users.update(row! { id: 1 }, row! {}).unwrap_err(), @"row: nothing to set in `user`: the second row is empty");
    insta::assert_snapshot!(users.insert(row! { username: "ann", id: u64::MAX }).unwrap_err(), @"row: table `user` of bind `auth`: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
    insta::assert_snapshot!(users.find(row! { id: u64::MAX }).unwrap_err(), @"row: table `user` of bind `auth`: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
    Ok(())
}

// Statements and their parameters.

#[rstest]
fn parameters_are_of_every_kind_that_rusqlite_takes(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('none')", [])?;
    session.execute("INSERT INTO user (username) VALUES ('unit')", ())?;
    session.execute("INSERT INTO user (username) VALUES (?1)", ["array"])?;
    session.execute("INSERT INTO user (username, email) VALUES (?1, ?2)", ("tuple", Some("t@example")))?;
    session.execute("INSERT INTO user (username, id) VALUES (?1, ?2)", params!["macro", 50])?;
    session.execute("INSERT INTO user (username) VALUES (:name)", named_params! { ":name": "named" })?;
    session.execute("INSERT INTO user (username) VALUES (?1)", params_from_iter(vec!["iterator"]))?;
    session.execute("INSERT INTO user (username) VALUES (?)", ["pairs"])?;
    assert_eq!(names(&mut session), ["none", "unit", "array", "tuple", "macro", "named", "iterator", "pairs"]);
    // One bound before does not stay.
    let bound: Option<String> =
        session.query_row("SELECT email FROM user WHERE username = :name", &[(":name", "tuple")], |row| row.get(0))?;
    assert_eq!(bound.as_deref(), Some("t@example"));
    insta::assert_snapshot!(session.execute("DELETE FROM user WHERE id = ?1", []).unwrap_err(), @"
    bind `auth`: Wrong number of parameters passed to query. Got 0, needed 1
      in: DELETE FROM user WHERE id = ?1
    ");
    insta::assert_snapshot!(session.execute("DELETE FROM user", [1]).unwrap_err(), @"
    bind `auth`: Wrong number of parameters passed to query. Got 1, needed 0
      in: DELETE FROM user
    ");
    insta::assert_snapshot!(
        session.execute("DELETE FROM user WHERE id = :id", &[(":ident", &1)]).unwrap_err(), @"
    bind `auth`: Invalid parameter name: :ident
      in: DELETE FROM user WHERE id = :id
    ");
    Ok(())
}

#[rstest]
fn a_query_for_one_row_says_when_there_is_none(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    let error = session.query_row("SELECT id FROM user", [], |row| row.get::<_, i64>(0)).unwrap_err();
    insta::assert_snapshot!(error, @"
    bind `auth`: Query returned no rows
      in: SELECT id FROM user
    ");
    let Error::Sql { source: rusqlite::Error::QueryReturnedNoRows, .. } = error else { panic!("{error:?}") };
    let rows = session.query("SELECT id FROM user", [], |row| row.get::<_, i64>(0))?;
    assert_eq!(rows, [0; 0]);
    Ok(())
}

#[rstest]
fn a_mapper_that_fails_or_panics_leaves_session_and_harness_usable(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann'), ('bob')", [])?;
    let error = session.query("SELECT username FROM user", [], |row| row.get::<_, i64>(0)).unwrap_err();
    insta::assert_snapshot!(error, @"
    bind `auth`: Invalid column type Text at index: 0, name: username
      in: SELECT username FROM user
    ");
    let error = session.query_row("SELECT username FROM user", [], |row| row.get::<_, i64>(7)).unwrap_err();
    insta::assert_snapshot!(error, @"
    bind `auth`: Invalid column index: 7
      in: SELECT username FROM user
    ");

    for panics in [1, 2] {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut seen = 0;
            session.query("SELECT username FROM user", [], |_| {
                seen += 1;
                assert!(seen < panics, "the mapper fails");
                Ok(())
            })
        }));
        assert!(panicked.is_err());
    }
    assert_eq!(names(&mut session), ["ann", "bob"]);
    session.commit()?;
    db.assert_landed("auth", "user", row! { username: "bob" });
    db.session().execute("DELETE FROM user", [])?;
    Ok(())
}

#[rstest]
fn a_statement_that_returns_rows_is_not_executed(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    insta::assert_snapshot!(session.execute("SELECT * FROM user", []).unwrap_err(), @"
    the session does not run this statement: it returns rows: give it to `query` or `query_row`
      in: SELECT * FROM user
    ");
    let returning = "INSERT INTO user (username) VALUES ('bob'), ('cleo'), ('dan') RETURNING username";
    insta::assert_snapshot!(session.execute(returning, []).unwrap_err(), @"
    the session does not run this statement: it returns rows: give it to `query` or `query_row`
      in: INSERT INTO user (username) VALUES ('bob'), ('cleo'), ('dan') RETURNING username
    ");
    assert_eq!(names(&mut session), ["ann"], "written in part");

    assert_eq!(session.query_row(returning, [], |row| row.get::<_, String>(0))?, "bob");
    assert_eq!(names(&mut session), ["ann", "bob", "cleo", "dan"], "the first row alone was inserted");
    let gone: Vec<String> = session.query("DELETE FROM user RETURNING username", [], |row| row.get(0))?;
    assert_eq!(gone.len(), 4);
    Ok(())
}

#[rstest]
fn a_script_runs_up_to_the_first_error(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute_batch(
        "INSERT INTO user (username) VALUES ('a;b'); -- a comment; with a semicolon
         SELECT * FROM user;
         INSERT INTO post (title) VALUES ('hello');
         CREATE TRIGGER auth.t AFTER INSERT ON user BEGIN DELETE FROM user; SELECT 1; END;
         ;",
    )?;
    session.execute_batch("")?;
    let script = "INSERT INTO post (title) VALUES ('again'); INSERT INTO nope VALUES (1); INSERT INTO post (title) VALUES ('no')";
    insta::assert_snapshot!(session.execute_batch(script).unwrap_err(), @"no table `nope` in any bind; the nearest names are `note` in meta");
    insta::assert_snapshot!(session.on("auth")?.execute_batch("DELETE FROM user; SELEC 1").unwrap_err(), @r#"
    bind `auth`: near "SELEC": syntax error
      in: SELEC 1
    "#);
    session.commit()?;
    assert_eq!(count(&plain(&db, None), "post"), 2);
    assert_eq!(count(&plain(&db, "auth"), "user"), 0);
    Ok(())
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn pragmas_and_vacuum_run_outside_of_the_transaction(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    let mut session = db.session();
    session.execute("VACUUM", [])?;
    session.execute("VACUUM auth", [])?;
    session.on("meta")?.execute_batch("VACUUM; PRAGMA user_version = 7; PRAGMA optimize; ANALYZE")?;
    assert_eq!(session.query_row("PRAGMA meta.user_version", [], |row| row.get::<_, i64>(0))?, 7);
    session.commit()?;

    // A pragma that has no effect in a transaction has one here.
    session.on("meta")?.execute("PRAGMA foreign_keys = OFF", [])?;
    session.execute("INSERT INTO note VALUES ('missing')", [])?;
    session.commit()?;
    db.assert_landed("meta", "note", row! { setting: "missing" });

    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    insta::allow_duplicates! {
        insta::assert_snapshot!(session.execute("VACUUM auth", []).unwrap_err(), @"
        bind `auth`: cannot VACUUM from within a transaction
          in: VACUUM auth
        ");
    }
    session.rollback()?;
    session.execute("VACUUM auth", [])?;
    Ok(())
}

// What goes wrong.

#[rstest]
#[case("BEGIN")]
#[case("COMMIT")]
#[case("ROLLBACK")]
#[case("SAVEPOINT s")]
#[case("ATTACH ':memory:' AS more")]
fn the_session_keeps_its_transaction_to_itself(db: Harness, #[case] sql: &str) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    for error in [
        session.execute(sql, []).unwrap_err(),
        session.execute_batch(sql).unwrap_err(),
        session.on("auth")?.execute(sql, []).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Statement { .. }), "{error}");
    }
    session.rollback()?;
    assert_eq!(names(&mut session), [""; 0]);
    Ok(())
}

#[rstest]
fn a_missing_bind_or_table_lists_known_ones(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    insta::assert_snapshot!(session.on("audit").unwrap_err(), @"no bind `audit`: configured are default, auth, meta");
    insta::assert_snapshot!(session.table("usr").unwrap_err(), @"no table `usr` in any bind; the nearest names are `user` in auth");
    insta::assert_snapshot!(session.table("auth.post").unwrap_err(), @"no table `auth.post` in any bind; the nearest names are `post` in default");
    insta::assert_snapshot!(session.table("nothing like it").unwrap_err(), @"no table `nothing like it` in any bind");
    insta::assert_snapshot!(session.execute("INSERT INTO settings VALUES (1)", []).unwrap_err(), @"no table `settings` in any bind; the nearest names are `setting` in meta");
    insta::assert_snapshot!(session.on("auth")?.table("usr").unwrap_err(), @"no table `usr` in bind `auth`; the nearest names are `user` in auth");
    insta::assert_snapshot!(session.on("auth")?.table("post").unwrap_err(), @"no table `post` in bind `auth`, but in default");
    insta::assert_snapshot!(session.on("auth")?.execute("DELETE FROM post", []).unwrap_err(), @"
    bind `auth`: no such table: post
      in: DELETE FROM post
    ");
    Ok(())
}

#[test]
fn a_table_in_two_binds_must_be_told_apart() -> multibind::Result<()> {
    let log = "CREATE TABLE log (line TEXT)";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(log))
        .bind("me ta", Bind::memory().schema(log))
        .start()?;
    let mut session = db.session();
    insta::assert_snapshot!(session.execute("INSERT INTO log VALUES ('x')", []).unwrap_err(), @r#"table `log` is in the binds default, me ta: say which, with `"me ta".log` in the SQL or with `on("me ta")`"#);
    insta::assert_snapshot!(session.table("log").unwrap_err(), @r#"table `log` is in the binds default, me ta: say which, with `"me ta".log` in the SQL or with `on("me ta")`"#);
    session.table("main.log")?.insert(row! { line: "default" })?;
    session.table("me ta.log")?.insert(row! { line: "meta" })?;
    session.execute("INSERT INTO \"me ta\".log VALUES ('sql')", [])?;
    session.on("me ta")?.table("log")?.insert(row! { line: "on" })?;
    session.commit()?;
    assert_eq!(count(&plain(&db, None), "log"), 1);
    assert_eq!(count(&plain(&db, "me ta"), "log"), 3);
    Ok(())
}

#[test]
fn without_a_default_bind_a_statement_needs_a_table() -> multibind::Result<()> {
    let db = Harness::builder().bind("auth", Bind::memory().schema(USER)).start()?;
    let mut session = db.session();
    insta::assert_snapshot!(session.query_row("SELECT 1", [], |_| Ok(())).unwrap_err(), @"no default bind for a statement that touches no table: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    insta::assert_snapshot!(session.on(None).unwrap_err(), @"no default bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    insta::assert_snapshot!(session.execute("CREATE TABLE t (x)", []).unwrap_err(), @"no default bind for a statement whose table names no bind: configured are auth; set one with `default_bind` or `[default]`, or name a bind with `on(key)` or a qualified table");
    assert_eq!(session.on("auth")?.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?, 1);
    Ok(())
}

#[rstest]
fn a_statement_that_sqlite_refuses_is_shown_with_its_bind(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    insta::assert_snapshot!(session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap_err(), @"
    bind `auth`: UNIQUE constraint failed: user.username
      in: INSERT INTO user (username) VALUES ('ann')
    ");
    insta::assert_snapshot!(session.execute("SELEC 1", []).unwrap_err(), @r#"
    SQLite does not accept the statement: near "SELEC": syntax error
      in: SELEC 1
    "#);
    insta::assert_snapshot!(session.execute("", []).unwrap_err(), @"the session does not run this statement: it is empty");
    insta::assert_snapshot!(session.execute("DELETE FROM user; DELETE FROM post", []).unwrap_err(), @"
    the session does not run this statement: there are 2 statements: give them to `execute_batch`
      in: DELETE FROM user; DELETE FROM post
    ");
    insta::assert_snapshot!(session.execute("DELETE FROM user WHERE username = 'a\0b'", []).unwrap_err(), @r#"
    the session does not run this statement: the SQL has a NUL character, where SQLite would stop reading
      in: DELETE FROM user WHERE username = 'a\0b'
    "#);
    let long = format!("INSERT INTO user (username) VALUES ('ann') -- {}", "long ".repeat(100));
    insta::assert_snapshot!(session.execute(&long, []).unwrap_err(), @"
    bind `auth`: UNIQUE constraint failed: user.username
      in: INSERT INTO user (username) VALUES ('ann') -- long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long … (545 bytes)
    ");
    // An error in one statement undoes that statement alone.
    session.commit()?;
    assert_eq!(names(&mut session), ["ann"]);
    Ok(())
}

#[rstest]
#[case::memory(Bind::memory, "database is locked")]
#[case::shared_cache(Bind::shared_cache, "database table is locked")]
#[case::memdb(Bind::memdb, "database is locked")]
#[case::temp_file(Bind::temp_file, "database is locked")]
fn a_lock_that_does_not_go_away_ends_the_wait(#[case] storage: fn() -> Bind, #[case] message: &str) {
    let db = start(storage);
    let other = plain(&db, "auth");
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO user (username) VALUES ('other')").unwrap();
    let mut session = db.session();
    let error = session.on("auth").unwrap().execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    let error = error
        .to_string()
        .replace(". A shared cache locks whole tables, for readers too; `Bind::memory()` does not", "")
        .replace(
            "A connection opened by the bind's URI on this thread holds the write lock, and a session on this thread wants it",
            "Another connection has a transaction or an unfinished query open on it",
        );
    assert!(error.contains(message), "{message}: {error}");
    insta::allow_duplicates! {
        insta::assert_snapshot!(error.replace(message, "(SQLite's message)"), @"
        bind `auth`: (SQLite's message). Another connection has a transaction or an unfinished query open on it: commit or drop it first (an uncommitted session counts)
          in: INSERT INTO user (username) VALUES ('ann')
        ");
    }
    other.execute_batch("COMMIT").unwrap();
    session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(names(&mut session), ["other", "ann"]);
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn a_lock_in_one_bind_is_in_nobodys_way_in_another(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    let db = start(storage);
    let others = [plain(&db, None), plain(&db, "meta")];
    others.iter().for_each(|other| other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE made (x)").unwrap());
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    session.table("user")?.insert(row! { username: "bob" })?;
    session.commit()?;
    others.iter().for_each(|other| other.execute_batch("COMMIT").unwrap());
    assert_eq!(names(&mut session), ["ann", "bob"]);
    // Made meanwhile, and seen now.
    session.execute("INSERT INTO meta.made VALUES (1)", [])?;
    Ok(())
}

#[test]
fn a_lock_of_the_sessions_neighbour_ends_the_wait_too() -> multibind::Result<()> {
    let db = start(Bind::shared_cache);
    let (mut one, mut other) = (db.session(), db.session());
    one.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    insta::assert_snapshot!(other.query("SELECT * FROM user", [], |_| Ok(())).unwrap_err(), @"
    bind `auth`: database table is locked: user. Another connection has a transaction or an unfinished query open on it. SQLite does not report which one; 1 session has written to it and not committed: commit or drop it first (an uncommitted session counts). A shared cache locks whole tables, for readers too; `Bind::memory()` does not
      in: SELECT * FROM user
    ");
    insta::assert_snapshot!(other.table("user")?.insert(row! { username: "bob" }).unwrap_err(), @r#"
    bind `auth`: database table is locked. Another connection has a transaction or an unfinished query open on it. SQLite does not report which one; 1 session has written to it and not committed: commit or drop it first (an uncommitted session counts). A shared cache locks whole tables, for readers too; `Bind::memory()` does not
      in: INSERT INTO main."user" ("username") VALUES (?)
    "#);
    one.commit()?;
    assert_eq!(names(&mut other), ["ann"]);
    Ok(())
}

#[test]
fn a_write_after_a_stale_read_is_refused() -> multibind::Result<()> {
    let db = start(Bind::temp_file);
    let mut session = db.session();
    assert_eq!(names(&mut session), [""; 0]);
    plain(&db, "auth").execute("INSERT INTO user (username) VALUES ('other')", []).unwrap();
    let error = session.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap_err();
    insta::assert_snapshot!(error, @"
    bind `auth`: database is locked. Another connection has written to it since this unit of work first read from it, and what was read is out of date: call `session.rollback()`, then start again
      in: INSERT INTO user (username) VALUES ('ann')
    ");
    session.rollback()?;
    session.execute("INSERT INTO user (username) VALUES ('ann')", [])?;
    session.commit()?;
    assert_eq!(names(&mut session), ["other", "ann"]);
    Ok(())
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
#[case::temp_file(Bind::temp_file)]
fn sessions_on_eight_threads_write_to_one_bind(#[case] storage: fn() -> Bind) -> multibind::Result<()> {
    const THREADS: usize = 8;
    const EACH: usize = 25;
    let db = Harness::builder().bind("auth", storage().schema(USER)).start()?;
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let db = &db;
            scope.spawn(move || {
                for number in 0..EACH {
                    let mut session = db.session();
                    let username = format!("{thread}-{number}");
                    session.table("user").unwrap().insert(row! { username: username }).unwrap();
                    session.commit().unwrap();
                }
            });
        }
    });
    let users: Vec<Row> = db.session().table("user")?.all(row! {})?;
    assert_eq!(users.len(), THREADS * EACH);
    Ok(())
}
