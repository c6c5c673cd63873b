//! Nothing waits without a limit, and no harness waits for another: one is stuck, and others go on.
//!
//! What is stuck here stays so for as long as the test likes; what must go on runs under a watchdog.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use multibind::binds::Storage;
use multibind::pools::Pool;
use multibind::rusqlite::Connection;
use multibind::{context, row, Bind, Error, Harness, Keep};
use rstest::rstest;

const SCHEMA: &str = "CREATE TABLE t (x); INSERT INTO t VALUES ('start')";

/// A wait of that length is a hang.
const LONG: Duration = Duration::from_secs(100);
/// Longer than the watchdog is patient, for what is stuck.
const ENDLESS: Duration = Duration::from_secs(10_000);

/// Runs it on a thread, and fails where it does not end.
fn watched<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let thread = thread::spawn(move || done.send(work()));
    match result.recv_timeout(LONG) {
        Ok(value) => value,
        Err(RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(RecvTimeoutError::Disconnected) => std::panic::resume_unwind(thread.join().unwrap_err()),
    }
}

/// A bind that waits for locks for ever, of the tables that all binds here have.
fn bind(storage: Storage) -> Bind {
    Bind::memory().storage(storage).schema(SCHEMA).busy_timeout(ENDLESS).pool_timeout(ENDLESS)
}

fn start(bind: Bind) -> Harness {
    Harness::builder().bind("auth", bind).start().unwrap()
}

const ALL: [Storage; 4] = [Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile];

/// Everything that a test does with a harness, in each storage, with pragmas and without.
fn others_go_on() {
    watched(|| {
        for storage in ALL {
            for bind in [bind(storage), bind(storage).pragma("cache_size", 100)] {
                let db = start(bind);
                let before = db.snapshot().unwrap();
                db.connection("auth").unwrap().execute("INSERT INTO t VALUES ('by the pool')", []).unwrap();
                let mut session = db.session();
                session.execute("INSERT INTO t VALUES ('by a session')", []).unwrap();
                session.commit().unwrap();
                db.assert_landed("auth", "t", row! { x: "by a session" });
                db.assert_not_landed("auth", "t", row! { x: "by nobody" });
                db.changes_since(&before).unwrap().assert_only("auth");
                db.restore(&before).unwrap();
                db.reset().unwrap();
                drop(session);
                db.close().unwrap();
            }
        }
    });
}

/// A connection that the application opens by the URI.
fn plain(db: &Harness) -> Connection {
    Connection::open(db.uri("auth").unwrap()).unwrap()
}

/// Returns whether a pool has given no connection and does not know why: on a busy machine, the opening has not begun, or not come
/// to the lock yet.
fn knows_nothing_yet(told: &str) -> bool {
    told.ends_with("timed out waiting for connection") || told.contains("it takes its time")
}

/// Asks a pool for a connection that it cannot open, and leaves it at that.
fn ask_in_vain(pool: &Pool) -> String {
    pool.get_timeout(Duration::from_millis(100)).map(drop).unwrap_err().to_string()
}

/// Asks a pool for a connection that it cannot open, until it knows why.
fn ask_why(db: &Harness) -> String {
    let pool = db.pool("auth").unwrap();
    watched(move || std::iter::repeat_with(|| ask_in_vain(&pool)).find(|told| !knows_nothing_yet(told)).unwrap())
}

// Pools.

#[rstest]
#[case::memory(Storage::Memory)]
#[case::memdb(Storage::MemDb)]
#[case::shared_cache(Storage::SharedCache)]
#[case::temp_file(Storage::TempFile)]
fn failing_pools_block_no_other_harness(#[case] storage: Storage) {
    // Each needs a lock that somebody has: three at once, for these pools share two threads.
    let stuck = [(); 3].map(|()| {
        let db = start(bind(storage).pragma("user_version", 7));
        let writer = plain(&db);
        writer.execute_batch("BEGIN IMMEDIATE; CREATE TABLE made (x)").unwrap();
        let told = ask_why(&db);
        (db, writer, told)
    });
    others_go_on();
    for (db, writer, told) in stuck {
        assert!(told.contains("a new connection of the pool of bind `auth` is not open yet: database"), "{told}");
        assert!(told.contains(" locked. A"), "{told}");
        // It is not lost: with the lock, the connection comes.
        let connected = thread::scope(|scope| {
            let waiting = scope.spawn(|| db.connection("auth").unwrap().query_row("SELECT x FROM t", [], |_| Ok(())));
            writer.execute_batch("ROLLBACK").unwrap();
            waiting.join().unwrap()
        });
        connected.unwrap();
        db.close().unwrap();
    }
}

