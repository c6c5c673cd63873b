//! proptest strategies: rows that a bind's table takes and values of SQLite's storage classes, and that each of them
//! is found where it landed.

#![cfg(feature = "proptest")]

use std::collections::BTreeSet;

use multibind::proptest::{any_blob, any_integer, any_real, any_text, any_value, AnyRow};
use multibind::rusqlite::types::{Type, Value};
use multibind::rusqlite::{params_from_iter, Connection};
use multibind::{context, row, Bind, BindKey, Error, Harness, Row};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use rstest::{fixture, rstest};

/// The same cases in each run, others where they are asked for.
fn cases(number: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    let asked = |name: &str| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if asked("PROPTEST_CASES") { given.cases } else { number },
        rng_seed: if asked("PROPTEST_RNG_SEED") { given.rng_seed } else { RngSeed::Fixed(8) },
        failure_persistence: None,
        ..given
    }
}

/// What a strategy gives in so many cases.
fn given<S: Strategy>(strategy: &S, number: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..number).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Why a strategy gives nothing.
fn refusal<S: Strategy>(strategy: &S) -> String {
    match strategy.new_tree(&mut TestRunner::deterministic()) {
        Ok(tree) => panic!("it gives {:?}", tree.current()),
        Err(reason) => reason.message().to_string(),
    }
}

fn of(schema: &str) -> Harness {
    Harness::builder().bind("auth", Bind::memory().schema(schema)).start().unwrap()
}

fn insert(conn: &Connection, row: &Row) {
    let columns = row.columns().map(|(name, _)| format!("\"{}\"", name.replace('"', "\"\""))).collect::<Vec<_>>();
    let places = vec!["?"; columns.len()];
    let sql = format!("INSERT INTO t ({}) VALUES ({})", columns.join(", "), places.join(", "));
    conn.execute(&sql, params_from_iter(row.columns().map(|(_, value)| value))).unwrap();
}

const EACH_AFFINITY: &str =
    "i INTEGER, big BIGINT NOT NULL, r REAL, d DOUBLE NOT NULL, s TEXT, v VARCHAR(9) NOT NULL, \
    b BLOB, n NUMERIC, \"is so\" BOOLEAN, day DATETIME, \"x\"\"y\", [select] INT DEFAULT 7";

#[rstest]
#[case::plain(format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {EACH_AFFINITY})"))]
#[case::without_a_key(format!("CREATE TABLE t ({EACH_AFFINITY})"))]
#[case::autoincrement(format!("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, {EACH_AFFINITY})"))]
#[case::without_rowid(format!("CREATE TABLE t (k TEXT, l REAL, {EACH_AFFINITY}, PRIMARY KEY (k, l)) WITHOUT ROWID"))]
#[case::strict("CREATE TABLE t (id INTEGER PRIMARY KEY, i INT, r REAL NOT NULL, s TEXT, b BLOB, x ANY) STRICT".into())]
#[case::strict_without_rowid("CREATE TABLE t (k ANY PRIMARY KEY, r REAL, s TEXT) STRICT, WITHOUT ROWID".into())]
#[case::of_no_type("CREATE TABLE t (a, b, c, d)".into())]
#[case::collated("CREATE TABLE t (s TEXT COLLATE NOCASE PRIMARY KEY, r TEXT COLLATE RTRIM UNIQUE, n COLLATE NOCASE)".into())]
#[case::checked(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, age INT CHECK (age >= 18), name TEXT CHECK (length(name) > 0),
        shout TEXT AS (upper(name)) STORED, later REAL AS (age + 1))"
        .into()
)]
#[case::a_descending_key_that_is_no_rowid("CREATE TABLE t (id INTEGER PRIMARY KEY DESC, s TEXT)".into())]
#[case::full_text("CREATE VIRTUAL TABLE t USING fts5 (title, body)".into())]
fn each_row_is_found_only_where_it_landed(#[case] schema: String, #[values(false, true)] flexibly: bool) {
    let tables = || Bind::memory().schema(schema.as_str());
    let db = Harness::builder().default_bind(tables()).bind("auth", tables()).start().unwrap();
    let rows = db.any_row("auth", "t").unwrap();
    let rows = if flexibly { rows.flexibly_typed() } else { rows };
    proptest!(cases(24), |(row in rows, by_session in any::<bool>())| {
        db.reset()?;
        let before = db.snapshot()?;
        if by_session {
            let mut session = db.session();
            session.on("auth")?.table("t")?.insert(row.clone())?;
            session.commit()?;
        } else {
            insert(&*db.connection("auth")?, &row);
        }
        db.assert_landed("auth", "t", row.clone()).assert_not_landed(None, "t", row.clone());

        let landings = db.locate("t", row.clone())?;
        prop_assert_eq!(landings.len(), 1);
        prop_assert_eq!(landings[0].bind(), &BindKey::from("auth"));
        let mut session = db.session();
        let mut table = session.on("auth")?.table("t")?;
        let found = table.find(row.clone())?;
        prop_assert_eq!(found.as_ref(), Some(landings[0].row()));
        prop_assert_eq!(table.count(row.clone())?, 1);
        drop(session);

        let changes = db.changes_since(&before)?;
        changes.assert_only("auth");
        prop_assert_eq!(changes.changes()[0].inserted(), [landings[0].row().clone()]);
        // Another row in the place of this one is another.
        let other = row.columns().fold(Row::new(), |row, (column, _)| row.set(column, "no such value"));
        db.assert_not_landed("auth", "t", other);
    });
}

