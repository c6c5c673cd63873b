//! Where tables come from, what is known of them, and making and dropping them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Once};
use std::time::Duration;

use multibind::rusqlite::{self, Connection};
use multibind::tables::{GeneratedKind, IndexOrigin, Metadata, Table, TableGroup, TableKind};
use multibind::{Bind, Harness, Result, Selection};
use rstest::rstest;

use crate::folder::Folder;

/// A parent, its child, a table that refers to itself, a view and a trigger.
const BLOG: &str = "
    CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE post (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES author, title TEXT);
    CREATE INDEX post_by_title ON post (title);
    CREATE TABLE comment (id INTEGER PRIMARY KEY, post_id INTEGER REFERENCES post, answers INTEGER REFERENCES comment);
    CREATE VIEW titles AS SELECT title FROM post;
    CREATE TRIGGER tidy AFTER DELETE ON post BEGIN
        DELETE FROM comment WHERE post_id = OLD.id;
        UPDATE author SET name = name || '' WHERE id = OLD.author_id;
    END;
";

fn start(bind: Bind) -> Result<Harness> {
    Harness::builder().default_bind(bind).start()
}

fn table_names(metadata: &Metadata) -> Vec<&str> {
    metadata.tables().iter().map(|table| table.name()).collect()
}

/// What a connection of the bind finds in the schema, SQLite's own entries left out.
fn objects(conn: &Connection) -> Vec<String> {
    let mut statement =
        conn.prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'").unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.collect::<rusqlite::Result<_>>().unwrap()
}

fn one<T: rusqlite::types::FromSql>(conn: &Connection, sql: &str) -> T {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The path as seen from the folder that tests run in.
fn relative(path: &Path) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    up.join(path.strip_prefix("/").unwrap())
}

// Where tables come from.

#[rstest]
fn text_files_folders_and_a_migrator_run_in_order() {
    let folder = Folder::with([
        ("one.sql", "INSERT INTO log VALUES ('file');"),
        ("many/1.sql", "INSERT INTO log VALUES ('folder');"),
    ]);
    let db = start(
        Bind::memory()
            .schema("CREATE TABLE log (what TEXT); INSERT INTO log VALUES ('text')")
            .schema_path(folder.file("one.sql"))
            .schema_path(folder.file("many"))
            .schema_with(|conn| conn.execute_batch("BEGIN; INSERT INTO log VALUES ('migrator'); COMMIT"))
            .schema("INSERT INTO log VALUES ('text again')"),
    )
    .unwrap();
    let log: String = one(&db.connection(None).unwrap(), "SELECT group_concat(what) FROM log");
    assert_eq!(log, "text,file,folder,migrator,text again");
}

#[rstest]
fn visible_sql_files_of_a_folder_run_in_natural_order() {
    let folder = Folder::with([
        ("v10.sql", "INSERT INTO log VALUES ('v10')"),
        ("v2.1.SQL", "INSERT INTO log VALUES ('v2.1')"),
        ("v2.sql", "INSERT INTO log VALUES ('v2')"),
        ("v002_a.sql", "INSERT INTO log VALUES ('v002_a')"),
        ("V1.sql", "CREATE TABLE log (what TEXT)"),
        ("v20240101120000000000000001_x.sql", "INSERT INTO log VALUES ('long')"),
        ("README.md", "not SQL"),
        (".hidden.sql", "not SQL"),
        ("older/1.sql", "not SQL"),
    ]);
    let db = start(Bind::memory().schema_path(folder.path())).unwrap();
    let log: String = one(&db.connection(None).unwrap(), "SELECT group_concat(what) FROM log");
    assert_eq!(log, "v2,v2.1,v002_a,v10,long");
}

#[rstest]
fn a_relative_schema_path_is_one_in_the_crate_under_test() {
    let folder = Folder::with([("a.sql", "CREATE TABLE a (x)")]);
    let db = start(Bind::memory().schema_path(relative(&folder.file("a.sql")))).unwrap();
    assert_eq!(table_names(&db.metadata(None).unwrap()), ["a"]);
}

