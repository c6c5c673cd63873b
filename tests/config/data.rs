//! Loading data files: what they may be, where their rows go, and what stops them.

use std::path::{Path, PathBuf};

use multibind::rusqlite::types::Value;
use multibind::rusqlite::{self, Connection};
use multibind::{Bind, Config, Harness, Result};
use rstest::{fixture, rstest};

use crate::folder::Folder;

const POSTS: &str = "
    CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL, score REAL, extra);
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT);
";
const USERS: &str = "
    CREATE TABLE login (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES user, at TEXT DEFAULT 'now');
    CREATE TABLE user (
        id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, age INTEGER CHECK (age >= 0), boss INTEGER REFERENCES user
    );
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT);
";

/// Posts in the default bind, users and their logins in `auth`, settings in both.
#[fixture]
fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(POSTS))
        .bind("auth", Bind::memory().schema(USERS))
        .start()
        .unwrap()
}

fn one_bind(schema: &str) -> Harness {
    Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap()
}

fn rows(conn: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = conn.prepare(sql).unwrap();
    let count = statement.column_count();
    let rows = statement.query_map([], |row| (0..count).map(|at| row.get(at)).collect()).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn count(db: &Harness, key: Option<&str>, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    db.connection(key).unwrap().query_row(&sql, [], |row| row.get(0)).unwrap()
}

/// The number of rows in all tables of [`db`].
fn total(db: &Harness) -> i64 {
    let tables =
        [(None, "post"), (None, "setting"), (Some("auth"), "user"), (Some("auth"), "login"), (Some("auth"), "setting")];
    tables.into_iter().map(|(key, table)| count(db, key, table)).sum()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_string())
}

/// The path as seen from the folder that tests run in.
fn relative(path: &Path) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    up.join(path.strip_prefix("/").unwrap())
}

// What files may hold.

#[rstest]
fn csv_fields_take_the_columns_type_and_empty_ones_null(db: Harness) {
    let csv = "id,title,score,extra\n1,first,1.50,7\n2,\"two,\nlines \"\"quoted\"\"\",,\"\"\n3, spaced ,9e2,x\n";
    let folder = Folder::with([("post.csv", csv)]);
    assert_eq!(db.load_data(folder.file("post.csv")).unwrap(), 3);
    assert_eq!(
        rows(&db.connection(None).unwrap(), "SELECT * FROM post"),
        [
            [Value::Integer(1), text("first"), Value::Real(1.5), text("7")],
            [Value::Integer(2), text("two,\nlines \"quoted\""), Value::Null, text("")],
            [Value::Integer(3), text(" spaced "), Value::Real(900.0), text("x")],
        ]
    );
}

#[rstest]
#[case::nothing_in_text("TEXT", "", Value::Null)]
#[case::nothing_in_numbers("INTEGER", "", Value::Null)]
#[case::an_empty_text("TEXT", "\"\"", text(""))]
#[case::an_empty_text_of_any_type("", "\"\"", text(""))]
#[case::an_empty_blob("BLOB", "\"\"", text(""))]
#[case::an_empty_text_among_integers("INTEGER", "\"\"", Value::Null)]
#[case::an_empty_text_among_reals("DOUBLE", "\"\"", Value::Null)]
#[case::an_empty_text_among_dates("DATETIME", "\"\"", Value::Null)]
#[case::a_truth("BOOLEAN", "true", Value::Integer(1))]
#[case::an_untruth("BOOL", "False", Value::Integer(0))]
#[case::a_quoted_truth("boolean", "\"TRUE\"", Value::Integer(1))]
#[case::a_truth_of_postgresql("BOOLEAN", "t", Value::Integer(1))]
#[case::an_untruth_of_postgresql("BOOLEAN", "f", Value::Integer(0))]
#[case::a_truth_as_a_number("BOOLEAN", "1", Value::Integer(1))]
#[case::a_truth_among_integers("INTEGER", "true", Value::Integer(1))]
#[case::the_word_in_text("TEXT", "true", text("true"))]
#[case::the_word_of_any_type("", "true", text("true"))]
#[case::a_letter_among_integers("INTEGER", "t", text("t"))]
#[case::the_largest_integer("INTEGER", "9223372036854775807", Value::Integer(i64::MAX))]
#[case::the_smallest_integer("NUMERIC", " -9223372036854775808 ", Value::Integer(i64::MIN))]
#[case::zeros_in_front("INTEGER", "00000000000000000000007", Value::Integer(7))]
#[case::digits_in_text("TEXT", "12345678901234567890", text("12345678901234567890"))]
#[case::digits_of_any_type("", "12345678901234567890", text("12345678901234567890"))]
#[case::a_large_real("INTEGER", "12345678901234567890.0", Value::Real(12345678901234567890.0))]
#[case::a_hash("NUMERIC", "1e400x", text("1e400x"))]
fn csv_and_json_give_equal_values(
    #[case] column: &str,
    #[case] field: &'static str,
    #[case] value: Value,
    #[values("CREATE TABLE t (id INTEGER PRIMARY KEY, v {})", "CREATE TABLE t (v {} COLLATE NOCASE, id)")] table: &str,
) {
    let db = one_bind(&table.replace("{}", column));
    let folder = Folder::with([("t.csv", format!("id,v\n1,{field}\n"))]);
    db.load_data(folder.path()).unwrap();
    assert_eq!(rows(&db.connection(None).unwrap(), "SELECT v FROM t"), [[value]]);
}

