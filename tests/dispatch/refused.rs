//! What the session does not run, and hostile text: an error each time, and nothing done.

use multibind::{Error, Harness};
use rstest::rstest;

use crate::binds::{blog, changed_by, read};

#[test]
fn transactions_and_attached_databases_are_the_sessions_own() {
    let db = blog();
    let refused = |sql: &str| {
        let mut session = db.session();
        let error = session.execute(sql, []).unwrap_err();
        let told = session.on("auth").unwrap().execute(sql, []).unwrap_err();
        let batch = session.execute_batch(sql).unwrap_err();
        assert_eq!(error.to_string(), told.to_string());
        assert_eq!(error.to_string(), batch.to_string());
        assert_eq!(error.to_string(), session.route(sql).unwrap_err().to_string());
        error
    };
    insta::assert_snapshot!(refused("BEGIN"), @"
    the session does not run this statement: BEGIN is the session's own: its first statement on a bind begins the transaction
      in: BEGIN
    ");
    insta::assert_snapshot!(refused("begin immediate /* now */"), @"
    the session does not run this statement: BEGIN is the session's own: its first statement on a bind begins the transaction
      in: begin immediate /* now */
    ");
    insta::assert_snapshot!(refused("COMMIT"), @"
    the session does not run this statement: COMMIT is the session's own: call `session.commit()`
      in: COMMIT
    ");
    insta::assert_snapshot!(refused("END TRANSACTION"), @"
    the session does not run this statement: COMMIT is the session's own: call `session.commit()`
      in: END TRANSACTION
    ");
    insta::assert_snapshot!(refused("ROLLBACK"), @"
    the session does not run this statement: ROLLBACK is the session's own: call `session.rollback()`
      in: ROLLBACK
    ");
    insta::assert_snapshot!(refused("SAVEPOINT a"), @"
    the session does not run this statement: SAVEPOINT is the session's own: call `session.savepoint()`
      in: SAVEPOINT a
    ");
    insta::assert_snapshot!(refused("RELEASE a"), @"
    the session does not run this statement: RELEASE is the session's own: call `commit()` on what `session.savepoint()` gave
      in: RELEASE a
    ");
    insta::assert_snapshot!(refused("ROLLBACK TO a"), @"
    the session does not run this statement: ROLLBACK TO is the session's own: call `rollback()` on what `session.savepoint()` gave
      in: ROLLBACK TO a
    ");
    insta::assert_snapshot!(refused("ATTACH 'other.db' AS other"), @"
    the session does not run this statement: ATTACH is the session's own: name a table as `key.table`, or configure a bind for the database
      in: ATTACH 'other.db' AS other
    ");
    insta::assert_snapshot!(refused("DETACH auth"), @"
    the session does not run this statement: DETACH is the session's own: a bind is attached for as long as a statement needs it
      in: DETACH auth
    ");
    insta::assert_snapshot!(refused("EXPLAIN BEGIN"), @"
    the session does not run this statement: BEGIN is the session's own: its first statement on a bind begins the transaction
      in: EXPLAIN BEGIN
    ");
}

#[test]
fn one_call_runs_one_statement() {
    let db = blog();
    let mut session = db.session();
    let mut refused = |sql: &str| session.execute(sql, []).unwrap_err();
    insta::assert_snapshot!(refused("DELETE FROM post; DELETE FROM user"), @"
    the session does not run this statement: there are 2 statements: give them to `execute_batch`
      in: DELETE FROM post; DELETE FROM user
    ");
    insta::assert_snapshot!(refused(""), @"the session does not run this statement: it is empty");
    insta::assert_snapshot!(refused(" ;;; "), @"
    the session does not run this statement: it is empty
      in: ;;;
    ");
    insta::assert_snapshot!(refused("-- nothing but a comment"), @"
    the session does not run this statement: it is empty
      in: -- nothing but a comment
    ");
    insta::assert_snapshot!(refused("DELETE FROM post\0; DELETE FROM user"), @r"
    the session does not run this statement: the SQL has a NUL character, where SQLite would stop reading
      in: DELETE FROM post\0; DELETE FROM user
    ");
    session.execute("DELETE FROM post;;; -- and no more", []).unwrap();
    session.execute_batch(" ;; -- nothing\n ; /* nothing").unwrap();
}

#[rstest]
#[case::typo("SELEC 1")]
#[case::unterminated_string("SELECT 'abc FROM user")]
#[case::unterminated_name("SELECT * FROM \"user")]
#[case::unterminated_bracket("SELECT * FROM [user")]
#[case::unterminated_backtick("DELETE FROM `user")]
#[case::unterminated_string_after_a_write("DELETE FROM user WHERE name = 'x; DELETE FROM post")]
#[case::nul("SELECT 1\0")]
#[case::nul_in_a_string("INSERT INTO post (title) VALUES ('a\0b')")]
#[case::nul_in_a_name("DELETE FROM us\0er")]
#[case::nul_first("\0DELETE FROM user")]
#[case::empty("")]
#[case::blanks(" \t\r\n\u{c}")]
#[case::semicolons(";;;;")]
#[case::comment("-- DELETE FROM user")]
#[case::block_comment("/* DELETE FROM user */")]
#[case::unterminated_comment("/* DELETE FROM user")]
#[case::unbalanced("SELECT ((1)")]
#[case::invalid_token("SELECT @ FROM user WHERE ¤ = ?")]
#[case::invalid_number("SELECT 1abc FROM user")]
#[case::invalid_blob("SELECT x'0g'")]
#[case::wide_blank("DELETE\u{a0}FROM user")]
#[case::commit_behind_a_wide_blank("\u{a0}COMMIT")]
#[case::keyword_as_a_name("DELETE FROM table")]
#[case::keywords("SELECT FROM WHERE SELECT")]
#[case::explain_of_nothing("EXPLAIN")]
#[case::explain_twice("EXPLAIN EXPLAIN DELETE FROM user")]
#[case::explain_of_two("EXPLAIN DELETE FROM user; DELETE FROM user")]
#[case::two("DELETE FROM user; DELETE FROM post")]
#[case::two_with_a_comment("DELETE FROM user; /* ; */ DELETE FROM post")]
#[case::a_second_that_is_no_sql("DELETE FROM post; nonsense")]
#[case::half_a_trigger("CREATE TRIGGER t AFTER INSERT ON user BEGIN DELETE FROM post;")]
#[case::half_a_trigger_and_more(
    "CREATE TRIGGER t AFTER INSERT ON user BEGIN SELECT 1; DELETE FROM post; DELETE FROM user"
)]
#[case::unknown_table("DELETE FROM nowhere")]
#[case::unknown_column("UPDATE user SET nothing = 1")]
#[case::unknown_bind("DELETE FROM nobody.user")]
#[case::unknown_bind_of_a_new_table("CREATE TABLE \"no body\".t (x)")]
#[case::unknown_bind_of_a_pragma("PRAGMA nobody.user_version")]
#[case::unknown_bind_of_a_vacuum("VACUUM nobody")]
#[case::empty_name("DELETE FROM \"\"")]
#[case::empty_bind("DELETE FROM \"\".user")]
#[case::schema_table("DELETE FROM sqlite_schema")]
#[case::schema_table_of_a_bind("UPDATE auth.sqlite_master SET sql = ''")]
#[case::reserved_name("CREATE TABLE sqlite_mine (x)")]
#[case::right_table_wrong_bind("DELETE FROM \"me ta\".user")]
#[case::a_name_that_is_no_key("DELETE FROM default.post")]
fn hostile_text_is_an_error_and_does_nothing(#[case] sql: &str) {
    let db = blog();
    let changed = changed_by(&db, |session| {
        assert!(session.route(sql).is_err());
        assert!(session.execute(sql, []).is_err());
        assert!(session.query(sql, [], |_| Ok(())).is_err());
        assert!(session.query_row(sql, [], |_| Ok(())).is_err());
        assert!(session.on("auth").unwrap().execute(sql, []).is_err() || sql.starts_with("DELETE FROM post;"));
        assert_eq!(read(session, "SELECT count(*) FROM user"), ["2"]);
    });
    assert_eq!(changed, [""; 0]);
}

#[test]
fn a_batch_stops_where_it_is_no_sql() {
    let db = blog();
    let changed = changed_by(&db, |session| {
        let error = session.execute_batch("DELETE FROM post; DELETE FROM 'user; DELETE FROM role").unwrap_err();
        assert!(matches!(error, Error::Prepare { .. }), "{error}");
        assert!(session.execute_batch("DELETE FROM user;\0 DELETE FROM role").is_err());
    });
    assert_eq!(changed, ["default"]);
}

const MEGABYTE: usize = 1 << 20;

/// The error's text is for people: as long as they would read.
fn refused_in_short(db: &Harness, sql: &str) -> Error {
    let mut session = db.session();
    let error = session.execute(sql, []).unwrap_err();
    assert!(error.to_string().len() < 2000, "{} bytes", error.to_string().len());
    assert!(session.on("auth").unwrap().execute(sql, []).is_err());
    assert_eq!(read(&mut session, "SELECT count(*) FROM user"), ["2"]);
    error
}

#[rstest]
#[case::open("(", "")]
#[case::selects("SELECT (", "")]
#[case::closed("SELECT ", ")")]
#[case::minus("SELECT -", "")]
#[case::not("SELECT NOT ", "")]
#[case::quotes("SELECT '", "")]
#[case::double_quotes("SELECT \"", "")]
#[case::brackets("SELECT [", "")]
#[case::dots("SELECT a.", "")]
#[case::question_marks("SELECT ?", "")]
fn a_megabyte_of_one_thing_is_an_error(#[case] start: &str, #[case] end: &str) {
    let db = blog();
    let unit = if start.len() < 3 { start } else { start.trim_start_matches("SELECT ") };
    let unit = if unit.is_empty() { "(" } else { unit };
    let sql = format!("{start}{}{end}", unit.repeat(MEGABYTE / unit.len() + 1));
    refused_in_short(&db, &sql);
}

#[test]
fn deep_nesting_is_an_error() {
    let db = blog();
    // SQLite limits how deep its parser goes since 3.53; before, a query nested deeper overflows a small stack.
    let limited = multibind::rusqlite::version_number() >= 3_053_000;
    for depth in [200, 3000, 50_000].into_iter().take(if limited { 3 } else { 1 }) {
        refused_in_short(&db, &format!("SELECT {}1{} FROM nowhere", "(".repeat(depth), ")".repeat(depth)));
        refused_in_short(
            &db,
            &format!("{}SELECT * FROM nowhere{}", "SELECT * FROM (".repeat(depth), ")".repeat(depth)),
        );
        refused_in_short(&db, &format!("SELECT 1{} FROM nowhere", " + 1".repeat(depth)));
        refused_in_short(&db, &format!("SELECT * FROM nowhere{}", " UNION SELECT 1".repeat(depth)));
        refused_in_short(&db, &format!("SELECT {}1 FROM nowhere", "1 IN (SELECT ".repeat(depth)));
    }
}

#[test]
fn very_long_names_are_errors_or_names() {
    let db = blog();
    let long = "n".repeat(MEGABYTE);
    refused_in_short(&db, &format!("SELECT * FROM {long}"));
    refused_in_short(&db, &format!("SELECT * FROM {long}.user"));
    refused_in_short(&db, &format!("SELECT {long} FROM user"));
    refused_in_short(&db, &format!("CREATE TABLE {long}.t (x)"));
    refused_in_short(&db, &format!("PRAGMA {long}.table_info(user)"));
    refused_in_short(&db, &format!("DROP INDEX {long}"));
    let mut session = db.session();
    session.execute(&format!("CREATE TABLE auth.{long} (x)"), []).unwrap();
    assert_eq!(session.route(&format!("DELETE FROM {long}")).unwrap().to_string(), "writes auth");
}

#[test]
fn a_long_text_of_nothing_is_nothing() {
    // So long that a stack frame for each part would not fit.
    const LENGTH: usize = 100_000;
    let db = blog();
    let mut session = db.session();
    for nothing in [" ", "\n", ";", "-- ;\n", "/*;*/", "--\n;/* x */"] {
        session.execute_batch(&nothing.repeat(LENGTH / nothing.len())).unwrap();
        let wrapped = format!("{}SELECT name FROM user", nothing.repeat(LENGTH / nothing.len()));
        assert_eq!(read(&mut session, &wrapped), ["ann", "bob"]);
    }
}