#[rstest]
fn any_row_is_dispatched_to_its_table() {
    let schema = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {EACH_AFFINITY})");
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (title TEXT)"))
        .bind("auth", Bind::memory().schema(schema))
        .start()
        .unwrap();
    proptest!(cases(64), |(first in db.any_row("auth", "t").unwrap(), second in db.any_row("auth", "t").unwrap())| {
        prop_assume!(first.value("id") != second.value("id"));
        db.reset()?;
        let mut session = db.session();
        session.table("t")?.insert(first.clone())?;
        session.commit()?;
        let key = row! { id: first.get::<i64>("id")? };
        session.table("t")?.update(key, second.clone())?;
        session.commit()?;
        db.assert_landed("auth", "t", second.clone()).assert_not_landed("auth", "t", first);
        prop_assert_eq!(session.table("t")?.delete(second)?, 1);
    });
}

#[fixture]
fn typed() -> Vec<Row> {
    let db = of(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {EACH_AFFINITY})"));
    given(&db.any_row("auth", "t").unwrap(), 100)
}

#[rstest]
#[case::a_primary_key("id", &[Type::Integer])]
#[case::integer("i", &[Type::Null, Type::Integer])]
#[case::bigint("big", &[Type::Integer])]
#[case::real("r", &[Type::Null, Type::Real])]
#[case::double("d", &[Type::Real])]
#[case::text("s", &[Type::Null, Type::Text])]
#[case::varchar("v", &[Type::Text])]
#[case::blob("b", &[Type::Null, Type::Blob])]
#[case::numeric("n", &[Type::Null, Type::Integer, Type::Real])]
#[case::boolean("is so", &[Type::Null, Type::Integer])]
#[case::a_type_that_sqlite_does_not_know("day", &[Type::Null, Type::Integer, Type::Real])]
#[case::no_type("x\"y", &[Type::Null, Type::Integer, Type::Real, Type::Text, Type::Blob])]
#[case::a_column_with_a_default("select", &[Type::Null, Type::Integer])]
fn columns_get_values_of_their_types(typed: Vec<Row>, #[case] column: &str, #[case] types: &[Type]) {
    let found = typed.iter().map(|row| row.value(column).unwrap().data_type().to_string()).collect::<BTreeSet<_>>();
    assert_eq!(found, types.iter().map(ToString::to_string).collect::<BTreeSet<_>>());
}