#[rstest]
#[case::nothing("")]
#[case::comments("-- nothing; here\n/* nor; here */ ;; /* and this has no end;")]
#[case::a_byte_order_mark("\u{feff}CREATE TRIGGER IF NOT EXISTS t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END")]
#[case::no_last_semicolon("INSERT INTO a VALUES (';') -- done")]
#[case::semicolons_that_end_nothing(
    "CREATE TABLE \"a;b\" (\"c;\" DEFAULT 'd;', [e;], `f;`, g /* h; */, i); -- j;\nINSERT INTO \"a;b\" (i) VALUES (1);"
)]
#[case::a_trigger_within_which_cases_end(
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; SELECT ';END;'; END; SELECT 1"
)]
#[case::its_own_transaction(
    "INSERT INTO a VALUES (1); BEGIN; INSERT INTO a VALUES (2); COMMIT; INSERT INTO a VALUES (3);"
)]
#[case::its_own_immediate_transaction("INSERT INTO a VALUES (1); BEGIN IMMEDIATE; INSERT INTO a VALUES (2); END;")]
#[case::a_savepoint("INSERT INTO a VALUES (1); SAVEPOINT s; INSERT INTO a VALUES (2); RELEASE s;")]
#[case::what_no_transaction_can_have(
    "INSERT INTO a VALUES (1); VACUUM; PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL;"
)]
#[case::a_dump(
    "PRAGMA foreign_keys=OFF; BEGIN TRANSACTION; CREATE TABLE b (id INTEGER PRIMARY KEY, up INTEGER REFERENCES b);
     INSERT INTO b VALUES (1, 2); INSERT INTO b VALUES (2, NULL); COMMIT;"
)]
#[case::answers("SELECT 1; PRAGMA table_info(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT * FROM n")]
fn a_schema_is_whatever_sqlite_runs(#[case] sql: &str, #[values(Bind::memory(), Bind::temp_file())] bind: Bind) {
    let db = start(bind.schema("CREATE TABLE a (x)").schema(sql)).unwrap();
    assert!(db.metadata(None).unwrap().table("a").is_some());
    let enforced: bool = one(&db.connection(None).unwrap(), "PRAGMA foreign_keys");
    assert!(enforced);
}

#[rstest]
fn a_long_statement_with_many_semicolons_in_it_is_one_statement() {
    let row = "('it''s; a \"list\"; of -- things; /* and; more')";
    let rows = vec![row; 20_000].join(",\n");
    let body = "UPDATE t SET x = 'END;' WHERE x = '--;';\n".repeat(2_000);
    let sql = format!(
        "CREATE TABLE t (x TEXT);\nINSERT INTO t VALUES {rows};\n-- {comment}\nCREATE TRIGGER g AFTER DELETE ON t BEGIN\n\
         {body} END;\nINSERT INTO t VALUES ('last') RETURNING x; FAIL;",
        comment = "no; statement; ".repeat(2_000),
    );
    let error = start(Bind::memory().schema(sql)).err().unwrap();
    // 1 + 20,000 + 1 + 1 + 2,000 + 1 lines are before the one that fails.
    insta::assert_snapshot!(error, @r#"bind `default`: the schema failed at line 22005: near "FAIL": syntax error"#);
}

#[rstest]
fn registered_tables_and_group_members_go_to_their_binds() {
    let auth = TableGroup::new("auth")
        .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE INDEX user_by_id ON user (id)"))
        .table(Table::new("CREATE TABLE setting (id INTEGER PRIMARY KEY)").bind_key("meta"))
        .table(Table::new("CREATE TABLE audit (id INTEGER PRIMARY KEY)").bind_key(None));
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE first (id INTEGER PRIMARY KEY)"))
        .bind("auth", Bind::memory())
        .bind("meta", Bind::memory())
        .table(Table::new("CREATE TABLE post (id INTEGER PRIMARY KEY REFERENCES first)"))
        .table(Table::new("CREATE TABLE login (id INTEGER PRIMARY KEY)").bind_key("auth"))
        .tables(auth)
        .start()
        .unwrap();
    assert_eq!(table_names(&db.metadata(None).unwrap()), ["first", "post", "audit"]);
    assert_eq!(table_names(&db.metadata("auth").unwrap()), ["login", "user"]);
    assert_eq!(table_names(&db.metadata("meta").unwrap()), ["setting"]);
}

#[rstest]
fn a_tables_key_is_fixed_at_start() {
    let table = Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY)").bind_key("auth");
    let db = Harness::builder()
        .default_bind(Bind::memory())
        .bind("auth", Bind::memory())
        .table(table.clone())
        .start()
        .unwrap();
    let _ = table.bind_key(None);
    db.drop_all(..).unwrap();
    db.create_all(..).unwrap();
    assert_eq!(objects(&db.connection("auth").unwrap()), ["user"]);
    assert_eq!(objects(&db.connection(None).unwrap()), [""; 0]);
}

