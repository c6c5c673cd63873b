//! What SQLite resolves counts, whether it reads it or not, and nothing else does.

use multibind::rusqlite::Connection;
use multibind::{row, Bind, Error, Harness};
use rstest::rstest;

use crate::binds::{blog, changed_by, read};

#[rstest]
#[case::joined_by_a_column("SELECT text FROM note JOIN docs USING (title)")]
#[case::joined_by_all_columns("SELECT text FROM note NATURAL JOIN docs")]
#[case::joined_to_no_use("SELECT text FROM note LEFT JOIN docs USING (title)")]
#[case::joined_on("SELECT text FROM note JOIN docs ON note.title = docs.title")]
#[case::joined_first("SELECT text FROM docs JOIN note USING (title)")]
#[case::joined_in_parentheses("SELECT text FROM note JOIN (docs JOIN post USING (title)) USING (title)")]
#[case::as_an_alias("SELECT text FROM note JOIN docs AS d USING (title)")]
#[case::beside_the_qualified_one("SELECT 1 FROM main.docs JOIN docs USING (title)")]
#[case::without_effect("SELECT text FROM note WHERE 1 OR EXISTS (SELECT 1 FROM docs)")]
#[case::in_the_order("SELECT max(text) FROM note ORDER BY (SELECT count(*) FROM docs)")]
#[case::in_an_unused_cte_column("WITH a AS (SELECT text, (SELECT 1 FROM docs) AS b FROM note) SELECT text FROM a")]
#[case::in_a_select("SELECT text IN docs FROM note")]
#[case::in_a_write("UPDATE note SET text = 'x' WHERE 1 OR EXISTS (SELECT 1 FROM docs)")]
#[case::in_what_a_write_returns("INSERT INTO note (text) VALUES ('x') RETURNING (SELECT 1 FROM docs)")]
#[case::in_an_upsert(
    "INSERT INTO note (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET text = (SELECT max(title) FROM docs)"
)]
#[case::explained("EXPLAIN SELECT text FROM note JOIN docs USING (title)")]
#[case::its_plan("EXPLAIN QUERY PLAN SELECT text FROM note NATURAL JOIN docs")]
#[case::matched("SELECT 1 FROM docs WHERE docs MATCH 'x'")]
#[case::beside_a_function("SELECT text FROM note JOIN docs USING (title), json_each('[1]')")]
fn a_virtual_table_can_be_ambiguous(#[case] sql: &str) {
    for (one, other) in [
        ("CREATE VIRTUAL TABLE docs USING fts5 (title)", "CREATE TABLE docs (title)"),
        ("CREATE VIEW docs AS SELECT 1 AS title", "CREATE VIRTUAL TABLE docs USING fts5 (title)"),
    ] {
        let db = Harness::builder()
            .default_bind(Bind::memory().schema(format!("{one}; CREATE TABLE post (title)")))
            .bind("auth", Bind::memory().schema("CREATE TABLE note (id INTEGER PRIMARY KEY, title, text)"))
            .bind("meta", Bind::memory().schema(other))
            .start()
            .unwrap();
        let error = db.session().route(sql).unwrap_err();
        assert!(matches!(&error, Error::AmbiguousTable { table, .. } if table == "docs"), "{error}");
    }
}

/// Two binds with tables, a virtual one and a partial index each.
fn pair() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema(
            "CREATE TABLE post (id INTEGER PRIMARY KEY, title, author); CREATE VIRTUAL TABLE word USING fts5 (title);
             CREATE INDEX some ON post (title) WHERE author IS NOT NULL;
             CREATE TABLE t0 (a, b AS (a + 1)); CREATE TABLE t1 (a, b AS (a + 1));
             INSERT INTO post VALUES (1, 'one', 'ann'), (2, 'two', NULL); INSERT INTO word VALUES ('one');
             INSERT INTO t0 VALUES (1), (2);",
        ))
        .bind(
            "auth",
            Bind::memory().schema(
                "CREATE TABLE user (id INTEGER PRIMARY KEY, name, housing); CREATE TABLE role (id, name);
             CREATE VIRTUAL TABLE term USING fts5 (title); CREATE VIEW boss AS SELECT id, name FROM user;
             CREATE TABLE copied (id INTEGER PRIMARY KEY, name, housing);
             INSERT INTO user VALUES (1, 'ann', '[1]'), (2, 'bob', '[2]'); INSERT INTO term VALUES ('one');",
            ),
        )
        .start()
        .unwrap()
}

