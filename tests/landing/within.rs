//! What a worker writes later: an assertion that waits for the commit.

use std::sync::mpsc::{channel, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use insta::assert_snapshot;
use multibind::rusqlite::Connection;
use multibind::{changes, row, Bind, Harness};
use rstest::{fixture, rstest};

use crate::failure::failure;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)";

/// A time that no test waits, unless who waits is not woken by the commit.
const LONG: Duration = Duration::from_secs(300);

fn start(bind: fn() -> Bind) -> Harness {
    Harness::builder().default_bind(bind().schema(USER)).bind("auth", bind().schema(USER)).start().unwrap()
}

#[fixture]
fn db() -> Harness {
    start(Bind::memory)
}

/// A worker on a connection of its own, which a driver opens by the bind's address; it runs each script that it is sent.
fn worker(db: &Harness, key: &str) -> (Sender<String>, JoinHandle<()>) {
    let conn = Connection::open(db.uri(key).unwrap()).unwrap();
    conn.busy_timeout(Duration::from_secs(60)).unwrap();
    let (sender, scripts) = channel::<String>();
    let thread = thread::spawn(move || scripts.iter().for_each(|script| conn.execute_batch(&script).unwrap()));
    (sender, thread)
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
#[case::shared_cache(Bind::shared_cache)]
#[case::memdb(Bind::memdb)]
fn a_row_that_a_worker_writes_later_lands(#[case] bind: fn() -> Bind) {
    let db = start(bind);
    let (work, thread) = worker(&db, "auth");
    // More than one commit, so that some come while the assertion waits.
    for n in 0..100 {
        work.send(format!("BEGIN; INSERT INTO user (name) VALUES ('user {n}'); COMMIT")).unwrap();
    }
    work.send("INSERT INTO user (name) VALUES ('ann')".to_string()).unwrap();
    db.within(LONG).assert_landed("auth", "user", row! { name: "ann" }).assert_rows("auth", "user", 101);
    drop(work);
    thread.join().unwrap();
}

/// Ways to write of which SQLite reports the end before its commit, or not at all.
#[rstest]
#[case::returning(Bind::memory, |conn: &mut Connection| conn.query_row("INSERT INTO user (name) VALUES ('ann') RETURNING id", [], |_| Ok(())).unwrap())]
#[case::returning_in_a_file(Bind::temp_file, |conn: &mut Connection| conn.query_row("INSERT INTO user (name) VALUES ('ann') RETURNING id", [], |_| Ok(())).unwrap())]
#[case::returning_in_a_shared_cache(Bind::shared_cache, |conn: &mut Connection| conn.query_row("INSERT INTO user (name) VALUES ('ann') RETURNING id", [], |_| Ok(())).unwrap())]
#[case::returning_in_memdb(Bind::memdb, |conn: &mut Connection| conn.query_row("INSERT INTO user (name) VALUES ('ann') RETURNING id", [], |_| Ok(())).unwrap())]
#[case::plain_in_a_file(Bind::temp_file, |conn: &mut Connection| conn.execute_batch("INSERT INTO user (name) VALUES ('ann')").unwrap())]
#[case::backup(Bind::memory, |conn: &mut Connection| {
    let full = Connection::open_in_memory().unwrap();
    full.execute_batch(&format!("{USER}; INSERT INTO user (name) VALUES ('ann')")).unwrap();
    multibind::rusqlite::backup::Backup::new(&full, conn).unwrap().step(-1).unwrap();
})]
fn whatever_commits_wakes_who_waits(
    #[case] bind: fn() -> Bind,
    #[case] write: fn(&mut Connection),
    #[values("delete", "wal")] journal: &str,
) {
    let db = start(bind);
    let mut conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    // Beside another connection SQLite changes the mode of no journal, so before one looks.
    conn.pragma_update(None, "journal_mode", journal).unwrap();
    let thread = thread::spawn(move || write(&mut conn));
    db.within(LONG).assert_landed("auth", "user", row! { name: "ann" });
    thread.join().unwrap();
}

#[rstest]
fn a_session_and_a_pool_wake_it_too(db: Harness) {
    let mut session = db.session();
    session.on("auth").unwrap().execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    let pool = db.pool(None).unwrap();
    let thread = thread::spawn(move || {
        session.commit().unwrap();
        pool.get().unwrap().execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
    });
    db.within(LONG).assert_landed_once("auth", "user", row! { name: "ann" }).assert_landed(
        None,
        "user",
        row! { name: "bob" },
    );
    thread.join().unwrap();
}

#[rstest]
fn changes_and_rows_come_true_within_a_time(db: Harness) {
    let before = db.snapshot().unwrap();
    let (work, thread) = worker(&db, "auth");
    for name in ["ann", "bob", "cleo"] {
        work.send(format!("INSERT INTO user (name) VALUES ('{name}')")).unwrap();
    }
    work.send("DELETE FROM user WHERE name = 'bob'".to_string()).unwrap();
    let left = || [row! { name: "ann" }, row! { name: "cleo" }];
    db.within(LONG)
        .assert_rows("auth", "user", left())
        .assert_changes(&before, changes! { "auth.user" => +[row! { name: "ann" }, row! { name: "cleo" }] });
    drop(work);
    thread.join().unwrap();
}

