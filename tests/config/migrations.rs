//! Folders of migrations as applications have them, in the layout of each tool.

mod binds;
mod directions;
mod transactions;
mod versions;

use multibind::{Bind, BindKey, Config, Harness, Result};
use rstest::rstest;

use crate::folder::Folder;

const LOG: &str = "CREATE TABLE log (what TEXT);";

/// Files that write their own names, after one that makes the log.
fn logging(names: &[&'static str]) -> Folder {
    Folder::with(names.iter().map(|name| {
        let table = if name == &names[0] { LOG } else { "" };
        (*name, format!("{table} INSERT INTO log VALUES ('{name}');"))
    }))
}

fn start(folder: &Folder) -> Result<Harness> {
    Harness::builder().bind("auth", Bind::memory().schema_path(folder.path())).start()
}

fn log(db: &Harness, key: impl Into<BindKey>) -> String {
    let conn = db.connection(key).unwrap();
    conn.query_row("SELECT group_concat(what, ' ') FROM log", [], |row| row.get(0)).unwrap()
}

fn tables(db: &Harness, key: impl Into<BindKey>) -> Vec<String> {
    db.metadata(key).unwrap().tables().iter().map(|table| table.name().to_string()).collect()
}

// Layouts.

#[rstest]
#[case::sqlx(&["1_a.sql", "2_b.sql", "3_c.sql", "4_d.sql", "5_e.sql", "6_f.sql", "7_g.sql", "8_h.sql", "9_i.sql", "10_j.sql"])]
#[case::sqlx_with_times(&["20240101120000_a.sql", "20240301090000_b.sql", "20241231235959_c.sql"])]
#[case::sqlx_that_went_over_to_times(&["0001_a.sql", "0002_b.sql", "20240101120000_c.sql", "20240301090000_d.sql"])]
#[case::sqlx_from_zero(&["0000_a.sql", "0001_b.sql", "0002_c.sql"])]
#[case::refinery(&["V1__a.sql", "V2__b.sql", "U3__c.sql", "V4__d.sql", "V5__e.sql"])]
#[case::refinery_with_gaps_in_dates(&["V20240101__a.sql", "V20240301__b.sql"])]
#[case::refinery_in_folders(&["old/V1__a.sql", "V2__b.sql", "new/soon/V3__c.sql"])]
#[case::diesel_with_times(&["2023-12-31-235959_a/up.sql", "2024-01-01-000000_b/up.sql", "2024-01-01-000001_c/up.sql"])]
#[case::diesel_with_numbers(&["00000000000000_setup/up.sql", "1_a/up.sql", "2_b/up.sql", "3_c/up.sql"])]
#[case::numbers_alone(&["1.sql", "2.sql", "3.SQL"])]
#[case::padded(&["001-a.sql", "002 b.sql", "003.c.sql"])]
#[case::room_between(&["10_a.sql", "20_b.sql", "25_c.sql", "30_d.sql", "100_e.sql"])]
#[case::the_first_ones_squashed(&["37_a.sql", "38_b.sql", "39_c.sql"])]
#[case::dates_with_dashes(&["2024-01-02_a.sql", "2024-01-10_b.sql", "2024-02-01_c.sql"])]
#[case::dates_with_underscores(&["2014_10_12_000000_a.sql", "2014_10_12_100000_b.sql"])]
#[case::dotted(&["1.sql", "1.2.sql", "1.10.sql", "2.sql"])]
#[case::a_number_after_the_version(&["1_2024_report.sql", "2_1_more.sql", "3_2fa.sql"])]
#[case::longer_than_any_number(&["20240101120000000000000001_a.sql", "20240101120000000000000002_b.sql"])]
#[case::no_numbers(&["post.sql", "tag.sql", "user_2.sql", "user_10.sql"])]
#[case::names_with_digits_first(&["1st.sql", "2nd.sql", "10th.sql"])]
fn migrations_run_by_the_numbers_of_their_versions(#[case] names: &[&'static str]) {
    assert_eq!(log(&start(&logging(names)).unwrap(), "auth"), names.join(" "));
}

#[rstest]
fn files_that_lead_down_are_never_run() {
    let reversible = logging(&["1_a.up.sql", "1_a.down.sql", "2_b.sql", "2_b.down.sql", "3_c.up.sql"]);
    assert_eq!(log(&start(&reversible).unwrap(), "auth"), "1_a.up.sql 2_b.sql 3_c.up.sql");

    let diesel = logging(&["2024-01-01-000000_a/up.sql", "2024-01-01-000000_a/down.sql", "2024-01-02-000000_b/up.sql"]);
    std::fs::write(diesel.file("2024-01-02-000000_b/metadata.toml"), "run_in_transaction = false").unwrap();
    std::fs::write(diesel.file("README.md"), "not SQL").unwrap();
    assert_eq!(log(&start(&diesel).unwrap(), "auth"), "2024-01-01-000000_a/up.sql 2024-01-02-000000_b/up.sql");

    let one_of_diesel = logging(&["up.sql", "down.sql"]);
    assert_eq!(log(&start(&one_of_diesel).unwrap(), "auth"), "up.sql");

    let without_numbers = logging(&["a.up.sql", "a.down.sql", "b.sql"]);
    assert_eq!(log(&start(&without_numbers).unwrap(), "auth"), "a.up.sql b.sql");
}

#[rstest]
fn hidden_files_and_foreign_folders_are_passed_over() {
    let folder = logging(&["1_a.sql", "2_b.sql"]);
    for (name, content) in [(".3_c.sql", ""), ("README.md", ""), ("mod.rs", ""), ("old/0_before.sql", "not SQL")] {
        std::fs::create_dir_all(folder.file(name).parent().unwrap()).unwrap();
        std::fs::write(folder.file(name), content).unwrap();
    }
    assert_eq!(log(&start(&folder).unwrap(), "auth"), "1_a.sql 2_b.sql");
}

#[cfg(unix)]
#[rstest]
fn links_to_files_count_and_loops_end() {
    let folder = logging(&["V1__a.sql", "V2__b.sql"]);
    std::fs::create_dir(folder.file("more")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.file("more/again")).unwrap();
    std::os::unix::fs::symlink(folder.file("V2__b.sql"), folder.file("more/V3__c.sql")).unwrap();
    assert_eq!(log(&start(&folder).unwrap(), "auth"), "V1__a.sql V2__b.sql V2__b.sql");
}

#[rstest]
fn a_migration_that_fails_is_named() {
    let folder = Folder::with([
        ("2024-01-01-000000_a/up.sql", "CREATE TABLE a (x);"),
        ("2024-01-02-000000_b/up.sql", "-- again\nCREATE TABLE a (x);"),
    ]);
    insta::assert_snapshot!(folder.refused(start(&folder)), @"bind `auth`: the schema failed at [folder]/2024-01-02-000000_b/up.sql:2: table a already exists");
}

// What is wrong with a folder.

fn refused(names: &[&'static str]) -> String {
    let folder = logging(names);
    folder.refused(start(&folder))
}

#[rstest]
fn mixed_layouts_error_names_both_files() {
    insta::assert_snapshot!(refused(&["1_a.sql", "V2__b.sql"]), @"bind `auth`: the schema failed at [folder]: its files are laid out in two ways: `1_a.sql` with a number and `_` first, as sqlx has it, `V2__b.sql` as refinery has it. Keep to one, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["1_a.sql", "2024-01-01-000000_b/up.sql"]), @"bind `auth`: the schema failed at [folder]: its files are laid out in two ways: `1_a.sql` with a number and `_` first, as sqlx has it, `2024-01-01-000000_b/up.sql` in a folder of its own, as Diesel has it. Keep to one, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["1_a.sql", "seed.sql"]), @"bind `auth`: the schema failed at [folder]: its files are laid out in two ways: `1_a.sql` with a number and `_` first, as sqlx has it, `seed.sql` without a number. Keep to one, or list the files one by one in the order in which they run");
}

#[rstest]
fn two_migrations_of_one_version_are_an_error_that_names_both() {
    insta::assert_snapshot!(refused(&["1_a.sql", "002_c.sql", "2_b.sql"]), @"bind `auth`: the schema failed at [folder]: `002_c.sql` and `2_b.sql` have the same version, 2: give each a version of its own, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["1_a.up.sql", "1_a.down.sql", "1_b.up.sql", "1_b.down.sql"]), @"bind `auth`: the schema failed at [folder]: `1_a.up.sql` and `1_b.up.sql` have the same version, 1: give each a version of its own, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["V1__a.sql", "U1__b.sql"]), @"bind `auth`: the schema failed at [folder]: `U1__b.sql` and `V1__a.sql` have the same version, 1: give each a version of its own, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["V1__a.sql", "more/V1__a.sql"]), @"bind `auth`: the schema failed at [folder]: `V1__a.sql` and `more/V1__a.sql` have the same version, 1: give each a version of its own, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["2024-01-01-000000_a/up.sql", "2024-01-01-000000_b/up.sql"]), @"bind `auth`: the schema failed at [folder]: `2024-01-01-000000_a/up.sql` and `2024-01-01-000000_b/up.sql` have the same version, 20240101000000: give each a version of its own, or list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["20240101_a.sql", "20240101_b.sql"]), @"bind `auth`: the schema failed at [folder]: `20240101_a.sql` and `20240101_b.sql` have the same version, 20240101: give each a version of its own, or list the files one by one in the order in which they run");
}

