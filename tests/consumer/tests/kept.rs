//! A test that fails, to show what is kept of it: run with `--ignored`.

mod audit {
    use multibind::fixture::harness;
    use multibind::rusqlite::Connection;
    use multibind::{changes, Harness};
    use rstest::rstest;

    fn sign_up(name: &str, auth: &Connection) {
        auth.execute("INSERT INTO user (username) VALUES (?1)", [name]).unwrap();
    }

    fn audit(event: &str, meta: &Connection) {
        meta.execute("INSERT INTO log (event) VALUES (?1)", [event]).unwrap();
    }

    #[rstest]
    #[case::of_ann("ann")]
    #[ignore = "fails, to show what is kept"]
    fn a_sign_up_is_audited(harness: Harness, #[case] name: &str) {
        let before = harness.snapshot().unwrap();
        sign_up(name, &harness.connection("auth").unwrap());
        audit("sign-up", &harness.connection(None).unwrap()); // the bug: the audit log is in meta
        harness.changes_since(&before).unwrap().assert(changes! { "auth.user" => +1, "meta.log" => +1 });
    }
}
