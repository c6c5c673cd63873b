//! Migrations that are divided between binds: parts of a file, and a file for each, as Flask-Migrate writes them.

use multibind::{Bind, Harness};
use rstest::rstest;

use super::{of_three_binds, tables};
use crate::folder::Folder;

// A part for each bind.

const PARTS: &str = "\
-- The first revision.

-- bind: default
CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT DEFAULT '
-- bind: auth
');
-- bind: auth
CREATE TABLE user (id INTEGER PRIMARY KEY);
CREATE TRIGGER tidy AFTER DELETE ON user BEGIN
    -- bind: meta
    DELETE FROM user;
END; -- bind: meta
/*
-- bind: meta
*/
CREATE TABLE role (name TEXT);
-- bind: me ta
CREATE TABLE setting (name TEXT);
-- bind: default
CREATE TABLE tag (id INTEGER PRIMARY KEY);
";

#[rstest]
fn a_file_may_have_a_part_for_each_bind() {
    let folder = Folder::with([
        ("1_first.sql", PARTS),
        ("2_second.sql", "-- bind: auth\nALTER TABLE user ADD COLUMN name TEXT;"),
    ]);
    let db = of_three_binds(&folder, &[None, Some("auth"), Some("me ta")]).unwrap();
    assert_eq!(tables(&db, None), ["post", "tag"]);
    assert_eq!(tables(&db, "auth"), ["user", "role"]);
    assert_eq!(tables(&db, "me ta"), ["setting"]);
    assert!(db.metadata("auth").unwrap().table("user").unwrap().column("name").is_some());

    let shared = Bind::url("mysql://h/db").schema_path(folder.file("1_first.sql"));
    let db = Harness::builder().default_bind(shared.clone()).bind("auth", shared).bind("me ta", Bind::memory()).start();
    assert_eq!(tables(&db.unwrap(), "auth"), ["post", "user", "role", "tag"]);
}

#[rstest]
fn an_error_in_a_part_has_the_line_of_the_file() {
    let folder =
        Folder::with([("a.sql", "-- bind: default\nCREATE TABLE a (x);\n-- bind: auth\n\nCREATE TABEL b (x);")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[None, Some("auth")])), @r#"bind `auth`: the schema failed at [folder]/a.sql:5: near "TABEL": syntax error"#);
}

#[rstest]
fn parts_that_are_nobodys_are_an_error_with_the_line() {
    let refused = |text: &'static str| {
        let folder = Folder::with([("a.sql", text)]);
        folder.refused(of_three_binds(&folder, &[None, Some("auth")]))
    };
    insta::assert_snapshot!(refused("-- bind: default\nCREATE TABLE a (x);\n-- bind: auht\nCREATE TABLE b (x);"), @"bind `default`: the schema failed at [folder]/a.sql:3: no bind `auht`: configured are default, auth; the nearest is `auth`");
    insta::assert_snapshot!(refused("-- bind: main\nCREATE TABLE a (x);"), @"bind `default`: the schema failed at [folder]/a.sql:1: `main` is no key: the default bind's part begins with `-- bind: default`");
    insta::assert_snapshot!(refused("-- bind:\nCREATE TABLE a (x);"), @"bind `default`: the schema failed at [folder]/a.sql:1: `-- bind:` names no bind: after it goes a key, `default` for the default bind");
    insta::assert_snapshot!(refused("-- first\nCREATE TABLE a (x);\n-- bind: auth\nCREATE TABLE b (x);"), @"bind `default`: the schema failed at [folder]/a.sql:2: this statement stands before the first `-- bind:` line: say there which bind it is for");
    insta::assert_snapshot!(refused("-- bind: default\nCREATE TABLE a (x)\n-- bind: auth\nCREATE TABLE b (x);"), @"bind `default`: the schema failed at [folder]/a.sql:3: the statement before this line has no `;`, so the line is part of it: end the statement that begins on line 2");
    insta::assert_snapshot!(refused("-- bind: default\nCREATE TABLE a (x);"), @"bind `auth`: the schema failed at [folder]: it has parts for other binds and none for this one: add one with the line `-- bind: auth`");
    let folder = Folder::with([("a.sql", "-- bind: default\nCREATE TABLE a (x);")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[Some("auth")])), @"bind `auth`: the schema failed at [folder]/a.sql:1: no default bind: configured are auth");
}

