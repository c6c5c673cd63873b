//! Rows that a test inserts and commits in one call.

use std::time::Duration;

use multibind::{context, row, Bind, Error, Harness, Row};
use rstest::{fixture, rstest};

const USER: &str =
    "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, active INTEGER DEFAULT 1)";
const LOG: &str = "CREATE TABLE log (event TEXT)";

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(LOG))
        .bind("auth", Bind::memory().busy_timeout(Duration::from_millis(20)).schema(USER))
        .bind("meta", Bind::temp_file().schema(LOG))
        .start()
        .unwrap()
}

fn in_place(error: &Error) -> String {
    let printed = format!("{error:?}");
    let place = printed.lines().map(str::trim).find(|line| line.starts_with("at ")).unwrap();
    place.rsplit_once(':').unwrap().0.to_string()
}

#[rstest]
fn a_row_is_committed_at_once_in_the_bind_that_is_named(db: Harness) -> multibind::Result<()> {
    let app = db.connection("auth")?;
    assert_eq!(db.insert("auth", "user", row! { username: "ann" })?, 1);
    assert_eq!(app.query_row("SELECT username FROM user", [], |row| row.get::<_, String>(0)).unwrap(), "ann");
    db.insert("meta", "log", row! { event: "hello" })?;
    db.insert(None, "log", row! {})?;
    db.assert_rows("auth", "user", [row! { id: 1, username: "ann", active: 1 }]);
    db.assert_rows("meta", "log", [row! { event: "hello" }]).assert_rows(None, "log", [row! { event: None }]);
    Ok(())
}

#[rstest]
fn several_rows_are_committed_together_or_not_at_all(db: Harness) -> multibind::Result<()> {
    let rows = ["ann", "bob"].map(|username| row! { username });
    assert_eq!(db.insert_all("auth", "user", rows)?, [1, 2]);
    assert!(db.insert_all("auth", "user", Vec::<Row>::new())?.is_empty());
    let error = db.insert_all("auth", "user", ["eve", "ann"].map(|username| row! { username })).unwrap_err();
    insta::assert_snapshot!(error, @r#"
    bind `auth`: UNIQUE constraint failed: user.username
      in: INSERT INTO main."user" ("username") VALUES (?)
    "#);
    assert_eq!(db.count("auth", "user")?, 2);
    Ok(())
}

#[rstest]
fn structs_are_rows_here_too(db: Harness) -> multibind::Result<()> {
    #[derive(serde::Serialize)]
    struct User {
        username: &'static str,
        active: bool,
    }
    let users = [User { username: "ann", active: false }, User { username: "bob", active: true }];
    db.insert_all("auth", "user", &users)?;
    db.insert("auth", "user", &User { username: "eve", active: true })?;
    db.assert_rows("auth", "user", 3).assert_landed("auth", "user", &users[0]);
    Ok(())
}

#[rstest]
fn an_error_names_the_bind_and_the_call(db: Harness) {
    let refused = |key: &str, table: &str, row: Row| db.insert(key, table, row).unwrap_err();
    insta::assert_snapshot!(refused("audit", "log", row! {}), @"no bind `audit`: configured are default, auth, meta");
    insta::assert_snapshot!(refused("auth", "log", row! {}), @"no table `log` in bind `auth`, but in default, meta");
    insta::assert_snapshot!(refused("auth", "usr", row! {}), @"no table `usr` in bind `auth`; the nearest names are `user` in auth");
    insta::assert_snapshot!(refused("auth", "user", row! { name: "ann" }), @"row: no column `name` in table `user` of bind `auth`, whose columns are id, username, active");
    insta::assert_snapshot!(refused("auth", "user", row! { username: "ann", id: u64::MAX }), @"row: table `user` of bind `auth`: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
    let (error, line) = (db.insert("auth", "user", row! {}).unwrap_err(), line!());
    insta::assert_snapshot!(error, @r#"
    bind `auth`: NOT NULL constraint failed: user.username
      in: INSERT INTO main."user" DEFAULT VALUES
    "#);
    assert_eq!(in_place(&error), format!("at tests/dispatch/inserted.rs:{line}"));
}

#[rstest]
fn a_transaction_that_holds_the_bind_is_named(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.table("user")?.insert(row! { username: "ann" })?;
    let error = db.insert("auth", "user", row! { username: "bob" }).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    session.commit()?;
    assert_eq!(db.insert("auth", "user", row! { username: "bob" })?, 2);
    Ok(())
}

#[test]
fn a_reference_into_another_bind_is_checked_as_at_any_commit() -> multibind::Result<()> {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (author TEXT)"))
        .bind("auth", Bind::memory().schema(USER))
        .reference("default.post.author", "auth.user.username")
        .start()?;
    let post = || db.insert(None, "post", row! { author: "ann" });
    assert!(matches!(post().unwrap_err(), Error::Orphans { .. }));
    assert_eq!(db.count(None, "post")?, 0);
    db.insert("auth", "user", row! { username: "ann" })?;
    post().map(drop)
}

#[test]
fn a_tenants_database_is_named_by_its_key() -> multibind::Result<()> {
    let users = Bind::dynamic(|context| Ok(format!("users_{}", context.get("tenant")?))).schema(USER);
    let db = Harness::builder().bind("users", users).start()?;
    insta::assert_snapshot!(db.insert("users", "user", row! { username: "ann" }).unwrap_err(), @"bind `users` is dynamic: the key alone names none of its databases: pass a context to `pool_for`, `connection_for` or `key_for`, or name one that is in use already, as `users[NAME]`");
    insta::assert_snapshot!(db.insert("users[users_acme]", "user", row! { username: "ann" }).unwrap_err(), @"bind `users` is dynamic: it has no database `users[users_acme]`: nobody has used any. One is made when it is first used, with a context: by a session from `session_for`, by `pool_for`, `connection_for` or `key_for`");
    for tenant in ["acme", "bee"] {
        db.pool_for("users", context! { tenant: tenant })?;
    }
    db.insert("users[users_acme]", "user", row! { username: "ann" })?;
    db.assert_landed("users[users_acme]", "user", row! { username: "ann" });
    Ok(())
}

#[rstest]
fn a_guard_refuses_it_as_any_session(db: Harness) -> multibind::Result<()> {
    let guard = db.allow_only("meta");
    let error = db.insert("auth", "user", row! { username: "ann" }).unwrap_err();
    assert!(matches!(error, Error::Guarded { .. }), "{error:?}");
    assert_eq!(guard.refused().len(), 1);
    drop(guard);
    assert_eq!(db.count("auth", "user")?, 0);
    Ok(())
}
