use multibind::{row, Bind, Harness};
use rstest::{fixture, rstest};

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
        .bind("auth", Bind::memory().schema_path("fixtures/auth"))
        .bind("meta", Bind::temp_file().schema("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT)"))
        .start()
        .unwrap()
}

#[rstest]
fn signing_up_writes_to_auth_only(db: Harness) -> multibind::Result<()> {
    let before = db.snapshot()?;
    my_app::sign_up(db.pool("auth")?, "ann");            // the code under test, on connections of its own
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.changes_since(&before)?.assert_only("auth");
    Ok(())
}

#[rstest]
fn a_session_sends_each_statement_to_its_bind(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.execute("INSERT INTO user (username) VALUES (?1)", ["ann"])?;            // goes to auth
    session.table("post")?.insert(row! { title: "hello" })?;                         // goes to default
    let names: Vec<String> = session.query("SELECT username FROM user", [], |r| r.get(0))?;
    session.on("meta")?.execute("INSERT INTO setting VALUES ('theme', 'dark')", [])?; // told, not deduced
    session.commit()?;

    assert_eq!(names, ["ann"]);
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.assert_landed(None, "post", row! { title: "hello" });
    db.assert_landed("meta", "setting", row! { name: "theme", value: "dark" });
    Ok(())
}