#[rstest]
#[case::or_exists("SELECT title FROM post WHERE 1 OR EXISTS (SELECT 1 FROM user)", "reads default, auth", &["one", "two"])]
#[case::in_the_order_of_one_row("SELECT max(title) FROM post ORDER BY (SELECT count(*) FROM user)", "reads default, auth", &["two"])]
#[case::in_the_order_of_a_constant("SELECT title FROM post WHERE id = 1 ORDER BY (SELECT count(*) FROM boss)", "reads default, auth", &["one"])]
#[case::in_a_column_that_nobody_reads("SELECT title FROM (SELECT title, (SELECT count(*) FROM user) AS users FROM post) ORDER BY 1", "reads default, auth", &["one", "two"])]
#[case::in_a_cte_column_that_nobody_reads("WITH a AS (SELECT title, (SELECT count(*) FROM user) AS b FROM post) SELECT title FROM a", "reads default, auth", &["one", "two"])]
#[case::in_an_outer_join_that_nobody_reads("SELECT post.title FROM post LEFT JOIN user ON post.id = user.id", "reads default, auth", &["one", "two"])]
#[case::in_a_branch("SELECT CASE WHEN 1 THEN title ELSE (SELECT name FROM user) END FROM post", "reads default, auth", &["one", "two"])]
#[case::coalesced("SELECT coalesce(1, (SELECT name FROM user)) FROM post LIMIT 1", "reads default, auth", &["1"])]
#[case::only_there("SELECT 1 WHERE 1 OR EXISTS (SELECT 1 FROM user)", "reads auth", &["1"])]
#[case::only_in_the_default_bind("SELECT 1 WHERE 1 OR EXISTS (SELECT 1 FROM post)", "reads default", &["1"])]
#[case::never_resolved("SELECT title FROM post WHERE 0 AND EXISTS (SELECT 1 FROM user)", "reads default", &[])]
#[case::an_unused_cte("WITH a AS (SELECT * FROM user) SELECT title FROM post", "reads default", &["one", "two"])]
#[case::virtual_joined_by_a_column("SELECT name FROM user JOIN word USING (title)", "", &[])]
#[case::virtual_of_both("SELECT count(*) FROM word JOIN term USING (title)", "reads default, auth", &["1"])]
#[case::virtual_beside_a_function("SELECT author FROM post JOIN word USING (title), json_each('[1]')", "reads default", &["ann"])]
#[case::virtual_of_the_default_bind_beside_a_function("SELECT value FROM term JOIN word USING (title), json_each('[1]')", "reads default, auth", &["1"])]
#[case::virtual_alone_beside_a_function("SELECT value FROM json_each('[1]') JOIN word ON 1", "reads default", &["1"])]
#[case::natural_of_virtual_tables("SELECT 1 FROM term NATURAL JOIN word", "reads default, auth", &["1"])]
#[case::a_name_with_the_letters_of_a_join("SELECT value FROM user, json_each(housing)", "reads auth", &["1", "2"])]
#[case::text_with_the_letters_of_a_join("SELECT 'natural using main.post' FROM user LIMIT 1", "reads auth", &["natural using main.post"])]
#[case::a_partial_index("SELECT author FROM post INDEXED BY some WHERE author IS NOT NULL", "reads default", &["ann"])]
#[case::an_aggregate_of_an_outer_column("SELECT (SELECT sum(post.id) UNION SELECT 0 ORDER BY 1 DESC) FROM post", "reads default", &["3"])]
#[case::the_default_binds_schema_joined_by_a_column("SELECT 1 FROM user JOIN main.sqlite_schema USING (name)", "reads default, auth", &[])]
#[case::the_schema_joined_by_a_column("SELECT 1 FROM user JOIN sqlite_schema USING (name)", "reads default, auth", &[])]
#[case::its_own_schema_joined_by_a_column("SELECT 1 FROM user JOIN auth.sqlite_schema USING (name)", "reads auth", &[])]
fn a_query_needs_the_binds_that_sqlite_resolves(#[case] sql: &str, #[case] route: &str, #[case] expected: &[&str]) {
    let db = pair();
    let mut session = db.session();
    match session.route(sql) {
        Ok(found) => assert_eq!(found.to_string(), route),
        // What SQLite itself refuses, beside all.
        Err(error) => return assert!(route.is_empty() && matches!(error, Error::Prepare { .. }), "{error}"),
    }
    assert_eq!(read(&mut session, sql), expected);
    // Every schema has a table that describes it, which is missed nowhere: only a program tells that it is read.
    for explain in ["EXPLAIN", "EXPLAIN QUERY PLAN"].iter().filter(|_| !sql.contains("sqlite_schema")) {
        let explained = format!("{explain} {sql}");
        assert_eq!(session.route(&explained).unwrap().to_string(), route, "{explained}");
        session.query(&explained, [], |_| Ok(())).unwrap();
    }
}

