//! A template that is not the same twice: what comes before the first statement that is not is stored, and the rest is run at each
//! start.

use std::fs;

use rstest::rstest;

use crate::images::{ran, Place, Ran};

/// Two starts in one process. A bind's tables are made once for it, and once for what is stored.
const MADE_AND_STORED: usize = 2;

fn two_starts(place: &Place, storage: &str) -> Ran {
    ran(place.command("starts_twice").env("STORAGE", storage).output().unwrap())
}

/// Returns what each of four starts in two processes has found; fails where two have found the same.
fn all_differ(first: &Ran, second: &Ran) -> Vec<String> {
    let mut found = [first, second].map(|ran| ran.found.lines().map(str::to_string).collect::<Vec<_>>()).concat();
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 4, "{found:?}");
    found
}

#[rstest]
#[case::a_default("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT DEFAULT (strftime('%f') || hex(randomblob(8)))); INSERT INTO user DEFAULT VALUES")]
#[case::a_row("CREATE TABLE user (name TEXT); INSERT INTO user VALUES (hex(randomblob(8)))")]
#[case::the_clock("CREATE TABLE user (name TEXT); INSERT INTO user VALUES (julianday('now'))")]
#[case::a_trigger("CREATE TABLE user (name TEXT); CREATE TRIGGER named AFTER INSERT ON user BEGIN UPDATE user SET name = random(); END; INSERT INTO user VALUES ('')")]
fn tables_come_from_an_image_where_rows_differ(
    #[case] schema: &str,
    #[values("memory", "shared_cache", "memdb", "temp_file")] storage: &str,
) {
    let place = Place::new(schema);
    let (first, second) = (two_starts(&place, storage), two_starts(&place, storage));
    assert_eq!((first.made, second.made), (MADE_AND_STORED, 0));
    all_differ(&first, &second);
}

#[rstest]
fn tables_come_from_an_image_where_the_data_differs(
    #[values("memory", "shared_cache", "memdb", "temp_file")] storage: &str,
    #[values("sql", "csv")] form: &str,
) {
    let place = Place::new(
        "CREATE TABLE user (name TEXT, token TEXT DEFAULT (hex(randomblob(8)))); CREATE VIEW names AS SELECT 1",
    );
    let data = place.path(&format!("user.{form}"));
    fs::write(&data, if form == "sql" { "INSERT INTO user VALUES (random(), '')" } else { "name\nann\n" }).unwrap();
    let run = || ran(place.command("starts_twice").env("STORAGE", storage).env("DATA", &data).output().unwrap());
    let (first, second) = (run(), run());
    assert_eq!((first.made, second.made), (MADE_AND_STORED, 0));
    if form == "sql" {
        all_differ(&first, &second);
    }
}

#[test]
fn migrations_after_such_a_row_run_at_each_start() {
    let place = Place::new("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT)");
    fs::write(place.path("schema/2_ann.sql"), "INSERT INTO user (name) VALUES (hex(randomblob(8)))").unwrap();
    fs::write(place.path("schema/3_post.sql"), "CREATE TABLE post (id); INSERT INTO user (name) VALUES ('bob')")
        .unwrap();
    let (first, second) = (two_starts(&place, "memory"), two_starts(&place, "memory"));
    // `post` at each start, and once to try.
    assert_eq!((first.made, second.made), (MADE_AND_STORED + 3, 2));
    assert!(all_differ(&first, &second).iter().all(|found| found.ends_with(", bob")));
}

#[rstest]
#[case::the_last_rowid(
    "CREATE TABLE user (id INTEGER PRIMARY KEY, name); INSERT INTO user VALUES (7, 'ann');
     INSERT INTO user (name) VALUES (last_insert_rowid() || ' ' || hex(randomblob(8)))",
    "user: ann, 7 "
)]
#[case::foreign_keys_off(
    "-- no-transaction\nPRAGMA foreign_keys = OFF; CREATE TABLE user (name, parent REFERENCES user (name));
     INSERT INTO user VALUES ('nobody''s ' || hex(randomblob(8)), 'nobody')",
    "user: nobody's "
)]
#[case::a_count_of_rows(
    "CREATE TABLE user (name); INSERT INTO user VALUES ('ann'), ('bob');
     INSERT INTO user VALUES (changes() || ' ' || hex(randomblob(8)))",
    "user: ann, bob, 2 "
)]
#[case::a_temporary_table(
    "CREATE TABLE user (name); CREATE TEMP TABLE draft (name); INSERT INTO draft VALUES ('ann ');
     INSERT INTO user SELECT name || hex(randomblob(8)) FROM draft",
    "user: ann "
)]
#[case::a_setting_of_the_connection(
    "CREATE TABLE user (name); PRAGMA case_sensitive_like = ON;
     INSERT INTO user SELECT ('a' LIKE 'A') || ' ' || hex(randomblob(8))",
    "user: 0 "
)]
#[case::a_transaction(
    "-- no-transaction\nCREATE TABLE user (name); BEGIN; INSERT INTO user VALUES ('ann'); INSERT INTO user VALUES (hex(randomblob(8))); COMMIT",
    "user: ann, "
)]
fn every_start_is_as_if_the_whole_had_run(#[case] schema: &str, #[case] begins: &str) {
    let place = Place::new(schema);
    let (first, second) = (two_starts(&place, "memory"), two_starts(&place, "memory"));
    assert!(all_differ(&first, &second).iter().all(|found| found.starts_with(begins)), "{first:?} {second:?}");
}

#[test]
fn a_damaged_first_half_is_made_anew() {
    let place = Place::new("CREATE TABLE user (name); INSERT INTO user VALUES (hex(randomblob(8)))");
    assert_eq!(two_starts(&place, "memory").made, MADE_AND_STORED);
    let image = place.image();
    let mut bytes = fs::read(&image).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&image, bytes).unwrap();
    let again = two_starts(&place, "memory");
    assert_eq!(again.made, MADE_AND_STORED);
    assert!(again.log.contains("bind `default`: its stored image cannot be used"), "{}", again.log);
    assert_eq!(two_starts(&place, "memory").made, 0);
}