// What a schema that fails says.

#[rstest]
fn a_schema_error_names_bind_line_and_message() {
    let refused = |sql: &str| {
        let started = Harness::builder().bind("auth", Bind::memory().schema(sql)).start();
        Folder::with([("", ""); 0]).refused(started)
    };
    insta::assert_snapshot!(refused("CREATE TABLE a (x);\n\nCREATE TABEL b (x);"), @r#"bind `auth`: the schema failed at line 3: near "TABEL": syntax error"#);
    insta::assert_snapshot!(refused("CREATE TABLE a (\n  x INTEGER\n  y INTEGER CHECK)\n;"), @r#"bind `auth`: the schema failed at line 3: near ")": syntax error"#);
    insta::assert_snapshot!(refused("CREATE TABLE a (x UNIQUE);\n-- why\nINSERT INTO a VALUES\n  (1),\n  (1);"), @"bind `auth`: the schema failed at line 3: UNIQUE constraint failed: a.x");
    insta::assert_snapshot!(refused("CREATE TABLE a (x);\nINSERT INTO b\nVALUES (1)"), @"bind `auth`: the schema failed at line 2: no such table: b");
    insta::assert_snapshot!(refused("CREATE TABLE a (x);\nCREATE TABLE b ('\nx)"), @r#"
    bind `auth`: the schema failed at line 2: unrecognized token: "'
    x)"
    "#);
    insta::assert_snapshot!(refused("CREATE TABLE a (x);\nCREATE \0TABLE b (x)"), @"bind `auth`: the schema failed at line 2: the SQL has a NUL character, where SQLite would stop reading");
    insta::assert_snapshot!(refused("CREATE TABLE a (x);\nBEGIN;\nCREATE TABLE b (x);"), @"bind `auth`: the schema failed at line 2: the transaction begun here is never committed: add a `COMMIT`");
    insta::assert_snapshot!(
        refused("CREATE TABLE a (x INTEGER PRIMARY KEY, y REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1, 2)"),
        @"bind `auth`: the schema failed at line 1: FOREIGN KEY constraint failed when it commits: the row of `a` with rowid 1 (y = 2) has no match in `a`"
    );
}

#[rstest]
fn a_registered_table_that_fails_names_the_bind() {
    let started = Harness::builder()
        .bind("auth", Bind::memory())
        .table(Table::new("CREATE TABLE user (id INTEGER PRIMARY KEY,)").bind_key("auth"))
        .start();
    insta::assert_snapshot!(started.err().unwrap(), @r#"bind `auth`: the schema failed at line 1: near ")": syntax error"#);
}

#[rstest]
fn a_schema_file_that_fails_is_named_too() {
    let folder = Folder::with([
        ("bad/1.sql", &b"CREATE TABLE a (x);"[..]),
        ("bad/2.sql", b"-- the second\nCREATE TABLE b (x);\nCREATE TABLE a (x);\n"),
        ("latin1.sql", b"CREATE TABLE a (x);\n-- caf\xe9\n"),
        ("notes.txt", b""),
        ("none/notes.txt", b""),
    ]);
    let refused = |path: &str| folder.refused(start(Bind::memory().schema_path(folder.file(path))));
    insta::assert_snapshot!(refused("bad"), @"bind `default`: the schema failed at [folder]/bad/2.sql:3: table a already exists");
    insta::assert_snapshot!(refused("latin1.sql"), @"bind `default`: the schema failed at [folder]/latin1.sql:2: the text is not UTF-8 from byte 27 on: save the file as UTF-8");
    insta::assert_snapshot!(refused("notes.txt"), @"bind `default`: the schema failed at [folder]/notes.txt: a schema is a `.sql` file or a folder of them, and this is neither");
    insta::assert_snapshot!(refused("none"), @"bind `default`: the schema failed at [folder]/none: the folder has no `.sql` file");
    insta::assert_snapshot!(refused("missing.sql"), @"bind `default`: the schema failed at [folder]/missing.sql: the file cannot be read: No such file or directory (os error 2); `[folder]` has no `missing.sql`, and a relative path begins at the folder of the configuration file, in code at that of the crate under test");
}

#[derive(Debug)]
struct MigrationFailed(std::num::ParseIntError);

impl std::fmt::Display for MigrationFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("migration 7 has no number")
    }
}

impl std::error::Error for MigrationFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Starts a harness within a migrator.
fn within(bind: Bind) -> Result<()> {
    Harness::builder().bind("auth", bind).start().map(drop)
}

fn starts_itself(_: &mut Connection) -> Result<()> {
    within(Bind::memory().schema_with(starts_itself))
}

fn starts_itself_on_a_thread(_: &mut Connection) -> Result<()> {
    let bind = || Bind::memory().schema_with(starts_itself_on_a_thread).schema_timeout(Duration::from_millis(20));
    std::thread::spawn(move || within(bind())).join().unwrap()
}

#[test]
fn a_recursive_migrator_is_refused() {
    let on_one_thread = within(Bind::memory().schema_with(starts_itself)).unwrap_err();
    insta::assert_snapshot!(on_one_thread, @"bind `auth`: the schema failed: the migrator failed: bind `auth`: the schema failed: a migrator starts a harness with tables that are made by that migrator, which would wait for itself: leave the migrator out of the harness that it starts");
    let on_another_thread = within(Bind::memory().schema_with(starts_itself_on_a_thread)).unwrap_err();
    insta::assert_snapshot!(on_another_thread, @"bind `auth`: the schema failed: the migrator failed: bind `auth`: the schema failed: another thread has been making these tables for 20ms: set a longer `schema_timeout` if its migrator takes so long; if the migrator waits for a thread that starts a harness with these tables, leave it out there");
}

/// Lets two migrators begin before either goes on; each waits only the first time that it runs.
static BOTH_BEGAN: Barrier = Barrier::new(2);

fn starts_the_second(_: &mut Connection) -> Result<()> {
    static BEGAN: Once = Once::new();
    BEGAN.call_once(|| {
        BOTH_BEGAN.wait();
    });
    within(Bind::memory().schema_with(starts_the_first))
}

fn starts_the_first(_: &mut Connection) -> Result<()> {
    static BEGAN: Once = Once::new();
    BEGAN.call_once(|| {
        BOTH_BEGAN.wait();
    });
    within(Bind::memory().schema_with(starts_the_second))
}

#[test]
fn migrators_that_start_each_others_harnesses_are_errors() {
    let errors = std::thread::scope(|scope| {
        let first = scope.spawn(|| within(Bind::memory().schema_with(starts_the_second)).unwrap_err().to_string());
        let second = scope.spawn(|| within(Bind::memory().schema_with(starts_the_first)).unwrap_err().to_string());
        [first.join().unwrap(), second.join().unwrap()]
    });
    let each_other = "two migrators, on two threads, each start a harness with the tables of the other";
    let itself = "a migrator starts a harness with tables that are made by that migrator";
    assert!(errors.iter().any(|error| error.contains(each_other)), "{errors:?}");
    assert!(errors.iter().all(|error| error.contains(each_other) || error.contains(itself)), "{errors:?}");
}

/// A migrator that starts a harness with a migrator like it, so many times.
fn nested(times: usize, begun: Arc<AtomicUsize>) -> Bind {
    Bind::memory().schema_with(move |_| {
        begun.fetch_add(1, Ordering::Relaxed);
        match times {
            0 => Ok(()),
            times => within(nested(times - 1, Arc::clone(&begun))),
        }
    })
}

#[test]
fn migrators_may_start_harnesses_within_each_other_but_not_without_end() {
    let begun = Arc::<AtomicUsize>::default();
    within(nested(5, Arc::clone(&begun))).unwrap();
    assert_eq!(begun.swap(0, Ordering::Relaxed), 6);
    let endless = within(nested(usize::MAX, Arc::clone(&begun))).unwrap_err().to_string();
    assert!(endless.contains("migrators start harnesses within each other, 16 deep"), "{endless}");
    assert_eq!(begun.load(Ordering::Relaxed), 16);
}

#[rstest]
fn a_migrator_that_fails_is_told_in_its_own_words() {
    let refused = |bind: Bind| start(bind).err().unwrap();
    let failed = Bind::memory().schema_with(|_| "seven".parse::<u8>().map(drop).map_err(MigrationFailed));
    insta::assert_snapshot!(refused(failed), @"bind `default`: the schema failed: the migrator failed: migration 7 has no number: invalid digit found in string");
    let refused_by_sqlite = Bind::memory().schema_with(|conn| conn.execute("CREATE TABEL a (x)", []).map(drop));
    insta::assert_snapshot!(refused(refused_by_sqlite), @r#"bind `default`: the schema failed: the migrator failed: near "TABEL": syntax error"#);
    let text = Bind::memory().schema_with(|_| Err("no migrations found"));
    insta::assert_snapshot!(refused(text), @"bind `default`: the schema failed: the migrator failed: no migrations found");
    let left_open = Bind::memory().schema_with(|conn| conn.execute_batch("BEGIN; CREATE TABLE a (x)"));
    insta::assert_snapshot!(refused(left_open), @"bind `default`: the schema failed: the migrator left a transaction open: commit it before returning");
    let panicked = Bind::memory().schema_with(|_| -> rusqlite::Result<()> { panic!("no {} here", "migration") });
    insta::assert_snapshot!(refused(panicked), @"bind `default`: the schema failed: the migrator panicked: no migration here");
}

#[rstest]
fn a_foreign_key_across_binds_names_both() {
    let builder = |post: Bind| {
        Harness::builder()
            .default_bind(
                post.schema("CREATE TABLE post (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES User (id))"),
            )
            .bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY)"))
            .start()
    };
    insta::assert_snapshot!(builder(Bind::memory()).err().unwrap(), @"table `post` in bind `default` has a foreign key to `User`, which is not in bind `default` but in auth: SQLite cannot enforce it. Give `post` the bind key of its parent; or declare a reference in place of the foreign key, with `reference` or `[[references]]`; or allow it with `allow_missing_parents`");
    assert!(builder(Bind::memory().allow_missing_parents(true)).is_ok());
}

#[rstest]
fn dangling_and_self_references_are_left_to_sqlite() {
    let sql = "CREATE TABLE a (id INTEGER PRIMARY KEY, up REFERENCES A, out REFERENCES nowhere)";
    assert!(Harness::builder().default_bind(Bind::memory().schema(sql)).bind("auth", Bind::memory()).start().is_ok());
}

// Making, dropping and reading back.

#[rstest]
#[case::the_default(None::<&str>.into(), [0, 6])]
#[case::one("auth".into(), [6, 0])]
#[case::a_list([None, Some("auth")].into(), [0, 0])]
#[case::all((..).into(), [0, 0])]
#[case::all_as_in_flask_sqlalchemy_2("__all__".into(), [0, 0])]
fn only_selected_binds_are_recreated(#[case] selection: Selection, #[case] left: [usize; 2]) {
    let bind = || Bind::memory().schema(BLOG).schema("INSERT INTO author VALUES (1, 'ann')");
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    let counts = || [None, Some("auth")].map(|key| objects(&db.connection(key).unwrap()).len());
    let authors = |key| -> i64 { one(&db.connection(key).unwrap(), "SELECT count(*) FROM author") };

    db.drop_all(selection.clone()).unwrap();
    assert_eq!(counts(), left);
    db.create_all(selection).unwrap();
    assert_eq!(counts(), [6, 6]);
    for (key, left) in [None, Some("auth")].into_iter().zip(left) {
        assert_eq!(authors(key), i64::from(left > 0), "rows of {key:?}");
    }
}

#[rstest]
fn creating_makes_what_is_missing_and_touches_nothing_else() {
    let db = start(Bind::memory().schema(BLOG)).unwrap();
    let conn = db.connection(None).unwrap();
    conn.execute_batch(
        "INSERT INTO author VALUES (1, 'ann'); DROP TABLE comment; DROP INDEX post_by_title; CREATE TABLE mine (x)",
    )
    .unwrap();
    db.create_all(..).unwrap();
    db.create_all(..).unwrap();
    let mut names = objects(&conn);
    names.sort();
    assert_eq!(names, ["author", "comment", "mine", "post", "post_by_title", "tidy", "titles"]);
    assert_eq!(one::<i64>(&conn, "SELECT count(*) FROM author"), 1);
}

#[rstest]
fn a_create_that_fails_makes_nothing() {
    let db = start(Bind::memory().schema(BLOG)).unwrap();
    let conn = db.connection(None).unwrap();
    conn.execute_batch("DROP VIEW titles; DROP TABLE author; CREATE TABLE titles (x)").unwrap();
    insta::assert_snapshot!(db.create_all(..).unwrap_err(), @r"
    bind `default`: table titles already exists
      in: CREATE VIEW titles AS SELECT title FROM post
    ");
    assert!(!objects(&conn).contains(&"author".to_string()));
}

#[rstest]
fn dropping_takes_rows_circles_and_everything_that_a_user_can_make() {
    let sql = "
        CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INTEGER REFERENCES egg DEFERRABLE INITIALLY DEFERRED);
        CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INTEGER NOT NULL REFERENCES hen ON DELETE RESTRICT);
        INSERT INTO hen VALUES (1, 2); INSERT INTO egg VALUES (2, 1);
        CREATE TABLE \"a \"\"b\"\" 'c'; \" (\"d \"\"e\"\"\" INTEGER PRIMARY KEY AUTOINCREMENT);
        INSERT INTO \"a \"\"b\"\" 'c'; \" VALUES (NULL);
        CREATE VIEW \"v \"\"日本\" AS SELECT * FROM \"a \"\"b\"\" 'c'; \";
        CREATE TRIGGER \"t \"\" 1\" INSTEAD OF INSERT ON \"v \"\"日本\" BEGIN SELECT 1; END;
        CREATE VIEW broken AS SELECT * FROM nowhere;
        CREATE VIRTUAL TABLE words USING fts5(word);
        INSERT INTO words VALUES ('hello');
        CREATE VIRTUAL TABLE boxes USING rtree(id, x1, x2);
        ANALYZE;
    ";
    let db = start(Bind::memory().schema(sql)).unwrap();
    let before = db.metadata(None).unwrap();
    db.drop_all(..).unwrap();
    let conn = db.connection(None).unwrap();
    assert_eq!(objects(&conn), [""; 0]);

    db.reflect(..).unwrap();
    assert_eq!(db.metadata(None).unwrap(), before, "what is dropped stays known");
    db.create_all(..).unwrap();
    db.reflect(..).unwrap();
    assert_eq!(db.metadata(None).unwrap(), before);
    conn.execute("INSERT INTO words VALUES ('again')", []).unwrap();
    assert!(conn.execute("INSERT INTO egg VALUES (1, 1)", []).is_err(), "foreign keys are enforced as before");
}

