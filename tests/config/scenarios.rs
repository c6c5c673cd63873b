//! Rows for several binds in a file of TOML, which refer to each other by label.

use insta::assert_snapshot;
use multibind::rusqlite::types::Value;
use multibind::{context, row, Bind, Config, Harness, Row};
use rstest::{fixture, rstest};

use crate::folder::Folder;

const POSTS: &str = "
    CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author INTEGER, score REAL, at TEXT, extra);
    CREATE TABLE comment (id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES post, body TEXT);
    CREATE TABLE log (event TEXT);
";
const USERS: &str = "
    CREATE TABLE user (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, boss_id INTEGER REFERENCES user, face BLOB, active BOOLEAN DEFAULT 1
    );
    CREATE TABLE login (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES user, role TEXT REFERENCES role);
    CREATE TABLE role (name TEXT PRIMARY KEY, rank INTEGER);
    CREATE TABLE log (event TEXT);
";

/// Posts in the default bind, users in `auth`, a log in both.
#[fixture]
fn config() -> Config {
    Harness::builder().default_bind(Bind::memory().schema(POSTS)).bind("auth", Bind::memory().schema(USERS))
}

fn scenario(text: &str) -> Folder {
    Folder::with([("team.toml", text)])
}

/// A harness that has loaded a file.
fn loaded(config: Config, text: &str) -> Harness {
    let folder = scenario(text);
    config.data(folder.file("team.toml")).start().unwrap()
}

/// The error of a file, as the harness starts with it and as a running one is to load it.
fn refused(config: &Config, text: &str) -> String {
    let folder = scenario(text);
    let at_start = folder.refused(config.clone().data(folder.file("team.toml")).start());
    let db = config.clone().start().unwrap();
    let before = db.snapshot().unwrap();
    let later = folder.shown(&db.load_data(folder.file("team.toml")).unwrap_err());
    assert_eq!(at_start, later);
    db.changes_since(&before).unwrap().assert_none();
    later
}

#[rstest]
fn labels_stand_for_rows_within_a_bind_and_across(config: Config) -> multibind::Result<()> {
    let text = r#"
        [auth.user.ann]
        name = "Ann"

        [auth.user.bob]
        name = "Bob"
        boss = "ann"                            # the row that `boss_id` refers to

        [auth.login.first]
        user_id = "bob"

        [default.post.hello]
        title = "Hello"
        author = { ref = "auth.user.bob" }      # in another bind

        [default.comment.nice]
        post = "hello"
        body = "nice"
    "#;
    let db = loaded(config, text);
    let (ann, bob): (i64, i64) = (db.id_of("auth.user.ann")?, db.id_of("user.bob")?);
    db.assert_rows("auth", "user", [row! { id: ann, name: "Ann", boss_id: None }, row! { id: bob, boss_id: ann }])
        .assert_rows("auth", "login", [row! { id: db.id_of::<i64>("login.first")?, user_id: bob }])
        .assert_rows(None, "post", [row! { title: "Hello", author: bob }])
        .assert_rows(None, "comment", [row! { post_id: db.id_of::<i64>("default.post.hello")? }]);
    Ok(())
}

#[rstest]
fn values_of_every_kind_are_stored_as_they_are_written(config: Config) -> multibind::Result<()> {
    let text = r#"
        [default.post.a]
        title = "it's \"quoted\""
        score = 1.5
        at = 2024-01-01 10:00:00
        extra = { hex = "00fF" }

        [default.post.b]
        title = '[1, 2]'
        score = -1_000
        at = 2024-01-01T10:00:00.50+01:00
        extra = { null = true }

        [default.post.c]
        title = { text = "$LABEL" }
        score = inf
        extra = true
    "#;
    let db = loaded(config, text);
    let expected = [
        row! { title: "it's \"quoted\"", score: 1.5, at: "2024-01-01 10:00:00", extra: vec![0, 255] },
        row! { title: "[1, 2]", score: -1000.0, at: "2024-01-01T10:00:00.50+01:00", extra: None },
        row! { title: "$LABEL", score: f64::INFINITY, at: None, extra: 1 },
    ];
    db.assert_rows(None, "post", expected);
    assert_eq!(db.row_of("post.b")?.value("score"), Some(&Value::Integer(-1000)));
    Ok(())
}

