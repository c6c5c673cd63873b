//! A struct as a row, and a row as a struct: what is written, looked for, expected and read.

#![cfg(feature = "serde")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use multibind::{changes, row, Bind, Harness, Row};
use rstest::{fixture, rstest};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use uuid::Uuid;

use crate::failure::failure;

// What a test does with the structs of the application.

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct User {
    id: i64,
    username: String,
    email: Option<String>,
    admin: bool,
}

fn ann() -> User {
    User { id: 1, username: "ann".to_string(), email: None, admin: true }
}

fn bob() -> User {
    User { id: 2, username: "bob".to_string(), email: Some("bob@example.com".to_string()), admin: false }
}

#[fixture]
fn db() -> Harness {
    let user = "CREATE TABLE user (ID INTEGER PRIMARY KEY, username TEXT NOT NULL, email TEXT, admin BOOLEAN NOT NULL)";
    Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory().schema(user)).start().unwrap()
}

#[rstest]
fn a_session_writes_finds_updates_and_deletes_structs(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    let mut users = session.table("user")?;
    assert_eq!(users.insert(&ann())?, 1);
    assert_eq!(users.insert(&bob())?, 2);
    assert_eq!(users.all_as::<User>(row! {})?, [ann(), bob()]);
    assert_eq!(users.find_as::<User>(row! { username: "bob" })?, Some(bob()));
    assert_eq!(users.find_as::<User>(row! { username: "eve" })?, None);
    assert_eq!(users.find(&ann())?, Some(row! { ID: 1, username: "ann", email: None, admin: 1 }));
    assert_eq!(users.count(&ann())?, 1);
    let renamed = User { username: "anna".to_string(), ..ann() };
    assert_eq!(users.update(&ann(), &renamed)?, 1);
    assert_eq!(users.find_as::<User>(&renamed)?.as_ref(), Some(&renamed));
    assert_eq!(users.delete(&bob())?, 1);
    session.commit()?;
    db.assert_rows("auth", "user", &[renamed]);
    Ok(())
}

#[rstest]
fn assertions_take_structs(db: Harness) -> multibind::Result<()> {
    let before = db.snapshot()?;
    let mut session = db.session();
    session.table("user")?.insert(&ann())?;
    session.commit()?;
    db.assert_landed("auth", "user", &ann()).assert_landed_once("auth", "user", &ann());
    db.assert_not_landed("auth", "user", &bob());
    db.assert_rows("auth", "user", &[ann()]).assert_rows("auth", "user", &vec![ann()]);
    db.assert_rows("auth", "user", [Row::from(&ann()).without("id")]);
    db.within(std::time::Duration::from_secs(5)).assert_landed("auth", "user", &ann()).assert_rows(
        "auth",
        "user",
        &[ann()],
    );
    let changes = db.changes_since(&before)?;
    changes.assert(changes! { "auth.user" => +[&ann()] });
    changes.assert(changes! { "auth.user" => +(&[ann()]) });
    changes.assert_landed("auth", "user", &ann()).assert_not_landed("auth", "user", &bob());
    let landings = db.locate("user", &ann())?;
    assert_eq!(landings[0].get_as::<User>()?, ann());
    Ok(())
}

#[rstest]
fn changes_take_rows_and_structs_in_one_list(db: Harness) -> multibind::Result<()> {
    let before = db.snapshot()?;
    let mut session = db.session();
    session.table("user")?.insert(&ann())?;
    session.table("user")?.insert(&bob())?;
    session.commit()?;
    db.changes_since(&before)?.assert(changes! { "auth.user" => +[&ann(), row! { username: "bob" },] ~[] -[] });
    let before = db.snapshot()?;
    session.execute("UPDATE user SET admin = 1", [])?;
    session.commit()?;
    let bob = User { admin: true, ..bob() };
    db.changes_since(&before)?.assert(changes! { "auth.user" => ~[&bob] });
    Ok(())
}