#[rstest]
fn dropping_leaves_what_others_made_until_it_is_reflected() {
    let db = start(Bind::memory().schema(BLOG)).unwrap();
    let conn = db.connection(None).unwrap();
    conn.execute_batch(
        "CREATE TABLE mine (author REFERENCES author ON DELETE CASCADE); INSERT INTO author VALUES (1, 'ann');
         INSERT INTO mine VALUES (1); CREATE VIEW theirs AS SELECT * FROM mine; DROP TABLE comment",
    )
    .unwrap();
    db.drop_all(..).unwrap();
    assert_eq!(objects(&conn), ["mine", "theirs"]);
    assert_eq!(one::<i64>(&conn, "SELECT count(*) FROM mine"), 1);

    db.reflect(..).unwrap();
    db.drop_all(..).unwrap();
    assert_eq!(objects(&conn), [""; 0]);
}

#[rstest]
fn reflecting_keeps_what_the_database_lacks_and_takes_what_it_has() {
    let sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);
        CREATE INDEX by_name ON user (name);
        CREATE TRIGGER tidy AFTER INSERT ON user BEGIN DELETE FROM user WHERE name IS NULL; END;
        CREATE TABLE role (name TEXT);
        CREATE INDEX roles ON role (name);
        CREATE TABLE old (x);
        CREATE VIEW names AS SELECT name FROM user";
    let db = start(Bind::memory().schema(sql)).unwrap();
    let conn = db.connection(None).unwrap();
    // An application's own migration: a column goes with its index and trigger, a view takes the name of a table.
    conn.execute_batch(
        "DROP VIEW names; DROP TRIGGER tidy; DROP INDEX by_name; ALTER TABLE user DROP COLUMN name; DROP TABLE role;
         DROP TABLE old; CREATE VIEW OLD AS SELECT 1; CREATE TABLE made (x)",
    )
    .unwrap();
    for _ in 0..2 {
        db.reflect(None).unwrap();
        let metadata = db.metadata(None).unwrap();
        assert_eq!(table_names(&metadata), ["user", "made", "role"]);
        assert_eq!(metadata.table("user").unwrap().columns().len(), 1);
        assert_eq!(metadata.table("user").unwrap().indexes(), []);
        assert_eq!(metadata.table("role").unwrap().indexes()[0].name(), "roles");
        assert_eq!(metadata.views().iter().map(|view| view.name()).collect::<Vec<_>>(), ["OLD", "names"]);
        assert_eq!(metadata.triggers(), []);
    }
    db.create_all(None).unwrap();
    assert_eq!(objects(&conn), ["user", "OLD", "made", "role", "roles", "names"]);

    db.reset().unwrap();
    assert_eq!(table_names(&db.metadata(None).unwrap()), ["user", "role", "old"]);
}

