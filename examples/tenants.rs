//! A nightly job that writes a tenant's user to another tenant's database: every statement succeeds, and the test says
//! where it went.
//!
//! `cargo run --example tenants`, in the folder of this crate.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::panic::{catch_unwind, set_hook, AssertUnwindSafe};

use multibind::pools::Pool;
use multibind::{changes, context, row, Bind, Harness};

/// What the application takes a pool from, by tenant.
type PoolOf<'a> = &'a dyn Fn(&str) -> multibind::Result<Pool>;

/// The application: each tenant's users are in a database of their own, and all tenants are billed in one.
struct App<'a> {
    users_of: PoolOf<'a>,
    billing: Pool,
}

impl App<'_> {
    /// Takes the pool of the first tenant and keeps it for all.
    fn send_invites_with_bug(&self, invites: &[(&str, &str)]) -> Result<(), Box<dyn Error>> {
        let mut users = None;
        for (tenant, name) in invites {
            let users = match &users {
                Some(users) => users,
                None => users.insert((self.users_of)(tenant)?),
            };
            users.get()?.execute("INSERT INTO user (name) VALUES (?1)", [name])?;
            self.billing.get()?.execute("INSERT INTO seat (tenant, name) VALUES (?1, ?2)", [tenant, name])?;
        }
        Ok(())
    }

    fn send_invites(&self, invites: &[(&str, &str)]) -> Result<(), Box<dyn Error>> {
        for (tenant, name) in invites {
            (self.users_of)(tenant)?.get()?.execute("INSERT INTO user (name) VALUES (?1)", [name])?;
            self.billing.get()?.execute("INSERT INTO seat (tenant, name) VALUES (?1, ?2)", [tenant, name])?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let users = Bind::dynamic(|context| Ok(format!("users_tenant_{}", context.get("tenant")?)))
        .schema("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT NOT NULL)");
    let billing = Bind::memory().schema("CREATE TABLE seat (tenant TEXT NOT NULL, name TEXT NOT NULL)");
    let db = Harness::builder().bind("users", users).bind("billing", billing).start()?;

    let users_of = |tenant: &str| db.pool_for("users", context! { tenant: tenant });
    let app = App { users_of: &users_of, billing: db.pool("billing")? };
    for tenant in ["acme", "bee", "cox"] {
        users_of(tenant)?;
    }
    println!("Two binds, one of them with a database for each tenant:\n\n{}", db.describe());

    let before = db.snapshot()?;
    let invites = [("acme", "ann"), ("bee", "bob"), ("cox", "cleo")];
    app.send_invites_with_bug(&invites)?;
    println!("\nThe job with the bug: every statement succeeded. What the test says:\n");
    // The message goes into the story below, not to stderr.
    set_hook(Box::new(|_| {}));
    let asserted = catch_unwind(AssertUnwindSafe(|| {
        db.assert_landed(("users", "users_tenant_acme"), "user", row! { name: "ann" });
        db.assert_landed(("users", "users_tenant_bee"), "user", row! { name: "bob" });
    }));
    let message = asserted.err().and_then(|panic| panic.downcast::<String>().ok());
    println!("{}", message.ok_or("the row in the wrong database went unnoticed")?.trim_end());
    drop(std::panic::take_hook());

    db.restore(&before)?;
    app.send_invites(&invites)?;
    db.changes_since(&before)?.assert(changes! {
        "users[users_tenant_acme].user" => +1,
        "users[users_tenant_bee].user" => +1,
        "users[users_tenant_cox].user" => +1,
        "billing.seat" => +3,
    });
    println!("\nThe job without the bug: one user in each tenant's database, three seats in the shared one.");

    println!("\nA session has a context, and sends each statement to its tenant's database:");
    let mut session = db.session_for(context! { tenant: "bee" });
    for sql in [
        "INSERT INTO user (name) VALUES ('dan')",
        "INSERT INTO seat VALUES ('bee', 'dan')",
        "SELECT * FROM user JOIN seat ON seat.name = user.name",
    ] {
        println!("  {:39}  {sql}", session.route(sql)?.to_string());
        session.query(sql, [], |_| Ok(()))?;
    }
    session.commit()?;
    println!("and guesses nothing without one:");
    println!("  {}", db.session().execute("DELETE FROM user", []).err().ok_or("a tenant was guessed")?);
    Ok(())
}
