//! Code of a prepared state that fails, leaves something open, or starts a state itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Mutex};
use std::thread;

use multibind::binds::{Prepared, Storage};
use multibind::{row, Bind, Error, Harness, Session};
use rstest::rstest;

use crate::alone::alone_with;

use crate::prepared::{
    config, driver, execute, names, what_sqlite_says_is_not_the_same_twice_runs_at_each_start, Done, USER,
};

fn problem(prepared: Prepared) -> String {
    let error = prepared.start().unwrap_err();
    assert!(matches!(error, Error::Prepared { .. }), "{error}");
    error.to_string()
}

#[test]
fn its_failure_is_the_error_of_the_start() {
    let on_auth = |db: &Harness| db.session().execute("INSERT INTO user VALUES ('x', 'ann')", []).map(drop);
    insta::assert_snapshot!(problem(config(Storage::Memory).prepared("signed-up", on_auth)), @r"
    prepared state `signed-up`: its code failed: bind `auth`: datatype mismatch
      in: INSERT INTO user VALUES ('x', 'ann'): datatype mismatch
    ");
    insta::assert_snapshot!(problem(config(Storage::Memory).prepared("signed-up", |_| panic!("no mail server") as Done)), @"prepared state `signed-up`: its code panicked: no mail server");
}

#[test]
fn what_its_code_leaves_open_is_an_error() {
    static LEFT: Mutex<Vec<Box<dyn std::any::Any + Send>>> = Mutex::new(Vec::new());
    fn leave(left: impl std::any::Any + Send) -> Done {
        LEFT.lock().unwrap().push(Box::new(left));
        Ok(())
    }
    let opened = config(Storage::Memory).prepared("left", |db| leave(driver(db, "auth")));
    let in_transaction = config(Storage::Memory).prepared("left", |db| {
        let conn = driver(db, "auth");
        conn.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('ann')")?;
        leave(conn)
    });
    let pooled = config(Storage::Memory).prepared("left", |db| leave(db.connection("auth")?));
    let session = config(Storage::Memory).prepared("left", |db| {
        let mut session: Session = db.session();
        session.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
        leave(session)
    });
    let unused = config(Storage::Memory).prepared("left", |db| leave(db.session()));
    let texts = [opened, in_transaction, pooled, session, unused].map(problem);
    insta::assert_snapshot!(texts.join("\n"), @"
    prepared state `left`: its code left a connection to bind `auth` open (opened at tests/storage/prepared.rs:31, storage::prepared::driver): close it, for the database ends with the preparation
    prepared state `left`: its code left a transaction open on a connection to bind `auth` (opened at tests/storage/prepared.rs:31, storage::prepared::driver): commit it, and close the connection
    prepared state `left`: its code left a connection of the pool of bind `auth` in use: drop it
    prepared state `left`: its code left a session alive that uses bind `auth`: commit and drop it
    prepared state `left`: its code left a session alive: commit and drop it
    ");
    LEFT.lock().unwrap().clear();
}

#[test]
fn a_connection_that_closes_a_moment_later_is_waited_for() {
    let prepared = config(Storage::Memory).prepared("late", |db| {
        let conn = driver(db, "auth");
        conn.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
        // As an async driver closes it on a thread of its own.
        thread::spawn(move || {
            conn.execute("INSERT INTO user (name) VALUES ('bob')", []).unwrap();
            drop(conn);
        });
        Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    });
    assert_eq!(names(&prepared.start().unwrap(), "auth"), "ann, bob");
}

#[test]
fn a_state_within_itself_is_an_error_and_not_a_wait() {
    fn within(_: &Harness) -> Done {
        config(Storage::Memory).prepared("within", within).start().map(drop).map_err(Into::into)
    }
    insta::assert_snapshot!(problem(config(Storage::Memory).prepared("within", within)), @"prepared state `within`: its code failed: prepared state `within`: its code starts a harness with this state, which would wait for itself: leave `prepared` out of the harness that it starts");
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn a_state_whose_code_panicked_is_made_by_the_next_start(#[case] storage: Storage) {
    static RUNS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    fn panics_once(db: &Harness, place: usize) -> Done {
        let driver = driver(db, "auth");
        driver.execute_batch("BEGIN; INSERT INTO user (name) VALUES ('ann')")?;
        let mut session = db.session();
        session.execute("INSERT INTO post VALUES ('hello')", [])?;
        assert!(RUNS[place].fetch_add(1, Ordering::Relaxed) > 0, "no mail server");
        driver.execute_batch("COMMIT")?;
        session.commit()?;
        Ok(())
    }
    let place = storage as usize;
    let prepared = || match place {
        0 => config(storage).without_images().prepared("panics", |db| panics_once(db, 0)),
        1 => config(storage).without_images().prepared("panics", |db| panics_once(db, 1)),
        2 => config(storage).without_images().prepared("panics", |db| panics_once(db, 2)),
        _ => config(storage).without_images().prepared("panics", |db| panics_once(db, 3)),
    };
    assert_eq!(problem(prepared()), "prepared state `panics`: its code panicked: no mail server");
    for _ in 0..2 {
        let db = prepared().start().unwrap();
        assert_eq!(names(&db, "auth"), "ann");
        db.assert_landed(None, "post", row! { title: "hello" });
        // Of the run that panicked nothing is counted: one row, whose number is the first.
        db.assert_landed("auth", "user", row! { id: 1, name: "ann" });
    }
    assert_eq!(RUNS[place].load(Ordering::Relaxed), 2);
}

#[test]
fn a_thread_that_keeps_a_connection_is_an_error_at_every_start() {
    type Kept = (mpsc::Sender<()>, thread::JoinHandle<()>);
    static THREADS: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
    fn keeps(keep: impl FnOnce(mpsc::Receiver<()>) + Send + 'static) -> Done {
        let (sender, receiver) = mpsc::channel();
        THREADS.lock().unwrap().push((sender, thread::spawn(move || keep(receiver))));
        Ok(())
    }
    let prepared = || {
        config(Storage::Memory).prepared("leaks", |db| {
            let conn = driver(db, "auth");
            keeps(move |end| {
                conn.execute("INSERT INTO user (name) VALUES ('ann')", []).unwrap();
                end.recv().unwrap_err();
            })
        })
    };
    let [first, second] = [prepared(), prepared()].map(problem);
    assert_eq!(first, second);
    insta::assert_snapshot!(first, @"prepared state `leaks`: its code left a connection to bind `auth` open (opened at tests/storage/prepared.rs:31, storage::prepared::driver): close it, for the database ends with the preparation");
    let pooled = config(Storage::Memory).prepared("leaks", |db| {
        let conn = db.connection("auth")?;
        keeps(move |end| {
            end.recv().unwrap_err();
            drop(conn);
        })
    });
    assert_eq!(
        problem(pooled),
        "prepared state `leaks`: its code left a connection of the pool of bind `auth` in use: drop it"
    );
    for (end, thread) in THREADS.lock().unwrap().drain(..) {
        drop(end);
        thread.join().unwrap();
    }
}

#[test]
fn another_state_within_one_is_made_too() {
    static RUNS: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
    fn inner() -> Prepared {
        let other = Harness::builder().bind("auth", Bind::memory().schema(USER)).without_images();
        other.prepared("within", |db| {
            RUNS[0].fetch_add(1, Ordering::Relaxed);
            execute(db, "auth", "INSERT INTO user (name) VALUES ('inner')")
        })
    }
    let outer = || {
        config(Storage::Memory).without_images().prepared("within", |db| {
            RUNS[1].fetch_add(1, Ordering::Relaxed);
            let within = inner().start()?;
            let conn = db.connection("auth")?;
            conn.execute("INSERT INTO user (name) VALUES (?1)", [names(&within, "auth") + " and outer"])?;
            execute(&within, "auth", "DELETE FROM user")
        })
    };
    for _ in 0..2 {
        assert_eq!(names(&outer().start().unwrap(), "auth"), "inner and outer");
        assert_eq!(names(&inner().start().unwrap(), "auth"), "inner");
    }
    assert_eq!([&RUNS[0], &RUNS[1]].map(|runs| runs.load(Ordering::Relaxed)), [1, 1]);
}

#[test]
fn a_state_within_another_within_itself_is_an_error() {
    fn first(_: &Harness) -> Done {
        config(Storage::Memory).prepared("second", second).start().map(drop).map_err(Into::into)
    }
    fn second(_: &Harness) -> Done {
        config(Storage::Memory).prepared("first", first).start().map(drop).map_err(Into::into)
    }
    insta::assert_snapshot!(problem(config(Storage::Memory).prepared("first", first)), @"prepared state `first`: its code failed: prepared state `second`: its code failed: prepared state `first`: its code starts a harness with this state, which would wait for itself: leave `prepared` out of the harness that it starts");
}

#[test]
fn without_the_recorder_leftovers_and_the_clock_are_seen_too() {
    if !alone_with(&[("MULTIBIND_RECORD", "off")]) {
        return;
    }
    what_its_code_leaves_open_is_an_error();
    for by in ["pool", "driver", "session"] {
        let clock = "INSERT INTO user (name) VALUES (strftime('%f', 'now') || hex(randomblob(4)))";
        what_sqlite_says_is_not_the_same_twice_runs_at_each_start(clock, Storage::Memory, by);
    }
}