#[rstest]
fn a_drop_that_fails_drops_nothing() {
    let unknown_module = "PRAGMA writable_schema = ON;
        INSERT INTO sqlite_schema VALUES ('table', 'odd', 'odd', 0, 'CREATE VIRTUAL TABLE odd USING nowhere(x)');
        PRAGMA writable_schema = RESET;";
    let db = start(Bind::memory().schema(BLOG).schema(unknown_module)).unwrap();
    let conn = db.connection(None).unwrap();
    let before = objects(&conn);
    insta::assert_snapshot!(db.drop_all(..).unwrap_err(), @r#"
    bind `default`: no such module: nowhere
      in: DROP TABLE main."odd"
    "#);
    assert_eq!(objects(&conn), before);
    let metadata = db.metadata(None).unwrap();
    assert_eq!(metadata.table("odd").unwrap().columns(), []);
}

#[rstest]
fn reflecting_reads_back_what_the_code_under_test_made() {
    let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).start().unwrap();
    for key in [None, Some("auth")] {
        db.connection(key).unwrap().execute_batch("CREATE TABLE made (x)").unwrap();
    }
    db.reflect("auth").unwrap();
    assert_eq!(table_names(&db.metadata("auth").unwrap()), ["made"]);
    assert_eq!(table_names(&db.metadata(None).unwrap()), [""; 0]);
    db.reflect(..).unwrap();
    assert_eq!(table_names(&db.metadata(None).unwrap()), ["made"]);
}