#[rstest]
fn a_boolean_is_0_or_1(typed: Vec<Row>) {
    let found = typed.iter().filter_map(|row| row.get::<Option<i64>>("is so").unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(found, BTreeSet::from([0, 1]));
}

#[rstest]
fn columns_without_strict_take_values_of_other_types() {
    let db = of("CREATE TABLE t (id INTEGER PRIMARY KEY, age INTEGER NOT NULL, name TEXT)");
    let rows = given(&db.any_row("auth", "t").unwrap().with("name", Just("ann")).flexibly_typed(), 300);
    let types =
        |column| rows.iter().map(|row| row.value(column).unwrap().data_type().to_string()).collect::<BTreeSet<_>>();
    assert_eq!(types("age"), ["Blob", "Integer", "Real", "Text"].map(String::from).into());
    assert_eq!(types("name"), ["Text".to_string()].into());
}

#[rstest]
fn a_strict_table_gets_no_other_types() {
    let db = of("CREATE TABLE t (age INTEGER NOT NULL, x ANY) STRICT");
    let rows = given(&db.any_row("auth", "t").unwrap().flexibly_typed(), 200);
    assert!(rows.iter().all(|row| row.value("age").unwrap().data_type() == Type::Integer));
    assert!(rows.iter().any(|row| row.value("x").unwrap().data_type() == Type::Blob));
}

#[rstest]
fn generated_values_are_stored_unchanged() {
    let db = of("CREATE TABLE t (r REAL)");
    let whole = any_integer().prop_map(Value::Integer);
    for row in given(&db.any_row("auth", "t").unwrap().with("r", whole), 200) {
        let number = row.get::<i64>("r").unwrap();
        assert_eq!(i128::from(number), number as f64 as i128, "{row}");
    }
    insta::assert_snapshot!(refusal(&db.any_row("auth", "t").unwrap().with("r", Just((1_i64 << 53) + 1))), @"no row for table `t` of bind `auth`: SQLite refuses what was tried, at last because: `r` does not keep 9007199254740993. Give its columns values that it takes with `with`, or leave some out with `without`.");
}

#[rstest]
fn generated_and_hidden_columns_are_not_written() {
    let db = of(
        "CREATE TABLE t (a INT, b INT AS (a + 1), c INT AS (a + 2) STORED); CREATE VIRTUAL TABLE f USING fts5 (title)",
    );
    let columns = |table| {
        let row = given(&db.any_row("auth", table).unwrap(), 1).remove(0);
        row.columns().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(columns("t"), ["a"]);
    assert_eq!(columns("f"), ["title"]);
}

#[rstest]
fn a_table_made_later_has_rows_once_it_is_reflected() {
    let db = of("");
    db.connection("auth").unwrap().execute("CREATE TABLE later (x INT NOT NULL)", []).unwrap();
    assert!(db.any_row("auth", "later").is_err());
    db.reflect("auth").unwrap();
    assert!(given(&db.any_row("auth", "later").unwrap(), 50).iter().all(|row| row.get::<i64>("x").is_ok()));
}

#[rstest]
fn a_foreign_key_is_left_to_the_test() {
    let db =
        of("CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE login (user_id INT NOT NULL REFERENCES user);
        INSERT INTO user VALUES (1), (2)");
    let logins = db.any_row("auth", "login").unwrap().with("user_id", prop::sample::select(vec![1, 2]));
    proptest!(cases(16), |(login in logins)| {
        db.reset()?;
        insert_into(&db, "login", &login)?;
        db.assert_landed("auth", "login", login);
    });
}

fn insert_into(db: &Harness, table: &str, row: &Row) -> multibind::Result<()> {
    let mut session = db.session();
    session.table(table)?.insert(row.clone())?;
    session.commit()
}

#[rstest]
fn a_column_that_is_left_out_gets_its_default() {
    let db = of("CREATE TABLE t (id INTEGER PRIMARY KEY, role TEXT NOT NULL DEFAULT 'guest')");
    proptest!(cases(8), |(row in db.any_row("auth", "t").unwrap().without("ROLE").without("id"))| {
        prop_assert!(row.is_empty());
        db.reset()?;
        insert_into(&db, "t", &row)?;
        db.assert_landed("auth", "t", row! { id: 1, role: "guest" });
    });
}

#[rstest]
fn a_column_can_be_the_rowid() {
    let db = of("CREATE TABLE t (x TEXT)");
    proptest!(cases(8), |(row in db.any_row("auth", "t").unwrap().with("rowid", 5..9_i64))| {
        db.reset()?;
        insert_into(&db, "t", &row)?;
        db.assert_landed("auth", "t", row);
    });
}

#[rstest]
fn a_row_goes_beside_those_that_the_bind_starts_with() {
    let db = of("CREATE TABLE t (id INTEGER PRIMARY KEY, twice INT AS (id * 2), b BOOLEAN NOT NULL, UNIQUE (b, id));
        INSERT INTO t (id, b) VALUES (0, 0), (1, 1), (2, 0), (3, 1)");
    db.connection("auth").unwrap().execute("DELETE FROM t", []).unwrap();
    let rows = db.any_row("auth", "t").unwrap().with("id", 0..6_i64);
    proptest!(cases(24), |(row in rows)| {
        db.reset()?;
        insert_into(&db, "t", &row)?;
        prop_assert_eq!(db.locate("t", row! {})?.len(), 5);
    });
}

#[rstest]
fn a_dynamic_bind_has_rows_for_each_of_its_databases() {
    let tenant = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string()))
        .schema("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO note VALUES (1, 'hello')");
    let db = Harness::builder().default_bind(Bind::memory()).bind("tenant", tenant).start().unwrap();
    let notes = db.any_row("tenant", "note").unwrap().with("id", 0..4_i64);
    proptest!(cases(8), |(note in notes)| {
        db.reset()?;
        let mut session = db.session_for(context! { tenant: "acme" });
        session.table("note")?.insert(note.clone())?;
        session.commit()?;
        db.assert_landed("tenant[acme]", "note", note);
    });
}

#[rstest]
#[case::a_primary_key("CREATE TABLE t (k INTEGER PRIMARY KEY, x TEXT)")]
#[case::a_unique_column("CREATE TABLE t (x TEXT UNIQUE COLLATE NOCASE)")]
#[case::a_unique_index("CREATE TABLE t (x INT, y INT); CREATE UNIQUE INDEX by_both ON t (x, coalesce(y, 0))")]
#[case::an_index_of_some_rows("CREATE TABLE t (x INT, y INT); CREATE UNIQUE INDEX here ON t (x) WHERE y > 0")]
#[case::what_would_be_ignored("CREATE TABLE t (x INT UNIQUE ON CONFLICT IGNORE)")]
#[case::what_would_be_replaced("CREATE TABLE t (x INT UNIQUE ON CONFLICT REPLACE)")]
#[case::what_would_roll_back("CREATE TABLE t (x INT PRIMARY KEY ON CONFLICT ROLLBACK, y)")]
fn several_rows_go_into_the_table_one_after_the_other(#[case] schema: &str) {
    let db = of(schema);
    proptest!(cases(24), |(rows in db.any_row("auth", "t").unwrap().many(2..20))| {
        prop_assert!((2..20).contains(&rows.len()));
        db.reset()?;
        for row in &rows {
            insert_into(&db, "t", row)?;
        }
        prop_assert_eq!(db.locate("t", row! {})?.len(), rows.len());
    });
}

#[rstest]
fn more_rows_than_can_be_are_refused_with_the_reason() {
    let db = of("CREATE TABLE t (is_so BOOLEAN NOT NULL UNIQUE)");
    assert_eq!(given(&db.any_row("auth", "t").unwrap().many(2), 1)[0].len(), 2);
    insta::assert_snapshot!(refusal(&db.any_row("auth", "t").unwrap().many(3..=4)), @"no 3 rows for table `t` of bind `auth`: SQLite refuses what was tried, at last because: UNIQUE constraint failed: t.is_so. Give its columns values that it takes with `with`, or leave some out with `without`.");
}

#[rstest]
fn an_impossible_row_names_bind_table_and_sqlites_reason() {
    let why = |columns: &str, asked: fn(AnyRow) -> AnyRow| {
        refusal(&asked(of(&format!("CREATE TABLE t ({columns})")).any_row("auth", "t").unwrap()))
    };
    insta::assert_snapshot!(why("role TEXT NOT NULL CHECK (role IN ('admin', 'guest'))", |row| row), @"no row for table `t` of bind `auth`: SQLite refuses what was tried, at last because: CHECK constraint failed: role IN ('admin', 'guest'). Give its columns values that it takes with `with`, or leave some out with `without`.");
    insta::assert_snapshot!(why("age INT NOT NULL", |row| row.with("age", Just(None::<i64>))), @"no row for table `t` of bind `auth`: SQLite refuses what was tried, at last because: NOT NULL constraint failed: t.age. Give its columns values that it takes with `with`, or leave some out with `without`.");
    insta::assert_snapshot!(why("age INT NOT NULL", |row| row.without("age")), @"no row for table `t` of bind `auth`: SQLite refuses what was tried, at last because: NOT NULL constraint failed: t.age. Give its columns values that it takes with `with`, or leave some out with `without`.");
    insta::assert_snapshot!(why("age INT, next INT AS (age + 1)", |row| row.with("next", 1..9_i64)), @r#"no row for table `t` of bind `auth`: SQLite refuses what was tried, at last because: cannot INSERT into generated column "next". Give its columns values that it takes with `with`, or leave some out with `without`."#);
    insta::assert_snapshot!(why("age INT CHECK (typeof(age) = 'integer')", |row| row.with("age", "[a-z]{3}")), @"no row for table `t` of bind `auth`: SQLite refuses what was tried, at last because: CHECK constraint failed: typeof(age) = 'integer'. Give its columns values that it takes with `with`, or leave some out with `without`.");
    insta::assert_snapshot!(why("age INT", |row| row.with("age", Just(Unstorable))), @"no row for table `t` of bind `auth`: SQLite refuses what was tried, at last because: column `age`: SQLite cannot store the value: it has no form. Give its columns values that it takes with `with`, or leave some out with `without`.");
    insta::assert_snapshot!(why("age INT, name TEXT", |row| row.with("nmae", "[a-z]")), @"no column `nmae` in table `t` of bind `auth`, whose columns are age, name");
    insta::assert_snapshot!(why("age INT, name TEXT", |row| row.without("nmae")), @"no column `nmae` in table `t` of bind `auth`, whose columns are age, name");
}

#[derive(Clone, Debug)]
struct Unstorable;

impl multibind::rusqlite::ToSql for Unstorable {
    fn to_sql(&self) -> multibind::rusqlite::Result<multibind::rusqlite::types::ToSqlOutput<'_>> {
        Err(multibind::rusqlite::Error::ToSqlConversionFailure("it has no form".into()))
    }
}

#[rstest]
fn an_object_without_rows_is_an_error_that_lists_tables() {
    let db = Harness::builder()
        .default_bind(
            Bind::memory().schema("CREATE TABLE post (title TEXT); CREATE VIEW titles AS SELECT title FROM post"),
        )
        .bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)"))
        .start()
        .unwrap();
    insta::assert_snapshot!(db.any_row("audit", "user").unwrap_err(), @"no bind `audit`: configured are default, auth");
    insta::assert_snapshot!(db.any_row(None, "user").unwrap_err(), @"no table `user` in bind `default`, but in auth");
    insta::assert_snapshot!(db.any_row("auth", "usr").unwrap_err(), @"no table `usr` in bind `auth`; the nearest names are `user` in auth");
    insta::assert_snapshot!(db.any_row(None, "titles").unwrap_err(), @"row: `titles` of bind `default` is a view, which has no rows of its own");
    assert!(matches!(db.any_row(None, "user"), Err(Error::NotInBind { .. })));
    assert_eq!(given(&db.any_row("auth", "USER").unwrap(), 1)[0].columns().len(), 1);
}

#[rstest]
fn a_table_of_an_application_module_is_refused() {
    let migrate = |conn: &mut Connection| {
        conn.create_collation("by_length", |a, b| a.len().cmp(&b.len()))?;
        conn.execute_batch("CREATE TABLE t (x TEXT COLLATE by_length UNIQUE)")
    };
    let db = Harness::builder().bind("auth", Bind::memory().schema_with(migrate)).start().unwrap();
    insta::assert_snapshot!(db.any_row("auth", "t").unwrap_err(), @"row: no rows can be tried for table `t` of bind `auth`, because SQLite cannot make it apart from the bind: no such collation sequence: by_length; make them with `row!` of `any_text()` and the like");
}

#[rstest]
fn a_failing_row_shrinks_to_the_simplest_that_the_table_takes() {
    let db = of("CREATE TABLE t (id INTEGER PRIMARY KEY, age INT NOT NULL CHECK (age >= 18), name TEXT, note)");
    let mut runner = TestRunner::new(cases(256));
    let failed = runner.run(&db.any_row("auth", "t").unwrap(), |row| {
        prop_assert!(row.get::<i64>("age")? < 40 || row.value("name") == Some(&Value::Null));
        Ok(())
    });
    let Err(TestError::Fail(_, row)) = failed else { panic!("{failed:?}") };
    insta::assert_snapshot!(row, @"id = 0, age = 40, name = '', note = NULL");
}

#[rstest]
fn failing_rows_shrink_to_the_fewest() {
    let db = of("CREATE TABLE t (name TEXT PRIMARY KEY)");
    let mut runner = TestRunner::new(cases(256));
    let failed = runner.run(&db.any_row("auth", "t").unwrap().many(1..9), |rows| {
        prop_assert!(rows.len() < 3);
        Ok(())
    });
    let Err(TestError::Fail(_, rows)) = failed else { panic!("{failed:?}") };
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), 3);
}

