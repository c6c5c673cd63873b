//! Rows with labels in every storage, in prepared states, in stored images, after a reset.

use std::fs;
use std::path::PathBuf;

use multibind::binds::{Lag, Storage};
use multibind::{row, Bind, Config, Harness};
use rstest::rstest;
use tempfile::TempDir;

const USER: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, boss_id INTEGER REFERENCES user)";
const POST: &str = "CREATE TABLE post (id INTEGER PRIMARY KEY, author INTEGER)";

const TEAM: &str = "
    [auth.user]
    ann = { name = 'Ann', boss = 'bob' }
    bob = { name = 'Bob' }
    [default.post.hello]
    author = { ref = 'auth.user.bob' }
";

/// A folder with the file `team.toml`.
fn team(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("team.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn config(storage: Storage) -> Config {
    let bind = |sql| Bind::default().storage(storage).schema(sql);
    Harness::builder().default_bind(bind(POST)).bind("auth", bind(USER))
}

fn holds_the_team(db: &Harness) -> multibind::Result<()> {
    let (ann, bob): (i64, i64) = (db.id_of("auth.user.ann")?, db.id_of("auth.user.bob")?);
    db.assert_rows("auth", "user", [row! { id: ann, boss_id: bob }, row! { id: bob, boss_id: None }]);
    db.assert_rows(None, "post", [row! { id: db.id_of::<i64>("post.hello")?, author: bob }]);
    Ok(())
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[case::temp_file(Storage::TempFile)]
fn rows_with_labels_are_there_from_the_start_and_after_a_reset(#[case] storage: Storage) -> multibind::Result<()> {
    let (_folder, path) = team(TEAM);
    let db = config(storage).data(&path).start()?;
    holds_the_team(&db)?;
    db.connection("auth")?.execute("UPDATE user SET boss_id = NULL", []).unwrap();
    db.reset()?;
    holds_the_team(&db)?;

    let db = config(storage).start()?;
    let before = db.snapshot()?;
    assert_eq!(db.load_data(&path)?, 3);
    holds_the_team(&db)?;
    db.restore(&before)?;
    db.load_data(&path)?;
    holds_the_team(&db)
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
fn a_prepared_state_has_the_labels_of_what_its_code_loads(#[case] storage: Storage) -> multibind::Result<()> {
    let (_folder, path) = team(TEAM);
    for _ in 0..2 {
        let later = path.clone();
        let prepared = config(storage).prepared("team", move |db| db.load_data(&later).map(drop));
        holds_the_team(&prepared.clone().start()?)?;
        let db = prepared.prepared("renamed", |db| {
            let ann: i64 = db.id_of("auth.user.ann")?;
            db.session().table("user")?.find(row! { id: ann }).map(drop)
        });
        holds_the_team(&db.start()?)?;
    }
    // The code of a state that is copied does not run, and the labels of the configuration's own files are there.
    for _ in 0..2 {
        let prepared = config(storage).data(&path).prepared("named", |db| db.id_of::<i64>("auth.user.bob").map(drop));
        holds_the_team(&prepared.start()?)?;
    }
    Ok(())
}

#[test]
fn a_file_that_has_changed_makes_other_rows_in_each_bind_that_refers_to_them() -> multibind::Result<()> {
    let (folder, path) = team(TEAM);
    let start = || config(Storage::Memory).images_in(folder.path().join("images")).data(&path).start();
    holds_the_team(&start()?)?;
    // Nothing of the default bind's part changes but what it refers to.
    fs::write(&path, TEAM.replace("name = 'Bob'", "id = 7")).unwrap();
    let db = start()?;
    assert_eq!(db.id_of::<i64>("auth.user.bob")?, 7);
    holds_the_team(&db)
}

#[test]
fn a_label_by_another_key_of_one_database_is_the_same_row() -> multibind::Result<()> {
    let main = Bind::memory().schema(USER);
    let (_folder, path) = team("[main.user]\nann = { name = 'Ann', boss = { ref = 'alias.user.bob' } }\nbob = {}\n");
    let db = Harness::builder()
        .default_bind(main)
        .bind("alias", Bind::mirror("default"))
        .bind("replica", Bind::mirror("default").read_only(true).lag(Lag::Manual))
        .data(&path)
        .start()?;
    let bob: i64 = db.id_of("alias.user.bob")?;
    assert_eq!(db.id_of::<i64>("main.user.bob")?, bob);
    for key in ["default", "alias", "replica"] {
        db.assert_rows(key, "user", [row! { name: "Ann", boss_id: bob }, row! { id: bob, name: None }]);
    }
    Ok(())
}
