//! Tests that fail, to show how: run with `--ignored`.

use multibind::fixture::harness;
use multibind::{row, Harness};
use rstest::rstest;

#[rstest]
#[ignore = "fails, to show its message"]
fn the_audit_line_of_a_sign_up_is_in_meta(harness: Harness) -> multibind::Result<()> {
    my_app::sign_up(&*harness.connection("auth")?, "ann");
    my_app::audit(&*harness.connection(None)?, "sign-up of ann"); // the bug: the audit log is in meta
    harness.assert_landed("auth", "user", row! { username: "ann" });
    harness.assert_landed("meta", "log", row! { event: "sign-up of ann" });
    Ok(())
}