// A spelling that is no mark.

fn refused_of(name: &'static str, text: &'static str) -> String {
    let folder = Folder::with([(name, text)]);
    folder.refused(of_three_binds(&folder, &[None, Some("auth")]))
}

#[rstest]
#[case::upper_case("-- Bind: auth", "auth")]
#[case::no_colon("-- bind auth", "auth")]
#[case::an_equals_sign("-- bind = auth", "auth")]
#[case::a_blank_before_the_colon("-- bind : auth", "auth")]
#[case::the_name_in_flask_sqlalchemy("-- bind_key: auth", "auth")]
#[case::the_attribute("-- __bind_key__ = 'auth'", "auth")]
#[case::a_block_comment("/* bind: auth */", "auth")]
#[case::more_dashes("---- bind: auth ----", "auth")]
#[case::a_key_that_is_misspelt("-- Bind auht", "auth")]
#[case::a_key_in_another_case("-- bind AUTH", "auth")]
#[case::the_default_bind("-- Bind: default", "default")]
#[case::an_unknown_key("-- BIND: meta", "meta")]
#[case::two_keys("-- binds: default, auth", "default")]
#[case::two_keys_in_words("-- Bind auth and default", "auth")]
fn a_mark_in_another_spelling_is_an_error_with_its_line(#[case] mark: &str, #[case] key: &str) {
    let text = format!("CREATE TABLE a (x);\n\n{mark}\nCREATE TABLE b (x);").leak();
    assert_eq!(
        refused_of("1_a.sql", text),
        format!(
            "bind `default`: the schema failed at [folder]/1_a.sql:3: `{mark}` begins no bind's part: write `-- bind: {key}`; a \
             remark needs other words"
        )
    );
}

#[rstest]
#[case::a_sentence("-- bind the user to its role")]
#[case::another_word("-- binding: late")]
#[case::the_head_of_a_dump("-- Database: shop")]
#[case::a_sentence_after_a_colon("-- Bind: the parameters are numbered")]
#[case::a_remark_on_a_statement("CREATE TABLE b (x); -- Bind: auth")]
#[case::what_is_commented_out("/*\n-- bind: auth\nCREATE TABLE c (x);\n*/")]
#[case::a_string("CREATE TABLE b (x DEFAULT '\n-- Bind: auth\n');")]
#[case::the_word_alone("-- bind")]
fn a_remark_is_no_mark(#[case] remark: &str) {
    let folder = Folder::with([("1_a.sql", format!("CREATE TABLE a (x);\n{remark}\n"))]);
    let db = of_three_binds(&folder, &[None, Some("auth")]).unwrap();
    assert_eq!(tables(&db, None), tables(&db, "auth"));
}

#[rstest]
fn an_unmarked_file_beside_marked_ones_is_an_error() {
    let folder = Folder::with([
        ("1_a.sql", "-- bind: default\nCREATE TABLE a (x);\n-- bind: auth\nCREATE TABLE b (x);"),
        ("2_nothing.sql", "-- nothing to do"),
        ("3_c.sql", "CREATE TABLE c (x);"),
    ]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[None, Some("auth")])), @"bind `default`: the schema failed at [folder]/3_c.sql: it has no `-- bind:` line, and `1_a.sql` beside it has: begin it with `-- bind: default`, or with the line of the bind that it is for; what is for every bind goes into a file given by itself");
    let folder = Folder::with([("1_a.sql", "-- bind: auth\nCREATE TABLE b (x);"), ("2_c.sql", "CREATE TABLE c (x);")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[Some("auth"), None])), @"bind `default`: the schema failed at [folder]/2_c.sql: it has no `-- bind:` line, and `1_a.sql` beside it has: begin it with `-- bind: default`, or with the line of the bind that it is for; what is for every bind goes into a file given by itself");
}