#[rstest]
fn a_struct_that_is_not_there_is_reported_as_a_row_is(db: Harness) -> multibind::Result<()> {
    let mut session = db.session();
    session.table("user")?.insert(&bob())?;
    session.commit()?;
    assert_eq!(
        failure(|| db.assert_landed("auth", "user", &ann())),
        failure(|| db.assert_landed("auth", "user", row! { id: 1, username: "ann", email: None, admin: true }))
    );
    Ok(())
}

#[rstest]
fn a_row_by_reference_is_the_row(db: Harness) {
    let row = row! { id: 1, x: [0_u8, 0xff], y: f64::INFINITY, z: f64::NEG_INFINITY, n: None, empty: Vec::<u8>::new() };
    assert_eq!(Row::from(&row), row);
    assert_eq!(failure(|| db.assert_landed("auth", "user", &row)), failure(|| db.assert_landed("auth", "user", row)));
}

// Names.

#[rstest]
fn a_field_that_is_no_column_is_named_with_the_bind_and_its_columns(db: Harness) -> multibind::Result<()> {
    #[derive(Serialize)]
    struct Account {
        login: &'static str,
    }
    let account = Account { login: "ann" };
    let mut session = db.session();
    insta::assert_snapshot!(session.table("user")?.insert(&account).unwrap_err(), @"row: no column `login` in table `user` of bind `auth`, whose columns are ID, username, email, admin");
    insta::assert_snapshot!(failure(|| db.assert_landed("auth", "user", &account)), @"cannot look for a row of `user` in bind `auth`: no column `login` in table `user` of bind `auth`, whose columns are ID, username, email, admin");
    insta::assert_snapshot!(failure(|| db.assert_rows("auth", "user", &[account])), @"cannot compare the rows of `user` in bind `auth`: no column `login` in table `user` of bind `auth`, whose columns are ID, username, email, admin");
    Ok(())
}

#[rstest]
fn names_compare_without_case_as_in_sql(db: Harness) -> multibind::Result<()> {
    #[derive(Deserialize)]
    struct Shouted {
        #[serde(rename = "USERNAME")]
        username: Option<String>,
    }
    let mut session = db.session();
    session.table("user")?.insert(&ann())?;
    let shouted = session.table("user")?.find_as::<Shouted>(row! {})?.unwrap();
    assert_eq!(shouted.username.as_deref(), Some("ann"));
    Ok(())
}

#[test]
fn two_fields_of_one_column_are_no_row() {
    #[derive(Serialize)]
    struct Twice {
        id: i64,
        #[serde(rename = "ID")]
        other: i64,
    }
    insta::assert_snapshot!(used(&Twice { id: 1, other: 2 }), @"row: table `t` of bind `auth`: column `ID`: two fields are this column");
}

#[test]
fn defaults_stand_for_columns_that_are_missing() -> multibind::Result<()> {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Settings {
        theme: String,
        #[serde(default)]
        size: u8,
        #[serde(default = "dark")]
        mode: String,
        #[serde(skip)]
        cache: Vec<String>,
    }
    fn dark() -> String {
        "dark".to_string()
    }
    let settings: Settings = row! { theme: "plain" }.get_as()?;
    assert_eq!(settings, Settings { theme: "plain".into(), size: 0, mode: "dark".into(), cache: Vec::new() });
    Ok(())
}

// Types, written to SQLite and read back.

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Everything {
    id: Uuid,
    #[serde(with = "uuid::serde::compact")]
    key: Uuid,
    born: NaiveDate,
    seen: Option<DateTime<Utc>>,
    avatar: ByteBuf,
    none: Option<ByteBuf>,
    largest: i64,
    count: u64,
    small: i8,
    ratio: f64,
    half: f32,
    letter: char,
    active: bool,
    maybe: Option<bool>,
    kind: Kind,
    text: String,
}