// What is known of a bind's tables.

#[rstest]
fn metadata_has_the_columns_as_sqlite_reports_them() {
    let sql = "CREATE TABLE \"odd table\" (
        id INTEGER PRIMARY KEY,
        name VARCHAR(80) NOT NULL DEFAULT ('a' || 'b'),
        \"größe\" DOUBLE PRECISION DEFAULT 1.5,
        untyped,
        twice AS (id * 2),
        thrice INTEGER AS (id * 3) STORED
    )";
    let db = start(Bind::memory().schema(sql)).unwrap();
    let metadata = db.metadata(None).unwrap();
    let table = metadata.table("ODD TABLE").unwrap();
    let columns: Vec<_> = table
        .columns()
        .iter()
        .map(|c| (c.name(), c.declared_type(), c.is_not_null(), c.default(), c.primary_key(), c.generated()))
        .collect();
    assert_eq!(
        columns,
        [
            ("id", "INTEGER", false, None, Some(1), None),
            ("name", "VARCHAR(80)", true, Some("'a' || 'b'"), None, None),
            ("größe", "DOUBLE PRECISION", false, Some("1.5"), None, None),
            ("untyped", "", false, None, None, None),
            ("twice", "", false, None, None, Some(GeneratedKind::Virtual)),
            ("thrice", "INTEGER", false, None, None, Some(GeneratedKind::Stored)),
        ]
    );
    assert_eq!(table.column("NAME").unwrap().name(), "name");
    assert_eq!(table.column("nobody"), None);
    assert_eq!(table.sql(), sql);
    assert_eq!((table.kind(), table.is_strict(), table.is_without_rowid()), (TableKind::Ordinary, false, false));
}

