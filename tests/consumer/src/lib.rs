//! An application that keeps its users in one database and its audit log in another.

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;

/// Signs a user up.
pub fn sign_up(auth: Pool<SqliteConnectionManager>, name: &str) {
    auth.get().unwrap().execute("INSERT INTO user (username) VALUES (?1)", [name]).unwrap();
}

/// Writes a line to the audit log of the database it is given.
///
/// ```
/// use multibind::{row, Bind, Harness};
///
/// let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE log (event TEXT)")).start()?;
/// my_app::audit(db.pool("meta")?, "sign-up of ann");
/// db.assert_landed("meta", "log", row! { event: "sign-up of ann" });
/// # Ok::<(), multibind::Error>(())
/// ```
pub fn audit(meta: Pool<SqliteConnectionManager>, event: &str) {
    meta.get().unwrap().execute("INSERT INTO log (event) VALUES (?1)", [event]).unwrap();
}
