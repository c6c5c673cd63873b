//! A sign-up that writes its audit line to the wrong database: every statement succeeds, and the test says where it went.
//!
//! `cargo run --example landing`, in the folder of this crate.
#![allow(clippy::print_stdout)]

use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};

use multibind::rusqlite::{self, Connection};
use multibind::{row, Harness};

/// The application: a blog with three databases, on connections of its own.
struct App<'c> {
    blog: &'c Connection,
    auth: &'c Connection,
    meta: &'c Connection,
}

impl App<'_> {
    /// The audit log is in `meta`. The blog's own database has a table `log` too, so this goes through.
    fn sign_up_with_bug(&self, name: &str) -> rusqlite::Result<()> {
        self.auth.execute("INSERT INTO user (username) VALUES (?1)", [name])?;
        self.blog.execute("INSERT INTO log (event) VALUES ('sign-up of ' || ?1)", [name])?;
        Ok(())
    }

    fn sign_up(&self, name: &str) -> rusqlite::Result<()> {
        self.auth.execute("INSERT INTO user (username) VALUES (?1)", [name])?;
        self.meta.execute("INSERT INTO log (event) VALUES ('sign-up of ' || ?1)", [name])?;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Harness::from_file("fixtures/binds.toml")?;
    println!("Three databases, brought up from fixtures/binds.toml:");
    for bind in db.binds() {
        println!("  {bind}");
    }

    let (blog, auth, meta) = (db.connection(None)?, db.connection("auth")?, db.connection("meta")?);
    let app = App { blog: &blog, auth: &auth, meta: &meta };

    app.sign_up_with_bug("ann")?;
    println!("\nThe sign-up with the bug: every statement succeeded. What the test says:\n");
    // The message goes into the story below, not to stderr.
    set_hook(Box::new(|_| {}));
    let asserted = catch_unwind(AssertUnwindSafe(|| {
        db.assert_landed("auth", "user", row! { username: "ann" });
        db.assert_landed("meta", "log", row! { event: "sign-up of ann" });
    }));
    let message = asserted.err().and_then(|panic| panic.downcast::<String>().ok());
    println!("{}", message.ok_or("the row in the wrong database went unnoticed")?.trim_end());
    drop(std::panic::take_hook());

    app.sign_up("bob")?;
    db.assert_landed("auth", "user", row! { username: "bob" });
    db.assert_landed("meta", "log", row! { event: "sign-up of bob" });
    println!("\nThe sign-up without the bug: the user landed in auth and the audit line in meta.");

    println!("\nA session sends each statement to the bind of its table:");
    let mut session = db.session();
    for sql in [
        "INSERT INTO user (username) VALUES ('cleo')",
        "INSERT INTO post (title, author) VALUES ('hello', 'cleo')",
        "INSERT INTO setting VALUES ('theme', 'dark')",
    ] {
        println!("  {:14}  {sql}", session.route(sql)?.to_string());
        session.execute(sql, [])?;
    }
    println!("and guesses nothing where a table is in two:");
    let sql = "INSERT INTO log (event) VALUES ('sign-up of cleo')";
    println!("  {}", session.execute(sql, []).err().ok_or("a statement for two binds was run")?);
    session.on("meta")?.execute(sql, [])?;
    session.commit()?;

    db.assert_landed(None, "post", row! { title: "hello", author: "cleo" });
    Ok(())
}
