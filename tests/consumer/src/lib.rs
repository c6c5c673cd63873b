//! An application that keeps its users in one database and its audit log in another.

use rusqlite::Connection;

/// Signs a user up.
pub fn sign_up(auth: &Connection, name: &str) {
    auth.execute("INSERT INTO user (username) VALUES (?1)", [name]).unwrap();
}

/// Writes a line to the audit log of the database it is given.
///
/// ```
/// use multibind::{row, Bind, Harness};
///
/// let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE log (event TEXT)")).start()?;
/// my_app::audit(&*db.connection("meta")?, "sign-up of ann");
/// db.assert_landed("meta", "log", row! { event: "sign-up of ann" });
/// # Ok::<(), multibind::Error>(())
/// ```
pub fn audit(meta: &Connection, event: &str) {
    meta.execute("INSERT INTO log (event) VALUES (?1)", [event]).unwrap();
}