/// A table of three columns is no list of values, which SQLite overlooks from 3.54 on where the rest decides.
#[test]
fn a_query_that_sqlite_refuses_in_some_versions_needs_what_the_linked_one_says() {
    let sql = "SELECT title FROM post WHERE 1 OR id IN user";
    let beside = Connection::open_in_memory().unwrap();
    beside.execute_batch("CREATE TABLE post (id, title, author); CREATE TABLE user (id, name, housing)").unwrap();
    match (beside.prepare(sql), pair().session().route(sql)) {
        (Ok(_), Ok(route)) => assert_eq!(route.to_string(), "reads default, auth"),
        (Err(refused), Err(Error::Prepare { source, .. })) => assert_eq!(source, refused),
        (alone, routed) => panic!("{alone:?}, but {routed:?}"),
    }
}

#[rstest]
#[case::or_exists("UPDATE post SET title = 'x' WHERE 1 OR EXISTS (SELECT 1 FROM user)")]
#[case::a_branch("DELETE FROM post WHERE CASE WHEN 1 THEN 0 ELSE (SELECT 1 FROM user) END")]
#[case::what_is_returned("DELETE FROM post RETURNING coalesce(1, (SELECT 1 FROM user))")]
#[case::what_a_conflict_does(
    "INSERT INTO post (id) VALUES (9) ON CONFLICT (id) DO UPDATE SET title = (SELECT max(name) FROM user)"
)]
#[case::joined_by_a_column("INSERT INTO post (title) SELECT 1 FROM role JOIN user USING (id)")]
#[case::joined_in_the_default_bind("INSERT INTO user (name) SELECT 1 FROM post JOIN word USING (title)")]
#[case::the_schema_joined_by_a_column(
    "INSERT INTO role (name) SELECT 1 FROM user JOIN main.sqlite_schema USING (name)"
)]
#[case::all_rows_at_once("INSERT INTO t1 SELECT id FROM role")]
#[case::all_rows_and_columns("INSERT INTO main.post SELECT * FROM user")]
#[case::all_of_another_bind("INSERT INTO copied SELECT * FROM main.post")]
#[case::values("INSERT INTO post (title) VALUES ((SELECT 1 FROM user WHERE 0))")]
fn a_write_that_resolves_another_binds_table_is_refused(#[case] sql: &str) {
    let db = pair();
    let changed = changed_by(&db, |session| {
        let error = session.execute(sql, []).unwrap_err();
        assert!(matches!(error, Error::CrossBindWrite { .. }), "{error}");
        assert!(matches!(session.route(sql).unwrap_err(), Error::CrossBindWrite { .. }));
    });
    assert_eq!(changed, [""; 0]);
}