#[rstest]
#[case::unset("", [Value::Null, text(""), Value::Null, Value::Null])]
#[case::set("csv_empty_as_text = true", [text(""), text(""), Value::Null, Value::Null])]
fn empty_fields_are_null_or_follow_rfc_4180(#[case] option: &str, #[case] values: [Value; 4]) {
    let folder = Folder::with([("t.csv", "a,b,c,d\n,\"\",,\"\"\n")]);
    let toml = |data: &str| {
        let schema = "schema_sql = 'CREATE TABLE t (a TEXT, b TEXT, c INTEGER, d INTEGER)'";
        Config::from_toml(&format!("[engine_options]\n{option}\n[default]\n{schema}\n{data}"), folder.path()).unwrap()
    };
    let started = Harness::from_config(toml("data = 't.csv'")).unwrap();
    let loaded = Harness::from_config(toml("")).unwrap();
    loaded.load_data(folder.path()).unwrap();
    for db in [started, loaded] {
        assert_eq!(rows(&db.connection(None).unwrap(), "SELECT * FROM t").concat(), values);
    }
}

#[rstest]
fn values_that_go_in_by_a_view_fit_its_columns_too() {
    let db = one_bind(
        "CREATE TABLE t (n INTEGER, paid BOOLEAN); CREATE VIEW v AS SELECT n, paid FROM t;
         CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (NEW.n, NEW.paid); END;",
    );
    let folder = Folder::with([("v.csv", "n,paid\n1,true\n")]);
    db.load_data(folder.path()).unwrap();
    assert_eq!(rows(&db.connection(None).unwrap(), "SELECT n, paid FROM t"), [[Value::Integer(1), Value::Integer(1)]]);
    let folder = Folder::with([("v.csv", "n\n9223372036854775808\n")]);
    insta::assert_snapshot!(folder.shown(&db.load_data(folder.path()).unwrap_err()), @"[folder]/v.csv:2 (bind `default`): column `n`: 9223372036854775808 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a real, or give the column the type TEXT; nothing was loaded");
}

#[rstest]
#[case::crlf("\u{feff}NAME,value\r\n\r\nlang,日本\r\n")]
#[case::columns_in_another_order("value,name\n日本,lang\n\n\n")]
#[case::no_last_line_end("name,value\nlang,日本")]
#[case::all_quoted("\"name\",\"value\"\n\"lang\",\"日本\"")]
fn csv_may_be_written_in_several_ways(#[case] csv: &str) {
    let db = one_bind("CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT)");
    let folder = Folder::with([("Setting.CSV", csv)]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 1);
    assert_eq!(rows(&db.connection(None).unwrap(), "SELECT * FROM setting"), [[text("lang"), text("日本")]]);
}

