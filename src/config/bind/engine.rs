//! The engine options of a bind: its pool, its connections, what runs on them.

use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::Connection;

use super::Bind;
use crate::row::owned;
use crate::sqlite::OnConnect;

impl Bind {
    /// Sets the most connections that the bind's pool may have; 10 unless set, as in `r2d2`, and at least 1.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let db = Harness::builder().default_bind(Bind::memory().pool_size(1)).start()?;
    /// let _held = db.connection(None)?;
    /// assert!(db.pool(None)?.try_get().is_none());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn pool_size(mut self, size: u32) -> Bind {
        self.options.pool_size = Some(size);
        self
    }

    /// Sets how long the pool waits for a free connection; 30 seconds unless set, and more than none.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use std::time::Duration;
    /// let bind = Bind::memory().pool_size(1).pool_timeout(Duration::from_millis(20));
    /// let db = Harness::builder().default_bind(bind).start()?;
    /// let _held = db.connection(None)?;
    /// assert!(matches!(db.connection(None), Err(multibind::Error::Pool { .. })));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn pool_timeout(mut self, timeout: Duration) -> Bind {
        self.options.pool_timeout = Some(timeout);
        self
    }

    /// Sets the age at which the pool replaces a connection; no limit unless set, or with
    /// [`Duration::MAX`].
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use std::time::Duration;
    /// let db = Harness::builder().default_bind(Bind::memory().pool_recycle(Duration::from_secs(3600))).start()?;
    /// assert_eq!(db.pool(None)?.max_lifetime(), Some(Duration::from_secs(3600)));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn pool_recycle(mut self, age: Duration) -> Bind {
        self.options.pool_recycle = Some(age);
        self
    }

    /// Logs each statement with its bind, at level `info` and target `multibind::echo`.
    ///
    /// It is a record of `log`; with the feature `tracing`, on a thread with a subscriber, an event with the fields `bind`
    /// and `sql`.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # static LOG: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    /// # struct Logger;
    /// # impl log::Log for Logger {
    /// #     fn enabled(&self, metadata: &log::Metadata<'_>) -> bool { metadata.target() == "multibind::echo" }
    /// #     fn log(&self, record: &log::Record<'_>) {
    /// #         if self.enabled(record.metadata()) {
    /// #             LOG.lock().unwrap().push(format!("{} {}", record.level(), record.args()));
    /// #         }
    /// #     }
    /// #     fn flush(&self) {}
    /// # }
    /// # log::set_logger(&Logger).unwrap();
    /// # log::set_max_level(log::LevelFilter::Info);
    /// let bind = Bind::memory().schema("CREATE TABLE user (name TEXT)").echo(true);
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// db.connection("auth")?.execute("DELETE FROM user", [])?;
    /// assert_eq!(LOG.lock().unwrap().last().unwrap(), "INFO [auth] DELETE FROM user"); // what a logger collected
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn echo(mut self, echo: bool) -> Bind {
        self.options.echo = Some(echo);
        self
    }

    /// Sets how long a connection waits for a lock; 5 seconds unless set.
    ///
    /// See [`sqlite3_busy_timeout`](https://sqlite.org/c3ref/busy_timeout.html).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use std::time::Duration;
    /// let db = Harness::builder().default_bind(Bind::memdb().busy_timeout(Duration::from_millis(200))).start()?;
    /// let waits = db.connection(None)?.pragma_query_value(None, "busy_timeout", |row| row.get::<_, i64>(0))?;
    /// assert_eq!(waits, 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn busy_timeout(mut self, timeout: Duration) -> Bind {
        self.options.busy_timeout = Some(timeout);
        self
    }

    /// Enforces foreign keys or not; they are enforced unless set.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE login (user_id INTEGER REFERENCES user)";
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory().schema(schema))
    ///     .bind("legacy", Bind::memory().schema(schema).foreign_keys(false))
    ///     .start()?;
    /// assert!(db.connection(None)?.execute("INSERT INTO login VALUES (7)", []).is_err());
    /// assert!(db.connection("legacy")?.execute("INSERT INTO login VALUES (7)", []).is_ok());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn foreign_keys(mut self, enforced: bool) -> Bind {
        self.options.foreign_keys = Some(enforced);
        self
    }

    /// Reads a field of CSV without anything (`1,,2`) as an empty text, as RFC 4180 has it; it is `NULL` unless set. In a numeric
    /// column it is `NULL` all the same. A quoted field (`""`) is an empty text in any case.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// # let folder = tempfile::tempdir()?;
    /// std::fs::write(folder.path().join("user.csv"), "name,email,age\nann,,\n")?;
    /// let user = Bind::memory().schema("CREATE TABLE user (name TEXT, email TEXT NOT NULL, age INTEGER)");
    /// let db = Harness::builder().bind("auth", user.data(folder.path()).csv_empty_as_text(true)).start()?;
    /// db.assert_landed("auth", "user", row! { name: "ann", email: "", age: None });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn csv_empty_as_text(mut self, as_text: bool) -> Bind {
        self.options.csv_empty_as_text = Some(as_text);
        self
    }

    /// Adds code of the application's that runs on every connection that the harness opens to the bind: functions, collations,
    /// virtual tables' modules, extensions, pragmas.
    ///
    /// Those are the connections of the pool and of sessions, the one on which schema and data run, those that assertions,
    /// snapshots and change sets read with, and those to nothing but copies of the bind's tables, on which SQLite says what a
    /// statement means. The closure runs after the bind's pragmas, and may run often: it registers, and writes nothing. It does
    /// not run on connections that the application opens itself by [`uri`](crate::Harness::uri).
    ///
    /// With a closure that captures something, schema and data run at each start.
    ///
    /// A function that gives the same for the same arguments says so with `SQLITE_DETERMINISTIC`. Where the schema or the data
    /// name one that does not, they run anew at each start, as with [`random()`](Bind::schema).
    ///
    /// # Errors
    ///
    /// An error of the closure is one at start, [`Error::Config`](crate::Error::Config) with the bind.
    ///
    /// ```
    /// use multibind::rusqlite::{self, Connection};
    /// use multibind::{row, Bind, Harness};
    ///
    /// /// Stands for what the application does with each of its own connections.
    /// fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    ///     conn.execute_batch("PRAGMA case_sensitive_like = ON")
    /// }
    ///
    /// let user = Bind::memory().schema("CREATE TABLE user (name TEXT); INSERT INTO user VALUES ('Ann')");
    /// let db = Harness::builder().bind("auth", user.on_connect(set_up)).start()?;
    /// let mut session = db.session();
    /// let found: i64 = session.query_row("SELECT count(*) FROM user WHERE name LIKE 'ann'", [], |row| row.get(0))?;
    /// assert_eq!(found, 0);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn on_connect<F, E>(mut self, connect: F) -> Bind
    where
        F: Fn(&Connection) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.options.on_connect.push(OnConnect::new(connect));
        self
    }

    /// Sets how long a script of the schema, or the data of the bind, may run; 60 seconds unless set.
    ///
    /// SQL that never ends is an error with file and line. A migrator's time is its own, but another thread that needs the same
    /// tables waits for it no longer than this.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # use std::time::Duration;
    /// let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    /// let bind = Bind::memory().schema(endless).schema_timeout(Duration::from_millis(50));
    /// assert!(matches!(Harness::builder().default_bind(bind).start(), Err(multibind::Error::Schema { .. })));
    /// ```
    pub fn schema_timeout(mut self, timeout: Duration) -> Bind {
        self.options.schema_timeout = Some(timeout);
        self
    }

    /// Sets a [pragma](https://sqlite.org/pragma.html) that every connection of the bind starts with.
    ///
    /// `foreign_keys` and `busy_timeout` are the options of those names. A name that is not an identifier, and a value
    /// that is neither a number nor a string, is an error at start.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let bind = Bind::memory().pragma("case_sensitive_like", true).pragma("temp_store", "memory");
    /// let db = Harness::builder().default_bind(bind).start()?;
    /// let alike: bool = db.connection(None)?.query_row("SELECT 'ann' LIKE 'ANN'", [], |row| row.get(0))?;
    /// assert!(!alike);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pragma(mut self, name: impl Into<String>, value: impl ToSql) -> Bind {
        let name = name.into();
        match value.to_sql() {
            Ok(ToSqlOutput::Borrowed(value)) => self.options.set_pragma(name, owned(value)),
            Ok(ToSqlOutput::Owned(value)) => self.options.set_pragma(name, value),
            Ok(_) => self.options.refuse(format!("pragma `{name}` must be a number or a string")),
            Err(error) => self.options.refuse(format!("pragma `{name}` must be a number or a string: {error}")),
        }
        self
    }
}
