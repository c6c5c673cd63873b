//! From SQL text to the binds it touches. SQLite resolves every name; nothing here reads SQL.

mod access;
mod ambiguity;
mod catalog;
mod known;
mod look;
mod made;
mod names;
mod refused;
mod resolve;
mod stage;
mod stages;
mod touched;
mod unnamed;
mod untouching;

use std::fmt;

pub(crate) use catalog::{Candidate, Catalog};

use crate::key::{BindIndex, BindKey};
use crate::list::mapped;

/// Which binds a statement reads and which it writes, as [`Session::bind_of`](crate::Session::bind_of) answers.
///
/// ```
/// use multibind::{Bind, BindKey, Harness};
///
/// let db = Harness::builder()
///     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
///     .start()?;
/// let session = db.session();
/// let insert = session.bind_of("INSERT INTO user SELECT 'ann'")?;
/// assert_eq!(insert.writes(), Some(&BindKey::from("auth")));
/// let join = session.bind_of("SELECT * FROM post JOIN user ON author = name")?;
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
    /// The binds whose tables are read, in the order configured.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    /// #     .start()?;
    /// let route = db.session().bind_of("SELECT * FROM user JOIN post ON author = name")?;
    /// assert_eq!(route.reads(), [BindKey::DEFAULT, BindKey::from("auth")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn reads(&self) -> &[BindKey] {
        &self.reads
    }

    /// The bind that is written to, rows or schema.
    ///
    /// `ANALYZE` and `REINDEX` without a name run in several binds one after the other; this is the first of them.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// # let db = Harness::builder()
    /// #     .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
    /// #     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
    /// #     .start()?;
    /// let session = db.session();
    /// assert_eq!(session.bind_of("UPDATE user SET name = 'ann'")?.writes(), Some(&BindKey::from("auth")));
    /// assert_eq!(session.bind_of("SELECT name FROM user")?.writes(), None);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn writes(&self) -> Option<&BindKey> {
        self.writes.first()
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

/// How a statement is run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) on: Destination,
    /// What it touches, for people.
    pub(crate) route: Route,
    /// Whether it makes, changes or drops something in a schema.
    pub(crate) changes_schema: bool,
    /// Whether it takes part in the unit of work: a pragma and `VACUUM` do not.
    pub(crate) in_transaction: bool,
    /// The function it calls that tells what its connection last wrote, `changes` for one.
    pub(crate) counts: Option<String>,
    /// Whether it looks names up while it runs.
    pub(crate) looks_up: bool,
}

impl Plan {
    /// The binds whose tables a statement uses; none where it uses no table.
    pub(crate) fn binds_used(&self) -> Vec<BindIndex> {
        match &self.on {
            Destination::One(..) if self.route.reads.is_empty() && self.route.writes.is_empty() => Vec::new(),
            Destination::One(member, _) => vec![*member],
            Destination::Join(members) => mapped(members, |member| member.position),
            Destination::Each(members) => members.clone(),
        }
    }
}

/// A bind that a statement reads beside others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The key it is named by.
    pub(crate) key: BindKey,
    /// Where it stands among the harness's databases.
    pub(crate) position: BindIndex,
    /// The tables of it that are read.
    pub(crate) tables: Vec<String>,
}

/// What a statement for one bind is about to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) writes: bool,
    /// `None` where only running it tells.
    pub(crate) changes_schema: Option<bool>,
    pub(crate) in_transaction: bool,
}

/// Where a statement runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// On one member's connection, with this key as the name of its schema.
    One(BindIndex, BindKey),
    /// On a connection that has all of these attached.
    Join(Vec<Member>),
    /// On each of these, one after the other.
    Each(Vec<BindIndex>),
}