#[rstest]
fn files_that_a_folder_may_not_have_can_be_listed() {
    let folder = logging(&["016_z.sql", "017_a.sql", "017_b.sql", "019_c.sql"]);
    let mut bind = Bind::memory();
    for name in ["016_z.sql", "017_b.sql", "017_a.sql", "019_c.sql"] {
        bind = bind.schema_path(folder.file(name));
    }
    let db = Harness::builder().bind("auth", bind).start().unwrap();
    assert_eq!(log(&db, "auth"), "016_z.sql 017_b.sql 017_a.sql 019_c.sql");
}

#[rstest]
fn a_missing_counted_version_is_an_error_with_its_neighbours() {
    insta::assert_snapshot!(refused(&["1_a.sql", "3_c.sql"]), @"bind `auth`: the schema failed at [folder]: version 2 is missing between `1_a.sql` and `3_c.sql`: put back what was lost or close the gap; where it is meant, list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["0001_a.up.sql", "0002_b.up.sql", "0004_d.up.sql", "0010_e.up.sql"]), @"bind `auth`: the schema failed at [folder]: version 3 is missing between `0002_b.up.sql` and `0004_d.up.sql`, versions 5 to 9 are missing between `0004_d.up.sql` and `0010_e.up.sql`: put back what was lost or close the gap; where it is meant, list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["V7__a.sql", "V8__b.sql", "V10__c.sql", "V11__d.sql"]), @"bind `auth`: the schema failed at [folder]: version 9 is missing between `V8__b.sql` and `V10__c.sql`: put back what was lost or close the gap; where it is meant, list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["1_a/up.sql", "3_b/up.sql"]), @"bind `auth`: the schema failed at [folder]: version 2 is missing between `1_a/up.sql` and `3_b/up.sql`: put back what was lost or close the gap; where it is meant, list the files one by one in the order in which they run");
    insta::assert_snapshot!(refused(&["1_a.sql", "3_b.sql", "20240101120000_c.sql"]), @"bind `auth`: the schema failed at [folder]: version 2 is missing between `1_a.sql` and `3_b.sql`: put back what was lost or close the gap; where it is meant, list the files one by one in the order in which they run");
}