#[rstest]
#[case::letters(
    "UPDATE user SET name = 'x' WHERE id IN (SELECT value FROM json_each(user.housing))",
    "reads auth, writes auth",
    "auth"
)]
#[case::letters_of_main("UPDATE user SET name = 'main.post' WHERE id = 1", "reads auth, writes auth", "auth")]
#[case::generated_columns("INSERT INTO t1 SELECT * FROM t0", "reads default, writes default", "default")]
#[case::all_rows_at_once("INSERT INTO copied SELECT * FROM user", "reads auth, writes auth", "auth")]
#[case::replaced("REPLACE INTO copied SELECT * FROM user", "reads auth, writes auth", "auth")]
#[case::of_a_view("INSERT INTO role SELECT * FROM boss", "reads auth, writes auth", "auth")]
#[case::joined_by_a_column(
    "INSERT INTO role (name) SELECT 1 FROM user u JOIN user w USING (id)",
    "reads auth, writes auth",
    "auth"
)]
#[case::never_resolved(
    "UPDATE post SET title = 'x' WHERE id = 1 OR (0 AND EXISTS (SELECT 1 FROM user))",
    "reads default, writes default",
    "default"
)]
fn a_write_within_one_bind_goes_there(#[case] sql: &str, #[case] route: &str, #[case] bind: &str) {
    let db = pair();
    assert_eq!(db.session().route(sql).unwrap().to_string(), route);
    let changed = changed_by(&db, |session| {
        session.execute(sql, []).unwrap();
    });
    assert_eq!(changed, [bind]);
}

#[test]
fn a_table_named_like_a_function_stays_a_table() {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (value, name); INSERT INTO post VALUES (1, 'one')"))
        .bind("json", Bind::memory().schema(
            "CREATE TABLE json_each (value); INSERT INTO json_each VALUES (1); CREATE TABLE pragma_user_version (value)",
        ))
        .start()
        .unwrap();
    let mut session = db.session();
    for sql in [
        "SELECT name FROM post JOIN json_each USING (value)",
        "SELECT name FROM post NATURAL JOIN json_each",
        "SELECT name FROM post WHERE 1 OR EXISTS (SELECT 1 FROM json_each)",
        "SELECT name FROM post, json_each",
    ] {
        assert_eq!(session.route(sql).unwrap().to_string(), "reads default, json", "{sql}");
        assert_eq!(read(&mut session, sql), ["one"]);
    }
    assert_eq!(
        session.route("SELECT 1 FROM post NATURAL JOIN pragma_user_version").unwrap().to_string(),
        "reads default, json"
    );
}

