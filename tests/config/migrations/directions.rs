//! Files that have what leads up and what leads back in one.

use multibind::{Bind, Harness};
use rstest::rstest;

use super::{start, tables};
use crate::folder::Folder;

fn refused(files: &[(&'static str, &'static str)]) -> String {
    let folder = Folder::with(files.iter().copied());
    folder.refused(start(&folder))
}

fn made(files: &[(&'static str, &'static str)]) -> Vec<String> {
    tables(&start(&Folder::with(files.iter().copied())).unwrap(), "auth")
}

const DBMATE: &str = "-- migrate:up\nCREATE TABLE a (x);\n\n-- migrate:down\nDROP TABLE a;\n";
const GOOSE: &str = "-- +goose Up\nCREATE TABLE a (x);\n\n-- +goose Down\nDROP TABLE a;\n";
const SQL_MIGRATE: &str = "-- +migrate Up\nCREATE TABLE a (x);\n\n-- +migrate Down\nDROP TABLE a;\n";

#[rstest]
#[case::dbmate(DBMATE)]
#[case::goose(GOOSE)]
#[case::sql_migrate(SQL_MIGRATE)]
fn up_migrations_run_and_down_migrations_do_not(#[case] text: &'static str) {
    assert_eq!(made(&[("20240101120000_a.sql", text)]), ["a"]);
    let folder = Folder::with([("a.sql", text)]);
    let by_itself = Bind::memory().schema_path(folder.file("a.sql"));
    assert_eq!(tables(&Harness::builder().bind("auth", by_itself).start().unwrap(), "auth"), ["a"]);
    let as_text = Bind::memory().schema(text);
    assert_eq!(tables(&Harness::builder().bind("auth", as_text).start().unwrap(), "auth"), ["a"]);
}

#[rstest]
fn binds_have_their_parts_of_what_leads_up() {
    let text = "-- migrate:up\n-- bind: default\nCREATE TABLE post (x);\n-- bind: auth\nCREATE TABLE user (x);\n\
                -- migrate:down\n-- bind: default\nDROP TABLE post;\n-- bind: auth\nDROP TABLE user;\n";
    let folder = Folder::with([
        ("1_a.sql", text),
        ("2_b.sql", "-- migrate:up\n-- bind: auth\nCREATE TABLE role (x);\n-- migrate:down\n"),
    ]);
    let bind = || Bind::memory().schema_path(folder.path());
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    assert_eq!(tables(&db, None), ["post"]);
    assert_eq!(tables(&db, "auth"), ["user", "role"]);
}

#[rstest]
fn letters_of_any_script_move_nothing() {
    let text = "-- +goose Up\n-- größe;\n-- bind: default\nCREATE TABLE \"größe\" (x DEFAULT '日本');\n\
                CREATE TABLE b (x);\n-- bind: auth\nCREATE TABLE \"日本\" (x);\nCREATE TABLE c (x);\n-- +goose Down\n";
    let folder = Folder::with([("1_größe.sql", text)]);
    let bind = || Bind::memory().schema_path(folder.path());
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    assert_eq!(tables(&db, None), ["größe", "b"]);
    assert_eq!(tables(&db, "auth"), ["日本", "c"]);
    assert_eq!(made(&[("größe.sql", "CREATE TABLE a (x);"), ("maß_é.sql", "CREATE TABLE b (x);")]), ["a", "b"]);
    assert_eq!(made(&[("日本.sql", "CREATE TABLE a (x);"), ("日.sql", "CREATE TABLE b (x);")]).len(), 2);
}

#[rstest]
fn an_error_has_the_line_of_the_file() {
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- migrate:up\n\nCREATE TABEL a (x);\n-- migrate:down\n")]), @r#"bind `auth`: the schema failed at [folder]/1_a.sql:3: near "TABEL": syntax error"#);
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Up\nCREATE TABLE b (x);\n\nCREATE TABEL a (x);\n")]), @r#"bind `auth`: the schema failed at [folder]/1_a.sql:4: near "TABEL": syntax error"#);
}