#[rstest]
#[case::flexible("CREATE TABLE t (id, key, born, seen, avatar, none, largest, count, small, ratio, half, letter, active, maybe, kind, text)")]
#[case::typed(
    "CREATE TABLE t (id TEXT, key BLOB, born DATE, seen DATETIME, avatar BLOB, none BLOB, largest INTEGER, count BIGINT, small INTEGER,
        ratio REAL, half REAL, letter CHAR(1), active BOOLEAN, maybe BOOLEAN, kind TEXT, text TEXT)"
)]
#[case::strict(
    "CREATE TABLE t (id TEXT, key BLOB, born TEXT, seen TEXT, avatar BLOB, none BLOB, largest INTEGER, count INTEGER, small INTEGER,
        ratio REAL, half REAL, letter TEXT, active INTEGER, maybe INTEGER, kind TEXT, text TEXT) STRICT"
)]
fn every_type_comes_back_as_it_was(#[case] schema: &str) -> multibind::Result<()> {
    let db = Harness::builder().bind("all", Bind::memory().schema(schema)).start()?;
    let written = Everything {
        id: Uuid::from_u128(7),
        key: Uuid::from_u128(u128::MAX),
        born: NaiveDate::from_ymd_opt(1999, 12, 31).unwrap(),
        seen: Some(DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap()),
        avatar: ByteBuf::from([0, 255]),
        none: None,
        largest: i64::MIN,
        count: i64::MAX as u64,
        small: -1,
        ratio: 3.0,
        half: 0.1,
        letter: '7',
        active: true,
        maybe: None,
        kind: Kind::Guest,
        text: "it's \"7\"\u{202e}".to_string(),
    };
    let mut session = db.session();
    session.table("t")?.insert(&written)?;
    assert_eq!(session.table("t")?.all_as::<Everything>(row! {})?, [written]);
    let stored = session.table("t")?.find(row! {})?.unwrap();
    insta::allow_duplicates! { insta::assert_snapshot!(stored, @r#"id = '00000000-0000-0000-0000-000000000007', key = x'ffffffffffffffffffffffffffffffff', born = '1999-12-31', seen = '2023-11-14T22:13:20.123456789Z', avatar = x'00ff', none = NULL, largest = -9223372036854775808, count = 9223372036854775807, small = -1, ratio = 3.0, half = 0.10000000149011612, letter = '7', active = 1, maybe = NULL, kind = 'guest user', text = 'it''s "7"\u{202e}'"#); }
    Ok(())
}

#[test]
fn a_newtype_an_option_and_a_map_are_rows_too() -> multibind::Result<()> {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Wrapped(User);
    assert_eq!(Row::from(&Wrapped(ann())), Row::from(&ann()));
    assert_eq!(Row::from(&Wrapped(ann())).get_as::<Wrapped>()?, Wrapped(ann()));
    assert_eq!(Row::from(&ann()).get_as::<Option<User>>()?, Some(ann()));
    let map = row! { a: 1, b: 2 }.get_as::<BTreeMap<String, i64>>()?;
    assert_eq!(map, BTreeMap::from([("a".to_string(), 1), ("b".to_string(), 2)]));
    Ok(())
}

#[rstest]
#[case::text_as_a_number(row! { x: "7" })]
#[case::a_real_as_a_whole_number(row! { x: 7.5 })]
#[case::null(row! { x: None })]
#[case::a_blob(row! { x: [7_u8] })]
#[case::too_large(row! { x: 300 })]
fn what_was_found_and_where_is_in_the_error(#[case] row: Row) {
    let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE t (x)")).start().unwrap();
    let mut session = db.session();
    session.table("t").unwrap().insert(&row).unwrap();
    let error = session.table("t").unwrap().all_as::<Of<u8>>(row! {}).unwrap_err().to_string();
    let found = error.split_once("column `x`: ").unwrap().1;
    assert!(error.starts_with("row: table `t` of bind `auth`: the row (x = "), "{error}");
    let expected = match row.to_string().as_str() {
        "x = '7'" => r#"invalid type: string "7", expected u8"#,
        "x = 7.5" => "invalid type: floating point `7.5`, expected u8",
        "x = NULL" => "invalid type: unit value, expected u8",
        "x = x'07'" => "invalid type: byte array, expected u8",
        _ => "invalid value: integer `300`, expected u8",
    };
    assert_eq!(found, expected);
}

#[rstest]
#[case::two_as_a_bool(row! { x: 2 }.get_as::<Of<bool>>().unwrap_err(), "invalid type: integer `2`, expected a boolean")]
#[case::a_number_as_text(row! { x: 7 }.get_as::<Of<String>>().unwrap_err(), "invalid type: integer `7`, expected a string")]
#[case::text_as_bytes_of_a_number(row! { x: 1.5 }.get_as::<Of<ByteBuf>>().unwrap_err(), "invalid type: floating point `1.5`, expected byte array")]
#[case::an_integer_that_no_float_has(
    row! { x: (1_i64 << 53) + 1 }.get_as::<Of<f64>>().unwrap_err(),
    "invalid value: integer `9007199254740993`, expected a number that a float holds exactly"
)]
#[case::an_integer_that_no_short_float_has(
    row! { x: (1_i64 << 24) + 1 }.get_as::<Of<f32>>().unwrap_err(),
    "invalid value: integer `16777217`, expected a number that a float holds exactly"
)]
#[case::a_variant_that_is_none(
    row! { x: "root" }.get_as::<Of<Kind>>().unwrap_err(),
    "unknown variant `root`, expected `Admin` or `guest user`"
)]
fn nothing_is_read_as_what_it_is_not(#[case] error: multibind::Error, #[case] expected: &str) {
    let error = error.to_string();
    assert!(error.ends_with(&format!("column `x`: {expected}")), "{error}");
}