#[rstest]
fn metadata_has_the_primary_key_in_the_key_s_order() {
    let db = start(Bind::memory().schema(
        "CREATE TABLE pair (b TEXT, a INTEGER, c, PRIMARY KEY (a, b)) WITHOUT ROWID, STRICT; CREATE TABLE none (x)",
    ));
    let refused = db.err().unwrap();
    insta::assert_snapshot!(refused, @"bind `default`: the schema failed at line 1: missing datatype for pair.c");

    let db = start(Bind::memory().schema(
        "CREATE TABLE pair (b TEXT, a INTEGER, c ANY, PRIMARY KEY (a, b)) WITHOUT ROWID, STRICT; CREATE TABLE none (x)",
    ));
    let metadata = db.unwrap().metadata(None).unwrap();
    let pair = metadata.table("pair").unwrap();
    assert_eq!(pair.primary_key().collect::<Vec<_>>(), ["a", "b"]);
    assert!(pair.is_strict() && pair.is_without_rowid());
    assert_eq!(metadata.table("none").unwrap().primary_key().count(), 0);
}

#[rstest]
fn metadata_completes_implicit_foreign_keys() {
    let db = start(Bind::memory().schema(
        "CREATE TABLE child (
            a INTEGER REFERENCES Parent ON DELETE CASCADE ON UPDATE SET NULL,
            b, c, d,
            FOREIGN KEY (c, b) REFERENCES parent (z, y),
            FOREIGN KEY (d) REFERENCES nowhere,
            FOREIGN KEY (b, c) REFERENCES pair ON DELETE RESTRICT ON UPDATE SET DEFAULT
        );
        CREATE TABLE parent (x INTEGER PRIMARY KEY, y, z, UNIQUE (z, y));
        CREATE TABLE pair (v, w, PRIMARY KEY (w, v));",
    ))
    .unwrap();
    let metadata = db.metadata(None).unwrap();
    let keys: Vec<_> = metadata
        .table("child")
        .unwrap()
        .foreign_keys()
        .iter()
        .map(|key| {
            let columns = (key.columns().join(" "), key.parent(), key.parent_columns().join(" "));
            (columns, key.on_update(), key.on_delete())
        })
        .collect();
    assert_eq!(
        keys,
        [
            (("a".into(), "Parent", "x".into()), "SET NULL", "CASCADE"),
            (("c b".into(), "parent", "z y".into()), "NO ACTION", "NO ACTION"),
            (("d".into(), "nowhere", String::new()), "NO ACTION", "NO ACTION"),
            (("b c".into(), "pair", "w v".into()), "SET DEFAULT", "RESTRICT"),
        ]
    );
}