#[rstest]
fn a_seed_always_gives_the_same_rows() {
    let schema = format!("CREATE TABLE t (id INTEGER PRIMARY KEY, {EACH_AFFINITY})");
    let (one, other) = (of(&schema), of(&schema));
    let rows = |db: &Harness| given(&db.any_row("auth", "t").unwrap().many(0..4), 40);
    assert_eq!(format!("{:?}", rows(&one)), format!("{:?}", rows(&other)));
}

#[rstest]
fn integers_reach_from_one_end_to_the_other() {
    let found = given(&any_integer(), 2000);
    for edge in [0, 1, -1, i64::MIN, i64::MAX, 1 << 32, (1 << 53) + 1] {
        assert!(found.contains(&edge), "{edge}");
    }
}

#[rstest]
fn reals_are_all_that_sqlite_stores_as_such() {
    let found = given(&any_real(), 2000);
    assert!(found.iter().any(|number| number.to_bits() == (-0.0_f64).to_bits()));
    assert!(found.contains(&f64::INFINITY) && found.contains(&f64::NEG_INFINITY) && found.contains(&f64::MAX));
    assert!(found.iter().any(|number| number.is_subnormal()));
    proptest!(cases(256), |(number in any_real())| {
        prop_assert!(!number.is_nan());
    });
}

#[rstest]
fn text_and_blobs_have_what_code_forgets() {
    let text = given(&any_text(), 3000);
    for edge in ["", "\0", "'", "';--", "%", "NULL", "ß", "İ", "👩\u{200d}👩\u{200d}👧", "\u{10ffff}"] {
        assert!(text.iter().any(|found| found == edge), "{edge:?}");
    }
    assert!(text.iter().any(|found| found.len() > 1 && found.contains('\0')));
    let blobs = given(&any_blob(), 500);
    assert!(blobs.iter().any(Vec::is_empty) && blobs.iter().any(|bytes| std::str::from_utf8(bytes).is_err()));
}

#[rstest]
fn a_value_of_any_class_shrinks_to_null() {
    let found = given(&any_value(), 200).iter().map(|value| value.data_type().to_string()).collect::<BTreeSet<_>>();
    assert_eq!(found, ["Blob", "Integer", "Null", "Real", "Text"].map(String::from).into());

    let failed = TestRunner::new(cases(16)).run(&any_value(), |_| Err(TestCaseError::fail("always")));
    assert!(matches!(failed, Err(TestError::Fail(_, Value::Null))), "{failed:?}");
}