#[rstest]
#[case::asked_in_memory(Storage::Memory)]
#[case::asked_in_a_file(Storage::TempFile)]
fn code_that_opens_a_connection_may_ask_another_pool(#[case] asked: Storage) {
    let other = start(bind(asked));
    let pool = other.pool("auth").unwrap();
    let connect = move |_: &Connection| pool.get().map(drop);
    for storage in ALL {
        let db = start(bind(storage).on_connect(connect.clone()));
        let pool = db.pool("auth").unwrap();
        watched(move || pool.get().unwrap().execute("INSERT INTO t VALUES ('by the pool')", []).unwrap());
        db.assert_landed("auth", "t", row! { x: "by the pool" });
    }
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn pools_waiting_for_an_exclusive_database_block_no_other_harness(#[case] storage: Storage) {
    let stuck = [(); 3].map(|()| {
        let db = start(bind(storage).pragma("journal_mode", "delete"));
        let alone = plain(&db);
        alone.execute_batch("PRAGMA locking_mode = EXCLUSIVE; INSERT INTO t VALUES ('alone')").unwrap();
        let told = ask_why(&db);
        assert!(told.contains("bind `auth` is not open yet: database is locked. "), "{told}");
        (db, alone)
    });
    others_go_on();
    for (db, alone) in stuck {
        drop(alone);
        let mode: String =
            db.connection("auth").unwrap().query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
    }
}

#[test]
fn pools_without_a_connection_to_give_hold_up_no_other_harness() {
    let stuck = [(); 3].map(|()| {
        let db = start(bind(Storage::Memory).pool_size(1));
        let out = db.connection("auth").unwrap();
        // It opens none, and so knows no more than that.
        ask_in_vain(&db.pool("auth").unwrap());
        (out, db)
    });
    others_go_on();
    drop(stuck);
}

#[test]
fn a_waiting_pool_names_bind_and_holder() {
    let short = Duration::from_millis(300);
    let db = start(bind(Storage::Memory).pragma("user_version", 7).pool_timeout(short));
    let mut session = db.session();
    session.execute("INSERT INTO t VALUES (1)", []).unwrap();
    let connect = || db.connection("auth").map(drop).unwrap_err().to_string();
    let connect = || std::iter::repeat_with(connect).find(|told| !knows_nothing_yet(told)).unwrap();
    let worker = thread::Builder::new().name("worker".to_string());
    let error = thread::scope(|scope| worker.spawn_scoped(scope, connect).unwrap().join().unwrap());
    let this = thread::current();
    let expected = format!(
        "bind `auth`: the pool gave no connection: timed out waiting for connection: a new connection of the pool of bind \
         `auth` is not open yet: database is locked. A session on thread `{}` holds the write lock",
        this.name().unwrap()
    );
    assert_eq!(error, expected);
}

#[test]
fn a_pragma_of_the_binds_says_how_long_its_connections_wait() {
    let db = start(bind(Storage::Memory).pragma("busy_timeout", 7).pragma("cache_size", 100));
    let timeout = |sql| db.connection("auth").unwrap().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((timeout("PRAGMA busy_timeout"), timeout("PRAGMA cache_size")), (7, 100));
}

// Pools without a harness.

#[rstest]
#[case::never_used(false)]
#[case::with_an_idle_connection(true)]
fn a_pool_that_outlives_its_harness_answers_that_it_has_ended(
    #[case] is_used: bool,
    #[values(Storage::Memory, Storage::SharedCache, Storage::MemDb, Storage::TempFile)] storage: Storage,
) {
    let db = start(bind(storage));
    let pool = db.pool("auth").unwrap();
    if is_used {
        drop(pool.get().unwrap());
    }
    db.close().unwrap();
    watched(move || {
        for _ in 0..2 {
            let conn = pool.get().unwrap();
            for sql in ["INSERT INTO t VALUES (1)", "SELECT x FROM t", "CREATE TABLE made (x)"] {
                let error = conn.prepare(sql).and_then(|mut statement| statement.execute([])).unwrap_err().to_string();
                assert!(error.contains("the harness of this pool of bind `auth` has ended"), "{error}");
            }
        }
    });
}

#[test]
fn an_outliving_pool_reports_its_timeout() {
    let db = start(bind(Storage::TempFile));
    let pool = db.pool("auth").unwrap();
    drop(db);
    let error = watched(move || {
        loop {
            // One who waits for longer gets a connection that says it.
            let told = match pool.get_timeout(Duration::from_millis(100)) {
                Ok(conn) => conn.prepare("SELECT x FROM t").map(drop).unwrap_err().to_string(),
                Err(error) => error.to_string(),
            };
            if !knows_nothing_yet(&told) {
                return told;
            }
        }
    });
    assert!(error.contains("the harness of this pool of bind `auth` has ended"), "{error}");
}

#[test]
fn a_pools_wait_ends_with_the_harness() {
    let db = start(bind(Storage::MemDb).pragma("user_version", 7));
    let writer = plain(&db);
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    ask_why(&db);
    let pool = db.pool("auth").unwrap();
    drop(db);
    watched(move || {
        let error = pool.get().unwrap().prepare("SELECT x FROM t").map(drop).unwrap_err().to_string();
        assert!(error.contains("has ended"), "{error}");
    });
}

// Code of the application's that does not return.

/// A function for SQL that says that it has begun and returns when it is told to.
#[cfg(target_os = "linux")]
fn add_wait(conn: &Connection) -> (Receiver<()>, Sender<()>) {
    use multibind::rusqlite::functions::FunctionFlags;

    let ((began, has_begun), (end, wait)) = (mpsc::channel(), mpsc::channel());
    let (began, wait) = (Mutex::new(began), Mutex::new(wait));
    conn.create_scalar_function("wait", 0, FunctionFlags::SQLITE_UTF8, move |_| {
        began.lock().unwrap().send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
        Ok(1)
    })
    .unwrap();
    (has_begun, end)
}

/// Waits until a thread sleeps, where the system tells.
#[cfg(target_os = "linux")]
fn asleep(thread: &std::path::Path) {
    let stat = std::path::Path::new("/proc").join(thread).join("stat");
    while !std::fs::read_to_string(&stat).unwrap().rsplit_once(')').unwrap().1.starts_with(" S") {
        thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_statement_that_does_not_end_holds_up_no_other_harness() {
    // The other connections of its cache wait for SQLite's mutex, whatever they do.
    let db = &start(bind(Storage::SharedCache));
    let running = plain(db);
    let (has_begun, end) = add_wait(&running);
    thread::scope(|scope| {
        scope.spawn(move || running.query_row("SELECT wait(), x FROM t", [], |_| Ok(())).unwrap());
        has_begun.recv().unwrap();
        for _ in 0..3 {
            ask_in_vain(&db.pool("auth").unwrap());
        }
        let works: [fn(&Harness); 4] = [
            |db| drop(db.reset()),
            |db| drop(db.snapshot()),
            |db| drop(db.locate("t", row! { x: 1 })),
            |db| drop(db.connection("auth").unwrap()),
        ];
        for work in works {
            let (me, stuck) = mpsc::channel();
            scope.spawn(move || {
                me.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
                work(db);
            });
            asleep(&stuck.recv().unwrap());
        }
        let went_on = catch_unwind(others_go_on);
        end.send(()).unwrap();
        went_on.unwrap();
    });
    watched({
        let pool = db.pool("auth").unwrap();
        move || drop(pool.get().unwrap())
    });
}

#[test]
fn a_hanging_migrator_blocks_no_other_start() {
    static IS_STUCK: AtomicBool = AtomicBool::new(false);
    static BEGAN: Mutex<Option<Sender<()>>> = Mutex::new(None);
    static END: Mutex<Option<Receiver<()>>> = Mutex::new(None);
    fn migrate(conn: &mut Connection) -> multibind::rusqlite::Result<()> {
        if !IS_STUCK.swap(true, Ordering::Relaxed) {
            BEGAN.lock().unwrap().take().unwrap().send(()).unwrap();
            END.lock().unwrap().take().unwrap().recv().unwrap();
        }
        conn.execute_batch("CREATE TABLE migrated (x)")
    }
    let bind = || bind(Storage::Memory).schema_with(migrate);
    let start = move || Harness::builder().bind("auth", bind()).without_images().start().unwrap();
    let ((began, has_begun), (end, wait)) = (mpsc::channel(), mpsc::channel());
    (*BEGAN.lock().unwrap(), *END.lock().unwrap()) = (Some(began), Some(wait));
    let stuck = thread::spawn(start);
    has_begun.recv().unwrap();
    watched(move || start().assert_not_landed("auth", "migrated", row! {}).binds());
    others_go_on();
    end.send(()).unwrap();
    stuck.join().unwrap().assert_not_landed("auth", "migrated", row! {});
}

#[test]
fn a_stuck_context_callback_blocks_no_other_harness() {
    let ((began, has_begun), (end, wait)) = (mpsc::channel(), mpsc::channel());
    let (began, wait) = (Mutex::new(began), Mutex::new(wait));
    let choose = move |_: &multibind::binds::BindContext| {
        began.lock().unwrap().send(()).unwrap();
        wait.lock().unwrap().recv().unwrap();
        Ok("acme".to_string())
    };
    let db = Harness::builder().bind("tenant", Bind::dynamic(choose).schema(SCHEMA)).start().unwrap();
    thread::scope(|scope| {
        let stuck = scope.spawn(|| db.connection_for("tenant", context! { tenant: "acme" }).map(drop));
        has_begun.recv().unwrap();
        let went_on = catch_unwind(others_go_on);
        end.send(()).unwrap();
        stuck.join().unwrap().unwrap();
        went_on.unwrap();
    });
}

#[test]
fn a_waiting_session_blocks_no_other_harness() {
    for storage in [Storage::Memory, Storage::MemDb, Storage::TempFile] {
        let db = start(bind(storage));
        let writer = plain(&db);
        writer.execute_batch("BEGIN IMMEDIATE").unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut session = db.session();
                session.execute("INSERT INTO t VALUES (1)", [])?;
                session.commit()
            });
            let went_on = catch_unwind(others_go_on);
            writer.execute_batch("ROLLBACK").unwrap();
            waiting.join().unwrap().unwrap();
            went_on.unwrap();
        });
    }
}

