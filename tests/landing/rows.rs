//! Rows: written with `row!`, read by column name, shown as SQL writes them.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use multibind::rusqlite::types::{Null, ToSql, ToSqlOutput, Value, ValueRef};
use multibind::{row, Bind, Harness, Row};
use rstest::rstest;

fn shown(row: &Row) -> Vec<(&str, Value)> {
    row.columns().map(|(name, value)| (name, value.clone())).collect()
}

#[test]
fn columns_are_identifiers_or_strings_and_the_last_comma_is_free() {
    let title = String::from("hello");
    let row = row! { id: 1, title: title, "first name": "Ann", r#type: "x", "r#raw": 2, r#"quo"ted"#: 3, };
    assert_eq!(
        shown(&row),
        [
            ("id", Value::Integer(1)),
            ("title", Value::Text("hello".into())),
            ("first name", Value::Text("Ann".into())),
            ("type", Value::Text("x".into())),
            ("r#raw", Value::Integer(2)),
            ("quo\"ted", Value::Integer(3)),
        ]
    );
    assert_eq!(row! { id: 1 }, row! { id: 1, });
    assert!(row! {}.is_empty());
    assert_eq!(row! {}, Row::new());
    assert!(!row! { id: 1 }.is_empty());
}

#[test]
fn a_value_is_any_expression() {
    let names = ["ann", "bob"];
    let id = |n: i64| n + 1;
    let row = row! { a: names[0], b: id(1) * 2, c: if names.len() == 2 { "two" } else { "more" }, d: { 4 }, e: -5, f: &names[1], g: !0_i64 };
    assert_eq!(row.to_string(), "a = 'ann', b = 4, c = 'two', d = 4, e = -5, f = 'bob', g = -1");
    // As long as a table may be wide.
    let row = row! { c01: 1, c02: 2, c03: 3, c04: 4, c05: 5, c06: 6, c07: 7, c08: 8, c09: 9, c10: 10, c11: 11, c12: 12,
    c13: 13, c14: 14, c15: 15, c16: 16, c17: 17, c18: 18, c19: 19, c20: 20, c21: 21, c22: 22, c23: 23, c24: 24,
    c25: 25, c26: 26, c27: 27, c28: 28, c29: 29, c30: 30 };
    assert_eq!(row.columns().len(), 30);
}

#[test]
fn a_number_without_a_type_is_stored_as_one() {
    fn of<T: ToSql>(value: T) -> Row {
        row! { x: value }
    }
    let (whole, many, real) = (3, [4, 5], 0.5);
    let row =
        row! { a: whole, b: many[0], c: many.iter().sum::<usize>(), d: &whole, e: Some(whole), f: real, g: Some(real) };
    assert_eq!(row.to_string(), "a = 3, b = 4, c = 9, d = 3, e = 3, f = 0.5, g = 0.5");
    assert_eq!(of(7_i32).to_string(), "x = 7");
}

#[test]
fn values_are_evaluated_in_the_order_written() {
    let mut next = 0;
    let mut number = || {
        next += 1;
        next
    };
    assert_eq!(row! { a: number(), b: number(), c: number() }.to_string(), "a = 1, b = 2, c = 3");
}

#[test]
fn none_is_null_wherever_it_stands() {
    let email: Option<&str> = None;
    let row = row! { first: None, email: email, some: Some(1), null: Null, last: None };
    assert_eq!(row.to_string(), "first = NULL, email = NULL, some = 1, null = NULL, last = NULL");
    assert_eq!(row! { only: None, }.value("only"), Some(&Value::Null));
}

/// A type of the user's own.
struct Status;

impl ToSql for Status {
    fn to_sql(&self) -> multibind::rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(b"draft")))
    }
}

