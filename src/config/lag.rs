//! The lag of a replica.

/// The moment at which a replica sees what was written to its source; for [`Bind::lag`](crate::Bind::lag).
///
/// ```
/// use multibind::binds::Lag;
/// use multibind::{Bind, Harness};
///
/// let db = Harness::builder()
///     .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
///     .bind("replica", Bind::mirror("auth").read_only(true).lag(Lag::Manual))
///     .start()?;
/// assert_ne!(db.uri("replica")?, db.uri("auth")?);
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// On the test's request, with [`Harness::replicate`](crate::Harness::replicate), and not before.
    Manual,
}