// Looks.

/// How long a look is patient where nobody can read, with much to spare; the busy timeout is longer by far.
const A_LOOK: Duration = Duration::from_secs(30);

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn looks_at_an_exclusive_database_end_with_an_error(#[case] storage: Storage, #[values("DELETE", "WAL")] mode: &str) {
    let db = Harness::builder()
        .bind("auth", bind(storage).pragma("journal_mode", mode))
        .bind("meta", bind(storage).pragma("journal_mode", mode))
        .start()
        .unwrap();
    db.keep(Keep::Never);
    let before = db.snapshot().unwrap();
    let alone = ["auth", "meta"].map(|key| {
        let conn = Connection::open(db.uri(key).unwrap()).unwrap();
        conn.execute_batch(&format!("PRAGMA journal_mode = {mode}; PRAGMA locking_mode = EXCLUSIVE")).unwrap();
        conn.execute_batch("BEGIN EXCLUSIVE; INSERT INTO t VALUES ('alone')").unwrap();
        conn
    });
    let (done, result) = mpsc::channel();
    let looks = thread::spawn(move || {
        let landed = catch_unwind(AssertUnwindSafe(|| db.assert_landed("auth", "t", row! { x: "alone" }).binds()));
        let message = *landed.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("unknown whether the row landed in `auth`: the bind cannot be read"), "{message}");
        assert!(message.contains("has a transaction open"), "{message}");
        assert!(matches!(db.locate("t", row! { x: 1 }), Err(Error::Locked { .. })));
        assert!(matches!(db.snapshot(), Err(Error::InUse { .. })));
        assert!(matches!(db.changes_since(&before), Err(Error::InUse { .. })));
        assert!(matches!(db.restore(&before), Err(Error::Restore { .. })));
        assert!(matches!(db.reset(), Err(Error::Locked { .. })));
        done.send(db).unwrap();
    });
    let Ok(db) = result.recv_timeout(5 * A_LOOK) else { std::panic::resume_unwind(looks.join().unwrap_err()) };
    for conn in alone {
        conn.execute_batch("COMMIT").unwrap();
    }
    assert_eq!(db.locate("t", row! { x: "alone" }).unwrap().len(), 2);
}

