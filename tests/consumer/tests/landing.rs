use multibind::{row, Bind, Harness};
use rstest::{fixture, rstest};

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (title TEXT); CREATE TABLE log (event TEXT)"))
        .bind("auth", Bind::memory().schema_path("fixtures/auth"))
        .bind("meta", Bind::memory().schema("CREATE TABLE log (event TEXT)"))
        .start()
        .unwrap()
}

#[rstest]
fn a_sign_up_is_audited_in_meta(db: Harness) -> multibind::Result<()> {
    let auth = db.connection("auth")?;
    let meta = db.connection("meta")?;                   // change "meta" to None here, and run it again
    my_app::sign_up(&auth, "ann");                       // the code under test
    my_app::audit(&meta, "sign-up of ann");
    db.assert_landed("auth", "user", row! { username: "ann" });
    db.assert_landed("meta", "log", row! { event: "sign-up of ann" });
    Ok(())
}