#[rstest]
fn a_single_data_file_goes_to_its_bind() {
    let folder = Folder::with([
        ("shared.sql", "CREATE TABLE shared (x);"),
        ("parts.sql", "-- bind: default\nCREATE TABLE a (x);\n-- bind: auth\nCREATE TABLE b (x);"),
    ]);
    let bind = || Bind::memory().schema_path(folder.file("shared.sql")).schema_path(folder.file("parts.sql"));
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    assert_eq!((tables(&db, None), tables(&db, "auth")), (strings(["shared", "a"]), strings(["shared", "b"])));
}

fn strings<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_string).to_vec()
}

// A file for each bind.

/// As `flask db upgrade --sql` writes it for a bind.
fn by_alembic(table: &str) -> String {
    format!(
        "CREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL, \n    CONSTRAINT alembic_version_pkc PRIMARY KEY \
         (version_num)\n);\n\n-- Running upgrade  -> 3f312b92456e\n\nCREATE TABLE {table} (id INTEGER NOT NULL, PRIMARY KEY \
         (id));\n\nINSERT INTO alembic_version (version_num) VALUES ('3f312b92456e') RETURNING version_num;\n\n"
    )
}

#[rstest]
fn a_flask_migrate_folder_serves_each_bind() {
    let folder = Folder::with([(".sql", by_alembic("post")), ("auth.sql", by_alembic("user"))]);
    let db = of_three_binds(&folder, &[None, Some("auth")]).unwrap();
    assert_eq!(tables(&db, None), ["alembic_version", "post"]);
    assert_eq!(tables(&db, "auth"), ["alembic_version", "user"]);

    let alone = Harness::builder().default_bind(Bind::memory().schema_path(folder.file(".sql"))).start().unwrap();
    assert_eq!(tables(&alone, None), ["alembic_version", "post"]);
}

#[rstest]
fn files_named_after_binds_serve_each() {
    let folder = Folder::with([("default.sql", "CREATE TABLE post (x)"), ("auth.sql", "CREATE TABLE user (x)")]);
    let db = of_three_binds(&folder, &[None, Some("auth")]).unwrap();
    assert_eq!((tables(&db, None), tables(&db, "auth")), (strings(["post"]), strings(["user"])));
}

#[rstest]
fn binds_and_files_must_match() {
    let folder = Folder::with([(".sql", by_alembic("post")), ("db1.sql", by_alembic("user"))]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[None, Some("auth")])), @"bind `default`: the schema failed at [folder]: `db1.sql` is named after no bind, and `.sql` beside it says that there is a file for each, as `flask db upgrade --sql` writes them: configured are default, auth");
    let folder = Folder::with([(".sql", by_alembic("post")), ("auth.sql", by_alembic("user"))]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[None, Some("auth"), Some("meta")])), @"bind `meta`: the schema failed at [folder]: it has a file for each bind (`.sql`, `auth.sql`) and none for this one, which would be called `meta.sql`; what is for this one all the same is given by itself, as a file");
    let folder = Folder::with([(".sql", "CREATE TABLE a (x)"), ("default.sql", "CREATE TABLE a (x)")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[None])), @"bind `default`: the schema failed at [folder]: `.sql` and `default.sql` are both the default bind's: remove one");
    let folder = Folder::with([("auth.sql", "CREATE TABLE user (x)")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[Some("auth"), None])), @"bind `default`: the schema failed at [folder]: it has a file for each bind (`auth.sql`) and none for this one, which would be called `.sql`; what is for this one all the same is given by itself, as a file");
}

#[rstest]
fn alembic_folders_and_downgrade_output_are_explained_errors() {
    let folder = Folder::with([("alembic.ini", ""), ("env.py", ""), ("versions/1.py", "")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &[None])), @"bind `default`: the schema failed at [folder]: it is Alembic's folder, whose migrations are Python: write their SQL with `flask db upgrade --sql` and give the folder with what that has written");
    insta::assert_snapshot!(refused_of("1_a.sql", "-- Running downgrade b -> a\n\nDROP TABLE post;\n"), @"bind `default`: the schema failed at [folder]/1_a.sql:1: it is the output of a downgrade, which leads back: give the output of `flask db upgrade --sql`, or of `alembic upgrade head --sql`");
}
