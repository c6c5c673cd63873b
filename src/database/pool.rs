//! A bind's `r2d2` pool: made on first use, its background work done by threads that all pools share.

use std::sync::{Arc, OnceLock};

use r2d2_sqlite::SqliteConnectionManager;
use scheduled_thread_pool::ScheduledThreadPool;

use super::connect::Setup;
use super::location::Location;
use super::memory::Opener;
use crate::config::EngineOptions;

/// A pool of connections to one bind, as `r2d2_sqlite` makes them.
///
/// ```
/// # use multibind::{row, Bind, Harness, Pool};
/// fn sign_up(pool: &Pool, name: &str) {
///     pool.get().unwrap().execute("INSERT INTO user VALUES (?1)", [name]).unwrap();
/// }
///
/// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
/// sign_up(&db.pool("auth")?, "ann");
/// db.assert_landed("auth", "user", row! { name: "ann" });
/// # Ok::<(), multibind::Error>(())
/// ```
pub type Pool = r2d2::Pool<SqliteConnectionManager>;

/// A connection from a [`Pool`], which goes back to it when dropped.
///
/// ```
/// # use multibind::{Bind, Harness, PooledConnection};
/// fn connect(db: &Harness) -> PooledConnection {
///     db.connection("auth").unwrap()
/// }
///
/// # let db = Harness::builder().bind("auth", Bind::memory().pool_size(1)).start()?;
/// drop(connect(&db));
/// assert_eq!(db.pool("auth")?.state().idle_connections, 1);
/// # Ok::<(), multibind::Error>(())
/// ```
pub type PooledConnection = r2d2::PooledConnection<SqliteConnectionManager>;

/// Threads that open connections for every pool of the process; `r2d2` would start three for each pool.
const WORKERS: usize = 2;

fn workers() -> Arc<ScheduledThreadPool> {
    static WORKER_POOL: OnceLock<Arc<ScheduledThreadPool>> = OnceLock::new();
    let pool = WORKER_POOL.get_or_init(|| {
        Arc::new(ScheduledThreadPool::builder().num_threads(WORKERS).thread_name_pattern("multibind-{}").build())
    });
    Arc::clone(pool)
}

/// A pool that opens its first connection when it is asked for one.
pub(super) fn build(location: &Location, setup: &Setup, options: &EngineOptions, read_only: bool) -> Pool {
    let manager = {
        let (setup, on_disk) = (setup.clone(), location.path().is_some());
        let (uri, flags) = match read_only {
            true => (setup.read_only_uri(location, Opener::Pool), location.read_only_flags()),
            false => (setup.uri(location, Opener::Pool), location.flags()),
        };
        SqliteConnectionManager::file(uri).with_flags(flags).with_init(move |conn| {
            match read_only {
                true => setup.apply_read_only(conn, on_disk)?,
                false => setup.apply(conn, on_disk)?,
            }
            setup.watch().listen(conn);
            setup.faults().hook(conn);
            Ok(())
        })
    };
    // A connection is not tried out before it is given: it cannot have gone away, and on `memdb` the trial would wait for
    // a writer, again and again until the pool gives up.
    let mut builder = r2d2::Pool::builder()
        .min_idle(Some(0))
        .idle_timeout(None)
        .max_lifetime(options.pool_recycle)
        .test_on_check_out(false);
    if let Some(size) = options.pool_size {
        builder = builder.max_size(size.max(1));
    }
    if let Some(timeout) = options.pool_timeout.filter(|timeout| !timeout.is_zero()) {
        builder = builder.connection_timeout(timeout);
    }
    // A pool with a recycling age puts a job for ever on its workers: those must end with the pool.
    let workers = match options.pool_recycle {
        Some(_) => {
            Arc::new(ScheduledThreadPool::builder().num_threads(1).thread_name_pattern("multibind-recycle-{}").build())
        }
        None => workers(),
    };
    builder.thread_pool(workers).build_unchecked(manager)
}
