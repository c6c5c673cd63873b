//! The standing of a bind among others: a copy of a database, a mirror of another bind, a replica, read only.

use std::path::PathBuf;

use super::Bind;
use crate::config::lag::Lag;
use crate::config::origin::Origin;
use crate::key::BindKey;

impl Bind {
    /// Creates a second key for the database of another bind, as Django's
    /// [`MIRROR`](https://docs.djangoproject.com/en/stable/ref/settings/#test-mirror) makes one; `"default"` or `None` for
    /// that of the default bind.
    ///
    /// It has no storage, schema, data or URL of its own. With [`read_only`](Bind::read_only) it is a replica: its
    /// connections read what the other bind's have written, and cannot write. Its engine options are those of the other
    /// bind where it sets none itself. A [dynamic](Bind::dynamic) bind has no mirror: that is an error at start.
    ///
    /// ```
    /// use multibind::{row, Bind, Harness};
    ///
    /// let db = Harness::builder()
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    ///     .bind("replica", Bind::mirror("auth").read_only(true))
    ///     .start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// let name: String = db.connection("replica")?.query_row("SELECT name FROM user", [], |row| row.get(0))?;
    /// assert_eq!(name, "ann");
    /// assert!(db.connection("replica")?.execute("DELETE FROM user", []).is_err());
    /// db.assert_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mirror(key: impl Into<BindKey>) -> Bind {
        Bind { mirror: Some((key.into(), Origin::Code)), ..Bind::default() }
    }

    /// Sets when a replica sees what was written to its source: with [`Lag::Manual`] it is a database of its own, which
    /// [`Harness::replicate`](crate::Harness::replicate) makes equal to its source. So a test can show a stale read.
    ///
    /// It is for a [`mirror`](Bind::mirror) that is [`read_only`](Bind::read_only).
    ///
    /// ```
    /// use multibind::binds::Lag;
    /// use multibind::{row, Bind, Harness};
    ///
    /// let db = Harness::builder()
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    ///     .bind("replica", Bind::mirror("auth").read_only(true).lag(Lag::Manual))
    ///     .start()?;
    /// db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// db.assert_not_landed("replica", "user", row! { name: "ann" });
    /// db.replicate("replica")?;
    /// db.assert_landed("replica", "user", row! { name: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lag(mut self, lag: Lag) -> Bind {
        self.lag = Some((lag, Origin::Code));
        self
    }

    /// Makes the bind read-only for the application: connections of its pool, those of a session and those by its URI
    /// cannot write, and fail with SQLite's own "attempt to write a readonly database" (`SQLITE_READONLY`).
    ///
    /// They are opened read-only, so nothing that the application says undoes it. The harness goes on writing:
    /// [`Harness::load_data`](crate::Harness::load_data), `reset` and `restore`, `create_all` and `drop_all`. The path of a file,
    /// which [`Harness::path`](crate::Harness::path) gives, guards nothing: who opens it by its path can write.
    ///
    /// A shared cache has one handle for all of its connections, of which SQLite cannot open some read-only: with
    /// [`Storage::SharedCache`](crate::binds::Storage::SharedCache) it is an error at start.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// let bind = Bind::memory().schema("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')").read_only(true);
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// let refused = db.connection("auth")?.execute("DELETE FROM user", []).unwrap_err();
    /// assert_eq!(refused.to_string(), "attempt to write a readonly database");
    /// db.assert_landed("auth", "user", row! { name: "ann" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn read_only(mut self, read_only: bool) -> Bind {
        self.read_only = Some(read_only);
        self
    }

    /// Starts as a copy of an existing SQLite database: of its tables, its rows, its counters, what is in its
    /// write-ahead log included.
    ///
    /// The file is only read: no byte of it changes, nothing is made beside it, and it keeps its times, its
    /// time of last access too where the system lets its owner read without leaving one (on Linux). A schema and
    /// data of the bind come on top of the copy, so migrations run on what is there. Others may write to the file
    /// meanwhile: the copy is what was committed at one moment, and where they leave no such moment in five seconds, that
    /// is an error.
    ///
    /// A relative path is looked for in the folder of the crate under test.
    ///
    /// ```
    /// use multibind::{row, rusqlite::Connection, Bind, Harness};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("app.db");
    /// Connection::open(&file)?.execute_batch("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('ann')")?;
    ///
    /// let bind = Bind::memory().copy_of(&file).schema("ALTER TABLE user ADD COLUMN email TEXT");
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// db.assert_landed("auth", "user", row! { name: "ann", email: None });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy_of(mut self, path: impl Into<PathBuf>) -> Bind {
        self.copy_of = Some((path.into(), Origin::Code));
        self
    }
}
