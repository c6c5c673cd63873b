//! One bind as the user wrote it, and where its database is kept.

mod dynamic;
mod engine;
mod schema;
mod standing;

use std::path::PathBuf;

use super::chooser::Chooser;
use super::lag::Lag;
use super::options::EngineOptions;
use super::origin::Origin;
use super::redact::UrlText;
use super::source::SchemaSource;
use super::storage::Storage;
use crate::key::BindKey;

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
#[must_use = "no configuration has it yet: give it to `bind(key, …)` or `default_bind(…)`"]
pub struct Bind {
    pub(crate) url: Option<UrlText>,
    pub(crate) storage: Option<Storage>,
    pub(crate) schema: Vec<SchemaSource>,
    pub(crate) data: Vec<PathBuf>,
    pub(crate) options: EngineOptions,
    pub(crate) allow_missing_parents: bool,
    /// Set where the application only reads it; `None` where nothing is said.
    pub(crate) read_only: Option<bool>,
    /// The database that it starts as a copy of, and where that is said.
    pub(crate) copy_of: Option<(PathBuf, Origin)>,
    /// The bind whose database it is, and where that is said.
    pub(crate) mirror: Option<(BindKey, Origin)>,
    /// The lag after which it sees a write to its source.
    pub(crate) lag: Option<(Lag, Origin)>,
    /// The chooser of a database, for a bind that has several.
    pub(crate) dynamic: Option<Chooser>,
    /// The place where it was configured, for errors.
    pub(crate) origin: Origin,
}

impl Bind {
    /// Creates a bind in memory with the locks of a file in WAL mode: what code under test sees in production.
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

    /// Creates a bind in SQLite's shared-cache memory, `file:name?mode=memory&cache=shared`.
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

    /// Creates a bind in SQLite's `memdb` VFS: connections wait for each other up to the busy timeout, readers for
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

    /// Creates a bind in a file of a private temporary folder, which is removed with the harness.
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

    /// Creates a stand-in for the database that production reaches by `url`.
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
    /// default where it is not set or empty, as in a shell; `$${` stands for `${` itself. One that is not set and has no default
    /// is part of the name.
    ///
    /// Any other URL is an error at start: [`Error::Url`](crate::Error::Url), with the forms that work.
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

    /// Sets where the database is kept.
    ///
    /// ```
    /// # use multibind::{binds::Storage, Bind, Harness};
    /// let bind = Bind::url("postgresql://db.example/app").storage(Storage::TempFile);
    /// let db = Harness::builder().default_bind(bind).start()?;
    /// assert!(db.path(None)?.is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn storage(mut self, storage: Storage) -> Bind {
        self.storage = Some(storage);
        self
    }
}