#[rstest]
#[cfg(feature = "json")]
fn json_objects_may_differ_and_have_every_kind_of_value() {
    let db = one_bind("CREATE TABLE t (id INTEGER PRIMARY KEY, v, w DEFAULT 'default')");
    let json = r#"[
        {"id": 1, "v": true, "w": null},
        {"v": false}, {},
        {"v": 9223372036854775807}, {"v": -9223372036854775808}, {"v": 1.0}, {"v": -2.5e3}, {"v": -0},
        {"V": "a \"b\" \u65e5\n", "ID": 20},
        {"v": [1, {"a": null}], "w": { "b" : 1.10 }},
        {"v": ""}
    ]"#;
    let folder = Folder::with([("t.json", json)]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 11);
    let w = || text("default");
    assert_eq!(
        rows(&db.connection(None).unwrap(), "SELECT * FROM t"),
        [
            [Value::Integer(1), Value::Integer(1), Value::Null],
            [Value::Integer(2), Value::Integer(0), w()],
            [Value::Integer(3), Value::Null, w()],
            [Value::Integer(4), Value::Integer(i64::MAX), w()],
            [Value::Integer(5), Value::Integer(i64::MIN), w()],
            [Value::Integer(6), Value::Real(1.0), w()],
            [Value::Integer(7), Value::Real(-2500.0), w()],
            [Value::Integer(8), Value::Integer(0), w()],
            [Value::Integer(20), text("a \"b\" 日\n"), w()],
            [Value::Integer(21), text(r#"[1, {"a": null}]"#), text(r#"{ "b" : 1.10 }"#)],
            [Value::Integer(22), text(""), w()],
        ]
    );
}

#[rstest]
fn sql_files_run_last_and_unchanged() {
    let db = one_bind(POSTS);
    let folder = Folder::with([
        ("post.csv", "id,title\n1,one\n2,two\n"),
        ("a_first.sql", "UPDATE post SET score = id; SELECT 1; INSERT INTO post (title) VALUES (';'), ('x');\n-- end"),
        ("b_then.sql", "CREATE TABLE extra (x); SAVEPOINT s; DELETE FROM post WHERE title = 'x'; RELEASE s;"),
    ]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 2 + 2 + 2 + 1);
    assert_eq!(
        rows(&db.connection(None).unwrap(), "SELECT title, score FROM post"),
        [[text("one"), Value::Real(1.0)], [text("two"), Value::Real(2.0)], [text(";"), Value::Null]]
    );
}

#[rstest]
fn rows_inserted_by_a_views_triggers_count_as_the_files() {
    let db = one_bind(
        "CREATE TABLE t (x); CREATE VIEW v AS SELECT x FROM t;
         CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (NEW.x || '1'), (NEW.x || '2'); END;",
    );
    let folder = Folder::with([("v.csv", "x\na\nb\n")]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 2);
    assert_eq!(count(&db, None, "t"), 4);
}

#[rstest]
#[case::a_strict_table("CREATE TABLE t (a INT, b ANY) STRICT", Value::Integer(1), text("2"))]
#[case::no_rowid("CREATE TABLE t (a INTEGER PRIMARY KEY, b) WITHOUT ROWID", Value::Integer(1), text("2"))]
#[case::full_text("CREATE VIRTUAL TABLE t USING fts5(a, b)", text("1"), text("2"))]
#[case::odd_names("CREATE TABLE \"T\" (\"A\" NUMERIC, \"b\" BLOB, c AS (a + 1))", Value::Integer(1), text("2"))]
fn any_kind_of_table_takes_rows(#[case] schema: &str, #[case] a: Value, #[case] b: Value) {
    let db = one_bind(schema);
    let folder = Folder::with([("t.csv", "a,b\n1,2\n")]);
    db.load_data(folder.path()).unwrap();
    assert_eq!(rows(&db.connection(None).unwrap(), "SELECT a, b FROM t"), [[a, b]]);
}

#[rstest]
fn tables_and_columns_may_have_any_name() {
    let db = one_bind("CREATE TABLE \"a \"\"b\"\" '日本'; --\" (\"x \"\"y\"\"; --\" TEXT, \"select\" TEXT)");
    let folder = Folder::with([("a \"b\" '日本'; --.csv", "\"x \"\"y\"\"; --\",select\n1,2\n")]);
    db.load_data(folder.path()).unwrap();
    assert_eq!(count(&db, None, "\"a \"\"b\"\" '日本'; --\""), 1);
}

// Where rows go.

#[rstest]
fn a_bind_s_data_is_there_when_the_harness_has_started() -> Result<()> {
    let folder = Folder::with([
        ("data/user.csv", "id,username\n1,ann\n"),
        ("data/auth.setting.csv", "name\ntheme\n"),
        ("data/.notes.txt", "hidden"),
        ("data/old/user.csv", "not looked at"),
        ("more.sql", "INSERT INTO user (username) VALUES ('bob')"),
    ]);
    let auth = Bind::memory().schema(USERS).data(folder.file("data")).data(relative(&folder.file("more.sql")));
    let db = Harness::builder().default_bind(Bind::memory().schema(POSTS)).bind("auth", auth).start()?;
    assert_eq!(count(&db, Some("auth"), "user"), 2);
    assert_eq!(count(&db, Some("auth"), "setting"), 1);
    assert_eq!(count(&db, None, "setting"), 0);
    Ok(())
}

#[rstest]
fn data_without_a_bind_goes_by_its_table_or_name() {
    let folder = Folder::with([
        ("user.csv", "id,username\n1,ann\n"),
        ("post.csv", "title\nhello\n"),
        ("auth.setting.csv", "name,value\ntheme,dark\n"),
        ("main.setting.csv", "name,value\ntheme,light\nlang,en\n"),
        ("auth.sql", "INSERT INTO login (user_id) VALUES (1)"),
        ("Auth.more.sql", "INSERT INTO login (user_id) VALUES (1)"),
        ("default.sql", "INSERT INTO post (title) VALUES ('bye')"),
    ]);
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(POSTS))
        .bind("auth", Bind::memory().schema(USERS))
        .data(folder.path())
        .start()
        .unwrap();
    let counts = [
        count(&db, Some("auth"), "user"),
        count(&db, Some("auth"), "login"),
        count(&db, Some("auth"), "setting"),
        count(&db, None, "setting"),
        count(&db, None, "post"),
    ];
    assert_eq!(counts, [1, 2, 1, 2, 2]);
}