#[rstest]
fn a_file_its_tool_refuses_names_the_line() {
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- migrate:up\nCREATE TABLE a (x);\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: dbmate wants a `-- migrate:down` after each `-- migrate:up`, if an empty one");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- migrate:down\nDROP TABLE a;\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: dbmate wants `-- migrate:up` before this");
    insta::assert_snapshot!(refused(&[("1_a.sql", "CREATE TABLE b (x);\n-- migrate:up\n-- migrate:down\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: dbmate takes nothing before `-- migrate:up`: move this below it");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- migrate:up\n-- migrate:down\n-- migrate:up\n-- migrate:down\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:3: a file has one `-- migrate:up` and one `-- migrate:down`: the versions of dbmate differ in what they do with more, so give this a file of its own");
    insta::assert_snapshot!(refused(&[("1_a.sql", "\u{feff}-- migrate:up\n-- migrate:down\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: it begins with a byte order mark, which dbmate does not read: save it without");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Up\nCREATE TABLE a (x)\n-- +goose Down\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:2: goose wants a `;` at the end of the last line of this statement, and finds none before what follows it");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Down\nDROP TABLE a;\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: goose wants `-- +goose Up` before this, and its statements ended");
    insta::assert_snapshot!(refused(&[("1_a.sql", "CREATE TABLE a (x);\n-- +goose Up\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: goose wants `-- +goose Up` before the first statement");
    insta::assert_snapshot!(refused(&[("1_a.sql", " -- +goose Up\nCREATE TABLE a (x);\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: goose takes no blank before this: write `-- +goose Up`");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Upp\nCREATE TABLE a (x);\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:1: goose knows no `-- +goose Upp`: it has Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Up\n-- +goose ENVSUB ON\nCREATE TABLE ${A} (x);\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:2: goose puts environment variables into what follows, which a schema cannot have: write their values");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Up\n-- +goose StatementBegin\nCREATE TABLE a (x);\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:2: this block has no `-- +goose StatementEnd`");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +migrate Up\nCREATE TABLE a (x);\n-- +migrate down\nDROP TABLE a;\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:3: sql-migrate passes over this line: it knows `-- +migrate Up`, `-- +migrate Down`, `-- +migrate StatementBegin` and `-- +migrate StatementEnd`, spelt so");
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +migrate Up\nCREATE TABLE a (x)\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:2: sql-migrate wants a `;` at the end of the last line of this statement");
}

#[rstest]
fn a_folder_keeps_to_one_tool() {
    insta::assert_snapshot!(refused(&[("1_a.sql", DBMATE), ("2_b.sql", "CREATE TABLE b (x);")]), @"bind `auth`: the schema failed at [folder]: `1_a.sql` has dbmate's `-- migrate:up`, and `2_b.sql` has none: add it, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&[("1_a.sql", DBMATE), ("2_b.sql", GOOSE)]), @"bind `auth`: the schema failed at [folder]: `1_a.sql` has dbmate's `-- migrate:up`, and `2_b.sql` has goose's `-- +goose Up`: keep to one tool, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&[("1_a.sql", DBMATE), ("seed.sql", DBMATE)]), @"bind `auth`: the schema failed at [folder]: `seed.sql` has dbmate's lines, but not its names, so dbmate passes it over: begin it with digits, and end it in `.sql`");
    insta::assert_snapshot!(refused(&[("1_a.sql", GOOSE), ("2-b.sql", GOOSE)]), @"bind `auth`: the schema failed at [folder]: `2-b.sql` has goose's lines, but not its names, so goose passes it over: begin it with a number above 0 and `_`");
    insta::assert_snapshot!(refused(&[("1_a.sql", GOOSE), ("01_b.sql", GOOSE)]), @"bind `auth`: the schema failed at [folder]: `01_b.sql` and `1_a.sql` have the same version, 1: give each a version of its own, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&[("1_a.sql", GOOSE), ("2_b.go", "package migrations")]), @"bind `auth`: the schema failed at [folder]: `2_b.go` is a migration in Go, which goose alone can run: write it in SQL, or leave it out and list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&[("1_a.sql", DBMATE), ("1_b.sql", DBMATE)]), @"bind `auth`: the schema failed at [folder]: `1_a.sql` and `1_b.sql` have the same version, 1: give each a version of its own, or list the files one by one in the order in which they run");
}

// goose is to be had from no registry that CI reaches, so its rules are those of its sources and its documentation.

#[rstest]
fn goose_s_annotations_are_read_as_goose_reads_them() {
    let text = "\n-- why\n--+goose up\n\n-- a\nCREATE TABLE a (x); -- the first;\nCREATE TABLE b (\n  x -- ;\n);\n\
                -- +goose statementbegin\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\nEND;\n-- +GOOSE is a remark\n\
                -- +goose StatementEnd\nCREATE TABLE c (x);\n-- +goose Down\nDROP TABLE nowhere\n";
    assert_eq!(made(&[("00001_a.sql", text)]), ["a", "b", "c"]);
    let cut = "-- +goose Up\nCREATE TABLE a (x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\nEND;\n";
    insta::assert_snapshot!(refused(&[("00001_a.sql", cut)]), @"bind `auth`: the schema failed at [folder]/00001_a.sql:3: incomplete input; goose ends a statement at each line that ends in `;`: put `-- +goose StatementBegin` and `-- +goose StatementEnd` around it");
}

#[rstest]
fn goose_runs_by_number_and_in_a_transaction() {
    let log = "-- +goose Up\nINSERT INTO log VALUES ('b');\n";
    let files = [("9_a.sql", "-- +goose Up\nCREATE TABLE log (what);\n"), ("10_b.sql", log)];
    assert_eq!(made(&files), ["log"]);
    assert_eq!(made(&[("1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM;\nCREATE TABLE a (x);\n")]), ["a"]);
    insta::assert_snapshot!(refused(&[("1_a.sql", "-- +goose Up\nCREATE TABLE a (x);\nVACUUM;\n")]), @"bind `auth`: the schema failed at [folder]/1_a.sql:3: cannot VACUUM from within a transaction; goose runs it in a transaction: add the line `-- +goose NO TRANSACTION`");
}

// Directions that no known tool has.

#[rstest]
#[case::of_micrate("-- +micrate Up", "-- +micrate Down")]
#[case::of_node_pg_migrate("-- Up Migration", "-- Down Migration")]
#[case::of_node_sqlite("-- Up", "-- Down")]
#[case::of_play("-- !Ups", "-- !Downs")]
#[case::of_mybatis("-- //", "-- //@UNDO")]
#[case::of_tern("-- up", "---- create above / drop below ----")]
#[case::of_shmig("-- ==== UP ====", "-- ==== DOWN ====")]
#[case::misspelt_dbmate("-- Migrate:Up", "-- Migrate:Down")]
#[case::dbmate_with_a_blank("-- migrate: up", "-- migrate: down")]
fn an_unknown_direction_names_the_line(#[case] up: &str, #[case] down: &str) {
    let text = &*format!("{up}\nCREATE TABLE a (x);\n\n{down}\nDROP TABLE a;\n").leak();
    for name in ["1_a.sql", "schema.sql", "V1__a.sql", "2024-01-01-000000_a/up.sql"] {
        let error = refused(&[(name, text)]);
        let expected =
            format!("bind `auth`: the schema failed at [folder]/{name}:4: `{down}` seems to begin what leads back");
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.contains("-- migrate:down") && error.contains(".down.sql"), "{error}");
    }
    let as_text = Harness::builder().bind("auth", Bind::memory().schema(text)).start().unwrap_err().to_string();
    assert!(as_text.contains("line 4") && as_text.contains("seems to begin what leads back"), "{as_text}");
}

#[rstest]
#[case::a_sentence("-- users who are down")]
#[case::nothing_after_it("CREATE TABLE b (x);\n-- Down\n-- nothing")]
#[case::in_a_string("CREATE TABLE b (x DEFAULT '\n-- Down\n');\nCREATE TABLE c (x);")]
#[case::in_a_trigger("CREATE TABLE b (x); CREATE TRIGGER t AFTER INSERT ON b BEGIN\n-- Down\nSELECT 1; END;")]
fn a_remark_begins_no_direction(#[case] remark: &str) {
    let folder = Folder::with([("1_a.sql", format!("CREATE TABLE a (x);\n{remark}\n"))]);
    assert_eq!(tables(&start(&folder).unwrap(), "auth")[0], "a");
}

#[rstest]
#[case("user_up.sql", "user_down.sql")]
#[case("user.sql", "user-rollback.sql")]
#[case("user.sql", "user.undo.sql")]
#[case("1-user.sql", "1-user_down.sql")]
fn an_unknown_down_file_name_is_refused(#[case] up: &'static str, #[case] down: &'static str) {
    let error = refused(&[(up, "CREATE TABLE user (x);"), (down, "DROP TABLE IF EXISTS user;")]);
    assert!(error.contains(&format!("`{down}` seems to lead back, and would run: name it")), "{error}");
    // What has the word for another reason runs.
    assert_eq!(
        made(&[("undo.sql", "CREATE TABLE undo (x);"), ("page_down.sql", "CREATE TABLE page_down (x);")]),
        ["page_down", "undo"]
    );
}

#[rstest]
fn folders_for_each_direction_are_an_error_that_names_a_file() {
    insta::assert_snapshot!(refused(&[("up/1_a.sql", "CREATE TABLE a (x);"), ("down/1_a.sql", "DROP TABLE a;")]), @"bind `auth`: the schema failed at [folder]: it has `down/1_a.sql` in a folder that is no bind's, and no SQL of its own: give that folder by itself, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&[("0001_initial.py", "")]), @"bind `auth`: the schema failed at [folder]: the folder has no `.sql` file, but `0001_initial.py`, which is a program: a schema is SQL");
}

#[rstest]
#[case::of_a_tool("-- migrate:up\nINSERT INTO user VALUES ('ann');\n-- migrate:down\nDELETE FROM user;\n")]
#[case::of_none("INSERT INTO user VALUES ('ann');\n-- Down\nDELETE FROM user;\n")]
#[case::of_binds("INSERT INTO user VALUES ('ann');\n-- bind: meta\nDELETE FROM user;\n")]
fn a_data_file_runs_whole(#[case] text: &'static str) {
    let folder = Folder::with([("auth.sql", text)]);
    let bind = Bind::memory().schema("CREATE TABLE user (name)").data(folder.file("auth.sql"));
    let error = folder.refused(Harness::builder().bind("auth", bind).start());
    assert!(error.contains("[folder]/auth.sql"), "{error}");
    assert!(error.contains("a data file") || error.contains("seems to begin what leads back"), "{error}");
}
