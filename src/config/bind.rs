//! One bind as the user wrote it.

use std::any::TypeId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, Value};
use rusqlite::Connection;

use super::dynamic::Chooser;
use super::migration_version::MigrationVersion;
use super::options::EngineOptions;
use super::origin::Origin;
use super::redact::UrlText;
use super::source::{Migrator, SchemaSource};
use super::standing::Lag;
use super::storage::Storage;
use crate::key::BindKey;
use crate::row::owned;
use crate::sqlite::OnConnect;

/// One database of the application: where its stand-in is kept, what tables and data it starts with, its options.
///
/// The guide's chapter [Configuration](crate::guide::configuration) has all of it at once.
///
/// ```
/// use multibind::{row, Bind, Harness};
///
/// let db = Harness::builder()
///     .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
///     .bind("meta", Bind::temp_file().schema("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT)"))
///     .bind("auth", Bind::url("postgresql://app:secret@db.example/auth").schema("CREATE TABLE user (name TEXT)"))
///     .start()?;
/// assert!(db.path("meta")?.is_some());
/// assert!(db.path("auth")?.is_none());
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Bind {
    pub(crate) url: Option<UrlText>,
    pub(crate) storage: Option<Storage>,
    pub(crate) schema: Vec<SchemaSource>,
    pub(crate) data: Vec<PathBuf>,
    pub(crate) options: EngineOptions,
    pub(crate) allow_missing_parents: bool,
    /// Whether the application only reads it; `None` where nothing is said.
    pub(crate) read_only: Option<bool>,
    /// The database that it starts as a copy of, and where that is said.
    pub(crate) copy_of: Option<(PathBuf, Origin)>,
    /// The bind whose database it is, and where that is said.
    pub(crate) mirror: Option<(BindKey, Origin)>,
    /// When it sees what was written to that.
    pub(crate) lag: Option<(Lag, Origin)>,
    /// What chooses a database, for a bind that has several.
    pub(crate) dynamic: Option<Chooser>,
    /// Where it was configured, for errors.
    pub(crate) origin: Origin,
}