#[rstest]
#[case::bool(row! { x: true }, Value::Integer(1))]
#[case::i8(row! { x: -1_i8 }, Value::Integer(-1))]
#[case::i16(row! { x: -1_i16 }, Value::Integer(-1))]
#[case::i32(row! { x: -1_i32 }, Value::Integer(-1))]
#[case::i64(row! { x: i64::MIN }, Value::Integer(i64::MIN))]
#[case::isize(row! { x: -1_isize }, Value::Integer(-1))]
#[case::u8(row! { x: 1_u8 }, Value::Integer(1))]
#[case::u16(row! { x: 1_u16 }, Value::Integer(1))]
#[case::u32(row! { x: u32::MAX }, Value::Integer(u32::MAX.into()))]
#[case::u64(row! { x: 1_u64 }, Value::Integer(1))]
#[case::usize(row! { x: [0; 3].len() }, Value::Integer(3))]
#[case::u64_ref(row! { x: &7_u64 }, Value::Integer(7))]
#[case::some_u64(row! { x: Some(7_u64) }, Value::Integer(7))]
#[case::no_usize(row! { x: None::<usize> }, Value::Null)]
#[case::some_u64_ref(row! { x: [7_u64].first() }, Value::Integer(7))]
#[case::f32(row! { x: 1.5_f32 }, Value::Real(1.5))]
#[case::f64(row! { x: 0.1 }, Value::Real(0.1))]
#[case::not_a_number_is_null_in_sqlite(row! { x: f64::NAN }, Value::Null)]
#[case::str(row! { x: "text" }, Value::Text("text".into()))]
#[case::string(row! { x: String::from("text") }, Value::Text("text".into()))]
#[case::string_ref(row! { x: &String::from("text") }, Value::Text("text".into()))]
#[case::cow(row! { x: Cow::Borrowed("text") }, Value::Text("text".into()))]
#[case::boxed(row! { x: Box::<str>::from("text") }, Value::Text("text".into()))]
#[case::rc(row! { x: Rc::<str>::from("text") }, Value::Text("text".into()))]
#[case::arc(row! { x: Arc::<str>::from("text") }, Value::Text("text".into()))]
#[case::bytes(row! { x: vec![1_u8, 2] }, Value::Blob(vec![1, 2]))]
#[case::slice(row! { x: [1_u8, 2].as_slice() }, Value::Blob(vec![1, 2]))]
#[case::array(row! { x: [1_u8, 2] }, Value::Blob(vec![1, 2]))]
#[case::value(row! { x: Value::Real(1.0) }, Value::Real(1.0))]
#[case::option(row! { x: Some("text") }, Value::Text("text".into()))]
#[case::own(row! { x: Status }, Value::Text("draft".into()))]
fn a_value_is_whatever_rusqlite_can_bind(#[case] row: Row, #[case] value: Value) -> multibind::Result<()> {
    assert_eq!(row.value("x"), Some(&value));
    // And comes back from a table as it was.
    let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    let mut session = db.session();
    session.table("t")?.insert(row.clone())?;
    assert_eq!(session.table("t")?.all(row.clone())?, [row]);
    Ok(())
}

#[test]
fn an_integer_too_large_for_sqlite_is_an_error() -> multibind::Result<()> {
    let db = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE t (x)")).start()?;
    let too_big = row! { id: 1, x: u64::MAX };
    let mut session = db.session();
    let mut table = session.table("t")?;
    for error in [
        table.insert(too_big.clone()).unwrap_err(),
        table.find(too_big.clone()).unwrap_err(),
        table.all(too_big.clone()).unwrap_err(),
        table.count(too_big.clone()).unwrap_err(),
        table.update(too_big.clone(), row! { x: 1 }).unwrap_err(),
        table.update(row! {}, too_big.clone()).unwrap_err(),
        table.delete(too_big.clone()).unwrap_err(),
        db.locate("t", too_big).unwrap_err(),
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"row: column `x`: SQLite cannot store the value: out of range integral type conversion attempted");
        }
    }
    // Set right, it is no error any more.
    assert_eq!(session.table("t")?.count(row! { x: u64::MAX }.set("x", 1))?, 0);
    Ok(())
}

