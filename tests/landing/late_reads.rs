//! What a failed assertion says of reads of a replica that lags.

use insta::assert_snapshot;
use multibind::binds::Lag;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::failure::failure;

const SCHEMA: &str = "CREATE TABLE product (sku TEXT PRIMARY KEY, cents INTEGER);
    CREATE TABLE purchase (id INTEGER PRIMARY KEY, cents INTEGER);
    INSERT INTO product VALUES ('tea', 500), ('cup', 1200)";

fn started(storage: fn() -> Bind) -> Harness {
    Harness::builder()
        .default_bind(storage().schema(SCHEMA))
        .bind("replica", Bind::mirror(None).read_only(true).lag(Lag::Manual))
        .start()
        .unwrap()
}

fn reprice(db: &Harness) {
    db.connection(None).unwrap().execute("UPDATE product SET cents = 650 WHERE sku = 'tea'", []).unwrap();
}

/// Buys at the price that a bind has.
fn buy(db: &Harness, key: Option<&str>) {
    let prices = Connection::open(db.uri(key).unwrap()).unwrap();
    let price: i64 = prices.query_row("SELECT cents FROM product WHERE sku = ?1", ["tea"], |row| row.get(0)).unwrap();
    db.connection(None).unwrap().execute("INSERT INTO purchase (cents) VALUES (?1)", [price]).unwrap();
}

fn is_told(db: &Harness) -> bool {
    failure(|| db.assert_landed(None, "purchase", row! { cents: 0 })).contains("was read while it was behind")
}

#[rstest]
#[case::memory(Bind::memory)]
#[case::temp_file(Bind::temp_file)]
#[case::memdb(Bind::memdb)]
fn a_stale_read_is_reported_with_what_it_missed(#[case] storage: fn() -> Bind) {
    let db = started(storage);
    reprice(&db);
    buy(&db, Some("replica"));
    insta::allow_duplicates! {
        assert_snapshot!(failure(|| db.assert_landed(None, "purchase", row! { cents: 650 })), @r#"
        the row did not land in `default`: it is in no bind

          look at  … it read `replica` while that was behind `default`
          looked for  purchase: cents = 650
          expected    in `default`, committed, and in no other bind

         bind      rows   found
         default   1      no row matches; nearest:
                            id = 1, cents = 500

        The nearest row in `default` was written by
          INSERT INTO purchase (cents) VALUES (500)
          at landing::late_reads::buy
          on the test's thread, connection 1, committed

        `replica` was read while it was behind `default`, so the code may have used old
        values:
          SELECT cents FROM product WHERE sku = 'tea'
          at landing::late_reads::buy
        In `product`, `replica` did not have this yet:
          ~ sku = 'tea', cents = 500 → 650
        "#);
    }
}

#[test]
fn a_read_before_the_change_is_not_stale() {
    let db = started(Bind::memory);
    buy(&db, Some("replica"));
    reprice(&db);
    assert!(!is_told(&db));
    buy(&db, Some("replica"));
    assert!(is_told(&db));
}

#[test]
fn a_read_of_the_source_or_of_a_replica_that_has_followed_is_not_stale() {
    let db = started(Bind::memory);
    reprice(&db);
    buy(&db, None);
    assert!(!is_told(&db));
    db.replicate("replica").unwrap();
    buy(&db, Some("replica"));
    assert!(!is_told(&db));
}

#[test]
fn a_read_of_another_table_is_not_stale() {
    let db = started(Bind::memory);
    db.connection(None).unwrap().execute("INSERT INTO purchase (cents) VALUES (1)", []).unwrap();
    buy(&db, Some("replica"));
    assert!(!is_told(&db));
}

#[test]
fn a_read_of_what_was_replicated_is_not_stale_after_a_later_change() {
    let db = started(Bind::memory);
    reprice(&db);
    db.replicate("replica").unwrap();
    buy(&db, Some("replica"));
    db.connection(None).unwrap().execute("UPDATE product SET cents = 700 WHERE sku = 'tea'", []).unwrap();
    assert!(!is_told(&db));
    buy(&db, Some("replica"));
    assert!(is_told(&db));
}

#[test]
fn a_read_before_a_change_is_committed_is_not_stale() {
    let db = started(Bind::memory);
    let conn = db.connection(None).unwrap();
    conn.execute_batch("BEGIN; UPDATE product SET cents = 650 WHERE sku = 'tea'").unwrap();
    let prices = Connection::open(db.uri("replica").unwrap()).unwrap();
    let read =
        || prices.query_row("SELECT cents FROM product WHERE sku = 'tea'", [], |row| row.get::<_, i64>(0)).unwrap();
    read();
    conn.execute_batch("COMMIT").unwrap();
    assert!(!is_told(&db));
    read();
    assert!(is_told(&db));
}