#[rstest]
#[case::create("CREATE TABLE json.fresh (x)")]
#[case::create_as("CREATE TABLE json.fresh AS SELECT * FROM json_tree")]
#[case::create_as_constants("CREATE TABLE json.fresh AS VALUES (1, 2)")]
#[case::create_unless_there("CREATE TABLE IF NOT EXISTS json.json_tree (x)")]
#[case::create_one_more("CREATE TABLE json.json_each (x)")]
#[case::virtual_table("CREATE VIRTUAL TABLE json.fresh USING fts5 (x)")]
#[case::view("CREATE VIEW json.fresh AS SELECT * FROM json_tree")]
#[case::view_of_a_function("CREATE VIEW json.fresh AS SELECT value FROM json_each('[1]')")]
#[case::index("CREATE INDEX json.fresh ON json_tree (name)")]
#[case::index_of_another("CREATE INDEX json.fresh ON setting (name)")]
#[case::trigger("CREATE TRIGGER json.fresh AFTER INSERT ON json_tree BEGIN DELETE FROM setting; END")]
#[case::alter("ALTER TABLE json.json_tree ADD COLUMN x")]
#[case::alter_without_key("ALTER TABLE json_tree RENAME TO plain")]
#[case::rename_column("ALTER TABLE json_tree RENAME COLUMN name TO x")]
#[case::drop("DROP TABLE json.json_tree")]
#[case::drop_without_key("DROP TABLE json_tree")]
#[case::drop_if_there("DROP TABLE IF EXISTS json_tree")]
#[case::insert("INSERT INTO json.json_tree VALUES (2, 'two')")]
#[case::update("UPDATE json_tree SET name = 'new'")]
#[case::delete("DELETE FROM json.json_tree")]
#[case::reindex("REINDEX json_tree")]
#[case::reindex_by_key("REINDEX json.json_tree")]
#[case::analyze("ANALYZE json.json_tree")]
#[case::vacuum("VACUUM json")]
fn a_table_named_like_a_function_is_changed_as_any_other(#[case] sql: &str) {
    const SCHEMA: &str =
        "CREATE TABLE json_tree (id INTEGER PRIMARY KEY, name); INSERT INTO json_tree VALUES (1, 'one');
        CREATE TABLE setting (name)";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE post (value, name)"))
        .bind("json", Bind::memory().schema(SCHEMA))
        .start()
        .unwrap();
    let mut session = db.session();
    session.execute(sql, []).unwrap();
    session.commit().unwrap();

    let plain = Connection::open_in_memory().unwrap();
    plain.execute_batch(SCHEMA).unwrap();
    plain.execute_batch(&sql.replace("json.", "").replace("VACUUM json", "VACUUM")).unwrap();
    let texts = |conn: &Connection, sql: &str| {
        let mut select = conn.prepare(sql).map_err(|error| error.to_string())?;
        let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        Ok::<_, String>(rows.collect::<Result<Vec<_>, _>>().unwrap())
    };
    let conn = db.connection("json").unwrap();
    for sql in [
        "SELECT type || name || tbl_name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1",
        "SELECT id || name FROM main.json_tree ORDER BY 1",
    ] {
        assert_eq!(texts(&conn, sql), texts(&plain, sql));
    }
}

#[rstest]
#[case::in_another_bind("CREATE TABLE nut (id INTEGER PRIMARY KEY, tree REFERENCES tree (name))")]
#[case::nowhere("CREATE TABLE nut (id INTEGER PRIMARY KEY, tree REFERENCES gone (name))")]
#[case::without_a_unique_column(
    "CREATE TABLE nut (id INTEGER PRIMARY KEY, tree REFERENCES bush (name)); CREATE TABLE bush (name)"
)]
fn a_broken_reference_is_left_to_the_bind(#[case] schema: &str) {
    for enforced in [false, true] {
        let db = Harness::builder()
            .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
            .bind("auth", Bind::memory().schema(schema).foreign_keys(enforced).allow_missing_parents(true))
            .start()
            .unwrap();
        for sql in [
            "INSERT INTO nut (tree) VALUES ('oak')",
            "INSERT INTO auth.nut SELECT 7, 'elm'",
            "UPDATE nut SET tree = 'ash'",
        ] {
            let mut session = db.session();
            assert_eq!(session.route(sql).unwrap().writes(), ["auth".into()]);
            let plain = db.connection("auth").unwrap().execute_batch(&sql.replace("auth.", ""));
            db.reset().unwrap();
            match (session.execute(sql, []), plain) {
                (Ok(_), Ok(())) => {}
                (Err(Error::Sql { bind, source, .. }), Err(expected)) => {
                    assert_eq!(bind, "auth".into());
                    // The session names the bind, whose `main` it is.
                    assert_eq!(source.to_string(), expected.to_string().replace("main.", "auth."));
                }
                (found, expected) => panic!("{sql}: {found:?}, a plain connection {expected:?}"),
            }
        }
    }
}

#[test]
fn references_between_binds_as_the_docs_recommend_them_can_be_written() {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE tree (name TEXT PRIMARY KEY)"))
        .bind(
            "auth",
            Bind::memory()
                .schema("CREATE TABLE nut (id INTEGER PRIMARY KEY, tree REFERENCES tree (name))")
                .foreign_keys(false)
                .allow_missing_parents(true),
        )
        .reference("auth.nut.tree", "main.tree.name")
        .start()
        .unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO nut (tree) VALUES ('oak')", []).unwrap();
    session.table("nut").unwrap().insert(row! { tree: "oak" }).unwrap();
    session.execute("INSERT INTO tree VALUES ('oak')", []).unwrap();
    session.commit().unwrap();
    assert_eq!(session.execute("DELETE FROM nut", []).unwrap(), 2);
}

