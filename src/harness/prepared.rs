//! Prepared states: what a configuration's binds hold once the test's own code has run.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use super::Harness;
use crate::config::Config;

type Code = dyn Fn(&Harness) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// A configuration whose binds start in a state that the test's own code has made; from [`Config::prepared`].
///
/// ```
/// use multibind::binds::Prepared;
/// use multibind::{row, Bind, Config, Harness};
///
/// fn signed_up() -> Prepared {
///     let auth = Bind::memory().schema("CREATE TABLE user (username TEXT)");
///     Harness::builder().bind("auth", auth).prepared("signed-up", |db| {
///         db.connection("auth")?.execute("INSERT INTO user VALUES ('ann')", [])?;
///         Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
///     })
/// }
///
/// let db = signed_up().start()?;
/// db.assert_landed("auth", "user", row! { username: "ann" });
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it starts no database by itself: call `start()`"]
pub struct Prepared {
    pub(crate) config: Config,
    pub(crate) stages: Vec<Stage>,
}

/// One piece of code that leads from a state to the next.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(super) name: String,
    pub(super) run: Arc<Code>,
    /// The type of a closure that captures nothing; `None` for one that captures something.
    pub(super) identity: Option<TypeId>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: |db| …", self.name)
    }
}

impl Stage {
    fn new<F, E>(name: String, run: F) -> Stage
    where
        F: Fn(&Harness) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let identity = (size_of::<F>() == 0).then(TypeId::of::<F>);
        Stage { name, run: Arc::new(move |db: &Harness| run(db).map_err(Into::into)), identity }
    }
}

impl Config {
    /// Has every bind start as `code` leaves it: through the application's own functions, on a harness that runs.
    ///
    /// The code runs once. Every other start copies the databases, as it copies a bind's tables and rows: in this process and, by
    /// the [store](Config::images_in), in those of the next ten minutes. `reset` goes back to the prepared state, and a change set
    /// has nothing of what the code did. The databases of a [dynamic bind](crate::Bind::dynamic) that the code has used are there
    /// from the start.
    ///
    /// It belongs to everything that the binds are made of, to its name, to the closure and, between processes, to the program's
    /// file. It runs at each start instead
    ///
    /// - where a statement of it calls a function of SQLite for the time or a random number, or one that the application has
    ///   registered and not called deterministic; the log says which;
    /// - where the closure captures something, which is not known to be the same twice;
    /// - where it calls [`load_data`](Harness::load_data) or [`migrate_to`](Harness::migrate_to), whose statements are not looked at;
    /// - where a connection to a bind has a trace or an authorizer of the application's, which hides its statements;
    /// - where a bind's tables or data are made at each start themselves.
    ///
    /// And it runs once in each process where that read a file meanwhile, as SQLite does of a bind in
    /// [`TempFile`](crate::binds::Storage::TempFile), and elsewhere than on Linux. A time or a random number that the application
    /// takes from the system and not from SQLite is not seen: it is that of the one run, and so up to ten minutes old.
    ///
    /// ```
    /// use multibind::{row, Bind, Harness};
    ///
    /// # mod my_app {
    /// #     pub fn sign_up(db: &multibind::Harness, name: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// #         db.connection("auth")?.execute("INSERT INTO user VALUES (?1)", [name])?;
    /// #         Ok(())
    /// #     }
    /// # }
    /// let db = Harness::builder()
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (username TEXT)"))
    ///     .prepared("signed-up", |db| my_app::sign_up(db, "ann"))
    ///     .start()?;
    ///
    /// let before = db.snapshot()?;
    /// db.connection("auth")?.execute("DELETE FROM user", [])?;
    /// db.reset()?;
    /// db.changes_since(&before)?.assert_none();
    /// db.assert_landed("auth", "user", row! { username: "ann" });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// An error or a panic of the code is an [`Error::Prepared`](crate::Error::Prepared) of the start. So is anything that it leaves
    /// open: a session, a transaction, a connection that is still open a second later.
    pub fn prepared<F, E>(self, name: impl Into<String>, code: F) -> Prepared
    where
        F: Fn(&Harness) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Prepared { config: self, stages: vec![Stage::new(name.into(), code)] }
    }
}

impl Prepared {
    /// Adds a state that begins with this one.
    ///
    /// ```
    /// # use multibind::{row, Bind, Error, Harness};
    /// let db = Harness::builder()
    ///     .bind("auth", Bind::memory().schema("CREATE TABLE user (username TEXT)"))
    ///     .prepared("signed-up", |db| db.connection("auth").unwrap().execute_batch("INSERT INTO user VALUES ('ann')"))
    ///     .prepared("renamed", |db| db.connection("auth").unwrap().execute_batch("UPDATE user SET username = 'bob'"))
    ///     .start()?;
    /// db.assert_landed("auth", "user", row! { username: "bob" });
    /// # Ok::<(), Error>(())
    /// ```
    pub fn prepared<F, E>(mut self, name: impl Into<String>, code: F) -> Prepared
    where
        F: Fn(&Harness) -> Result<(), E> + Send + Sync + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.stages.push(Stage::new(name.into(), code));
        self
    }
}