#[rstest]
fn defaults_are_for_each_row_that_says_nothing_else(config: Config) {
    let text = r#"
        [auth.user._]
        name = "$LABEL of $LABEL"
        active = false

        [auth.user]
        ann = {}
        bob = { ACTIVE = true }

        [default.post]
        _ = { title = "of $LABEL", author = { ref = "auth.user.$LABEL" } }
        ann = {}

        [[auth.log]]
        event = "one"
        [[auth.log]]
        event = "one"
    "#;
    let db = loaded(config, text);
    let users = [row! { name: "ann of ann", active: 0 }, row! { name: "bob of bob", active: 1 }];
    db.assert_rows("auth", "user", users).assert_rows("auth", "log", [row! { event: "one" }, row! { event: "one" }]);
    db.assert_rows(None, "post", [row! { title: "of ann", author: db.id_of::<i64>("auth.user.ann").unwrap() }]);
}

#[rstest]
fn a_label_is_the_key_of_a_table_with_texts_for_keys(config: Config) -> multibind::Result<()> {
    let text = r#"
        [auth.role]
        admin = { rank = 1 }
        guest = { name = "visitor", rank = 2 }

        [auth.user]
        ann = { name = "Ann" }

        [auth.login]
        one = { user = "ann", role = "admin" }
        two = { user = "ann", role = "guest" }      # a label before a name
        three = { user = "ann", role = "visitor" }  # no label
        four = { user = "ann", role = { text = "admin" } }
    "#;
    let db = loaded(config, text);
    db.assert_rows("auth", "role", [row! { name: "admin", rank: 1 }, row! { name: "visitor", rank: 2 }]);
    for (label, role) in [("one", "admin"), ("two", "visitor"), ("three", "visitor"), ("four", "admin")] {
        let login: i64 = db.id_of(&format!("auth.login.{label}"))?;
        db.assert_landed("auth", "login", row! { id: login, role: role });
    }
    assert_eq!(db.id_of::<String>("auth.role.guest")?, "visitor");
    Ok(())
}

#[test]
fn rows_refer_to_each_other_in_circles_and_by_keys_of_several_columns() -> multibind::Result<()> {
    let schema = "
        CREATE TABLE hen (id INTEGER PRIMARY KEY, egg_id INTEGER NOT NULL REFERENCES egg);
        CREATE TABLE egg (id BLOB PRIMARY KEY, hen_id INTEGER NOT NULL REFERENCES hen) WITHOUT ROWID;
        CREATE TABLE seat (hall TEXT, number INTEGER, PRIMARY KEY (hall, number)) WITHOUT ROWID;
        CREATE TABLE ticket (hall TEXT, seat_number INTEGER, price, FOREIGN KEY (hall, seat_number) REFERENCES seat);
        CREATE TABLE self (id INTEGER PRIMARY KEY, self_id INTEGER NOT NULL REFERENCES self);
    ";
    let text = r#"
        [ticket]
        t = { seat = "front", price = 7 }
        none = { seat = { null = true } }
        far = { seat = { ref = "default.seat.back" } }
        number = { price = { ref = "seat.back", column = "NUMBER" } }
        [seat]
        front = { hall = "A", number = 1 }
        back = { hall = "A", number = { ref = "seat.aisle", column = "number" } }
        aisle = { hall = "B", number = 9 }
        [hen]
        h = { egg = "e" }
        [egg]
        e = { hen = "h" }
        [self]
        s = { self = "s" }
    "#;
    let db = loaded(Harness::builder().default_bind(Bind::memory().schema(schema)), text);
    let (hen, egg): (i64, Vec<u8>) = (db.id_of("hen.h")?, db.id_of("egg.e")?);
    assert_eq!(egg.len(), 16);
    let tickets = [
        row! { hall: "A", seat_number: 1, price: 7 },
        row! { hall: None, seat_number: None },
        row! { hall: "A", seat_number: 9 },
        row! { hall: None, price: 9 },
    ];
    db.assert_rows(None, "hen", [row! { id: hen, egg_id: egg.clone() }])
        .assert_rows(None, "egg", [row! { id: egg, hen_id: hen }])
        .assert_rows(None, "ticket", tickets)
        .assert_landed(None, "self", row! { self_id: db.id_of::<i64>("self.s")? })
        .assert_references();
    assert_snapshot!(db.id_of::<i64>("seat.front").unwrap_err(), @"row: the key of `default.seat.front` has 2 columns, hall, number: say which is meant, and read it from `row_of`");
    Ok(())
}

