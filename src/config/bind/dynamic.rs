//! Binds whose database is chosen at run time.

use std::error::Error as StdError;

use super::Bind;
use crate::config::chooser::Chooser;
use crate::config::storage::Storage;
use crate::context::BindContext;

impl Bind {
    /// Creates a bind whose database the callback chooses at run time, from a [`BindContext`].
    ///
    /// Each distinct name that it gives is a database of its own, with the tables and data of the bind. It is made when
    /// it is first used and shared by all who get the same name. In messages, and where a key is asked for, it is
    /// `users[users_tenant_acme]`, or `("users", "users_tenant_acme")`. Names that are URLs of one database, by the rules of
    /// [`url`](Bind::url), are one name, without driver, user and password; one that is the URL of another bind is an error.
    /// A database that nobody has used yet counts as
    /// being what it would be made as: in change sets it has not changed, and a
    /// [restored](crate::Harness::restore) snapshot puts it back to that.
    ///
    /// The context is given to a session with [`Harness::session_for`](crate::Harness::session_for), and for code under
    /// test to [`pool_for`](crate::Harness::pool_for), [`connection_for`](crate::Harness::connection_for) and
    /// [`key_for`](crate::Harness::key_for). The callback should answer the same to the same context; a session asks it
    /// once. It may return any error, with `?` too; an error, a panic and an empty name are an
    /// [`Error::Dynamic`](crate::Error::Dynamic) of whoever needed the database.
    ///
    /// The databases are in memory unless [`storage`](Bind::storage) says otherwise. Each can start as a
    /// [copy](Bind::copy_of) and be [only read](Bind::read_only); none can be [mirrored](Bind::mirror). There is no such bind in a file; a
    /// [`Config`](crate::Config) read from one can be given it with [`bind`](crate::Config::bind). The guide's chapter
    /// [Tenants](crate::guide::tenants) has the calls, and what holds for such databases.
    ///
    /// ```
    /// use multibind::{context, row, Bind, Harness};
    ///
    /// let users = Bind::dynamic(|context| Ok(format!("users_tenant_{}", context.get("tenant")?)))
    ///     .schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)");
    /// let db = Harness::builder().bind("users", users).start()?;
    ///
    /// let mut session = db.session_for(context! { tenant: "acme" });
    /// session.execute("INSERT INTO user (name) VALUES ('ann')", [])?;
    /// session.commit()?;
    /// db.assert_landed("users[users_tenant_acme]", "user", row! { name: "ann" });
    ///
    /// let error = db.session().execute("DELETE FROM user", []).unwrap_err();
    /// assert!(error.to_string().starts_with("bind `users` is dynamic"));
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn dynamic<F>(choose: F) -> Bind
    where
        F: Fn(&BindContext) -> Result<String, Box<dyn StdError + Send + Sync>> + Send + Sync + 'static,
    {
        Bind { storage: Some(Storage::Memory), dynamic: Some(Chooser::new(choose)), ..Bind::default() }
    }
}
