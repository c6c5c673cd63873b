//! A bind's `r2d2` pool, made on first use.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rusqlite::ffi;
use scheduled_thread_pool::ScheduledThreadPool;

use super::manager::{manage, Manager};
use super::opening::{of_ended, Opening, Source};
use super::process::Process;
use crate::config::EngineOptions;

/// A pool of connections to one bind.
///
/// ```
/// # use multibind::{pools::Pool, row, Bind, Harness};
/// fn sign_up(pool: &Pool, name: &str) {
///     pool.get().unwrap().execute("INSERT INTO user VALUES (?1)", [name]).unwrap();
/// }
///
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// sign_up(&db.pool("auth")?, "ann");
/// db.assert_landed("auth", "user", row! { name: "ann" });
/// # Ok::<(), multibind::Error>(())
/// ```
pub type Pool = r2d2::Pool<Manager>;

/// A connection from a [`Pool`], which goes back to it when dropped.
///
/// ```
/// # use multibind::{pools::PooledConnection, Bind, Harness};
/// fn connect(db: &Harness) -> PooledConnection {
///     db.connection("auth").unwrap()
/// }
///
/// # let db = Harness::builder().bind("auth", Bind::memory().pool_size(1)).start()?;
/// drop(connect(&db));
/// assert_eq!(db.pool("auth")?.state().idle_connections, 1);
/// # Ok::<(), multibind::Error>(())
/// ```
pub type PooledConnection = r2d2::PooledConnection<Manager>;

/// Threads that work for every pool of their kind in the process; `r2d2` would start three for each pool.
type Workers = OnceLock<Arc<ScheduledThreadPool>>;

/// One thread is enough where no opening waits: a process that runs one test starts no other.
static ONE: Workers = OnceLock::new();

/// Of two, one may wait a moment for a helper, or run the application's code, which may ask another pool.
static TWO: Workers = OnceLock::new();

fn workers(source: &Source) -> Arc<ScheduledThreadPool> {
    let (workers, number, pattern) =
        if source.opens_at_once() { (&ONE, 1, "multibind-{}") } else { (&TWO, 2, "multibind-waits-{}") };
    Arc::clone(workers.get_or_init(|| started(number, pattern)))
}

fn started(number: usize, pattern: &str) -> Arc<ScheduledThreadPool> {
    Arc::new(ScheduledThreadPool::builder().num_threads(number).thread_name_pattern(pattern).build())
}

/// The process that built the first pool.
static BUILT_BY: OnceLock<Process> = OnceLock::new();

/// Refuses a process that was forked from one with pools: what the threads of those wait at is taken for its own by
/// `r2d2`'s locks, which then wake nobody.
pub(super) fn check_process() -> rusqlite::Result<()> {
    if BUILT_BY.get().is_none_or(|process| process.is_this()) {
        return Ok(());
    }
    let message = "this process was forked from one that has used a pool, and in it no pool gives a connection. Use a \
                   session or a connection by `uri`";
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_MISUSE), Some(message.to_string())))
}

/// Returns a pool that opens its first connection when it is asked for one.
pub(super) fn build(source: &Arc<Source>, options: &EngineOptions) -> Pool {
    BUILT_BY.get_or_init(Process::this);
    // The name shows where the pool is printed.
    let name = format!("{}: {}", source.label, source.store.uri());
    let manager = manage(name, Opening::of(source));
    // A connection is not tried out before it is given: it cannot have gone away, and on `memdb` the trial would wait for
    // a writer, again and again until the pool gives up.
    let mut builder = r2d2::Pool::builder()
        .min_idle(Some(0))
        .idle_timeout(None)
        .max_lifetime(options.pool_recycle)
        .test_on_check_out(false)
        .connection_timeout(timeout(options));
    if let Some(size) = options.pool_size {
        builder = builder.max_size(size.max(1));
    }
    // A pool with a recycling age puts a job for ever on its workers: those must end with the pool.
    let workers = match options.pool_recycle {
        Some(_) => started(1, "multibind-recycle-{}"),
        None => workers(source),
    };
    let pool = builder.thread_pool(workers).build_unchecked(manager);
    let woken = pool.clone();
    source.wake.get_or_init(|| Box::new(move || drop(woken.get_timeout(Duration::ZERO))));
    pool
}

/// Returns how long a pool lets its user wait for a connection.
pub(super) fn timeout(options: &EngineOptions) -> Duration {
    /// The timeout of `r2d2`.
    const USUAL: Duration = Duration::from_secs(30);
    options.pool_timeout.filter(|timeout| !timeout.is_zero()).unwrap_or(USUAL)
}

/// Returns a connection of a pool. One that is to be opened is opened by the caller, where that waits for nothing.
pub(super) fn get(pool: &Pool, source: &Source) -> Result<PooledConnection, r2d2::Error> {
    let state = pool.state();
    if !source.opens_at_once() || state.idle_connections > 0 || state.connections >= pool.max_size() {
        return pool.get();
    }
    source.open_next();
    let conn = pool.get();
    // Another may have come back meanwhile.
    source.set_ready(None);
    conn
}

/// Ends what is idle in a pool whose harness ends: a clone of the pool has no database any more.
pub(super) fn close_idle(pool: &Pool, label: &str) {
    let mut idle = Vec::new();
    while let Some(mut conn) = pool.try_get() {
        if let Ok(closed) = of_ended(label) {
            *conn = closed;
        }
        // Kept until the end, or the pool would give it again.
        idle.push(conn);
    }
}
