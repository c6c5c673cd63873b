//! An error has what caused it as its source, for those who print the chain or look into it.
#![allow(clippy::unwrap_used, reason = "what does not go on here fails the test")]

use std::error::Error as _;
use std::time::Duration;

use multibind::{Bind, Config, Error, Harness};
use rstest::{fixture, rstest};

#[fixture]
fn db() -> Harness {
    let short = Duration::from_millis(20);
    let auth = Bind::memory().schema("CREATE TABLE user (name TEXT PRIMARY KEY)").busy_timeout(short);
    Harness::builder().bind("auth", auth.pool_size(1).pool_timeout(short)).start().unwrap()
}

#[rstest]
#[case::refused("INSERT INTO user (nam) VALUES ('ann')")]
#[case::not_understood("INSRT INTO user VALUES ('ann')")]
#[case::against_a_constraint("INSERT INTO user VALUES ('ann'), ('ann')")]
fn the_source_of_a_failed_statement_is_what_sqlite_said(db: Harness, #[case] sql: &str) {
    let error = db.session().execute(sql, []).unwrap_err();
    assert!(error.source().unwrap().is::<rusqlite::Error>(), "{error}");
}

#[rstest]
fn the_source_of_a_locked_bind_is_what_sqlite_said(db: Harness) {
    let (mut first, mut second) = (db.session(), db.session());
    first.execute("INSERT INTO user VALUES ('ann')", []).unwrap();
    let error = second.execute("INSERT INTO user VALUES ('bob')", []).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert!(error.source().unwrap().is::<rusqlite::Error>());
}

#[rstest]
fn the_source_of_an_empty_pool_is_what_the_pool_said(db: Harness) {
    let _taken = db.connection("auth").unwrap();
    let error = db.connection("auth").unwrap_err();
    assert!(error.source().unwrap().is::<r2d2::Error>());
}

#[rstest]
fn the_source_of_a_missing_file_is_what_the_system_said() {
    let error = Config::from_file("no/such/binds.toml").unwrap_err();
    let source = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
}

#[rstest]
fn an_error_of_the_crate_itself_has_no_source(db: Harness) {
    assert!(db.pool("audit").unwrap_err().source().is_none());
}