#[rstest]
fn a_declared_reference_takes_labels_as_a_foreign_key_does(config: Config) -> multibind::Result<()> {
    let config = config.reference("default.post.author", "auth.user.id");
    let text = "
        [default.post]
        hello = { title = 'Hello', author = 'bob' }
        [auth.user]
        bob = { name = 'Bob' }
    ";
    let db = loaded(config.clone(), text);
    db.assert_landed(None, "post", row! { author: db.id_of::<i64>("auth.user.bob")? }).assert_references();
    let wrong = "[default.post]\nhello = { title = 'Hello', author = 'bobb' }\n[auth.user.bob]\nname = 'Bob'\n";
    assert_snapshot!(refused(&config, wrong), @"[folder]/team.toml:2 (bind `default`): `default.post.hello`: `author`: no row `bobb` of `auth.user`: the nearest label is `bob`; there are bob; nothing was loaded");
    Ok(())
}

#[rstest]
fn a_later_file_refers_to_the_rows_of_an_earlier_one(config: Config) -> multibind::Result<()> {
    let db = loaded(config, "[auth.user.ann]\nid = 7\nname = 'Ann'\n");
    let folder = scenario(
        "[auth.login.first]\nuser = 'ann'\n[default.post.p]\ntitle = 'x'\nauthor = { ref = 'auth.user.ann' }\n",
    );
    assert_eq!(db.load_data(folder.file("team.toml"))?, 2);
    db.assert_landed("auth", "login", row! { user_id: 7 }).assert_landed(None, "post", row! { author: 7 });
    assert_snapshot!(folder.shown(&db.load_data(folder.file("team.toml")).unwrap_err()), @"[folder]/team.toml:3 (bind `default`): `default.post.p`: UNIQUE constraint failed: post.id; nothing was loaded");
    Ok(())
}

#[rstest]
fn the_data_of_a_bind_needs_no_bind_before_its_tables() -> multibind::Result<()> {
    let files =
        [("auth/users.toml", "[user.ann]\nname = 'Ann'\n"), ("auth/more.toml", "[auth.login.first]\nuser = 'ann'\n")];
    let folder = Folder::with(files);
    let auth = Bind::memory().schema(USERS).data(folder.file("auth"));
    let db =
        Harness::builder().bind("auth", auth).bind("user", Bind::memory().schema("CREATE TABLE ann (x)")).start()?;
    db.assert_landed("auth", "login", row! { user_id: db.id_of::<i64>("auth.user.ann")? });

    let other = Folder::with([("auth.toml", "[meta.log.first]\nevent = 'x'\n")]);
    let auth = Bind::memory().schema(USERS).data(other.file("auth.toml"));
    let started =
        Harness::builder().bind("auth", auth).bind("meta", Bind::memory().schema("CREATE TABLE log (event)")).start();
    assert_snapshot!(other.refused(started), @"[folder]/auth.toml:1 (bind `auth`): the file is the data of bind `auth`, and `meta` is another: give the file to the whole configuration, by `data` at its top; nothing was loaded");
    Ok(())
}

#[test]
fn files_of_other_kinds_refer_to_the_rows_of_a_scenario() -> multibind::Result<()> {
    let users = "[user.ann]\nid = 7\nname = 'Ann'\n";
    let sql = "UPDATE user SET name = 'Anna' WHERE id = 7;\n";
    let folder = Folder::with([("login.csv", "user_id\n7\n"), ("more.sql", sql), ("users.toml", users)]);
    let db = Harness::builder().bind("auth", Bind::memory().schema(USERS).data(folder.path())).start()?;
    db.assert_landed("auth", "login", row! { user_id: 7 }).assert_landed("auth", "user", row! { id: 7, name: "Anna" });
    Ok(())
}