#[derive(Deserialize, Debug)]
struct Of<T> {
    #[allow(dead_code, reason = "no value is read")]
    x: T,
}

#[test]
fn an_unstorable_value_is_not_read_as_null() {
    let row = row! { id: u64::MAX };
    insta::assert_snapshot!(row.get::<Option<i64>>("id").unwrap_err(), @"row: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
    insta::assert_snapshot!(row.get_as::<BTreeMap<String, Option<i64>>>().unwrap_err(), @"row: column `id`: SQLite cannot store the value: out of range integral type conversion attempted");
    insta::assert_snapshot!(row, @"id = ?");
    assert_eq!(row.set("id", 1), row! { id: 1 });
    assert_eq!(row! { id: u64::MAX, n: 1 }.without("ID"), row! { n: 1 });
}

// Forms of serde's, one by one.

#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Kind {
    Admin,
    #[serde(rename = "guest user")]
    Guest,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Id(i64);

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Address {
    street: String,
    zip: Option<u16>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Person {
    id: Id,
    name: String,
    #[serde(rename = "e-mail")]
    email: Option<String>,
    kind: Kind,
    active: bool,
    score: f64,
    letter: char,
    #[serde(skip)]
    cached: Vec<u8>,
    #[serde(flatten)]
    address: Address,
}

fn person() -> Person {
    Person {
        id: Id(7),
        name: "ann".to_string(),
        email: None,
        kind: Kind::Guest,
        active: true,
        score: 2.0,
        letter: 'x',
        cached: Vec::new(),
        address: Address { street: "High Street".to_string(), zip: Some(1234) },
    }
}

#[test]
fn a_struct_is_a_row_of_its_fields_and_comes_back() {
    let row = Row::from(&person());
    let expected = row! {
        id: 7, name: "ann", "e-mail": None, kind: "guest user", active: 1, score: 2.0, letter: "x", street: "High Street", zip: 1234
    };
    assert_eq!(row, expected);
    assert_eq!(row.get_as::<Person>().unwrap(), person());
    assert_eq!(Row::from(&Some(&person())), expected);
    let map = std::collections::BTreeMap::from([("id", 1), ("n", 2)]);
    assert_eq!(Row::from(&map), row! { id: 1, n: 2 });
}

#[test]
fn a_row_that_a_session_finds_is_read_as_a_struct() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct User {
        name: String,
        admin: bool,
        score: f64,
        seen: Option<String>,
    }
    let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, admin BOOLEAN, score, seen TEXT)";
    let db = Harness::builder().default_bind(Bind::memory().schema(sql)).start().unwrap();
    let mut session = db.session();
    let mut users = session.table("user").unwrap();
    users.insert(row! { name: "ann", admin: true, score: 3 }).unwrap();
    let found = users.find(row! { name: "ann" }).unwrap().unwrap();
    assert_eq!(found.get_as::<User>().unwrap(), User { name: "ann".to_string(), admin: true, score: 3.0, seen: None });
}

