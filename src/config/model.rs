//! Types that are tied to a bind.

use super::table::Table;

/// A type whose rows are in one table of one bind, as a model of Flask-SQLAlchemy's is by its `__bind_key__`.
///
/// The key and the name stand in one place, and the tests and assertions name the type. Types that share a bind take the
/// key from a base; one that is elsewhere has its own:
///
/// ```
/// use multibind::tables::{Model, Table};
/// use multibind::{row, Bind, Harness};
///
/// /// The base of what belongs to accounts.
/// struct Accounts;
/// impl Accounts {
///     const BIND: Option<&str> = Some("auth");
/// }
///
/// struct User;
/// impl Model for User {
///     const BIND: Option<&str> = Accounts::BIND;
///     const TABLE: &str = "user";
/// }
///
/// struct Login;
/// impl Model for Login {
///     const BIND: Option<&str> = Some("log");
///     const TABLE: &str = "login";
/// }
///
/// let db = Harness::builder()
///     .bind("auth", Bind::memory())
///     .bind("log", Bind::memory())
///     .table(Table::of::<User>("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)"))
///     .table(Table::of::<Login>("CREATE TABLE login (name TEXT)"))
///     .start()?;
/// let mut session = db.session();
/// session.model::<User>()?.insert(row! { name: "ann" })?;
/// session.commit()?;
/// db.assert_landed(User::BIND, User::TABLE, row! { name: "ann" });
/// # Ok::<(), multibind::Error>(())
/// ```
///
/// With the feature `serde`, the type itself is the row: `session.model::<User>()?.insert(&ann)?`.
pub trait Model {
    /// The bind's key; `None`, which is the default bind's, unless it is set.
    const BIND: Option<&'static str> = None;

    /// The table's name.
    const TABLE: &'static str;
}

impl Table {
    /// Creates the table of a type, in the type's bind, from the SQL that makes it.
    ///
    /// The type's bind wins over that of a [group](crate::tables::TableGroup).
    ///
    /// ```
    /// # use multibind::{tables::{Model, Table}, Bind, Harness};
    /// struct Post;
    /// impl Model for Post {
    ///     const TABLE: &str = "post";
    /// }
    /// let post = Table::of::<Post>("CREATE TABLE post (id INTEGER PRIMARY KEY)");
    /// let db = Harness::builder().default_bind(Bind::memory()).table(post).start()?;
    /// assert!(db.metadata(Post::BIND)?.table(Post::TABLE).is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn of<M: Model>(sql: impl Into<String>) -> Table {
        Table::new(sql).bind_key(M::BIND)
    }
}