#[test]
fn a_file_of_the_configuration_names_it_as_any_data() -> multibind::Result<()> {
    let binds = "data = 'team.toml'\n[default]\nschema_sql = 'CREATE TABLE post (id INTEGER PRIMARY KEY, title)'\n";
    let folder = Folder::with([("binds.toml", binds), ("team.toml", "[post.hello]\ntitle = 'Hello'\n")]);
    let db = Harness::from_file(folder.file("binds.toml"))?;
    let hello: Row = db.row_of("default.post.hello")?;
    db.assert_rows(None, "post", [hello]);
    Ok(())
}

#[test]
fn every_database_of_a_dynamic_bind_has_the_rows_and_one_may_have_more() -> multibind::Result<()> {
    let users = Bind::dynamic(|context| Ok(context.get("tenant")?.to_string())).schema(USERS);
    let config = Harness::builder().bind("users", users);
    let db = loaded(config, "[users.user.ann]\nname = 'Ann'\n");
    for tenant in ["acme", "bee"] {
        db.key_for("users", context! { tenant: tenant })?;
        db.assert_rows(("users", tenant), "user", [row! { id: db.id_of::<i64>("users.user.ann")?, name: "Ann" }]);
    }
    let folder = scenario("['users[acme]'.user.bob]\nname = 'Bob'\nboss = 'ann'\n['users[acme]'.user.cleo]\nname = 'Cleo'\nboss = { ref = 'users.user.ann' }\n");
    db.load_data(folder.file("team.toml"))?;
    for name in ["Bob", "Cleo"] {
        db.assert_landed("users[acme]", "user", row! { name: name, boss_id: db.id_of::<i64>("users.user.ann")? });
    }
    db.assert_rows("users[bee]", "user", 1);
    let folder = scenario("[users.user.bob]\nname = 'Bob'\n");
    assert_snapshot!(folder.shown(&db.load_data(folder.file("team.toml")).unwrap_err()), @"[folder]/team.toml:1: bind `users` is dynamic: name one of its databases, `['users[acme]'.TABLE.LABEL]` for example; nothing was loaded");
    Ok(())
}

