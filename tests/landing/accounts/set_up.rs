//! The lines that got an address: those of a set-up, which has one for each bind, are no origin of a mistake.

use std::thread;

use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};

use crate::failure::failure;

fn shop() -> Harness {
    let log = || Bind::memory().schema("CREATE TABLE log (event TEXT)");
    Harness::builder().default_bind(log()).bind("audit", log()).start().unwrap()
}

/// The addresses of an application, which opens connections on a thread of its own.
struct Addresses {
    main: String,
    audit: String,
}

fn addresses(db: &Harness) -> Addresses {
    let main = db.uri(None).unwrap();
    let audit = db.uri("audit").unwrap();
    Addresses { main, audit }
}

fn addresses_with_a_copied_line(db: &Harness) -> Addresses {
    let main = db.uri(None).unwrap();
    let audit = db.uri(None).unwrap();
    Addresses { main, audit }
}

/// Opens a connection on a thread that has none of the application's functions, as a pool does, and has it note an event.
fn note(address: &str) {
    let open: fn(String) -> multibind::rusqlite::Result<Connection> = Connection::open;
    let address = address.to_string();
    let conn = thread::scope(|scope| scope.spawn(move || open(address)).join().unwrap()).unwrap();
    conn.execute("INSERT INTO log VALUES ('paid')", []).unwrap();
}

fn of_an_event(db: &Harness) -> String {
    failure(|| db.assert_landed("audit", "log", row! { event: "paid" }))
}

#[test]
fn the_lines_of_a_set_up_are_not_named() {
    let db = shop();
    let Addresses { main, audit } = addresses(&db);
    assert_ne!(main, audit);
    note(&main);
    let report = of_an_event(&db);
    assert!(report.contains("the row landed in `default` instead of `audit`"), "{report}");
    assert!(report.contains("Nothing in this process has opened a connection to `audit`."), "{report}");
    assert!(!report.contains("`db.uri`"), "{report}");
}

#[test]
fn a_line_that_was_copied_and_not_changed_is_named() {
    let db = shop();
    let Addresses { main, audit } = addresses_with_a_copied_line(&db);
    assert_eq!(main, audit);
    note(&audit);
    let report = of_an_event(&db);
    assert!(report.contains("`db.uri`\n  at landing::accounts::set_up::addresses_with_a_copied_line"), "{report}");
}

#[test]
fn the_lines_of_the_test_itself_are_named() {
    let db = shop();
    let (main, _audit) = (db.uri(None).unwrap(), db.uri("audit").unwrap());
    note(&main);
    let report = of_an_event(&db);
    let at = "`db.uri`\n  at landing::accounts::set_up::the_lines_of_the_test_itself_are_named";
    assert_eq!(report.matches(at).count(), 2, "{report}");
}

#[test]
fn the_address_of_an_attached_database_is_the_one_that_is_named() {
    let db = shop();
    let (main, audit) = (db.uri(None).unwrap(), db.uri("audit").unwrap());
    let conn = Connection::open(audit).unwrap();
    conn.execute("ATTACH ?1 AS other", [main]).unwrap();
    conn.execute("INSERT INTO other.log VALUES ('paid')", []).unwrap();
    let report = of_an_event(&db);
    assert!(report.contains("Connection 1 to `audit` had attached `default` as `other`"), "{report}");
    assert!(report.contains("The address of `default` came from `db.uri`"), "{report}");
}
