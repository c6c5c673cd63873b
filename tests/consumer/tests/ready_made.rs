use multibind::fixture::harness;
use multibind::{row, Harness};
use rstest::rstest;

#[rstest]
fn the_ready_made_fixture_has_the_binds_of_the_file(harness: Harness) -> multibind::Result<()> {
    my_app::sign_up(&*harness.connection("auth")?, "ann");
    my_app::audit(&*harness.connection("meta")?, "sign-up of ann");
    harness.assert_landed("auth", "user", row! { username: "ann", email: None });
    harness.assert_landed("meta", "log", row! { event: "sign-up of ann" });
    harness.assert_landed("meta", "setting", row! { name: "site_name", value: "my app" });
    Ok(())
}

#[rstest]
fn each_test_has_a_harness_of_its_own(harness: Harness) -> multibind::Result<()> {
    harness.assert_not_landed("auth", "user", row! { username: "ann" });
    my_app::sign_up(&*harness.connection("auth")?, "ann");
    Ok(())
}

#[test]
fn a_harness_from_the_file_is_the_same() -> multibind::Result<()> {
    let db = Harness::from_file("fixtures/binds.toml")?;
    my_app::sign_up(&*db.connection("auth")?, "ann");
    db.assert_landed("auth", "user", row! { username: "ann" });
    Ok(())
}
