//! More binds than SQLite attaches to one connection.

use multibind::{row, Bind, Harness};
use rstest::rstest;

use crate::binds::read;

/// 64 binds beside the default one, each with a table of its own, a view, an index, a trigger and a `log`.
fn many() -> Harness {
    many_of(64)
}

fn many_of(binds: usize) -> Harness {
    let mut builder =
        Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE post (x); CREATE TABLE log (x)"));
    for at in 0..binds {
        builder = builder.bind(
            format!("bind {at}"),
            Bind::memory().schema(format!(
                "CREATE TABLE own_{at} (x); CREATE TABLE log (x);
                 CREATE VIEW view_{at} AS SELECT x FROM own_{at}; CREATE VIEW constant_{at} AS SELECT {at} AS x;
                 CREATE INDEX index_{at} ON own_{at} (x);
                 CREATE TRIGGER trigger_{at} AFTER INSERT ON own_{at} BEGIN INSERT INTO log VALUES (NEW.x); END;
                 INSERT INTO own_{at} VALUES ({at});"
            )),
        );
    }
    builder.start().unwrap()
}

#[test]
fn each_of_24_binds_is_reached() {
    let db = many_of(24);
    let mut session = db.session();
    for at in (0..24).rev() {
        assert_eq!(read(&mut session, &format!("SELECT x FROM own_{at}")), [at.to_string()]);
        assert_eq!(read(&mut session, &format!("SELECT count(*) FROM own_{at}")), ["1"]);
        assert_eq!(read(&mut session, &format!("SELECT x FROM view_{at}")), [at.to_string()]);
        assert_eq!(read(&mut session, &format!("SELECT count(*) FROM constant_{at}")), ["1"]);
        assert_eq!(read(&mut session, &format!("SELECT x FROM \"bind {at}\".log")), [at.to_string()]);
        session.execute(&format!("UPDATE own_{at} SET x = x + 100"), []).unwrap();
        session.table(&format!("bind {at}.log")).unwrap().insert(row! { x: at }).unwrap();
    }
    session.commit().unwrap();
    for at in 0..24 {
        db.assert_landed(format!("bind {at}").as_str(), &format!("own_{at}"), row! { x: at + 100 });
    }
}

#[rstest]
#[case::drop_table("DROP TABLE own_40", "reads bind 40, writes bind 40")]
#[case::drop_table_if_exists("DROP TABLE IF EXISTS own_40", "reads bind 40, writes bind 40")]
#[case::drop_view("DROP VIEW view_41", "reads bind 41, writes bind 41")]
#[case::drop_index("DROP INDEX index_42", "reads bind 42, writes bind 42")]
#[case::drop_index_if_exists("DROP INDEX IF EXISTS index_42", "reads bind 42, writes bind 42")]
#[case::drop_trigger("DROP TRIGGER trigger_43", "reads bind 43, writes bind 43")]
#[case::drop_qualified("DROP TABLE \"bind 44\".log", "reads bind 44, writes bind 44")]
#[case::drop_nothing("DROP TABLE IF EXISTS nowhere", "touches no table")]
#[case::create("CREATE TABLE \"bind 45\".t (x)", "reads bind 45, writes bind 45")]
#[case::create_by_brackets("CREATE TABLE IF NOT EXISTS [BIND 45].t (x)", "reads bind 45, writes bind 45")]
#[case::create_as("CREATE TABLE \"bind 46\".t AS SELECT x FROM own_46", "reads bind 46, writes bind 46")]
#[case::create_view("CREATE VIEW \"bind 46\".v AS SELECT x FROM own_46", "reads bind 46, writes bind 46")]
#[case::create_index("CREATE INDEX i ON own_47 (x)", "writes bind 47")]
#[case::create_index_qualified("CREATE INDEX \"bind 47\".i ON own_47 (x)", "reads bind 47, writes bind 47")]
#[case::create_index_if_not_exists("CREATE INDEX IF NOT EXISTS \"bind 47\".index_47 ON own_47 (x)", "touches no table")]
#[case::create_trigger("CREATE TRIGGER t AFTER DELETE ON own_48 BEGIN SELECT 1; END", "writes bind 48")]
#[case::rename("ALTER TABLE own_49 RENAME TO renamed", "reads bind 49, writes bind 49")]
#[case::analyze("ANALYZE own_50", "writes bind 50")]
#[case::analyze_an_index("ANALYZE index_50", "writes bind 50")]
#[case::reindex("REINDEX own_51", "writes bind 51")]
#[case::reindex_an_index("REINDEX index_51", "writes bind 51")]
#[case::reindex_qualified("REINDEX \"bind 51\".index_51", "writes bind 51")]
#[case::vacuum("VACUUM \"bind 52\"", "writes bind 52")]
#[case::vacuum_default("VACUUM", "writes default")]
#[case::pragma("PRAGMA table_info(own_53)", "reads bind 53")]
#[case::pragma_qualified("PRAGMA [bind 54].table_info(log)", "reads bind 54")]
#[case::insert("INSERT INTO own_55 SELECT x FROM view_55", "reads bind 55, writes bind 55")]
#[case::explain("EXPLAIN QUERY PLAN SELECT count(*) FROM own_56", "reads bind 56")]
#[case::cte("WITH own_57 AS (SELECT 1) SELECT count(*) FROM own_57", "touches no table")]
#[case::constant("SELECT 1", "touches no table")]
fn any_statement_finds_one_of_64_binds(#[case] sql: &str, #[case] route: &str) {
    let db = many();
    let mut session = db.session();
    assert_eq!(session.route(sql).unwrap().to_string(), route);
    session.query(sql, [], |_| Ok(())).unwrap();
    session.commit().unwrap();
}

