//! Rows that a key, a trigger, a conflict or a commit that failed took away or changed.

use insta::assert_snapshot;
use multibind::{changes, row, Bind, Harness};

use crate::failure::failure;

/// A shop in the default bind, and a log in each of two.
fn shop(schema: &str) -> Harness {
    let log = "CREATE TABLE log (id INTEGER PRIMARY KEY, event TEXT); INSERT INTO log VALUES (1, 'started')";
    Harness::builder()
        .default_bind(Bind::memory().schema(format!("{log}; {schema}")))
        .bind("meta", Bind::memory().schema(log))
        .start()
        .unwrap()
}

fn run(db: &Harness, script: &str) {
    db.connection(None).unwrap().execute_batch(script).unwrap();
}

#[test]
fn an_update_in_another_bind_is_the_headline_of_both_assertions() {
    let db = shop("");
    let before = db.snapshot().unwrap();
    run(&db, "UPDATE log SET event = 'stopped' WHERE id = 1");
    assert_snapshot!(failure(|| db.assert_landed("meta", "log", row! { id: 1, event: "stopped" })), @r#"
    the row landed in `default` instead of `meta`

      look at  … it used a connection to `default`, not to `meta`
      looked for  log: id = 1, event = 'stopped'
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default   1      the row:
                        id = 1, event = 'stopped'
    ─
     meta      1      no row matches; nearest:
                        id = 1, event = 'started'
                          differs in event

    The row in `default` was written by
      UPDATE log SET event = 'stopped' WHERE id = 1
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed

    Nothing in this process has opened a connection to `meta`.
    "#);
    let changed = db.changes_since(&before).unwrap();
    assert_snapshot!(failure(|| changed.assert(changes! { "meta.log" => ~1 })), @r#"
    a row of `log` was updated in `default` instead of `meta`, where marked ≠:

      look at  … it used a connection to `default`, not to `meta`

         bind      table   expected      found
     ≠   default   log     nothing       ~ 1 updated
    ─
     ≠   meta      log     ~ 1 updated   nothing

    The changes:

     bind      table   change        rows
     default   log     ~ 1 updated   ~ id = 1, event = 'started' → 'stopped'

    `log` in `default` was changed by
      UPDATE log SET event = 'stopped' WHERE id = 1
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed

    No statement wrote to `log` in `meta`.
    "#);
}

const OWNED: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
    CREATE TABLE post (id INTEGER PRIMARY KEY, author INTEGER REFERENCES user (id) ON DELETE SET NULL ON UPDATE CASCADE, title TEXT);
    CREATE TABLE note (id INTEGER PRIMARY KEY, post INTEGER REFERENCES post ON DELETE CASCADE, text TEXT);
    INSERT INTO user VALUES (1, 'ann'); INSERT INTO post VALUES (1, 1, 'hello'); INSERT INTO note VALUES (1, 1, 'first')";

#[test]
fn a_row_that_a_key_set_to_null_has_the_delete_and_the_key() {
    let db = shop(OWNED);
    run(&db, "DELETE FROM user WHERE name = 'ann'");
    assert_snapshot!(failure(|| db.assert_landed(None, "post", row! { author: 1, title: "hello" })), @r#"
    the row did not land in `default`: the nearest row there has `author` = NULL,
    not 1

      look at  … it wrote `author` = NULL, not 1
      looked for  post: author = 1, title = 'hello'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, author = NULL, title = 'hello'
                          differs in author
    ─
     meta             no such table

    The nearest row in `default` was written by
      DELETE FROM user WHERE name = 'ann'
      which changed `post` by a foreign key
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed

    `author` of `post` refers to `id` of `user` ON DELETE SET NULL, so deleting a
    row of `user` sets `author` to NULL in the rows of `post` that refer to it.
    "#);
}

#[test]
fn a_row_that_a_chain_of_keys_deleted_has_each_of_them() {
    let db = shop(&OWNED.replace("SET NULL", "CASCADE"));
    run(&db, "INSERT INTO note VALUES (2, 1, 'second'); DELETE FROM user");
    assert_snapshot!(failure(|| db.assert_landed(None, "note", row! { text: "second" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it deleted the row, by a foreign key
      looked for  note: text = 'second'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     meta             no such table

    A row was written to `note` in `default`, and deleted again. It was written by
      INSERT INTO note VALUES (2, 1, 'second')
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed
    and deleted by
      DELETE FROM user
      which changed `note` by a foreign key
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed

    `author` of `post` refers to `id` of `user` ON DELETE CASCADE, so deleting a row
    of `user` deletes the rows of `post` that refer to it. `post` of `note` refers
    to `id` of `post` ON DELETE CASCADE, so deleting a row of `post` deletes the
    rows of `note` that refer to it.
    "#);
}

#[test]
fn a_row_that_another_replaced_has_the_key_on_which_they_conflicted() {
    let db = shop("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE ON CONFLICT REPLACE)");
    run(&db, "INSERT INTO user (name, email) VALUES ('ann', 'a@x')");
    run(&db, "INSERT INTO user (name, email) VALUES ('bob', 'a@x')");
    assert_snapshot!(failure(|| db.assert_landed(None, "user", row! { name: "ann", email: "a@x" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it replaced a row of `user`, which deleted the row looked for
      looked for  user: name = 'ann', email = 'a@x'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 2, name = 'bob', email = 'a@x'
                          differs in name
    ─
     meta             no such table

    A row was written to `user` in `default`, and deleted again. It was written by
      INSERT INTO user (name, email) VALUES ('ann', 'a@x')
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed
    and deleted by
      INSERT INTO user (name, email) VALUES ('bob', 'a@x')
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed

    The statement conflicted with a row of `user` on `email`, and replaced it:
    SQLite deletes that row, then inserts the new one.
    "#);
}

#[test]
fn a_view_is_written_to_by_its_trigger() {
    let db = shop("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);
        CREATE VIEW person AS SELECT name FROM user;
        CREATE TRIGGER signed_up INSTEAD OF INSERT ON person BEGIN INSERT INTO user (name) VALUES (lower(new.name)); END");
    run(&db, "INSERT INTO person VALUES ('Ann')");
    assert_snapshot!(failure(|| db.assert_landed(None, "user", row! { name: "Ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it wrote `name` = 'ann', not 'Ann'
      looked for  user: name = 'Ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, name = 'ann'
                          differs in name (in upper and lower case)
    ─
     meta             no such table

    The nearest row in `default` was written by
      INSERT INTO person VALUES ('Ann')
      which fired the trigger `signed_up`
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed

    The trigger `signed_up` in `default`:
      CREATE TRIGGER signed_up INSTEAD OF INSERT ON person BEGIN INSERT INTO user
          (name) VALUES (lower(new.name)); END
      which was there at the start
    "#);
}

#[test]
fn a_trigger_that_ignores_a_row_is_shown() {
    let db = shop(
        "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TRIGGER checked BEFORE INSERT ON user WHEN new.name <> lower(new.name) BEGIN SELECT RAISE(IGNORE); END",
    );
    run(&db, "INSERT INTO user (name) VALUES ('Ann')");
    assert_snapshot!(failure(|| db.assert_landed(None, "user", row! { name: "Ann" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it ran a statement that changed no row, without an error
      looked for  user: name = 'Ann'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     meta             no such table

    A write to `user` in `default` changed no row:
      INSERT INTO user (name) VALUES ('Ann')
      which fired the trigger `checked`
      at landing::accounts::chains::run
      on the test's thread, connection 1, changed no row
    SQLite reported no error: the statement skipped the row, by OR IGNORE, by DO
    NOTHING, by a WHERE that matches no row, or by a trigger.

    The trigger `checked` in `default`:
      CREATE TRIGGER checked BEFORE INSERT ON user WHEN new.name <> lower(new.name)
          BEGIN SELECT RAISE(IGNORE); END
      which was there at the start
    "#);
}

#[test]
fn a_generated_column_differs_from_what_it_was() {
    let db = shop(
        "CREATE TABLE line (id INTEGER PRIMARY KEY, cents INTEGER, amount INTEGER, total INTEGER AS (cents * amount));
        INSERT INTO line VALUES (1, 500, 2)",
    );
    run(&db, "UPDATE line SET amount = 20 WHERE id = 1");
    assert_snapshot!(failure(|| db.assert_landed(None, "line", row! { id: 1, total: 1500 })), @r#"
    the row did not land in `default`: the nearest row there has `total` = 10000,
    not 1500

      look at  … it wrote `total` = 10000, not 1500
      looked for  line: id = 1, total = 1500
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, cents = 500, amount = 20, total = 10000
                          differs in total
    ─
     meta             no such table

    The nearest row in `default` had `total` = 1000 at the start, and was written by
      UPDATE line SET amount = 20 WHERE id = 1
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed
    "#);
}

#[test]
fn texts_that_look_alike_differ_in_words() {
    let db = shop("CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, email TEXT, city TEXT)");
    run(&db, "INSERT INTO user VALUES (1, 'ann ', 'Ann@x', 'Os\u{130}lo')");
    assert_snapshot!(failure(|| db.assert_landed(None, "user", row! { id: 1, name: "ann", email: "ann@x", city: "Osilo" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it wrote the nearest row
      looked for  user: id = 1, name = 'ann', email = 'ann@x', city = 'Osilo'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, name = 'ann ', email = 'Ann@x', city = 'Osİlo'
                          differs in name (in the white space around it), email (in
                              upper and lower case), city (U+0130 where U+0069 was
                              asked for)
    ─
     meta             no such table

    The nearest row in `default` was written by
      INSERT INTO user VALUES (1, 'ann ', 'Ann@x', 'Osİlo')
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed
    "#);
}

#[test]
fn a_table_without_rowids_has_the_writers_of_its_row() {
    let db = shop(
        "CREATE TABLE stock (sku TEXT PRIMARY KEY, left INTEGER) WITHOUT ROWID; INSERT INTO stock VALUES ('tea', 10)",
    );
    run(&db, "UPDATE stock SET left = left - 3 WHERE sku = 'tea'");
    run(&db, "UPDATE stock SET left = left - 3 WHERE sku = 'tea'");
    assert_snapshot!(failure(|| db.assert_landed(None, "stock", row! { sku: "tea", left: 7 })), @r#"
    the row did not land in `default`: the nearest row there has `left` = 4, not 7

      looked for  stock: sku = 'tea', left = 7
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        sku = 'tea', left = 4
                          differs in left
    ─
     meta             no such table

    The nearest row in `default` was written by one of these:
      UPDATE stock SET left = left - 3 WHERE sku = 'tea'
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed
      UPDATE stock SET left = left - 3 WHERE sku = 'tea'
      at landing::accounts::chains::run
      on the test's thread, connection 1, committed

    To look further:
      db.locate("stock", row)?   every place where the row is
      db.connection("default")?  a connection to `default`
    "#);
}

#[test]
fn a_commit_that_a_deferred_key_refused_is_named_with_its_error() {
    let db = shop(
        "CREATE TABLE user (id INTEGER PRIMARY KEY);
        CREATE TABLE post (title TEXT, author INTEGER REFERENCES user DEFERRABLE INITIALLY DEFERRED)",
    );
    let mut conn = db.connection(None).unwrap();
    let transaction = conn.transaction().unwrap();
    transaction.execute("INSERT INTO post VALUES ('hello', 7)", []).unwrap();
    transaction.commit().unwrap_err();
    assert_snapshot!(failure(|| db.assert_landed(None, "post", row! { title: "hello" })), @r#"
    the row did not land in `default`: it is in no bind

      look at  … it ran the COMMIT that failed
      looked for  post: title = 'hello'
      expected    in `default`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     meta             no such table

    A write to `post` in `default` was rolled back:
      INSERT INTO post VALUES ('hello', 7)
      at landing::accounts::chains::a_commit_that_a_deferred_key_refused_is_named_with_its_error
      on the test's thread, connection 1
      its COMMIT failed at landing::accounts::chains::a_commit_that_a_deferred_key_refused_is_named_with_its_error
      with: FOREIGN KEY constraint failed
      rolled back at landing::accounts::chains::a_commit_that_a_deferred_key_refused_is_named_with_its_error
    "#);
}

#[test]
fn a_session_that_was_dropped_is_named_where_nothing_else_is() -> multibind::Result<()> {
    let db = shop("CREATE TABLE job (name TEXT)");
    db.session().table("job")?.insert(row! { name: "publish" })?;
    assert_snapshot!(failure(|| db.assert_landed("meta", "log", row! { event: "published" })), @r#"
    the row did not land in `meta`: it is in no bind

      looked for  log: event = 'published'
      expected    in `meta`, committed, and in no other bind

     bind      rows   found
     default   1      no row matches; nearest:
                        id = 1, event = 'started'
    ─
     meta      1      no row matches; nearest:
                        id = 1, event = 'started'

    The nearest row in `meta` was there at the start.

    No statement wrote to a table `log`, in any bind.

    Nothing in this process has opened a connection to `meta`.

    A session that wrote to `default` was dropped without `commit()`:
      INSERT INTO main."job" ("name") VALUES ('publish')
      at landing::accounts::chains::a_session_that_was_dropped_is_named_where_nothing_else_is
      on the test's thread, in a session, connection 1
      rolled back at landing::accounts::chains::a_session_that_was_dropped_is_named_where_nothing_else_is
      as it was dropped there without a commit

    To look further:
      db.locate("log", row)?  every place where the row is
      db.connection("meta")?  a connection to `meta`
    "#);
    Ok(())
}

#[test]
fn a_change_set_names_a_session_that_was_dropped() -> multibind::Result<()> {
    let db = shop("CREATE TABLE job (name TEXT)");
    let before = db.snapshot()?;
    db.session().table("job")?.insert(row! { name: "publish" })?;
    let changed = db.changes_since(&before)?;
    let failed = failure(|| changed.assert(changes! { "meta.log" => +1 }));
    assert!(failed.contains("A session that wrote to `default` was dropped without `commit()`:"), "{failed}");
    Ok(())
}