// Another process.

#[cfg(unix)]
#[test]
fn a_forked_process_is_refused_at_once() {
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    test.args(["--ignored", "--exact", "waits::forks::asks_a_harness_in_a_forked_process", "--nocapture"]);
    let (done, result) = mpsc::channel();
    let mut running = test.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let (mut out, mut told) = (running.stderr.take().unwrap(), running.stdout.take().unwrap());
    thread::spawn(move || {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut out, &mut said).unwrap();
        std::io::Read::read_to_string(&mut told, &mut said).unwrap();
        done.send(said).unwrap();
    });
    let said = result.recv_timeout(LONG);
    if said.is_err() {
        running.kill().unwrap();
    }
    assert!(running.wait().unwrap().success(), "{said:?}");
}

#[cfg(unix)]
mod forks {
    use super::*;

    unsafe extern "C" {
        fn fork() -> i32;
        fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
        fn _exit(status: i32) -> !;
    }

    /// What the forked process is told, if it is told all that it has to be.
    fn ask(db: &Harness, session: &mut multibind::Session) -> Result<(), String> {
        let told = |what: &str, error: Option<Error>| match error.map(|error| error.to_string()) {
            Some(error) if error.contains("forked from the one that started the harness") => Ok(()),
            other => Err(format!("{what}: {other:?}")),
        };
        told("pool", db.pool("auth").err())?;
        told("connection", db.connection("auth").err())?;
        told("a session", session.execute("INSERT INTO t VALUES (1)", []).err())?;
        told("a new session", db.session().execute("INSERT INTO t VALUES (1)", []).err())?;
        told("locate", db.locate("t", row! { x: 1 }).err())?;
        told("snapshot", db.snapshot().err())?;
        // It may have a harness of its own, but no pool.
        let own = start(bind(Storage::Memory));
        own.session().execute("INSERT INTO t VALUES (1)", []).map_err(|error| format!("its own: {error}"))?;
        match own.connection("auth").map(drop).map_err(|error| error.to_string()) {
            Err(error) if error.contains("forked from one that has used a pool") => Ok(()),
            other => Err(format!("its own pool: {other:?}")),
        }
    }

