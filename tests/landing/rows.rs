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
fn a_name_alone_is_a_variable_and_its_column() {
    let (id, username, r#type, count) = (1, String::from("ann"), "admin", 3_u64);
    let row = row! { username, id: id + 1, r#type, count };
    assert_eq!(row.to_string(), "username = 'ann', id = 2, type = 'admin', count = 3");
    let username = Some("bob");
    assert_eq!(row! { username }, row! { username: "bob" });
    assert_eq!(row! { username, }, row! { username: username });
}

#[test]
fn debug_is_what_a_test_writes_on_one_line() {
    let row = row! { id: 1, "first name": "Ann \"A\"", email: None, ratio: 2.0, far: f64::INFINITY, key: [0_u8, 255] };
    assert_eq!(
        format!("{row:?}"),
        r#"row! { id: 1, "first name": "Ann \"A\"", email: None, ratio: 2.0, far: f64::INFINITY, key: b"\x00\xff" }"#
    );
    insta::assert_snapshot!(format!("{:#?}", row! { id: 1, "first name": "Ann" }), @r#"
    row! {
        id: 1,
        "first name": "Ann",
    }
    "#);
    insta::assert_snapshot!(format!("{:?}", row! { id: u64::MAX }), @"row! { id: ? /* SQLite cannot store the value: out of range integral type conversion attempted */ }");
    assert_eq!(format!("{:?} {:#?}", row! {}, row! {}), "row! {} row! {}");
}

#[test]
fn a_landing_is_one_line_of_debug() -> multibind::Result<()> {
    let schema = "CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('a')";
    let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start()?;
    insta::assert_snapshot!(format!("{:?}", db.locate("t", row! {})?), @r#"[auth.t: row! { x: "a" }]"#);
    Ok(())
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
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"row: table `t` of bind `default`: column `x`: SQLite cannot store the value: out of range integral type conversion attempted");
        }
    }
    // In whichever bind it is.
    insta::assert_snapshot!(db.locate("t", too_big).unwrap_err(), @"row: column `x`: SQLite cannot store the value: out of range integral type conversion attempted");
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