#[rstest]
fn metadata_has_the_indexes_and_what_made_them() {
    let db = start(Bind::memory().schema(
        "CREATE TABLE t (a TEXT PRIMARY KEY, b UNIQUE, c);
         CREATE INDEX \"by c\" ON t (c, lower(b)) WHERE c > 0;
         CREATE UNIQUE INDEX by_b ON t (b DESC);",
    ))
    .unwrap();
    let metadata = db.metadata(None).unwrap();
    let indexes: Vec<_> = metadata
        .table("t")
        .unwrap()
        .indexes()
        .iter()
        .map(|i| (i.name(), i.is_unique(), i.origin(), i.is_partial(), i.columns().collect::<Vec<_>>()))
        .collect();
    assert_eq!(
        indexes,
        [
            ("sqlite_autoindex_t_1", true, IndexOrigin::PrimaryKey, false, vec![Some("a")]),
            ("sqlite_autoindex_t_2", true, IndexOrigin::Unique, false, vec![Some("b")]),
            ("by c", false, IndexOrigin::Created, true, vec![Some("c"), None]),
            ("by_b", true, IndexOrigin::Created, false, vec![Some("b")]),
        ]
    );
}

#[rstest]
fn metadata_leaves_out_what_sqlite_keeps_for_itself() {
    let db = start(Bind::memory().schema(
        "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);
         CREATE VIRTUAL TABLE words USING fts5(word);
         CREATE VIRTUAL TABLE boxes USING rtree(id, low, high);
         CREATE TABLE words_of_mine (x);
         ANALYZE;",
    ))
    .unwrap();
    let metadata = db.metadata(None).unwrap();
    assert_eq!(table_names(&metadata), ["counted", "words", "boxes", "words_of_mine"]);
    let words = metadata.table("words").unwrap();
    assert_eq!(words.kind(), TableKind::Virtual);
    let columns: Vec<_> = words.columns().iter().map(|column| (column.name(), column.is_hidden())).collect();
    assert_eq!(columns, [("word", false), ("words", true), ("rank", true)]);
    assert!(metadata.table("words_data").is_none());
    assert!(metadata.table("sqlite_sequence").is_none());
}

#[rstest]
fn metadata_has_views_and_triggers_those_of_no_use_included() {
    let db = start(Bind::memory().schema(
        "CREATE TABLE t (x);
         CREATE VIEW broken AS SELECT y FROM nowhere;
         CREATE VIEW v AS SELECT x FROM t;
         CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN SELECT 1; END;",
    ))
    .unwrap();
    let metadata = db.metadata(None).unwrap();
    let views: Vec<_> = metadata.views().iter().map(|view| (view.name(), view.sql())).collect();
    assert_eq!(
        views,
        [("broken", "CREATE VIEW broken AS SELECT y FROM nowhere"), ("v", "CREATE VIEW v AS SELECT x FROM t")]
    );
    let [trigger] = metadata.triggers() else { panic!("{metadata:?}") };
    assert_eq!((trigger.name(), trigger.table()), ("g", "v"));
    assert_eq!(trigger.sql(), "CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN SELECT 1; END");
}
