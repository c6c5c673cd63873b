//! A guard on what is outside: databases that are no harness's.

use std::panic::Location;

use crate::harness::{Harness, Running};
use crate::instrument::{see_openings, Banning, Outside, Stray};
use crate::list::{has_name, retain};

/// Refuses connections to what is no bind of a harness, for as long as it lives; from [`Harness::deny_outside`].
///
/// # Panics
///
/// When it is dropped, if it has refused a connection and [`refused`](OutsideGuard::refused) was never called: code under
/// test that swallows the error must not let the test pass. In a test that panics already, it says on standard error what
/// it has refused.
#[must_use = "it ends when it is dropped, here at once: bind it to `_guard`"]
#[derive(Debug)]
pub struct OutsideGuard {
    banning: Banning,
}

impl Harness {
    /// Refuses each connection that this process opens to what is no bind of a harness, as long as the guard lives: a file
    /// of the application's, a database in memory of its own. So nobody opens a production file.
    ///
    /// SQLite reports each opening in the process, by whichever driver, on whichever thread, and the opening fails with
    /// `SQLITE_AUTH` and a message that has what was opened and the place of this call. Connections to the binds of any
    /// harness are let through. One that was open before stays open.
    ///
    /// - It holds for the whole process, and so for tests that run beside this one: have all tests of a program take their
    ///   databases from harnesses, or run it in a process of its own, as nextest does.
    /// - A file is neither opened nor made, unless the connection names a file system of its own (`?vfs=…`): SQLite has that
    ///   file open before it reports the connection.
    /// - `ATTACH` and `VACUUM INTO` of a file that is no bind's fail with `SQLITE_AUTH` too. A database in memory can be attached.
    ///
    /// For all tests, the configuration has [`deny_outside`](crate::Config::deny_outside).
    ///
    /// # Panics
    ///
    /// The guard [panics](OutsideGuard#panics) when it is dropped if the test has not asked what it has refused.
    ///
    /// ```standalone_crate
    /// use multibind::{rusqlite::Connection, Bind, Harness};
    ///
    /// let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let guard = db.deny_outside();
    /// assert!(Connection::open_in_memory().is_err());
    /// Connection::open(db.uri("auth")?)?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// assert_eq!(guard.refused().len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn deny_outside(&self) -> OutsideGuard {
        see_openings();
        OutsideGuard { banning: Banning::begin(format!("`deny_outside()` at {}", Location::caller())) }
    }

    /// Returns the connections that were refused since the harness started, in order, where its configuration says
    /// [`deny_outside`](crate::Config::deny_outside). After this call the harness no longer panics about them when it is
    /// dropped.
    ///
    /// ```standalone_crate
    /// # use multibind::{rusqlite::Connection, Bind, Harness};
    /// let db = Harness::builder().default_bind(Bind::memory()).deny_outside(true).start()?;
    /// assert!(db.refused_outside().is_empty());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn refused_outside(&self) -> Vec<Stray> {
        self.ban().map(Banning::refused).unwrap_or_default()
    }
}

/// Returns the connections to what is no bind of a harness that wrote to a table of that name while the harness lived, each
/// with the statements that did, the last at the end. Those of other tests that run in the process are left out as far as
/// the threads tell.
pub(crate) fn written_outside(running: &Running, table: &str) -> Vec<Outside> {
    let mut outside = running.presence().outside();
    for one in &mut outside {
        // What it has attached is another database.
        retain(&mut one.statements, |statement| {
            let mut tables = statement.affected.tables.iter().filter(|written| written.names.is_some());
            tables.any(|written| has_name(&[table], &written.table))
        });
    }
    retain(&mut outside, |one| !one.statements.is_empty());
    outside
}

