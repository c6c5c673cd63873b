//! Real SQLite databases for every bind of an application under test, and assertions on which of them a row landed in.
//!
//! An application that keeps its data in several databases picks one for each table by a short string, the bind key.
//! Its worst bug is silent: a row goes to the wrong database and every query still succeeds. A [`Harness`] brings up an
//! SQLite database for each bind, hands the databases to the code under test, and asserts where each row landed:
//!
//! ```
//! use multibind::{row, Bind, Harness};
//!
//! let db = Harness::builder()
//!     .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
//!     .bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE)"))
//!     .start()?;
//!
//! // The code under test, on a connection of its own; `pool`, `uri` and `path` are other ways to give it one.
//! db.connection("auth")?.execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
//!
//! db.assert_landed("auth", "user", row! { username: "ann" });
//! # Ok::<(), multibind::Error>(())
//! ```
//!
//! The root has what a test names every day, and each module what one does less often. The [guide] goes through all of it.
//!
//! | you want to | see | names in |
//! |---|---|---|
//! | say which binds there are | [`Bind`], [`Config`], [`Config::environment`], [`Harness::builder`], [`Harness::from_file`] | [`binds`] |
//! | give a bind its tables and rows | [`Bind::schema`], [`Bind::schema_path`], [`Bind::schema_with`], [`Bind::data`] | [`tables`] |
//! | have the application's functions and collations on every connection | [`Bind::on_connect`], [`Config::on_connect`] | |
//! | give the code under test its databases | [`Harness::pool`], [`Harness::connection`], [`Harness::uri`], [`Harness::sqlx_url`], [`Harness::path`] | [`pools`] |
//! | have a database for each tenant | [`Bind::dynamic`], [`context!`], [`Harness::session_for`], [`Harness::pool_for`] | [`binds`] |
//! | assert where a row is | [`row!`], [`Harness::assert_landed`], [`Harness::assert_landed_once`], [`Harness::assert_not_landed`], [`Harness::assert_rows`], [`Harness::assert_references`], [`Harness::within`], [`Harness::locate`], [`Harness::count`] | [`landings`] |
//! | assert what changed, and undo it | [`changes!`], [`Harness::snapshot`], [`Harness::changes_since`], [`Harness::restore`], [`Harness::reset`], [`Harness::part`] | [`mod@changes`] |
//! | see the statements that ran, and assert on them | [`Harness::record`] | [`statements`] |
//! | have statements on the wrong bind fail | [`Harness::allow_only`], [`Harness::deny`], [`Harness::deny_writes`], [`Harness::deny_outside`] | [`guards`] |
//! | make a bind fail | [`Harness::fault`] | [`faults`] |
//! | set up rows | [`Harness::insert`], [`Harness::insert_all`], [`Bind::data`], [`Config::prepared`] | |
//! | run statements without choosing a database | [`Session`], [`Harness::session`] | [`sessions`] |
//! | look into the databases of a failed test | [`Harness::keep`], [`TestResult`], [`Harness::save_to`] | |
//! | see what there is | [`Harness::describe`], [`Harness::diagram`], [`Harness::metadata`], [`Harness::engine`], [`Harness::assert_same_schema`] | [`binds`], [`tables`] |
//! | test with any row that a table takes | `Harness::any_row` | `multibind::proptest` |
//! | have it all in a test's argument | `multibind::fixture::harness` | |
//!
//! The words are those of [Flask-SQLAlchemy's binds](https://flask-sqlalchemy.readthedocs.io/en/stable/binds/): a
//! **bind** is one database of the application, named by its **bind key**; the default bind's key is `None`. A
//! **stand-in** is the SQLite database that takes the place of one that a production URL names: the URL is only a name,
//! and nothing that it names is opened.
//!
//! # Features
//!
#![doc = include_str!("features.md")]
//!
//! # What it logs
//!
//! Warnings and the like have the target `multibind`; the statements of binds with [`echo`](Bind::echo), of level `info`,
//! have `multibind::echo`. They are records of `log`, which reach a subscriber of `tracing` through the bridge that
//! `tracing_subscriber::fmt::init` sets up, or `tracing_log::LogTracer::init`.
//!
//! With the feature `tracing` they are events on a thread that has a subscriber, within the spans of the code under test and
//! with fields: `bind`, and `sql` of a statement. On a thread that has none they are records of `log`. A message goes one way
//! or the other, so with a logger and the bridge beside a subscriber none is heard twice.
//!
//! Errors of a pool that opens a connection are logged by `r2d2` itself, with its name as the target, on a thread of the
//! pool's: through `log` alone, so to a subscriber that is the whole process's, through the bridge.
//!
//! # Where the guarantees end
//!
//! - A stand-in has SQLite's types and SQL, not a server's.
//! - The code under test must take its databases from the harness. What else it opens is not seen; [`Harness::deny_outside`]
//!   refuses it.
//! - Separate databases have no common commit: an [`Error::Commit`] says which binds were committed.
//! - A session's open transaction keeps the code under test from writing to its binds, as any writer does: it waits for
//!   the busy timeout and fails. Commit first.
//! - [`Harness`] cleans up when it is dropped, also in a test that panics; a process that is killed drops nothing. On Linux,
//!   the next one to make files in the same place removes those of processes that have ended.
//! - Databases are kept when a test panics while its harness is alive. A test that returns an error has dropped it by then:
//!   a [`TestResult`] panics instead.

// On docs.rs, what a feature adds says so.
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The README's code, compiled and run with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod assert;
mod config;
mod context;
mod data;
mod database;
mod error;
mod fail;
pub mod fixture;
// Text only, so for the documentation and its tests only.
#[cfg(any(doc, doctest))]
pub mod guide;
mod harness;
mod instrument;
mod keep;
mod key;
mod list;
mod nearest;
mod observe;
mod order;
#[cfg(feature = "proptest")]
pub mod proptest;
mod public;
mod report;
mod route;
mod row;
mod say;
mod schema;
#[cfg(feature = "serde")]
mod serialize;
mod session;
mod sorted;
mod sqlite;
mod start;
mod storage;
mod sync;
mod target;
mod test_result;
mod url;

pub use config::{Bind, Config};
pub use error::{Error, Result};
pub use harness::{Harness, Keep};
pub use key::{BindKey, Selection};
pub use row::Row;
pub use session::Session;
pub use test_result::{TestError, TestResult};

pub use public::{binds, changes, faults, guards, landings, locks, pools, sessions, statements, tables};

// Their types are in signatures here, and an application may have other versions.
pub use r2d2;
#[cfg(feature = "r2d2_sqlite")]
pub use r2d2_sqlite;
pub use rusqlite;

/// The expansion of [`row!`].
#[doc(hidden)]
pub use row::cell as __row;