#[rstest]
#[case::no_toml(
    "[auth.user.bob\nname = 'Bob'\n",
    "[folder]/team.toml:1: this is not TOML: unclosed table, expected `]` (column 15); nothing was loaded"
)]
#[case::a_label_twice(
    "[auth.user.bob]\nname = 'Bob'\n[auth.user.bob]\n",
    "[folder]/team.toml:3: this is not TOML: duplicate key (column 12); nothing was loaded"
)]
#[case::a_bind_in_two_cases("[auth.user.bob]\nname = 'Bob'\n[auth.USER.ann]\nname = 'Ann'\n", "[folder]/team.toml:3 (bind `auth`): table `user` of bind `auth` has rows here and on line 1: put them together; nothing was loaded")]
#[case::no_such_bind("\n[autn.user.bob]\nname = 'Bob'\n", "[folder]/team.toml:2: no bind `autn` and no table of that name: the binds are default, auth; the nearest name is `auth`. A row is `[BIND.TABLE.LABEL]`; nothing was loaded")]
#[case::a_table_of_two("[log.bob]\nevent = 'x'\n", "[folder]/team.toml:1: table `log` is in the binds default, auth: say which, `[auth.log.LABEL]` for example; nothing was loaded")]
#[case::a_table_of_another_bind(
    "[auth.post.bob]\ntitle = 'x'\n",
    "[folder]/team.toml:1 (bind `auth`): no table `post` in bind `auth`: it is in default; nothing was loaded"
)]
#[case::no_such_table("[auth.users.bob]\nname = 'Bob'\n", "[folder]/team.toml:1 (bind `auth`): no table `users` in bind `auth`: the nearest name is `user`; nothing was loaded")]
#[case::no_such_column("[auth.user.bob]\nnmae = 'Bob'\n", "[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: table `user` has no column `nmae`: the nearest is `name`; its columns are id, name, boss_id, face, active; nothing was loaded")]
#[case::a_column_twice(
    "[auth.user.bob]\nname = 'Bob'\nNAME = 'Bob'\n",
    "[folder]/team.toml:3 (bind `auth`): `auth.user.bob`: column `NAME` is there twice; nothing was loaded"
)]
#[case::a_column_and_its_reference("[auth.user.bob]\nname = 'Bob'\nboss_id = 1\nboss = 'bob'\n", "[folder]/team.toml:4 (bind `auth`): `auth.user.bob`: column `boss_id` is there twice, once by a reference; nothing was loaded")]
#[case::no_row("[auth.user]\nbob = 'Bob'\n", "[folder]/team.toml:2 (bind `auth`): `bob` is no row: those of `user` are `[auth.user.LABEL]`, or `[[auth.user]]` without labels; nothing was loaded")]
#[case::no_table(
    "auth = 7\n",
    "[folder]/team.toml:1 (bind `auth`): `auth` is a bind, and its tables are `[auth.TABLE.LABEL]`; nothing was loaded"
)]
#[case::no_rows("auth.user = 7\n", "[folder]/team.toml:1 (bind `auth`): `user` is no row: those of `user` are `[auth.user.LABEL]`, or `[[auth.user]]` without labels; nothing was loaded")]
#[case::no_such_label("[auth.user]\nbob = { name = 'x' }\nann = { name = 'x', boss = 'bobb' }\n", "[folder]/team.toml:3 (bind `auth`): `auth.user.ann`: `boss_id`: no row `bobb` of `auth.user`: the nearest label is `bob`; there are bob, ann; nothing was loaded")]
#[case::no_such_label_by_the_column("[auth.user]\nbob = { name = 'x' }\nann = { name = 'x', boss_id = 'zoe' }\n", "[folder]/team.toml:3 (bind `auth`): `auth.user.ann`: `boss_id`: no row `zoe` of `auth.user`, whose labels are bob, ann; nothing was loaded")]
#[case::no_label_at_all("[auth.login.l]\nuser = 'bob'\n", "[folder]/team.toml:2 (bind `auth`): `auth.login.l`: `user_id`: no row of `auth.user` has a label, so there is no `bob`; nothing was loaded")]
#[case::no_such_row(
    "[default.post.p]\ntitle = 'x'\nauthor = { ref = 'auth.user.bob' }\n[auth.user.bop]\nname = ''\n", "[folder]/team.toml:3 (bind `default`): `default.post.p`: `author`: no row `bob` of `auth.user`: the nearest label is `bop`; there are bop; nothing was loaded")]