#[rstest]
fn what_does_not_come_is_reported_with_the_time_that_was_waited(db: Harness) {
    let limit = Duration::from_millis(20);
    assert_snapshot!(failure(|| db.within(limit).assert_landed("auth", "user", row! { name: "ann" })), @r#"
    the row did not land in `auth`: it is in no bind

      looked for  user: name = 'ann'
      expected    in `auth`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     auth      0      no row at all

    Nothing was written to any bind of this harness. Does the code under test take
    its connections from it?

    Nothing in this process has opened a connection to `auth`.

    To look further:
      db.locate("user", row)?  every place where the row is
      db.connection("auth")?   a connection to `auth`

    Waited 20ms. In that time, no transaction of this process ended that could write
    to a bind.
    "#);
    let before = db.snapshot().unwrap();
    assert_snapshot!(failure(|| db.within(limit).assert_changes(&before, changes! { "auth.user" => +1 })), @r#"
    the changes are not those expected, where marked ≠:

         bind   table   expected       found
     ≠   auth   user    + 1 inserted   nothing

    Nothing changed in any bind.

    No statement wrote to `user` in `auth`.

    Waited 20ms. In that time, no transaction of this process ended that could write
    to a bind.
    "#);
    assert_snapshot!(failure(|| db.within(Duration::ZERO).assert_rows("auth", "user", 1)), @r#"
    `user` in `auth` is empty: 1 row is expected

    To look further:
      db.connection("auth")?  a connection to `auth`
    "#);
    let report = failure(|| db.within(limit).assert_landed_once("auth", "usr", row! { name: "ann" }));
    assert_snapshot!(report, @"
    cannot look for a row of `usr` in bind `auth`: no table `usr` in any bind; the nearest names are `user` in default, `user` in auth

    Waited 20ms. In that time, no transaction of this process ended that could write
    to a bind.
    ");
}

#[rstest]
fn a_commit_of_something_else_is_looked_at_and_waited_past(db: Harness) {
    let (work, thread) = worker(&db, "auth");
    for n in 0..50 {
        work.send(format!("INSERT INTO user (name) VALUES ('user {n}')")).unwrap();
    }
    let report = failure(|| db.within(Duration::from_millis(300)).assert_landed("auth", "user", row! { name: "ann" }));
    assert!(report.starts_with("the row did not land in `auth`"), "{report}");
    drop(work);
    thread.join().unwrap();
}

/// A mistake in the test fails at once, however long the time is.
#[rstest]
fn a_mistake_waits_for_nothing(db: Harness) {
    let within = db.within(LONG);
    assert_snapshot!(failure(|| within.assert_landed("audit", "user", row! { name: "ann" })), @"cannot look for a row of `user` in bind `audit`: no bind `audit`: configured are default, auth");
    assert_snapshot!(failure(|| within.assert_landed("auth", "user", row! { nam: "ann" })), @"cannot look for a row of `user` in bind `auth`: no column `nam` in table `user` of bind `default`, whose columns are id, name");
    assert_snapshot!(failure(|| within.assert_rows("auth", "user", "/nowhere.csv")), @"cannot compare the rows of `user` in bind `auth`: /nowhere.csv: the file cannot be read: No such file or directory (os error 2)");
    let other = start(Bind::memory).snapshot().unwrap();
    assert_snapshot!(failure(|| within.assert_changes(&other, changes! {})), @"cannot tell what changed: the snapshot was taken of another harness, with the binds default, auth: take one of this harness with `snapshot()`, or start both with one `prepared` state");
}

/// Nothing is waited for where it holds, and no limit is too long.
#[rstest]
fn what_holds_already_passes_at_once(db: Harness) {
    db.connection("auth").unwrap().execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
    db.within(Duration::MAX).assert_landed("auth", "user", row! { name: "ann" });
    db.within(Duration::ZERO).assert_landed("auth", "user", row! { name: "ann" });
}

#[rstest]
fn several_wait_beside_each_other(db: Harness) {
    let (work, thread) = worker(&db, "auth");
    thread::scope(|scope| {
        for name in ["ann", "bob", "cleo"] {
            let db = &db;
            scope.spawn(move || {
                db.within(LONG).assert_landed("auth", "user", row! { name: name });
            });
        }
        for name in ["cleo", "bob", "ann"] {
            work.send(format!("INSERT INTO user (name) VALUES ('{name}')")).unwrap();
        }
    });
    drop(work);
    thread.join().unwrap();
}

#[test]
fn who_commits_all_the_time_keeps_nobody_waiting() {
    let db = start(Bind::memory);
    let (stop, stopped) = channel::<()>();
    let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
    let worker = thread::spawn(move || {
        while stopped.try_recv() == Err(TryRecvError::Empty) {
            conn.execute("INSERT INTO user (name) VALUES ('grace')", []).unwrap();
        }
    });
    // It would never end if each commit began the time anew.
    let said = failure(|| db.within(Duration::from_millis(50)).assert_landed("auth", "user", row! { name: "ann" }));
    drop(stop);
    worker.join().unwrap();
    assert!(said.contains("did not land"), "{said}");
}

#[rstest]
#[case::text(changes! { "auht.user" => +1 })]
#[case::key(changes! { ("auht", "user") => +1 })]
fn a_mistyped_bind_fails_at_once(db: Harness, #[case] expected: multibind::changes::ExpectedChanges) {
    let before = db.snapshot().unwrap();
    let report = failure(|| {
        db.within(LONG).assert_changes(&before, expected);
    });
    assert!(report.starts_with("cannot tell what is expected: "), "{report}");
    assert!(report.contains("auht") && !report.contains("Waited"), "{report}");
}