#[rstest]
fn a_migration_without_runnable_files_is_refused() {
    insta::assert_snapshot!(refused(&["1_a.up.sql", "2_b.down.sql"]), @"bind `auth`: the schema failed at [folder]: `2_b.down.sql` has no `2_b.up.sql`: a file that leads down is never run, and what leads up is missing");
    insta::assert_snapshot!(refused(&["a.down.sql"]), @"bind `auth`: the schema failed at [folder]: `a.down.sql` has no `a.up.sql`: a file that leads down is never run, and what leads up is missing");
    insta::assert_snapshot!(refused(&["down.sql"]), @"bind `auth`: the schema failed at [folder]: `down.sql` has no `up.sql`: a file that leads down is never run, and what leads up is missing");
    insta::assert_snapshot!(refused(&["V1__a.sql", "V2__b.rs"]), @"bind `auth`: the schema failed at [folder]: `V2__b.rs` is a migration in Rust, which refinery alone can run: give its runner to `schema_with`");
    insta::assert_snapshot!(refused(&["2024-01-01-000000_a/up.sql", "2024-01-02-000000_b/down.sql"]), @"bind `auth`: the schema failed at [folder]: the folder `2024-01-02-000000_b` beside Diesel's migrations has no `up.sql`: put it back, or move the folder elsewhere");
}