#[rstest]
fn tables_and_keys_with_dots_are_found() {
    let db = Harness::builder()
        .bind("a", Bind::memory().schema("CREATE TABLE \"b.t\" (x)"))
        .bind("a.c", Bind::memory().schema("CREATE TABLE t (x)"))
        .start()
        .unwrap();
    let folder = Folder::with([
        ("b.t.csv", "x\n1\n"),
        ("a.b.t.csv", "x\n1\n"),
        ("a.c.t.csv", "x\n1\n"),
        ("a.c.sql", "INSERT INTO t VALUES (1)"),
    ]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 4);
    assert_eq!((count(&db, Some("a"), "\"b.t\""), count(&db, Some("a.c"), "t")), (2, 2));
}

#[rstest]
fn binds_that_share_a_database_are_one_place_for_data() {
    let shared = || Bind::url("postgresql://db.example/accounts");
    let db = Harness::builder().bind("auth", shared().schema(USERS)).bind("accounts", shared()).start().unwrap();
    let folder = Folder::with([
        ("user.csv", "id,username\n1,ann\n"),
        ("accounts.login.csv", "user_id\n1\n"),
        ("accounts.sql", "INSERT INTO setting VALUES ('theme', 'dark')"),
    ]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 3);
    assert_eq!(count(&db, Some("auth"), "login"), 1);
}

#[rstest]
fn parents_go_in_before_children_whatever_the_files_are_called() {
    let db = one_bind(
        "CREATE TABLE a_child (id INTEGER PRIMARY KEY, up INTEGER REFERENCES b_middle ON DELETE RESTRICT);
         CREATE TABLE b_middle (id INTEGER PRIMARY KEY, up INTEGER REFERENCES c_top);
         CREATE TABLE c_top (id INTEGER PRIMARY KEY);
         CREATE TABLE log (tbl);
         CREATE TRIGGER a AFTER INSERT ON a_child BEGIN INSERT INTO log VALUES ('child'); END;
         CREATE TRIGGER b AFTER INSERT ON b_middle BEGIN INSERT INTO log VALUES ('middle'); END;
         CREATE TRIGGER c AFTER INSERT ON c_top BEGIN INSERT INTO log VALUES ('top'); END;",
    );
    let folder =
        Folder::with([("a_child.csv", "id,up\n1,1\n"), ("b_middle.csv", "id,up\n1,1\n"), ("c_top.csv", "id\n1\n")]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 3);
    assert_eq!(
        rows(&db.connection(None).unwrap(), "SELECT tbl FROM log"),
        [[text("top")], [text("middle")], [text("child")]]
    );
}

#[rstest]
fn rows_may_refer_to_later_rows_and_tables_to_each_other() {
    let db = one_bind(
        "CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INTEGER NOT NULL REFERENCES egg);
         CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INTEGER NOT NULL REFERENCES hen);
         CREATE TABLE node (id INTEGER PRIMARY KEY, next INTEGER REFERENCES node);",
    );
    let folder = Folder::with([
        ("hen.csv", "id,egg\n1,2\n"),
        ("egg.csv", "id,hen\n2,1\n"),
        ("node.csv", "id,next\n1,2\n2,3\n3,\n"),
    ]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 5);
}

#[rstest]
fn foreign_keys_are_checked_only_where_enforced() {
    let bind = Bind::memory().schema(USERS).foreign_keys(false);
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    let folder = Folder::with([("login.csv", "user_id\n7\n")]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 1);
}

#[rstest]
fn rows_that_referred_to_nothing_before_do_not_stop_a_load(db: Harness) {
    let conn = db.connection("auth").unwrap();
    conn.execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO login (user_id) VALUES (99); PRAGMA foreign_keys = ON")
        .unwrap();
    let folder = Folder::with([("user.csv", "id,username\n1,ann\n"), ("login.csv", "user_id\n1\n")]);
    assert_eq!(db.load_data(folder.path()).unwrap(), 2);
}

// What stops a load.