#[case::no_name_of_a_row("[default.post.p]\ntitle = 'x'\nauthor = { ref = 'bob' }\n", "[folder]/team.toml:3 (bind `default`): `default.post.p`: `author`: no row `bob`: a name is `bind.table.label`, and there are default.post.p; nothing was loaded")]
#[case::a_column_that_is_not_said("[default.post.p]\ntitle = { ref = 'post.p', column = 'at' }\n", "[folder]/team.toml:2 (bind `default`): `default.post.p`: `title`: `default.post.p` does not say its `at`: write it in that row; nothing was loaded")]
#[case::a_column_that_is_not_there(
    "[default.post.p]\ntitle = { ref = 'post.p', column = 'when' }\n",
    "[folder]/team.toml:2 (bind `default`): `default.post.p`: `title`: `post` has no column `when`; nothing was loaded"
)]
#[case::itself("[default.post.p]\ntitle = { ref = 'post.p', column = 'title' }\n", "[folder]/team.toml:2 (bind `default`): `default.post.p`: `title` refers to itself, over other rows: write the value of one; nothing was loaded")]
#[case::a_number_for_a_label("[auth.login.l]\nuser = 7\n", "[folder]/team.toml:2 (bind `auth`): `auth.login.l`: `user` is a reference to `user`: write the label of a row; nothing was loaded")]
#[case::no_nulls(
    "[auth.user.bob]\nface = 'x'\n",
    "[folder]/team.toml:1 (bind `auth`): `auth.user.bob`: NOT NULL constraint failed: user.name; nothing was loaded"
)]
#[case::a_list("[auth.user.bob]\nname = ['Bob']\n", "[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: SQLite has no lists: write the JSON text, '[1, 2]' in quotes; nothing was loaded")]
#[case::an_unknown_form("[auth.user.bob]\nname = { rref = 'x' }\n", r#"[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: unknown form `rref` of a value; the nearest is `ref`; the forms are `{ ref = "bind.table.label" }`, `{ null = true }`, `{ hex = "00ff" }`, `{ text = "…" }`; nothing was loaded"#)]
#[case::two_forms("[auth.user.bob]\nname = { text = 'x', null = true }\n", r#"[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: a value has one form; the forms are `{ ref = "bind.table.label" }`, `{ null = true }`, `{ hex = "00ff" }`, `{ text = "…" }`; nothing was loaded"#)]
#[case::no_form("[auth.user.bob]\nname = {}\n", r#"[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: a table without a form; the forms are `{ ref = "bind.table.label" }`, `{ null = true }`, `{ hex = "00ff" }`, `{ text = "…" }`; nothing was loaded"#)]
#[case::a_column_of_nothing("[auth.user.bob]\nname = { null = true, column = 'x' }\n", "[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: `column` stands beside `ref` alone; nothing was loaded")]
#[case::no_null("[auth.user.bob]\nname = { null = false }\n", "[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: `null` can be true alone; leave it out; nothing was loaded")]
#[case::no_hex("[auth.user.bob]\nname = { hex = '0g' }\n", "[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: `hex` is two digits of 0 to 9 and a to f for each byte; nothing was loaded")]
#[case::any("[auth.user.bob]\nname = { any = true }\n", "[folder]/team.toml:2 (bind `auth`): `auth.user.bob`: `name`: `{ any = true }` is for the rows that a test expects; write a value; nothing was loaded")]
#[case::a_text_that_is_no_label("[default.post.p]\ntitle = 'x'\nauthor = 'bob'\n", r#"[folder]/team.toml:3 (bind `default`): `default.post.p`: `author`: a text in a column of integers, which refers to no table: for the key of a row write `{ ref = "bind.table.bob" }`, for the text itself `{ text = "bob" }`; nothing was loaded"#)]
#[case::no_number("[default.post.p]\ntitle = 'x'\nscore = nan\n", "[folder]/team.toml:3 (bind `default`): `default.post.p`: `score`: SQLite stores no nan; write `{ null = true }`; nothing was loaded")]
#[case::too_large("[default.post.p]\ntitle = 99999999999999999999\n", "[folder]/team.toml:2 (bind `default`): `default.post.p`: `title`: 99999999999999999999 is beyond the integers of SQLite, -9223372036854775808 to 9223372036854775807; write it as a text or a real; nothing was loaded")]
#[case::too_large_a_real("[default.post.p]\ntitle = 1e999\n", "[folder]/team.toml:2 (bind `default`): `default.post.p`: `title`: 1e999 is beyond the numbers of SQLite; nothing was loaded")]
#[case::no_label_for_the_word("[[auth.log]]\nevent = '$LABEL'\n", r#"[folder]/team.toml:2 (bind `auth`): `event`: `$LABEL` stands for the label of a row, and a row of `[[…]]` has none; write `{ text = "$LABEL" }` for the word itself; nothing was loaded"#)]
fn a_mistake_is_named_with_its_place(config: Config, #[case] text: &str, #[case] message: &str) {
    assert_eq!(refused(&config, text), message);
}

