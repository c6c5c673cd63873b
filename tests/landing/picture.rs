//! The binds at a glance: as a table, and as a Mermaid diagram.

use insta::assert_snapshot;
use multibind::binds::Storage;
use multibind::fixture::harness;
use multibind::rusqlite::Connection;
use multibind::{Bind, Harness};
use rstest::rstest;

use crate::frame::unframed;

#[rstest]
fn the_binds_of_the_fixtures_are_described(harness: Harness) {
    assert_snapshot!(unframed(harness.describe()), @r"
     bind      storage   table                   rows
     default   memory    post                    2
                         tag                     2
                         post_tag                3
                         log                     0
                         published_post (view)
    ─
     auth      memory    user                    2
                         role                    2
                         user_role               3
                         session_token           0
    ─
     meta      memory    setting                 2
                         log                     0
    ");
}

#[rstest]
fn the_binds_of_the_fixtures_are_drawn(harness: Harness) {
    assert_snapshot!(harness.diagram().unwrap(), @r#"
    erDiagram
        %% bind default, in memory
        "default.post" {
            INTEGER id PK
            TEXT title
            TEXT body
            TEXT author
            TEXT status
        }
        "default.tag" {
            INTEGER id PK
            TEXT name UK
        }
        "default.post_tag" {
            INTEGER post_id PK, FK
            INTEGER tag_id PK, FK
        }
        "default.log" {
            INTEGER id PK
            TEXT event
            INTEGER post_id FK
        }
        "default.post" ||--o{ "default.post_tag" : "post_id → id"
        "default.tag" ||--o{ "default.post_tag" : "tag_id → id"
        "default.post" |o--o{ "default.log" : "post_id → id"
        %% bind auth, in memory
        "auth.user" {
            INTEGER id PK
            TEXT username UK
            INTEGER is_active
            TEXT email
        }
        "auth.role" {
            INTEGER id PK
            TEXT name UK
        }
        "auth.user_role" {
            INTEGER user_id PK, FK
            INTEGER role_id PK, FK
        }
        "auth.session_token" {
            BLOB token PK
            INTEGER user_id FK
            TEXT expires_at
        }
        "auth.user" ||--o{ "auth.user_role" : "user_id → id"
        "auth.role" ||--o{ "auth.user_role" : "role_id → id"
        "auth.user" ||--o{ "auth.session_token" : "user_id → id"
        %% bind meta, in memory
        "meta.setting" {
            TEXT name PK
            TEXT value
        }
        "meta.log" {
            INTEGER id PK
            TEXT event
            TEXT severity
        }
    "#);
}

#[rstest]
fn a_picture_is_of_what_is_committed_now_whoever_made_it(harness: Harness) {
    let driver = Connection::open(harness.uri("meta").unwrap()).unwrap();
    driver.execute_batch("DROP TABLE log; CREATE TABLE made (x); INSERT INTO made VALUES (1), (2)").unwrap();

    let (description, diagram) = (harness.describe().to_string(), harness.diagram().unwrap());

    let meta = description.split("meta").nth(1).unwrap();
    assert!(meta.contains("made") && !meta.contains("log"), "{description}");
    assert!(diagram.contains("\"meta.made\"") && !diagram.contains("\"meta.log\""), "{diagram}");
}

#[test]
fn rows_do_not_change_the_text_of_tables() {
    let start = || Harness::from_file("fixtures/binds.toml").unwrap();
    let (one, other) = (start(), start());
    other.connection("auth").unwrap().execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
    assert_eq!(one.diagram().unwrap(), other.diagram().unwrap());
}

#[test]
fn no_line_is_longer_than_80_columns_and_none_has_colour() {
    let long = "n".repeat(200);
    let db = Harness::builder()
        .bind(long.as_str(), Bind::temp_file().schema(format!("CREATE TABLE {long} (x); CREATE TABLE t (x)")))
        .start()
        .unwrap();
    let shown = db.describe().to_string();
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(!shown.contains('\u{1b}'));
    assert_snapshot!(unframed(&shown), @r"
     bind                           storage     table                          rows
     nnnnnnnnnnnnnnnnnnnnnnnnnnnn   temp_file   nnnnnnnnnnnnnnnnnnnnnnnnnnnn   0
         nnnnnnnnnnnnnnnnnnnnnnnn                   nnnnnnnnnnnnnnnnnnnnnnnn
         nnnnnnnnnnnnnnnnnnnnnnnn                   nnnnnnnnnnnnnnnnnnnnnnnn
         nnnnnnnnnnnnnnnnnnnnnnnn                   nnnnnnnnnnnnnnnnnnnnnnnn
         nnnnnnnnnnnnnnnnnnnnnnnn                   nnnnnnnnnnnnnnnnnnnnnnnn
         nnnnnnnnnnnnnnnnnnnnnnnn                   nnnnnnnnnnnnnnnnnnnnnnnn
         nnnnnnnnnnnnnnnnnnnnnnnn                   nnnnnnnnnnnnnnnnnnnnnnnn
         nnnnnnnnnnnnnnnnnnnnnnnn                   nnnnnnnnnnnnnnnnnnnnnnnn
         nnnn                                       nnnn
                                                t                              0
    ");
}

#[test]
fn a_shared_stand_in_is_one_bind_with_both_keys() {
    let url = "postgresql://db.example/app";
    let db = Harness::builder()
        .default_bind(Bind::url(url).schema("CREATE TABLE t (x)"))
        .bind("same", Bind::url(url))
        .bind("empty", Bind::memdb())
        .start()
        .unwrap();
    assert_snapshot!(unframed(db.describe()), @r"
     bind             storage   table       rows
     default = same   memory    t           0
    ─
     empty            memdb     no tables
    ");
    assert_snapshot!(db.diagram().unwrap(), @r#"
    erDiagram
        %% bind default = same, in memory
        "default.t" {
            any x
        }
        %% bind empty, in memdb
    "#);
}

#[rstest]
#[case::memory(Storage::Memory, "1")]
#[case::shared_cache(Storage::SharedCache, "2 (not committed)")]
#[case::memdb(Storage::MemDb, "locked")]
#[case::temp_file(Storage::TempFile, "1")]
fn an_open_transaction_elsewhere_is_neither_waited_for_nor_hidden(#[case] storage: Storage, #[case] expected: &str) {
    let schema = "CREATE TABLE t (x); INSERT INTO t VALUES (1); CREATE TABLE other (x)";
    let db = Harness::builder().default_bind(Bind::memory().storage(storage).schema(schema)).start().unwrap();
    let mut session = db.session();
    session.execute("INSERT INTO t VALUES (2)", []).unwrap();

    let shown = db.describe().to_string();

    assert!(shown.contains(expected), "{shown}");
    db.diagram().unwrap();
    session.commit().unwrap();
    let shown = db.describe().to_string();
    let rows = shown.lines().find(|line| line.contains(" t ")).unwrap();
    assert!(rows.trim_end().ends_with(" 2"), "{shown}");
}

#[test]
fn keys_and_references_are_drawn() {
    let schema = "
        CREATE TABLE tree (kind TEXT, nr INTEGER, PRIMARY KEY (kind, nr));
        CREATE TABLE leaf (
            id INTEGER PRIMARY KEY,
            tree_kind TEXT NOT NULL, tree_nr INTEGER NOT NULL,
            beside INTEGER REFERENCES leaf,
            below INTEGER UNIQUE REFERENCES leaf (id),
            label VARCHAR(20) UNIQUE, size DECIMAL(5, 2), untyped,
            FOREIGN KEY (tree_kind, tree_nr) REFERENCES tree
        );
        CREATE TABLE profile (leaf_id INTEGER PRIMARY KEY REFERENCES leaf ON DELETE CASCADE);
        CREATE UNIQUE INDEX one_size ON leaf (size) WHERE size > 1;
        CREATE TABLE lost (x REFERENCES nowhere);
        CREATE VIEW seen AS SELECT * FROM tree;";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    assert_snapshot!(db.diagram().unwrap(), @r#"
    erDiagram
        %% bind default, in memory
        "default.tree" {
            TEXT kind PK
            INTEGER nr PK
        }
        "default.leaf" {
            INTEGER id PK
            TEXT tree_kind FK
            INTEGER tree_nr FK
            INTEGER beside FK
            INTEGER below FK, UK
            VARCHAR(20) label UK
            DECIMAL(5_2) size
            any untyped
        }
        "default.profile" {
            INTEGER leaf_id PK, FK
        }
        "default.lost" {
            any x FK
        }
        "default.leaf" |o--o{ "default.leaf" : "beside → id"
        "default.leaf" |o--o| "default.leaf" : "below → id"
        "default.tree" ||--o{ "default.leaf" : "tree_kind, tree_nr → kind, nr"
        "default.leaf" ||--o| "default.profile" : "leaf_id → id"
        "default.nowhere" |o--o{ "default.lost" : "x (no such table)"
    "#);
}

#[test]
fn references_into_other_binds_are_dashed() {
    let db = Harness::builder()
        .default_bind(Bind::memory().schema("CREATE TABLE tree (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"))
        .bind("auth", Bind::memory().schema("CREATE TABLE nut (id INTEGER PRIMARY KEY, tree TEXT)"))
        .bind("meta", Bind::memory().schema("CREATE TABLE root (tree_id INTEGER PRIMARY KEY)"))
        .reference("auth.nut.tree", "main.tree.name")
        .reference("meta.root.tree_id", "main.tree.id")
        .start()
        .unwrap();
    assert_snapshot!(db.diagram().unwrap(), @r#"
    erDiagram
        %% bind default, in memory
        "default.tree" {
            INTEGER id PK
            TEXT name UK
        }
        %% bind auth, in memory
        "auth.nut" {
            INTEGER id PK
            TEXT tree FK
        }
        %% bind meta, in memory
        "meta.root" {
            INTEGER tree_id PK, FK
        }
        %% references from one bind into another
        "default.tree" |o..o{ "auth.nut" : "tree → name"
        "default.tree" ||..o| "meta.root" : "tree_id → id"
    "#);
}

#[test]
fn any_key_table_and_column_is_drawn_by_its_name() {
    let schema = r#"
        CREATE TABLE "b.c" ("first name" TEXT, "PK" INT, "1st" "DOUBLE PRECISION", "日本" TEXT);
        CREATE TABLE "per%cent "" \ #quot; <b>" (x REFERENCES "b.c");
        CREATE TABLE "turn direction LR" ("a~b~c" INT);
        CREATE TABLE "two
lines" (x);
        CREATE TABLE _edge_ (style_x INT);"#;
    let same = "CREATE TABLE c (x); CREATE TABLE \"b.c\" (x)";
    let db = Harness::builder()
        .bind("a", Bind::memory().schema(schema))
        .bind("a.b", Bind::memory().schema(same))
        .bind("%%{init: x}%%", Bind::memory().schema("CREATE TABLE t (x)"))
        .start()
        .unwrap();
    assert_snapshot!(db.diagram().unwrap(), @r##"
    erDiagram
        %% bind a, in memory
        "a.#34;b.c#34;" {
            TEXT first_name "first name"
            INT _PK "PK"
            DOUBLE_PRECISION _1st "1st"
            TEXT __ "日本"
        }
        "a.#34;per#37;cent #34;#34; #92; #35;quot#59; #60;b#62;#34;" {
            any x FK
        }
        "a.turn#32;direction#32;LR" {
            INT a_b_c "a#126;b#126;c"
        }
        "a.two#92;nlines" {
            any x
        }
        "a.#95;edge#95;" {
            INT style_x
        }
        "a.#34;b.c#34;" |o--o{ "a.#34;per#37;cent #34;#34; #92; #35;quot#59; #60;b#62;#34;" : "x"
        %% bind a.b, in memory
        "#34;a.b#34;.c" {
            any x
        }
        "#34;a.b#34;.#34;b.c#34;" {
            any x
        }
        %% bind #37;#37;#123;init#58; x#125;#37;#37;, in memory
        "#37;#37;#123;init#58; x#125;#37;#37;.t" {
            any x
        }
    "##);
}

#[test]
fn a_virtual_table_is_a_table_like_others() {
    let schema = "CREATE VIRTUAL TABLE note USING fts5 (body); INSERT INTO note VALUES ('hello')";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    assert_snapshot!(unframed(db.describe()), @r"
     bind      storage   table   rows
     default   memory    note    1
    ");
    assert_snapshot!(db.diagram().unwrap(), @r#"
    erDiagram
        %% bind default, in memory
        "default.note" {
            any body
        }
    "#);
}