#[rstest]
#[case::enforced(true, "reads auth, writes auth")]
#[case::not_enforced(false, "writes auth")]
fn an_enforced_cascade_is_part_of_the_route(#[case] enforced: bool, #[case] route: &str) {
    let schema = "CREATE TABLE user (id INTEGER PRIMARY KEY);
        CREATE TABLE role (user REFERENCES user (id) ON DELETE CASCADE)";
    let bind = |enforced| Bind::memory().schema(schema).foreign_keys(enforced);
    let db = Harness::builder().default_bind(Bind::memory()).bind("auth", bind(enforced)).start().unwrap();
    assert_eq!(db.session().route("DELETE FROM user").unwrap().to_string(), route);
}

#[test]
fn an_error_is_the_same_the_second_time() {
    let db = blog();
    let mut session = db.session();
    for sql in [
        "SELECT * FROM nowhere",
        "SELECT * FROM log",
        "SELECT nothing FROM user",
        "SELECT no_column FROM user",
        "INSERT INTO post (title) SELECT name FROM user",
        "BEGIN",
        "PRAGMA nobody.user_version",
        "",
    ] {
        let first = session.execute(sql, []).unwrap_err();
        assert_eq!(session.execute(sql, []).unwrap_err().to_string(), first.to_string());
        assert_eq!(session.route(sql).unwrap_err().to_string(), first.to_string());
        let again = db.session().execute(sql, []).unwrap_err();
        let place = |error: &multibind::Error| error.place().unwrap().to_string();
        assert_eq!(format!("{again:?}").replace(&place(&again), &place(&first)), format!("{first:?}"));
    }
    // Until the tables are others.
    session.execute("CREATE TABLE auth.nowhere (x)", []).unwrap();
    assert_eq!(read(&mut session, "SELECT * FROM nowhere").len(), 0);
}

#[rstest]
#[case::fts5("CREATE VIRTUAL TABLE word USING fts5 (text)")]
#[case::fts4("CREATE VIRTUAL TABLE word USING fts4 (text)")]
#[case::rtree("CREATE VIRTUAL TABLE word USING rtree (text, low, high)")]
fn a_virtual_table_is_only_read_whatever_was_looked_at_before(#[case] table: &str) {
    let bind = |table: &str| Bind::memory().schema(format!("{table}; CREATE TABLE t (x); CREATE INDEX i ON t (x)"));
    let db = Harness::builder()
        .default_bind(bind("CREATE TABLE post (text)"))
        .bind("auth", bind(table))
        .bind("meta", bind("CREATE TABLE word_of (text)"))
        .start()
        .unwrap();
    let session = db.session();
    for sql in ["DROP INDEX i", "REINDEX i", "DROP TABLE IF EXISTS t", "CREATE INDEX j ON t (x)", "SELECT x FROM t"] {
        assert!(matches!(session.route(sql), Err(Error::AmbiguousTable { .. })), "{sql}");
        for (query, route) in [
            ("SELECT text FROM word", "reads auth"),
            ("SELECT count(*) FROM word", "reads auth"),
            ("SELECT p.text FROM post p JOIN word USING (text)", "reads default, auth"),
            ("SELECT 1 FROM word_of NATURAL JOIN word", "reads auth, meta"),
            ("SELECT 1 FROM auth.t, word", "reads auth"),
        ] {
            // Each time another text, which is looked at anew.
            let query = format!("{query} /* after {sql} */");
            assert_eq!(session.route(&query).unwrap().to_string(), route, "{query}");
            let explained = format!("EXPLAIN QUERY PLAN {query}");
            assert_eq!(session.route(&explained).unwrap().to_string(), route, "{explained}");
        }
        let write = format!("DELETE FROM word /* after {sql} */");
        assert_eq!(session.route(&write).unwrap().writes(), ["auth".into()]);
    }
}