impl Bind {
    /// A database in memory, with the locks of a file in WAL mode: what code under test sees in production.
    ///
    /// Readers and one writer do not wait for each other; a second writer waits up to the busy timeout. Whatever it has
    /// of tables and rows, it starts in the same time: it shares the pages of those before it until it writes to them.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE post (title TEXT)")).start()?;
    /// let (one, other) = (db.connection(None)?, db.connection(None)?);
    /// one.execute("INSERT INTO post VALUES ('hello')", [])?;
    /// assert_eq!(other.query_row("SELECT title FROM post", [], |row| row.get::<_, String>(0))?, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn memory() -> Bind {
        Bind { storage: Some(Storage::Memory), ..Bind::default() }
    }

    /// A database in SQLite's shared-cache memory, `file:name?mode=memory&cache=shared`.
    ///
    /// For an application that uses a shared cache itself. SQLite locks its tables one by one, and answers "database
    /// table is locked" at once where another connection has one locked: no busy timeout applies, see
    /// [its documentation](https://sqlite.org/sharedcache.html).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let user = "CREATE TABLE user (name TEXT)";
    /// let db = Harness::builder().bind("auth", Bind::shared_cache().schema(user)).start()?;
    /// let (one, other) = (db.connection("auth")?, db.connection("auth")?);
    /// one.execute_batch("BEGIN; INSERT INTO user VALUES ('ann')")?;
    /// let error = other.execute("INSERT INTO user VALUES ('bob')", []).unwrap_err();
    /// assert!(error.to_string().ends_with("is locked"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shared_cache() -> Bind {
        Bind { storage: Some(Storage::SharedCache), ..Bind::default() }
    }

    /// A database in memory by SQLite's `memdb` VFS: connections wait for each other up to the busy timeout, readers for
    /// a writer too.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// let db = Harness::builder().bind("auth", Bind::memdb().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// std::thread::scope(|threads| {
    ///     for name in ["ann", "bob"] {
    ///         let conn = db.connection("auth").unwrap();
    ///         threads.spawn(move || conn.execute("INSERT INTO user VALUES (?1)", [name]).unwrap());
    ///     }
    /// });
    /// db.assert_landed("auth", "user", row! { name: "ann" }).assert_landed("auth", "user", row! { name: "bob" });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn memdb() -> Bind {
        Bind { storage: Some(Storage::MemDb), ..Bind::default() }
    }

    /// A file in a private temporary folder that is removed with the harness.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let db = Harness::builder().bind("meta", Bind::temp_file()).start()?;
    /// let file = db.path("meta")?.unwrap();
    /// assert!(file.exists());
    /// drop(db);
    /// assert!(!file.exists());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn temp_file() -> Bind {
        Bind { storage: Some(Storage::TempFile), ..Bind::default() }
    }

    /// The stand-in for a database that production reaches by `url`.
    ///
    /// Nothing that the URL names is opened, created or connected to. It is only a name: two keys with the URL of the
    /// same file or the same server's database share one stand-in, as they share one database in production. Memory is
    /// shared where SQLite shares it, by a name and a shared cache or `memdb`. The stand-in is kept in memory unless
    /// [`storage`](Bind::storage) says otherwise, in a [shared cache](Bind::shared_cache) if the URL asks for one, and no
    /// message shows the URL's password.
    ///
    /// | URL | names |
    /// |---|---|
    /// | `sqlite://`, `sqlite:///`, `sqlite:` | memory |
    /// | `sqlite:///:memory:`, `sqlite::memory:`, `sqlite://:memory:`, `:memory:` | memory |
    /// | `sqlite:///:memory:?cache=shared` | memory in a shared cache; with `cached`, which people copy, too, and a warning is logged |
    /// | `file:x?mode=memory` | memory |
    /// | `file:x?mode=memory&cache=shared`, `file::memory:?cache=shared` | the memory of that name in a shared cache |
    /// | `file:/x?vfs=memdb` | the `memdb` memory of that name |
    /// | `sqlite:///app.db`, `sqlite://app.db`, `sqlite:app.db` | the file `app.db`, relative |
    /// | `sqlite:////var/lib/app.db`, `sqlite:/var/lib/app.db` | the file `/var/lib/app.db` |
    /// | `file:app.db?mode=ro`, `sqlite:///file:app.db?uri=true` | the file `app.db` |
    /// | `file:///var/lib/app.db`, `file://localhost/var/lib/app.db` | the file `/var/lib/app.db` |
    /// | `sqlite+pysqlite:///app.db` | the file `app.db`: any driver may follow a scheme |
    /// | `postgres://`, `postgresql://`, `postgresql+psycopg2://` | a database of a PostgreSQL server |
    /// | `mysql://`, `mysqldb://`, `mysql+pymysql://user:pw@host:3306/db` | a database of a MySQL or MariaDB server |
    /// | `mariadb://`, `mariadb+mariadbconnector://`, `mysql2://` | the same as with `mysql://` |
    /// | `mssql://`, `oracle://`, `cockroachdb://`, `libsql://`, any other scheme | a database of a server of that kind |
    ///
    /// Two files are the same where their paths are, percent escapes decoded and `.` and `..` worked out; no disk is
    /// looked at. Two databases of servers are the same where kind of server, host (case aside, `localhost` where there
    /// is none), port (the usual one where there is none) or socket, and database name are; driver, user, password and
    /// other parameters do not count, but those of a server other than PostgreSQL and MySQL: one of them may name the
    /// database.
    ///
    /// `${NAME}` in a URL stands for the environment variable of that name, read at start; `${NAME:-DEFAULT}` for the
    /// default where it is not set or empty, as in a shell; `$${` stands for `${` itself.
    ///
    /// A URL that is none of these is an error at start: [`Error::Url`](crate::Error::Url), with the forms that work.
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let db = Harness::builder()
    ///     .default_bind(Bind::url("postgresql+psycopg2://app:secret@db.example/app").schema("CREATE TABLE post (id)"))
    ///     .bind("reports", Bind::url("postgres://reader@DB.example:5432/app"))
    ///     .start()?;
    /// db.connection(None)?.execute("INSERT INTO post VALUES (1)", []).unwrap();
    /// let seen: i64 = db.connection("reports")?.query_row("SELECT count(*) FROM post", [], |row| row.get(0)).unwrap();
    /// assert_eq!(seen, 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn url(url: impl Into<String>) -> Bind {
        Bind { url: Some(UrlText::new(url, Origin::Code)), ..Bind::default() }
    }

    /// Where the database is kept.
    ///
    /// ```
    /// # use multibind::{Bind, Harness, Storage};
    /// let bind = Bind::url("postgresql://db.example/app").storage(Storage::TempFile);
    /// let db = Harness::builder().default_bind(bind).start()?;
    /// assert!(db.path(None)?.is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn storage(mut self, storage: Storage) -> Bind {
        self.storage = Some(storage);
        self
    }

    /// Adds SQL text that makes tables.
    ///
    /// It runs once in a process, and each further start copies what it made. Where a statement asks for the time or a random
    /// number (`CURRENT_TIMESTAMP`, `datetime('now')`, `random()`, also as a default or in a trigger), schema and data of the bind
    /// run anew at each start, and the log says once which statement asked. [`reset`](crate::Harness::reset) brings back what
    /// the harness started with.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let bind = Bind::memory().schema("CREATE TABLE user (name TEXT)").schema("CREATE INDEX by_name ON user (name)");
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// assert_eq!(db.metadata("auth")?.table("user").unwrap().indexes()[0].name(), "by_name");
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn schema(mut self, sql: impl Into<String>) -> Bind {
        self.schema.push(SchemaSource::Sql(sql.into()));
        self
    }

    /// Adds a `.sql` file, or a folder of migrations as the application has them.
    ///
    /// A relative path is looked for in the folder of the crate under test, where `cargo test` runs it. A folder is read and
    /// run as its tool does, in its order and its transactions; the guide's chapter
    /// [Migrations](crate::guide::migrations) has the rules.
    ///
    /// | names | layout |
    /// |---|---|
    /// | `1_a.sql`; `2_b.up.sql` and `2_b.down.sql` | sqlx's |
    /// | `2024-01-01-000000_a/up.sql` and `down.sql` | Diesel's |
    /// | `V1__a.sql` and `U2__b.sql`, also in folders within | refinery's |
    /// | `01-a/up.sql`, `02-b/up.sql` | rusqlite_migration's |
    /// | `20240101_a/migration.sql` | Prisma's |
    /// | `1_a.sql` with `-- migrate:up`, `-- +goose Up` or `-- +migrate Up` in it | dbmate's, goose's, sql-migrate's |
    /// | `.sql`, `auth.sql` | a file for each bind, as `flask db upgrade --sql` writes them |
    /// | `001-a.sql`, `a.sql` | no tool's: by the numbers in front, or in natural order |
    /// | `default/`, `auth/`: folders named by bind keys, and no `.sql` file beside them | the bind's own folder |
    ///
    /// What leads back never runs by itself. Two layouts in one folder, two migrations of one version, a version that is
    /// missing where they are counted, and a file that the tool would pass over are errors that name the file.
    ///
    /// A file may have a part for each bind, as a migration of Flask-Migrate has a function for each. A line of its own
    /// that says `-- bind: auth` begins the part of `auth`, `-- bind: default` that of the default bind; each bind runs
    /// its own.
    ///
    /// The files alone are run: the table in which a migrator keeps what it has applied is not made. Code under test that
    /// runs its migrator again at start wants [`schema_with`](Bind::schema_with).
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let bind = Bind::memory().schema_path("fixtures/auth"); // with `1_user.sql` to `4_user_email.sql`
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// assert!(db.metadata("auth")?.table("user").unwrap().column("email").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn schema_path(mut self, path: impl Into<PathBuf>) -> Bind {
        self.schema.push(SchemaSource::Path(path.into()));
        self
    }

    /// Adds a folder of migrations and runs them up to a version, that one included.
    ///
    /// A test that the rows of an old version survive a migration starts there, writes rows, and goes on with
    /// [`Harness::migrate_to`](crate::Harness::migrate_to). [`schema_path`](Bind::schema_path) says how a folder is read.
    ///
    /// ```
    /// use multibind::{row, Bind, Harness};
    ///
    /// let bind = Bind::memory().schema_up_to("fixtures/auth", 1); // `1_user.sql` alone
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// assert!(db.metadata("auth")?.table("user").unwrap().column("email").is_none());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn schema_up_to(mut self, path: impl Into<PathBuf>, version: impl Into<MigrationVersion>) -> Bind {
        self.schema.push(SchemaSource::UpTo(path.into(), version.into()));
        self
    }

    /// Adds a closure that makes tables on the connection it is given: the application's own migrator.
    ///
    /// A migrator that has connections of its own, as Diesel's and sqlx's do, can migrate a file, and the closure
    /// [restore](Connection::restore) it into its connection.
    ///
    /// What a closure that captures nothing makes is made once in a process and copied from then on. It runs at each start
    ///
    /// - where it captures something;
    /// - where its SQL asks for the time or a random number on this connection, see [`schema`](Bind::schema). What another
    ///   thread runs on the connection and what Rust code asks the system for are not seen: take `SystemTime::now()` outside
    ///   of the closure and move it in.
    ///
    /// ```
    /// # use multibind::{rusqlite, Bind, Harness};
    /// fn migrate(conn: &mut rusqlite::Connection) -> rusqlite::Result<()> {
    ///     conn.execute_batch("CREATE TABLE user (name TEXT)")
    /// }
    ///
    /// let db = Harness::builder().bind("auth", Bind::memory().schema_with(migrate)).start()?;
    /// assert!(db.metadata("auth")?.table("user").is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn schema_with<F, E>(mut self, migrate: F) -> Bind
    where
        F: Fn(&mut Connection) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let identity = (std::mem::size_of::<F>() == 0).then(TypeId::of::<F>);
        let run = Arc::new(move |conn: &mut Connection| migrate(conn).map_err(Into::into));
        self.schema.push(SchemaSource::With(Migrator { run, identity }));
        self
    }

    /// Adds data: a CSV, SQL or (with the feature `json`) JSON file, or a folder of them, loaded into the new tables.
    ///
    /// A CSV file (with a header row) and a JSON file (a list of objects) go into the table that the file is named
    /// after, parents before children; SQL files run after them. A field of CSV is text of which the column's
    /// [affinity](https://sqlite.org/datatype3.html#type_affinity) makes a number where it is one. A field
    /// without anything is `NULL`, unless [`csv_empty_as_text`](Bind::csv_empty_as_text) is set, and a quoted one (`""`) an empty
    /// text, but in a numeric column `NULL` too. `true` and `false`
    /// are 1 and 0, in CSV where the column is numeric. In JSON a list or an object is stored as its text, and a column that an
    /// object leaves out gets its default. An integer that SQLite would change into a real is an error.
    ///
    /// ```
    /// # use multibind::{row, Bind, Harness};
    /// let bind = Bind::memory().schema_path("fixtures/auth").data("fixtures/data/auth");
    /// let db = Harness::builder().bind("auth", bind).start()?;
    /// db.assert_landed("auth", "user", row! { username: "edgar", email: None });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn data(mut self, path: impl Into<PathBuf>) -> Bind {
        self.data.push(path.into());
        self
    }

    /// How many connections the bind's pool may have; 10 unless set, as in `r2d2`, and at least 1.
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

    /// How long the pool waits for a connection to be free; 30 seconds unless set, and more than none.
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

    /// How old a connection of the pool may grow before it is replaced; no limit unless set, or with
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

    /// Whether each statement is logged with its bind, at level `info` and target `multibind::echo`.
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

    /// How long a connection waits for a lock; 5 seconds unless set.
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

    /// Whether foreign keys are enforced; they are unless set.
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

    /// Whether a field of CSV without anything (`1,,2`) is an empty text, as RFC 4180 has it; it is `NULL` unless set. In a numeric
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
    /// What the closure returns is an error at start, [`Error::Config`](crate::Error::Config) with the bind.
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

    /// How long a script of the schema, or the data of the bind, may run; 60 seconds unless set.
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
        let value = match value.to_sql() {
            Ok(ToSqlOutput::Borrowed(value)) => owned(value),
            Ok(ToSqlOutput::Owned(value)) => value,
            // It is none that a pragma could have, which is said at start.
            _ => Value::Blob(Vec::new()),
        };
        self.options.set_pragma(name.into(), value);
        self
    }

    /// Allows a foreign key whose parent table is in another bind, which SQLite cannot enforce.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// let post = Bind::memory().schema("CREATE TABLE post (author INTEGER REFERENCES user)").foreign_keys(false);
    /// let user = Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY)");
    /// let apart = Harness::builder().default_bind(post.clone()).bind("auth", user.clone()).start();
    /// assert!(matches!(apart, Err(multibind::Error::ForeignParent { .. })));
    ///
    /// let db = Harness::builder().default_bind(post.allow_missing_parents(true)).bind("auth", user).start()?;
    /// db.connection(None)?.execute("INSERT INTO post VALUES (7)", [])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allow_missing_parents(mut self, allow: bool) -> Bind {
        self.allow_missing_parents = allow;
        self
    }
}