/// What loading the files says; in no bind may a row of them be left.
fn refused<C: AsRef<[u8]>>(db: &Harness, files: impl IntoIterator<Item = (&'static str, C)>) -> String {
    let folder = Folder::with(files);
    let before = total(db);
    let error = db.load_data(folder.path()).unwrap_err();
    assert_eq!(total(db), before, "rows were left: {error}");
    let conn = db.connection("auth").unwrap();
    conn.execute_batch("BEGIN IMMEDIATE; ROLLBACK").expect("no transaction is left open");
    folder.shown(&error)
}

#[rstest]
fn an_error_in_one_bind_leaves_nothing_in_any(db: Harness) {
    let said = refused(
        &db,
        [
            ("post.csv", "title\nhello\n"),
            ("setting.sql", ""),
            ("main.sql", "INSERT INTO setting VALUES ('a', 'b');"),
            ("user.csv", "id,username\n1,ann\n"),
            ("login.csv", "id,user_id\n1,1\n2,\n"),
        ]
        .into_iter()
        .filter(|(name, _)| *name != "setting.sql"),
    );
    insta::assert_snapshot!(said, @"[folder]/login.csv:3 (bind `auth`): NOT NULL constraint failed: login.user_id; nothing was loaded");
}

#[rstest]
fn a_wrong_column_is_named_with_the_nearest_and_the_others(db: Harness) {
    insta::assert_snapshot!(refused(&db, [("user.csv", "\n\nid,usrname\n1,ann\n")]), @"[folder]/user.csv:3 (bind `auth`): table `user` has no column `usrname`: the nearest is `username`; its columns are id, username, age, boss; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("user.csv", "zzz\n")]), @"[folder]/user.csv:1 (bind `auth`): table `user` has no column `zzz`: its columns are id, username, age, boss; nothing was loaded");
    let generated = one_bind("CREATE TABLE t (a, b AS (a))");
    let folder = Folder::with([("t.csv", "a,b\n1,1\n")]);
    insta::assert_snapshot!(folder.shown(&generated.load_data(folder.path()).unwrap_err()), @r#"[folder]/t.csv:1 (bind `default`): cannot INSERT into generated column "b"; nothing was loaded"#);
}

#[rstest]
fn a_missing_table_is_named_with_the_nearest(db: Harness) {
    insta::assert_snapshot!(refused(&db, [("users.csv", "id\n1\n")]), @"[folder]/users.csv: no table `users` in any bind: the nearest name is `user` in auth; the file is named after its table; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("settings.csv", "id\n1\n")]), @"[folder]/settings.csv: no table `settings` in any bind: the nearest name is `setting` in default, auth; the file is named after its table; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("zzz.csv", "id\n")]), @"[folder]/zzz.csv: no table `zzz` in any bind; the file is named after its table; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("auth.post.csv", "id\n1\n")]), @"[folder]/auth.post.csv: no table `post` in bind `auth`; the file is named after its table; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("auth.usr.csv", "id\n1\n")]), @"[folder]/auth.usr.csv: no table `usr` in bind `auth`: the nearest name is `user`; the file is named after its table; nothing was loaded");
}

#[rstest]
fn data_of_a_bind_that_fails_stops_the_start() {
    let folder = Folder::with([("login.csv", "id\n1\n"), ("usr.csv", "id\n1\n"), ("user.txt", "")]);
    let start = |file: &str| {
        let auth = Bind::memory().schema(USERS).data(folder.file(file));
        folder.refused(Harness::builder().default_bind(Bind::memory().schema(POSTS)).bind("auth", auth).start())
    };
    insta::assert_snapshot!(start("login.csv"), @"[folder]/login.csv:2 (bind `auth`): NOT NULL constraint failed: login.user_id; nothing was loaded");
    insta::assert_snapshot!(start("usr.csv"), @"[folder]/usr.csv (bind `auth`): no table `usr` in bind `auth`: the nearest name is `user`; the file is named after its table; nothing was loaded");
    insta::assert_snapshot!(start("user.txt"), @"[folder]/user.txt (bind `auth`): `.txt` is no kind of data file: they are .csv, .json, .sql and .toml; nothing was loaded");
    insta::assert_snapshot!(start("none.csv"), @"[folder]/none.csv (bind `auth`): the file cannot be read: No such file or directory (os error 2); `[folder]` has no `none.csv`, and a relative path begins at the folder of the configuration file, in code at that of the crate under test; nothing was loaded");
}

#[rstest]
fn an_ambiguous_table_or_script_is_not_guessed(db: Harness) {
    insta::assert_snapshot!(refused(&db, [("setting.csv", "name\na\n")]), @"[folder]/setting.csv: table `setting` is in the binds default, auth: say which in the file's name, `default.setting.csv` for example; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("more.sql", "DELETE FROM setting")]), @"[folder]/more.sql: its name does not say which bind it is for: configured are default, auth; name it `default.more.sql` for example; nothing was loaded");
}

#[rstest]
fn a_bad_value_is_reported_in_sqlites_words_with_its_line(db: Harness) {
    insta::assert_snapshot!(refused(&db, [("user.csv", "id,username\r\n1,\"ann\r\nb.\"\r\n2,\r\n")]), @"[folder]/user.csv:4 (bind `auth`): NOT NULL constraint failed: user.username; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("user.csv", "username,age\nann,3\n\nbob,-1\n")]), @"[folder]/user.csv:4 (bind `auth`): CHECK constraint failed: age >= 0; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("user.csv", "id,username\nx,ann\n")]), @"[folder]/user.csv:2 (bind `auth`): datatype mismatch; nothing was loaded");
    let strict = one_bind("CREATE TABLE t (n INT) STRICT");
    let folder = Folder::with([("t.csv", "n\n1\nx\n")]);
    insta::assert_snapshot!(folder.shown(&strict.load_data(folder.path()).unwrap_err()), @"[folder]/t.csv:3 (bind `default`): cannot store TEXT value in INT column t.n; nothing was loaded");
}

