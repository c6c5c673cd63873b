//! The tables and rows that a bind starts with.

use std::any::TypeId;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::Bind;
use crate::config::migration_version::MigrationVersion;
use crate::config::source::{Migrator, SchemaSource};

impl Bind {
    /// Adds SQL text that makes tables.
    ///
    /// It runs once in a process, and each further start copies what it made. Where a statement asks for the time or a random
    /// number (`CURRENT_TIMESTAMP`, `datetime('now')`, `random()`, also as a default or in a trigger), it and what follows it run anew
    /// at each start, and the log says once which statement asked. [`reset`](crate::Harness::reset) brings back what the harness
    /// started with.
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
    /// Down migrations never run by themselves. Two layouts in one folder, two migrations of one version, a version that is
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
    /// A migrator that has connections of its own, as Diesel's and sqlx's do, can migrate a file, and the closure copies it
    /// into its connection, by rusqlite's `Connection::restore` (its feature `backup`).
    ///
    /// A closure that captures nothing runs once in a process, and its tables are copied from then on. It runs at each start
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

    /// Takes away the tables so far, for others in their place: of a bind that [`Config::change`](crate::Config::change) has from
    /// a file, those of the file.
    ///
    /// ```
    /// # use multibind::{rusqlite::Connection, Config, Harness};
    /// let migrate = |conn: &mut Connection| conn.execute_batch("CREATE TABLE member (name TEXT)");
    /// let config = Config::from_file("fixtures/binds.toml")?;
    /// let db = Harness::from_config(config.change("auth", move |auth| auth.without_schema().without_data().schema_with(migrate)))?;
    /// assert!(db.metadata("auth")?.table("user").is_none());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn without_schema(mut self) -> Bind {
        self.schema.clear();
        self
    }

    /// Adds data: a CSV, SQL, TOML or (with the feature `json`) JSON file, or a folder of them, loaded into the new tables.
    ///
    /// A CSV file (with a header row) and a JSON file (a list of objects) go into the table that the file is named
    /// after, parents before children; SQL files run after them. A field of CSV is text of which the column's
    /// [affinity](https://sqlite.org/datatype3.html#type_affinity) makes a number where it is one. A field
    /// without anything is `NULL`, unless [`csv_empty_as_text`](Bind::csv_empty_as_text) is set, and a quoted one (`""`) an empty
    /// text, but in a numeric column `NULL` too. `true` and `false`
    /// are 1 and 0, in CSV where the column is numeric. In JSON a list or an object is stored as its text, and a column that an
    /// object leaves out gets its default. An integer that SQLite would change into a real is an error. A TOML file has rows of several
    /// tables, which refer to each other by label: see the guide's chapter [Scenarios](crate::guide::scenarios).
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

    /// Takes away the data so far, as [`without_schema`](Bind::without_schema) does the tables.
    ///
    /// ```
    /// # use multibind::{Config, Harness};
    /// let config = Config::from_file("fixtures/binds.toml")?.change(.., |bind| bind.without_data());
    /// let db = Harness::from_config(config)?;
    /// assert!(db.locate("user", multibind::row! {})?.is_empty());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn without_data(mut self) -> Bind {
        self.data.clear();
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