impl OutsideGuard {
    /// Returns the connections that it has refused so far, in order. After this call the guard no longer panics when it is
    /// dropped.
    ///
    /// ```standalone_crate
    /// # use multibind::{rusqlite::Connection, Bind, Harness};
    /// # let db = Harness::builder().default_bind(Bind::memory()).start()?;
    /// let guard = db.deny_outside();
    /// Connection::open_in_memory().unwrap_err();
    /// let refused = guard.refused();
    /// assert_eq!(refused[0].file(), None);
    /// assert!(refused[0].to_string().starts_with("a private database in memory, opened on thread"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn refused(&self) -> Vec<Stray> {
        self.banning.refused()
    }

    /// Ends it and returns what it has refused and nobody has asked about, in words, if there is anything.
    pub(crate) fn unasked(&self) -> Option<String> {
        self.banning.unasked()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use rusqlite::Connection;

    use super::*;
    use crate::Bind;

    fn started() -> Harness {
        Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE visit (name TEXT)")).start().unwrap()
    }

    /// Returns each stray that wrote to `visit`, with its statements.
    fn written(db: &Harness) -> Vec<(String, bool, Vec<String>)> {
        let mut written = Vec::new();
        for one in written_outside(db.running(), "VISIT") {
            let statements = one.statements.iter().map(|statement| statement.values.clone());
            let statements = statements.map(Option::unwrap_or_default).collect();
            written.push((one.stray.database(), one.is_open, statements));
        }
        written
    }

    const WRITE: &str = "INSERT INTO visit VALUES (?1)";

    #[test]
    fn a_private_database_is_known_by_what_it_wrote() {
        let db = started();
        let stray = Connection::open_in_memory().unwrap();
        stray.execute_batch("CREATE TABLE visit (name TEXT); CREATE TABLE other (x)").unwrap();
        assert_eq!(written(&db), []);
        stray.execute(WRITE, ["ann"]).unwrap();
        stray.execute("INSERT INTO other VALUES (1)", []).unwrap();
        db.connection(None).unwrap().execute(WRITE, ["bob"]).unwrap();
        let insert = "INSERT INTO visit VALUES ('ann')".to_string();
        assert_eq!(written(&db), [("a private database in memory".to_string(), true, vec![insert.clone()])]);

        let outside = written_outside(db.running(), "visit");
        let opening = outside[0].stray.opening();
        assert!(opening.starts_with("opened on thread `observe::outside::tests::a_private"), "{opening}");
        assert_eq!(outside[0].statements[0].thread.id(), thread::current().id());

        stray.close().unwrap();
        assert_eq!(written(&db), [("a private database in memory".to_string(), false, vec![insert])]);
    }

    #[test]
    fn what_another_test_writes_on_its_own_thread_is_not_taken_for_this_ones() {
        let db = started();
        let (to_other, from_test) = channel::<()>();
        let (to_test, from_other) = channel();
        let other = thread::spawn(move || {
            let own = started();
            let stray = Connection::open_in_memory().unwrap();
            stray.execute_batch("CREATE TABLE visit (name TEXT)").unwrap();
            stray.execute(WRITE, ["other"]).unwrap();
            // On a thread of nobody's, it belongs to the test that opened it.
            let stray = thread::spawn(move || {
                stray.execute(WRITE, ["other, too"]).unwrap();
                stray
            });
            let stray = stray.join().unwrap();
            to_test.send(written(&own)).unwrap();
            from_test.recv().unwrap();
            drop((own, stray));
        });
        let insert = |name: &str| format!("INSERT INTO visit VALUES ('{name}')");
        let memory = || "a private database in memory".to_string();
        assert_eq!(from_other.recv().unwrap(), [(memory(), true, vec![insert("other"), insert("other, too")])]);
        assert_eq!(written(&db), []);
        to_other.send(()).unwrap();
        other.join().unwrap();
        assert_eq!(written(&db), []);

        // On a thread that a driver or the test has started, it may be of each test that goes on.
        let write = || {
            let stray = Connection::open_in_memory().unwrap();
            stray.execute_batch("CREATE TABLE of_nobody (x); INSERT INTO of_nobody VALUES (1)").unwrap();
        };
        thread::spawn(write).join().unwrap();
        let outside = written_outside(db.running(), "of_nobody");
        assert_eq!((outside.len(), outside[0].is_open, outside[0].statements.len()), (1, false, 1));
    }

    #[test]
    fn what_was_written_before_a_harness_started_is_not_its_own() {
        let before = started();
        let stray = Connection::open_in_memory().unwrap();
        stray.execute_batch("CREATE TABLE visit (name TEXT)").unwrap();
        stray.execute(WRITE, ["before"]).unwrap();
        let db = started();
        assert_eq!(written(&db), []);
        drop(before);
        stray.execute(WRITE, ["after"]).unwrap();
        let after = "INSERT INTO visit VALUES ('after')".to_string();
        assert_eq!(written(&db), [("a private database in memory".to_string(), true, vec![after])]);
    }

    #[test]
    fn a_password_in_the_name_of_a_file_is_not_shown() {
        let db = started();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user:secret@host");
        let stray = Connection::open(path).unwrap();
        stray.execute_batch("CREATE TABLE visit (name TEXT); INSERT INTO visit VALUES (1)").unwrap();
        let outside = written_outside(db.running(), "visit");
        let shown = format!("{0} {0:?} {1:?}", outside[0].stray, outside[0].statements);
        assert!(shown.contains("user:***@host") && !shown.contains("secret"), "{shown}");
    }
}