/// The error of a row that is used.
fn used<T: Serialize + ?Sized>(value: &T) -> String {
    let schema = "CREATE TABLE t (field)";
    let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start().unwrap();
    db.session().table("t").unwrap().insert(value).unwrap_err().to_string()
}

#[test]
fn an_unstorable_field_names_the_column() {
    #[derive(Serialize)]
    struct Odd<T> {
        field: T,
    }
    fn refused<T: Serialize>(field: T) -> String {
        used(&Odd { field })
    }
    #[derive(Serialize)]
    enum Full {
        One(i64),
        Many { x: i64 },
    }
    insta::assert_snapshot!(refused(vec![1]), @r#"row: table `t` of bind `auth`: column `field`: SQLite stores no value like a list; bytes are stored with `#[serde(with = "serde_bytes")]`"#);
    insta::assert_snapshot!(refused((1, 2)), @"row: table `t` of bind `auth`: column `field`: SQLite stores no value like a tuple");
    insta::assert_snapshot!(refused(Address { street: String::new(), zip: None }), @"row: table `t` of bind `auth`: column `field`: SQLite stores no value like a struct");
    insta::assert_snapshot!(refused(Full::One(1)), @"row: table `t` of bind `auth`: column `field`: SQLite stores no value like an enum's variant with a value");
    insta::assert_snapshot!(refused(Full::Many { x: 1 }), @"row: table `t` of bind `auth`: column `field`: SQLite stores no value like an enum's variant with fields");
    insta::assert_snapshot!(refused(u64::MAX), @"row: table `t` of bind `auth`: column `field`: SQLite stores no integer of the size of 18446744073709551615");
    insta::assert_snapshot!(refused(i128::MIN), @"row: table `t` of bind `auth`: column `field`: SQLite stores no integer of the size of -170141183460469231731687303715884105728");
    insta::assert_snapshot!(used(&7), @"row: table `t` of bind `auth`: a number has no named fields, which a row is made of: give it a struct or a map");
    insta::assert_snapshot!(used(&[person()]), @"row: table `t` of bind `auth`: a tuple has no named fields, which a row is made of: give it a struct or a map");
    insta::assert_snapshot!(used(&std::collections::BTreeMap::from([(1, 2)])), @"row: table `t` of bind `auth`: a map whose keys are no text has no column names");
}

#[test]
fn an_unreadable_row_names_the_column() {
    insta::assert_snapshot!(row! { street: "x" , zip: "y" }.get_as::<Address>().unwrap_err(), @r#"row: the row (street = 'x', zip = 'y') cannot be read as `landing::structs::Address`: column `zip`: invalid type: string "y", expected u16"#);
    insta::assert_snapshot!(row! { zip: 1 }.get_as::<Address>().unwrap_err(), @"row: the row (zip = 1) cannot be read as `landing::structs::Address`: missing field `street`");
    insta::assert_snapshot!(row! { street: "x", zip: 70000 }.get_as::<Address>().unwrap_err(), @"row: the row (street = 'x', zip = 70000) cannot be read as `landing::structs::Address`: column `zip`: invalid value: integer `70000`, expected u16");
}
