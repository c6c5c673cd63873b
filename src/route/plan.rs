//! The plan of a statement: where it runs, and what it touches.

use std::fmt;

use crate::key::{BindIndex, BindKey};
use crate::list::mapped;

/// The binds that a statement reads and those it writes, from [`Session::route`](crate::Session::route).
///
/// ```
/// use multibind::{Bind, BindKey, Harness};
///
/// let db = Harness::builder()
///     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
///     .start()?;
/// let session = db.session();
/// let insert = session.route("INSERT INTO user SELECT 'ann'")?;
/// assert_eq!(insert.writes(), [BindKey::from("auth")]);
/// let join = session.route("SELECT * FROM post JOIN user ON author = name")?;
/// assert_eq!(join.reads(), [BindKey::DEFAULT, BindKey::from("auth")]);
/// assert_eq!(join.to_string(), "reads default, auth");
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub(crate) reads: Vec<BindKey>,
    pub(crate) writes: Vec<BindKey>,
}

impl Route {
    /// Returns the binds whose tables are read, in the order configured.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    /// #     .start()?;
    /// let route = db.session().route("SELECT * FROM user JOIN post ON author = name")?;
    /// assert_eq!(route.reads(), [BindKey::DEFAULT, BindKey::from("auth")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn reads(&self) -> &[BindKey] {
        &self.reads
    }

    /// Returns the binds that are written to, rows or schema, in the order configured: none or one.
    ///
    /// `ANALYZE` and `REINDEX` without a name run in several binds, one after the other.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    /// #     .start()?;
    /// let session = db.session();
    /// assert_eq!(session.route("UPDATE user SET name = 'ann'")?.writes(), [BindKey::from("auth")]);
    /// assert_eq!(session.route("SELECT name FROM user")?.writes(), []);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn writes(&self) -> &[BindKey] {
        &self.writes
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |verb: &str, binds: &[BindKey]| {
            (!binds.is_empty()).then(|| format!("{verb} {}", crate::error::list(binds)))
        };
        let (reads, writes) = (named("reads", &self.reads), named("writes", &self.writes));
        match (reads, writes) {
            (None, None) => f.write_str("touches no table"),
            (Some(one), None) | (None, Some(one)) => f.write_str(&one),
            (Some(reads), Some(writes)) => write!(f, "{reads}, {writes}"),
        }
    }
}

/// The way a statement is run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) on: Destination,
    /// The binds that it touches, for people.
    pub(crate) route: Route,
    pub(crate) effects: Effects,
    /// The function it calls that reports what its connection last wrote, `changes` for one.
    pub(crate) counts: Option<String>,
    /// Set if it looks names up while it runs.
    pub(crate) looks_up: bool,
}

impl Plan {
    /// Returns the plan of a statement that runs in the unit of work and changes no schema.
    pub(super) fn new(on: Destination, route: Route) -> Plan {
        let effects = Effects { writes: !route.writes().is_empty(), changes_schema: Some(false), in_transaction: true };
        Plan { on, route, effects, counts: None, looks_up: false }
    }

    /// Returns the plan with its effect on schemas.
    pub(super) fn changing_schema(mut self, changes_schema: bool) -> Plan {
        self.effects.changes_schema = Some(changes_schema);
        self
    }

    /// Returns the plan of a statement that takes no part in the unit of work.
    pub(super) fn outside_transaction(mut self) -> Plan {
        self.effects.in_transaction = false;
        self
    }

    /// Returns the binds whose tables a statement uses; none where it uses no table.
    pub(crate) fn binds_used(&self) -> Vec<BindIndex> {
        match &self.on {
            Destination::One(..) if self.route.reads.is_empty() && self.route.writes.is_empty() => Vec::new(),
            Destination::One(bind, _) => vec![*bind],
            Destination::Join(joined) => mapped(joined, |joined| joined.bind),
            Destination::Each(binds, last) => [binds.as_slice(), &[*last]].concat(),
        }
    }
}

/// The effects of a statement on the binds that it runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effects {
    pub(crate) writes: bool,
    /// Set if it creates, changes or drops something in a schema; `None` where only running it shows that.
    pub(crate) changes_schema: Option<bool>,
    /// Set if it takes part in the unit of work: a pragma and `VACUUM` do not.
    pub(crate) in_transaction: bool,
}

/// The place where a statement runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// On one bind's connection, with this key as the name of its schema.
    One(BindIndex, BindKey),
    /// On a connection that has all of these attached.
    Join(Vec<JoinedBind>),
    /// On each of these, one after the other, and then on the last, whose answer is the statement's.
    Each(Vec<BindIndex>, BindIndex),
}

/// A bind that a statement reads beside others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinedBind {
    /// The key that the statement names it by.
    pub(crate) key: BindKey,
    pub(crate) bind: BindIndex,
    /// The tables of it that are read.
    pub(crate) tables: Vec<String>,
}