#[rstest]
fn a_row_that_refers_to_none_is_named_with_its_line(db: Harness) {
    let users = ("user.csv", "id,username,boss\n1,ann,\n2,bob,3\n");
    insta::assert_snapshot!(refused(&db, [users]), @"[folder]/user.csv:3 (bind `auth`): FOREIGN KEY constraint failed: boss = 3 has no match in `user` (id); nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("auth.sql", "INSERT INTO login (user_id) VALUES (5)")]), @"[folder]/auth.sql (bind `auth`): FOREIGN KEY constraint failed: a row of `login` has no match in `user`; nothing was loaded");
    let (one, other) = ("INSERT INTO user (username) VALUES ('bob')", "INSERT INTO login (user_id) VALUES (5)");
    insta::assert_snapshot!(refused(&db, [("auth.a.sql", one), ("auth.b.sql", other)]), @"[folder]/auth.a.sql (bind `auth`): FOREIGN KEY constraint failed: a row of `login` has no match in `user`; one of these files wrote it: `auth.a.sql`, `auth.b.sql`; nothing was loaded");
    let trigger = "CREATE TRIGGER t AFTER INSERT ON user BEGIN INSERT INTO login (user_id) VALUES (77); END";
    db.connection("auth").unwrap().execute_batch(trigger).unwrap();
    insta::assert_snapshot!(refused(&db, [("user.csv", "id,username\n1,ann\n")]), @"[folder]/user.csv (bind `auth`): FOREIGN KEY constraint failed: a row of `login` has no match in `user`; nothing was loaded");
}

#[rstest]
fn data_for_a_dynamic_bind_without_databases_is_refused() {
    let tenant = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema(USERS);
    let db = Harness::builder().bind("tenant", tenant).start().unwrap();
    let folder = Folder::with([("tenant.sql", "DELETE FROM user")]);
    insta::assert_snapshot!(folder.shown(&db.load_data(folder.path()).unwrap_err()), @"[folder]/tenant.sql: no bind has a database yet: a dynamic bind gets one when it is first used; nothing was loaded");
}

#[rstest]
#[case::of_several_columns(
    "CREATE TABLE p (a, b, PRIMARY KEY (a, b)); CREATE TABLE c (x TEXT, y, FOREIGN KEY (x, y) REFERENCES p)",
    "[folder]/c.csv:3 (bind `default`): FOREIGN KEY constraint failed: x = 1, y = z has no match in `p` (a, b); nothing was loaded"
)]
#[case::without_rowids(
    "CREATE TABLE p (a PRIMARY KEY); CREATE TABLE c (x TEXT, y REFERENCES p, PRIMARY KEY (x)) WITHOUT ROWID",
    "[folder]/c.csv (bind `default`): FOREIGN KEY constraint failed: a row of `c` has no match in `p`; nothing was loaded"
)]
#[case::that_names_no_key(
    "CREATE TABLE p (a); CREATE TABLE c (x TEXT, y REFERENCES p (a))",
    "[folder]/c.csv:1 (bind `default`): foreign key mismatch - \"c\" referencing \"p\"; nothing was loaded"
)]
fn foreign_keys_of_other_kinds_are_checked_too(#[case] schema: &str, #[case] said: &str) {
    let db = one_bind(schema);
    let folder = Folder::with([("c.csv", "x,y\n2,\n1,z\n")]);
    assert_eq!(folder.shown(&db.load_data(folder.path()).unwrap_err()), said);
    assert_eq!(count(&db, None, "c"), 0);
}

#[rstest]
fn csv_that_is_not_well_formed_is_told_with_its_line(db: Harness) {
    let said = |csv: &'static str| refused(&db, [("user.csv", csv)]);
    insta::assert_snapshot!(said("id,username\n1,ann\n\n2\n"), @"[folder]/user.csv:4 (bind `auth`): the record has 1 field, the header row 2 fields; nothing was loaded");
    insta::assert_snapshot!(said("id,username\n1,ann,\n"), @"[folder]/user.csv:2 (bind `auth`): the record has 3 fields, the header row 2 fields; nothing was loaded");
    insta::assert_snapshot!(said("id,username\n1,\"ann\n2,bob\n"), @"[folder]/user.csv:2 (bind `auth`): a quoted field of this record is never closed; nothing was loaded");
    insta::assert_snapshot!(said("id,username\n1,ann\n2,\""), @"[folder]/user.csv:3 (bind `auth`): a quoted field of this record is never closed; nothing was loaded");
    insta::assert_snapshot!(said("\n"), @"[folder]/user.csv (bind `auth`): the file is empty: its first row names the columns; nothing was loaded");
    insta::assert_snapshot!(said("id,,username\n"), @"[folder]/user.csv:1 (bind `auth`): column 2 of the header row has no name; nothing was loaded");
    insta::assert_snapshot!(said("id,username,ID\n"), @"[folder]/user.csv:1 (bind `auth`): the header row names column `ID` twice; nothing was loaded");
}