#[test]
fn what_sqlite_refuses_is_named_by_its_label() {
    let schema = "
        CREATE TABLE item (id INTEGER PRIMARY KEY, count INTEGER CHECK (count > 0)) STRICT;
        CREATE TABLE part (id INTEGER PRIMARY KEY, item_id INTEGER REFERENCES item, uid UUID);
        CREATE TABLE device (uid UUID PRIMARY KEY);
        CREATE TABLE twice (id INTEGER PRIMARY KEY, one INTEGER REFERENCES item, other INTEGER REFERENCES item);
    ";
    let config = Harness::builder().bind("shop", Bind::memory().schema(schema));
    assert_snapshot!(refused(&config, "[shop.item.a]\ncount = 1\n[shop.item.b]\ncount = 1.5\n"), @"[folder]/team.toml:3 (bind `shop`): `shop.item.b`: cannot store REAL value in INTEGER column item.count; nothing was loaded");
    assert_snapshot!(refused(&config, "[shop.item.a]\ncount = 0\n"), @"[folder]/team.toml:1 (bind `shop`): `shop.item.a`: CHECK constraint failed: count > 0; nothing was loaded");
    assert_snapshot!(refused(&config, "[shop.part.a]\nitem_id = 7\n"), @"[folder]/team.toml:1 (bind `shop`): `shop.part.a`: FOREIGN KEY constraint failed: item_id = 7 has no match in `item` (id); nothing was loaded");
    assert_snapshot!(refused(&config, "[shop.device.a]\n"), @"[folder]/team.toml:1 (bind `shop`): `shop.device.a`: a label gives a key of type INTEGER, TEXT or BLOB, and `uid` has the type `UUID`: say `uid` in the row; nothing was loaded");
    assert_snapshot!(refused(&config, "[shop.twice.a]\nitem = 'x'\n"), @"[folder]/team.toml:2 (bind `shop`): `shop.twice.a`: `twice` refers to `item` by `one` and `other`: say which by the column; nothing was loaded");
}

#[test]
fn a_foreign_key_to_a_table_of_another_bind_says_how_to_refer_to_it() -> multibind::Result<()> {
    let login = "CREATE TABLE login (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES user (id))";
    let config = Harness::builder()
        .default_bind(Bind::memory().schema(login).allow_missing_parents(true).foreign_keys(false))
        .bind("auth", Bind::memory().schema("CREATE TABLE user (id INTEGER PRIMARY KEY)"));
    let bob = "[auth.user.bob]\n[default.login.first]\n";
    assert_snapshot!(refused(&config, &format!("{bob}user = 'bob'\n")), @r#"[folder]/team.toml:3 (bind `default`): `default.login.first`: `user_id`: its foreign key is to `user`, which bind `default` does not have; for the row in `auth` write `{ ref = "auth.user.bob" }`; nothing was loaded"#);
    let db = loaded(config, &format!("{bob}user_id = {{ ref = 'auth.user.bob' }}\n"));
    db.assert_landed(None, "login", row! { user_id: db.id_of::<i64>("auth.user.bob")? });
    Ok(())
}

#[rstest]
fn labels_that_come_to_one_id_are_refused(config: Config) {
    let both = "[auth.user]\nu14591 = { name = 'x' }\nu30105 = { name = 'x' }\n";
    assert_snapshot!(refused(&config, both), @"[folder]/team.toml:3 (bind `auth`): `auth.user.u30105`: its label and `u14591` come to one id, 661996506: say `id` in one of the two; nothing was loaded");
    loaded(config, &both.replace("u30105 = {", "u30105 = { id = 1,")).assert_rows("auth", "user", 2);
}

#[rstest]
fn a_file_that_is_not_there_says_where_it_was_looked_for(config: Config) {
    let folder = Folder::with([("other.toml", "")]);
    let path = folder.file("team.toml");
    assert_snapshot!(folder.refused(config.clone().data(&path).start()), @"[folder]/team.toml: the file cannot be read: No such file or directory (os error 2); `[folder]` has no `team.toml`, and a relative path begins at the folder of the configuration file, in code at that of the crate under test; nothing was loaded");
    let db = config.start().unwrap();
    assert_snapshot!(folder.shown(&db.load_data(&path).unwrap_err()), @"[folder]/team.toml: the file cannot be read: No such file or directory (os error 2); `[folder]` has no `team.toml`, and a relative path begins at the folder of the configuration file, in code at that of the crate under test; nothing was loaded");
    assert_snapshot!(db.id_of::<i64>("auth.user.bob").unwrap_err(), @"row: no row `auth.user.bob`: no row has a label");
}