    /// Forks a process that ends well if `work` does.
    fn in_a_forked_process(work: impl FnOnce() -> Result<(), String>) {
        // SAFETY: the forked process does no more than its work, and ends.
        match unsafe { fork() } {
            0 => {
                let answer = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("it panicked".to_string()));
                if let Err(answer) = &answer {
                    std::io::Write::write_all(&mut std::io::stderr(), answer.as_bytes()).unwrap();
                }
                // SAFETY: it ends the process.
                unsafe { _exit(i32::from(answer.is_err())) }
            }
            child => {
                let mut status = -1;
                // SAFETY: it writes one number where it is told to.
                assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
                assert_eq!(status, 0);
            }
        }
    }

    #[test]
    #[ignore = "run by another"]
    fn asks_a_harness_in_a_forked_process() {
        // Before the process has used a pool, what it forks may.
        in_a_forked_process(|| {
            for storage in ALL {
                let own = start(bind(storage).pragma("cache_size", 100));
                drop(own.connection("auth").map_err(|error| format!("its own pool: {error}"))?);
            }
            Ok(())
        });
        for storage in ALL {
            let db = start(bind(storage));
            db.connection("auth").unwrap().execute("INSERT INTO t VALUES (0)", []).unwrap();
            let mut session = db.session();
            session.execute("INSERT INTO t VALUES (0)", []).unwrap();
            session.commit().unwrap();
            in_a_forked_process(|| ask(&db, &mut session));
            db.assert_landed("auth", "t", row! { x: 0 }).assert_not_landed("auth", "t", row! { x: 1 });
        }
    }
}