#[rstest]
fn an_ambiguous_csv_error_names_the_line(db: Harness) {
    let said = |csv: &'static str| refused(&db, [("user.csv", csv)]);
    insta::assert_snapshot!(said("id,username\n1,\"ann\"a\n"), @r#"[folder]/user.csv:2 (bind `auth`): after the closing quote of `ann` comes `a`: write `""` for a quote within a field; nothing was loaded"#);
    insta::assert_snapshot!(said("id,username\n1,\"ann\" \n"), @r#"[folder]/user.csv:2 (bind `auth`): after the closing quote of `ann` comes a space: write `""` for a quote within a field; nothing was loaded"#);
    insta::assert_snapshot!(said("id,username\n1, \"ann\"\n"), @r#"[folder]/user.csv:2 (bind `auth`): the field ` "ann"` has a quote in it and is not quoted: put it in quotes and write `""` for its own; nothing was loaded"#);
    insta::assert_snapshot!(said("id,username\n1,a\"n\"n\n"), @r#"[folder]/user.csv:2 (bind `auth`): the field `a"n"n` has a quote in it and is not quoted: put it in quotes and write `""` for its own; nothing was loaded"#);
    insta::assert_snapshot!(said("id;username\n1;ann\n"), @"[folder]/user.csv:1 (bind `auth`): the names in the header row are separated by `;`: the fields of CSV are separated by commas, so save the file with commas; nothing was loaded");
    insta::assert_snapshot!(said("id;age\n1;1,5\n"), @"[folder]/user.csv:1 (bind `auth`): the names in the header row are separated by `;`: the fields of CSV are separated by commas, so save the file with commas; nothing was loaded");
    insta::assert_snapshot!(said("\"id\";\"username\"\n\"1\";\"ann\"\n"), @"[folder]/user.csv:1 (bind `auth`): after the closing quote of `id` comes `;`: the fields of CSV are separated by commas, so save the file with commas; nothing was loaded");
    insta::assert_snapshot!(said("id\tusername\n1\tann\n"), @"[folder]/user.csv:1 (bind `auth`): the names in the header row are separated by a tab: the fields of CSV are separated by commas, so save the file with commas; nothing was loaded");
    insta::assert_snapshot!(said("id|username\n1|ann\n"), @"[folder]/user.csv:1 (bind `auth`): the names in the header row are separated by `|`: the fields of CSV are separated by commas, so save the file with commas; nothing was loaded");
}

#[rstest]
fn a_number_that_sqlite_would_change_is_told_with_its_line(db: Harness) {
    let said = |csv: &'static str| refused(&db, [("user.csv", csv)]);
    insta::assert_snapshot!(said("username,age\nann,1\nbob,9223372036854775808\n"), @"[folder]/user.csv:3 (bind `auth`): column `age`: 9223372036854775808 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a real, or give the column the type TEXT; nothing was loaded");
    insta::assert_snapshot!(said("username,age\nann, -9223372036854775809\n"), @"[folder]/user.csv:2 (bind `auth`): column `age`: -9223372036854775809 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a real, or give the column the type TEXT; nothing was loaded");
    insta::assert_snapshot!(said("username,age\nann,\"+123456789012345678901234567890\"\n"), @"[folder]/user.csv:2 (bind `auth`): column `age`: +123456789012345678901234567890 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a real, or give the column the type TEXT; nothing was loaded");
    insta::assert_snapshot!(said("username,age\nann,1e999\n"), @"[folder]/user.csv:2 (bind `auth`): column `age`: 1e999 is beyond the numbers of SQLite; nothing was loaded");
    let bools = one_bind("CREATE TABLE t (paid BOOLEAN)");
    let folder = Folder::with([("t.csv", "paid\ntrue\nyes\n")]);
    insta::assert_snapshot!(folder.shown(&bools.load_data(folder.path()).unwrap_err()), @"[folder]/t.csv:3 (bind `default`): column `paid`: `yes` is no truth value: write true or false, 1 or 0; nothing was loaded");
}

#[rstest]
#[cfg(feature = "json")]
fn a_changed_json_string_error_names_the_line(db: Harness) {
    let json = "[{\"username\": \"ann\"},\n{\"username\": \"bob\", \"age\": \"9223372036854775808\"}]";
    insta::assert_snapshot!(refused(&db, [("user.json", json)]), @"[folder]/user.json:2 (bind `auth`): column `age`: 9223372036854775808 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a real, or give the column the type TEXT; nothing was loaded");
}

#[rstest]
#[cfg(feature = "json")]
fn a_json_error_names_the_line(db: Harness) {
    let said = |json: &'static str| refused(&db, [("user.json", json)]);
    insta::assert_snapshot!(said("[\n {\"username\": \"ann\"}\n {\"username\": \"bob\"}\n]"), @"[folder]/user.json:3 (bind `auth`): malformed JSON: expected `,` or `]`; nothing was loaded");
    insta::assert_snapshot!(said("{\"username\": \"ann\"}"), @"[folder]/user.json:1 (bind `auth`): malformed JSON: invalid type: map, expected a list of objects; nothing was loaded");
    insta::assert_snapshot!(said("[\n {},\n [1]]"), @"[folder]/user.json:3 (bind `auth`): malformed JSON: invalid type: sequence, expected an object of columns and values; nothing was loaded");
    insta::assert_snapshot!(said("[{\"username\":\n \"a\nb\"}]"), @"[folder]/user.json:2 (bind `auth`): malformed JSON: control character (\\u0000-\\u001F) found while parsing a string; nothing was loaded");
    insta::assert_snapshot!(said("[{\"username\": \"ann\",\n \"age\": 9223372036854775808}]"), @"[folder]/user.json:2 (bind `auth`): column `age`: 9223372036854775808 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a string or a real; nothing was loaded");
    insta::assert_snapshot!(said("[{\"username\": \"ann\",\n \"age\": 1e999}]"), @"[folder]/user.json:2 (bind `auth`): malformed JSON: number out of range; nothing was loaded");
    insta::assert_snapshot!(said("[{\"username\": \"ann\",\n \"Username\": \"bob\"}]"), @"[folder]/user.json:2 (bind `auth`): the object names column `Username` twice; nothing was loaded");
    insta::assert_snapshot!(said(""), @"[folder]/user.json:1 (bind `auth`): malformed JSON: EOF while parsing a value; nothing was loaded");
    insta::assert_snapshot!(said("[]\n[]"), @"[folder]/user.json:2 (bind `auth`): malformed JSON: trailing characters; nothing was loaded");
}

#[rstest]
#[cfg(feature = "json")]
fn an_invalid_json_row_is_reported_with_its_line(db: Harness) {
    insta::assert_snapshot!(refused(&db, [("user.json", "[\n {\"username\": \"ann\"},\n\n {\"username\": \"bob\",\n \"agee\": 3}]")]), @"[folder]/user.json:4 (bind `auth`): table `user` has no column `agee`: the nearest is `age`; its columns are id, username, age, boss; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("user.json", "[{\"username\": \"ann\"},\n{\"username\": \"ann\"}]")]), @"[folder]/user.json:2 (bind `auth`): UNIQUE constraint failed: user.username; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("login.json", "[{\"user_id\": 1},\n{\"user_id\": 2}]"), ("user.csv", "id,username\n1,ann\n")]), @"[folder]/login.json:2 (bind `auth`): FOREIGN KEY constraint failed: user_id = 2 has no match in `user` (id); nothing was loaded");
}

#[rstest]
fn sql_that_fails_is_told_with_its_line(db: Harness) {
    let said = |sql: &'static str| refused(&db, [("auth.sql", sql)]);
    insta::assert_snapshot!(said("INSERT INTO user (username) VALUES ('ann');\n\n-- why\nINSERT INTO user (username)\nVALUES ('ann');"), @"[folder]/auth.sql:4 (bind `auth`): UNIQUE constraint failed: user.username; nothing was loaded");
    insta::assert_snapshot!(said("INSERT INTO user (username) VALUES ('ann');\nINSERT INTO user\n  (usrname) VALUES ('bob')"), @"[folder]/auth.sql:2 (bind `auth`): table user has no column named usrname; nothing was loaded");
    insta::assert_snapshot!(said("INSERT OR ROLLBACK INTO user (id, username) VALUES (1, 'a'), (1, 'b')"), @"[folder]/auth.sql:1 (bind `auth`): UNIQUE constraint failed: user.id; nothing was loaded");
    insta::assert_snapshot!(said("INSERT INTO user (username) VALUES ('ann');\nSELECT '\0'"), @"[folder]/auth.sql:2 (bind `auth`): the SQL has a NUL character, where SQLite would stop reading; nothing was loaded");
}

#[rstest]
#[case("COMMIT")]
#[case("END TRANSACTION")]
#[case("ROLLBACK")]
#[case("BEGIN")]
fn sql_may_not_end_the_transaction_that_all_binds_depend_on(db: Harness, #[case] word: &str) {
    let sql = format!("INSERT INTO user (username) VALUES ('ann');\n/* now */ {word};");
    insta::allow_duplicates! {
        insta::assert_snapshot!(refused(&db, [("auth.sql", sql)]), @"[folder]/auth.sql:2 (bind `auth`): data is loaded in one transaction, so a data file neither begins nor ends one: take `BEGIN`, `COMMIT` and `ROLLBACK` out; nothing was loaded");
    }
}

#[rstest]
fn a_file_that_is_no_data_is_an_error(db: Harness) {
    insta::assert_snapshot!(refused(&db, [("user.csv", "id,username\n1,ann\n"), ("user.yaml", "")]), @"[folder]/user.yaml: `.yaml` is no kind of data file: they are .csv, .json, .sql and .toml; move it out of the folder, or hide it with a dot in front of its name; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("user", "")]), @"[folder]/user: a file without an extension is no data file: they are .csv, .json, .sql and .toml; move it out of the folder, or hide it with a dot in front of its name; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("user.csv", b"id,username\n1,\xff\n")]), @"[folder]/user.csv:2: the text is not UTF-8 from byte 15 on: save the file as UTF-8; nothing was loaded");
    insta::assert_snapshot!(refused(&db, [("", ""); 0]), @"[folder]: the folder has no data file: .csv, .json, .sql or .toml; nothing was loaded");
}