// A folder for each bind.

fn of_three_binds(folder: &Folder, keys: &[Option<&str>]) -> Result<Harness> {
    let binds = keys.iter().map(|key| (*key, Bind::memory().schema_path(folder.path())));
    Harness::from_config(binds.fold(Config::new(), |config, (key, bind)| config.bind(key, bind)))
}

#[rstest]
fn each_bind_may_have_a_folder_in_any_layout() {
    let folder = Folder::with([
        ("default/1_post.sql", "CREATE TABLE post (id)"),
        ("default/2_tag.sql", "CREATE TABLE tag (id)"),
        ("auth/2024-01-01-000000_user/up.sql", "CREATE TABLE user (id)"),
        ("auth/2024-01-01-000000_user/down.sql", "DROP TABLE user"),
        ("me ta/V1__setting.sql", "CREATE TABLE setting (id)"),
        ("README.md", "what is where"),
    ]);
    let db = of_three_binds(&folder, &[None, Some("auth"), Some("me ta")]).unwrap();
    assert_eq!(tables(&db, None), ["post", "tag"]);
    assert_eq!(tables(&db, "auth"), ["user"]);
    assert_eq!(tables(&db, "me ta"), ["setting"]);
}

#[rstest]
fn binds_that_share_a_database_have_the_folders_of_all() {
    let folder =
        Folder::with([("default/post.sql", "CREATE TABLE post (id)"), ("auth/user.sql", "CREATE TABLE user (id)")]);
    let bind = || Bind::url("postgres://db.example/app").schema_path(folder.path());
    let db = Harness::builder().default_bind(bind()).bind("auth", bind()).start().unwrap();
    assert_eq!(tables(&db, None), ["post", "user"]);
}

#[rstest]
fn a_bind_without_its_own_folder_is_refused() {
    let both = [None, Some("auth"), Some("meta")];
    let folder = Folder::with([("default/V1__post.sql", ""), ("auth/user.sql", "")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &both)), @"bind `meta`: the schema failed at [folder]: the folder has no `.sql` file, but folders of the binds default, auth: make one named `meta`");
    let folder = Folder::with([("default/post.sql", ""), ("auth/.keep", ""), ("meta/setting.sql", "")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &both)), @"bind `auth`: the schema failed at [folder]: its folder `auth` has no `.sql` file");
    let folder = Folder::with([("auth/user.sql", ""), ("meta/x.sql", ""), ("default/post.sql", ""), ("role.sql", "")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &both)), @"bind `default`: the schema failed at [folder]: `role.sql` and the folder `default` of this bind's own are side by side: move the files into the folders of their binds, or give the bind's folder itself");
    let folder = Folder::with([("default/post.sql", ""), ("auth/1_user.sql", ""), ("auth/1_role.sql", "")]);
    insta::assert_snapshot!(folder.refused(of_three_binds(&folder, &both[..2])), @"bind `auth`: the schema failed at [folder]: in its folder `auth`: `1_role.sql` and `1_user.sql` have the same version, 1: give each a version of its own, or list the files one by one in the order in which they run");
}