#[test]
fn a_column_given_twice_has_the_value_given_last() {
    assert_eq!(row! { id: 1, name: "ann", ID: 2 }, row! { id: 2, name: "ann" });
    assert_eq!(Row::new().set("id", 1).set("name", "ann").set("id", 2), row! { id: 2, name: "ann" });
    // SQL compares ASCII letters alone without case.
    assert_eq!(row! { "größe": 1, "GRÖSSE": 2, "GRÖßE": 3 }.columns().len(), 3);
}

#[test]
fn a_column_is_got_by_its_name_as_what_it_is() -> multibind::Result<()> {
    let row = row! { id: 7, name: "ann", email: None, data: vec![1_u8], score: 0.5 };
    assert_eq!(row.get::<i64>("id")?, 7);
    assert_eq!(row.get::<u8>("ID")?, 7);
    assert_eq!(row.get::<String>("Name")?, "ann");
    assert_eq!(row.get::<Option<String>>("email")?, None);
    assert_eq!(row.get::<Option<String>>("name")?.as_deref(), Some("ann"));
    assert_eq!(row.get::<Vec<u8>>("data")?, [1]);
    assert_eq!(row.get::<f64>("score")?, 0.5);
    assert_eq!(row.get::<Value>("score")?, Value::Real(0.5));
    assert_eq!(row.value("nope"), None);

    insta::assert_snapshot!(row.get::<String>("id").unwrap_err(), @"row: column `id` is 7, which is no `alloc::string::String`: Invalid type");
    insta::assert_snapshot!(row.get::<String>("email").unwrap_err(), @"row: column `email` is NULL, which is no `alloc::string::String`: Invalid type");
    insta::assert_snapshot!(row.get::<i8>("score").unwrap_err(), @"row: column `score` is 0.5, which is no `i8`: Invalid type");
    insta::assert_snapshot!(row.get::<i64>("nope").unwrap_err(), @"row: no column `nope` in the row (id = 7, name = 'ann', email = NULL, data = x'01', score = 0.5)");
    insta::assert_snapshot!(row! { id: 300 }.get::<u8>("id").unwrap_err(), @"row: column `id` is 300, which is no `u8`: Value 300 out of range");
    insta::assert_snapshot!(row! {}.get::<u8>("id").unwrap_err(), @"row: no column `id` in the row ()");
    Ok(())
}

#[rstest]
#[case(row! {}, "")]
#[case(row! { n: None }, "n = NULL")]
#[case(row! { n: i64::MIN }, "n = -9223372036854775808")]
#[case(row! { n: 1.0 }, "n = 1.0")]
#[case(row! { n: 0.1 + 0.2 }, "n = 0.30000000000000004")]
#[case(row! { n: 1e300 }, "n = 1e300")]
#[case(row! { n: f64::INFINITY }, "n = inf")]
#[case(row! { t: "it's \"so\" \\ here" }, r#"t = 'it''s "so" \\ here'"#)]
#[case(row! { t: "a\tb\n\0" }, r"t = 'a\tb\n\0'")]
#[case(row! { t: "日本 \u{1F600} \u{200b}" }, r"t = '日本 😀 \u{200b}'")]
#[case(row! { b: [0_u8, 10, 255] }, "b = x'000aff'")]
#[case(row! { b: Vec::<u8>::new() }, "b = x''")]
#[case(row! { "a column": 1, "select": 2 }, "a column = 1, select = 2")]
fn a_row_is_shown_as_sql_writes_its_values(#[case] row: Row, #[case] shown: &str) {
    assert_eq!(row.to_string(), shown);
}

#[test]
fn text_that_is_not_utf_8_keeps_its_bytes() -> multibind::Result<()> {
    let schema = "CREATE TABLE t (x TEXT); INSERT INTO t VALUES (CAST(x'61ff' AS TEXT))";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start()?;
    assert_eq!(db.session().table("t")?.all(row! {})?, [row! { x: [0x61_u8, 0xff] }]);
    assert_eq!(db.locate("t", row! {})?[0].row(), &row! { x: [0x61_u8, 0xff] });
    Ok(())
}