#[test]
fn a_few_of_64_binds_join() {
    let db = many();
    let mut session = db.session();
    for at in (0..60).step_by(7) {
        let sql = format!(
            "SELECT a.x, b.x, c.x FROM own_{at} a, own_{} b, constant_{} c WHERE NOT EXISTS (SELECT 1 FROM post)",
            at + 1,
            at + 3
        );
        assert_eq!(read(&mut session, &sql), [format!("{at}|{}|{}", at + 1, at + 3)]);
    }
    let sql = "SELECT a.x + b.x FROM \"bind 5\".log a, \"bind 60\".log b";
    assert_eq!(session.route(sql).unwrap().to_string(), "reads bind 5, bind 60");
    assert_eq!(read(&mut session, sql), ["65"]);
}

fn union(count: usize) -> String {
    (0..count).map(|at| format!("SELECT x FROM own_{at}")).collect::<Vec<_>>().join(" UNION ALL ")
}

#[test]
fn ten_binds_beside_the_default_one_join_and_no_more() {
    let db = many();
    let mut session = db.session();
    assert_eq!(read(&mut session, &union(10)).len(), 10);
    assert_eq!(read(&mut session, &format!("{} UNION ALL SELECT x FROM post", union(10))).len(), 10);
    insta::assert_snapshot!(session.query(&union(11), [], |_| Ok(())).unwrap_err(), @"
    the session does not run this statement: it names 11 binds beside the default one, and SQLite attaches no more than 10: split it
      in: SELECT x FROM own_0 UNION ALL SELECT x FROM own_1 UNION ALL SELECT x FROM own_2 UNION ALL SELECT x FROM own_3 UNION ALL SELECT x FROM own_4 UNION ALL SELECT x FROM own_5 UNION ALL SELECT x FROM own_6 UNION ALL SELECT x FROM own_7 UNION ALL SELECT x FROM own_8 UNION ALL SELECT x FROM own_9 UNION ALL  … (320 bytes)
    ");
    assert!(session.route(&union(64)).is_err());
    assert_eq!(read(&mut session, "SELECT x FROM own_63"), ["63"]);
}

#[test]
fn a_name_that_all_have_is_ambiguous() {
    let db = many();
    let error = db.session().route("SELECT x FROM log").unwrap_err();
    let multibind::Error::AmbiguousTable { binds, .. } = &error else { panic!("{error}") };
    assert_eq!(binds.len(), 65);
    let without = Harness::builder();
    let without = (0..12).fold(without, |builder, at| {
        builder.bind(format!("b{at}"), Bind::memory().schema("CREATE TABLE log (x); CREATE INDEX i ON log (x)"))
    });
    let db = without.start().unwrap();
    for sql in [
        "SELECT * FROM log",
        "SELECT count(*) FROM log",
        "DELETE FROM log",
        "DROP INDEX i",
        "DROP TABLE IF EXISTS log",
        "REINDEX i",
        "ANALYZE log",
        "CREATE INDEX j ON log (x)",
    ] {
        let error = db.session().route(sql).unwrap_err();
        assert!(matches!(error, multibind::Error::AmbiguousTable { .. }), "{sql}: {error}");
    }
}

#[test]
fn maintenance_without_a_name_reaches_every_bind() {
    let db = many_of(24);
    let mut session = db.session();
    session.execute("ANALYZE", []).unwrap();
    session.commit().unwrap();
    for at in 0..24 {
        db.assert_landed(format!("bind {at}").as_str(), "sqlite_stat1", row! { tbl: format!("own_{at}") });
    }
    session.execute("REINDEX", []).unwrap();
}

#[test]
fn pragma_functions_want_a_bind_among_so_many() {
    let db = many();
    let mut session = db.session();
    let sql = "SELECT name FROM pragma_table_info('own_3')";
    insta::assert_snapshot!(session.query(sql, [], |_| Ok(())).unwrap_err(), @"
    the session does not run this statement: `pragma_table_info` looks names up in every bind, and SQLite attaches no more than 10: name the bind with `session.on(key)`
      in: SELECT name FROM pragma_table_info('own_3')
    ");
    let columns = session.on("bind 3").unwrap().query(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(columns, ["x"]);
}

#[test]
fn a_table_named_like_a_function_is_the_table() {
    let builder = (0..20).fold(Harness::builder(), |builder, at| {
        builder.bind(format!("b{at}"), Bind::memory().schema(format!("CREATE TABLE t{at} (x)")))
    });
    let db = builder.bind("json", Bind::memory().schema("CREATE TABLE json_each (value)")).start().unwrap();
    assert_eq!(db.session().route("SELECT value FROM json_each").unwrap().to_string(), "reads json");
}
