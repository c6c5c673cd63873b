//! [proptest](https://docs.rs/proptest) strategies: values as SQLite stores them, and rows that a bind's table takes.
//!
//! [`Harness::any_row`](crate::Harness::any_row) asks a bind what columns a table has and gives rows for it. The functions
//! here give values alone, among them those that code forgets: the empty text, a NUL character, quotes, the ends of the
//! 64-bit integers, `-0.0`, infinities.
//!
//! ```
//! use multibind::proptest::any_text;
//! use multibind::{row, Bind, Harness};
//! use proptest::prelude::*;
//! # fn sign_up(auth: &multibind::rusqlite::Connection, name: &str) -> multibind::rusqlite::Result<usize> {
//! #     auth.execute("INSERT INTO user (name) VALUES (?1)", [name])
//! # }
//!
//! let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)";
//! let db = Harness::builder().default_bind(Bind::memory().schema(user)).bind("auth", Bind::memory().schema(user)).start()?;
//! # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::with_cases(16) };
//!
//! proptest!(
//! #     config,
//!     |(name in any_text())| {
//!     db.reset()?;
//!     sign_up(&*db.connection("auth")?, &name)?;
//!     db.assert_landed("auth", "user", row! { name: name });
//! });
//! # Ok::<(), multibind::Error>(())
//! ```
//!
//! A harness is made once for all cases and [reset](crate::Harness::reset) in each: that costs less than to start one, and a
//! case that fails has left nothing behind for the next, to which proptest shrinks it.

mod column;
mod rows;
mod several;
mod trial;
mod tried;
mod value;

pub use rows::AnyRow;
pub use several::AnyRows;
pub use value::{any_blob, any_integer, any_real, any_text, any_value};