// A struct's fields.

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
enum Kind {
    Admin,
    #[serde(rename = "guest user")]
    Guest,
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Id(i64);

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
struct Address {
    street: String,
    zip: Option<u16>,
}

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq)]
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
    let row = Row::from_fields(&person()).unwrap();
    let expected = row! {
        id: 7, name: "ann", "e-mail": None, kind: "guest user", active: 1, score: 2.0, letter: "x", street: "High Street", zip: 1234
    };
    assert_eq!(row, expected);
    assert_eq!(row.to_fields::<Person>().unwrap(), person());
    assert_eq!(Row::from_fields(&Some(&person())).unwrap(), expected);
    let map = std::collections::BTreeMap::from([("id", 1), ("n", 2)]);
    assert_eq!(Row::from_fields(&map).unwrap(), row! { id: 1, n: 2 });
}

#[test]
fn a_row_that_a_session_finds_is_read_as_a_struct() {
    #[derive(serde::Deserialize, Debug, PartialEq)]
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
    assert_eq!(
        found.to_fields::<User>().unwrap(),
        User { name: "ann".to_string(), admin: true, score: 3.0, seen: None }
    );
}

#[test]
fn an_unstorable_field_names_the_column() {
    #[derive(serde::Serialize)]
    struct Odd<T> {
        field: T,
    }
    fn refused<T: serde::Serialize>(field: T) -> String {
        Row::from_fields(&Odd { field }).unwrap_err().to_string()
    }
    #[derive(serde::Serialize)]
    enum Full {
        One(i64),
        Many { x: i64 },
    }
    insta::assert_snapshot!(refused(vec![1]), @"row: column `field`: SQLite stores no value like a list; for bytes, have serde write them as bytes");
    insta::assert_snapshot!(refused((1, 2)), @"row: column `field`: SQLite stores no value like a tuple");
    insta::assert_snapshot!(refused(Address { street: String::new(), zip: None }), @"row: column `field`: SQLite stores no value like a struct");
    insta::assert_snapshot!(refused(Full::One(1)), @"row: column `field`: SQLite stores no value like an enum's variant with a value");
    insta::assert_snapshot!(refused(Full::Many { x: 1 }), @"row: column `field`: SQLite stores no value like an enum's variant with fields");
    insta::assert_snapshot!(refused(u64::MAX), @"row: column `field`: SQLite stores no integer of the size of 18446744073709551615");
    insta::assert_snapshot!(refused(i128::MIN), @"row: column `field`: SQLite stores no integer of the size of -170141183460469231731687303715884105728");
    insta::assert_snapshot!(Row::from_fields(&7).unwrap_err(), @"row: a number has no named fields, which a row is made of: give it a struct or a map");
    insta::assert_snapshot!(Row::from_fields(&[person()]).unwrap_err(), @"row: a tuple has no named fields, which a row is made of: give it a struct or a map");
    insta::assert_snapshot!(Row::from_fields(&std::collections::BTreeMap::from([(1, 2)])).unwrap_err(), @"row: a map whose keys are no text has no column names");
}

#[test]
fn an_unreadable_row_names_the_column() {
    insta::assert_snapshot!(row! { street: "x" , zip: "y" }.to_fields::<Address>().unwrap_err(), @r#"row: the row (street = 'x', zip = 'y') cannot be read: column `zip`: invalid type: string "y", expected u16"#);
    insta::assert_snapshot!(row! { zip: 1 }.to_fields::<Address>().unwrap_err(), @"row: the row (zip = 1) cannot be read: missing field `street`");
    insta::assert_snapshot!(row! { street: "x", zip: 70000 }.to_fields::<Address>().unwrap_err(), @"row: the row (street = 'x', zip = 70000) cannot be read: column `zip`: invalid value: integer `70000`, expected u16");
}
