//! A thousand tests of three binds each, run in parallel threads.

use multibind::{row, Bind, Harness};
use rstest::{fixture, rstest};

#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL)"))
        .bind("auth", Bind::memory().schema_path("fixtures/auth"))
        .bind("meta", Bind::temp_file().schema_path("fixtures/meta.sql"))
        .start()
        .unwrap()
}

#[rstest]
fn each_test_sees_its_own_rows_only(
    db: Harness,
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)] hundreds: u32,
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)] tens: u32,
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)] ones: u32,
) -> multibind::Result<()> {
    let name = format!("user {hundreds}{tens}{ones}");
    // Said for `.ci/runners`, which looks whether it was any other test's too, and whether it is gone.
    println!("file: {}", db.path("meta")?.unwrap().display());
    my_app::sign_up(&*db.connection("auth")?, &name);
    my_app::audit(&*db.connection("meta")?, &name);
    db.assert_landed("auth", "user", row! { username: name.as_str() });
    db.assert_landed("meta", "log", row! { event: name.as_str() });

    // Every test writes its first row: one from another test would make this the second.
    db.assert_landed("auth", "user", row! { id: 1, username: name.as_str() });
    db.assert_not_landed("auth", "user", row! { id: 2 });
    db.assert_not_landed("meta", "log", row! { id: 2 });
    db.assert_not_landed(None, "post", row! {});
    Ok(())
}
