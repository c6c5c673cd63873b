//! The guide says what is so: its configurations start, its messages are those that come, its chapters are all there.

use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use multibind::fixture::harness;
use multibind::rusqlite::Connection;
use multibind::{row, Bind, Config, Harness, Keep};
use rstest::rstest;
use tempfile::TempDir;
use toml::de::{DeTable, DeValue};

use crate::pages::{blocks, chapters, prose, root, Block};

/// The text of the one block that stands after this mark.
fn shown(mark: &str) -> String {
    let mark = format!("<!-- {mark} -->");
    let mut marked = blocks().into_iter().filter(|block| block.mark == mark).collect::<Vec<_>>();
    assert_eq!(marked.len(), 1, "blocks after {mark}");
    marked.remove(0).text
}

/// What a panic says.
fn told<T>(panics: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(panics)).err().unwrap();
    *panic.downcast::<String>().unwrap()
}

/// A folder with what the configurations on the pages name.
fn application() -> TempDir {
    let application = TempDir::new().unwrap();
    let copy = |from: &str, to: &str| {
        let (from, to) = (root().join("fixtures").join(from), application.path().join(to));
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let file = entry.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    };
    for folder in ["auth", "default", "data/auth", "data/default", "data/meta"] {
        copy(folder, folder);
    }
    copy("default", "migrations");
    fs::copy(root().join("fixtures/meta.sql"), application.path().join("meta.sql")).unwrap();
    for folder in ["later", "snapshots"] {
        fs::create_dir(application.path().join(folder)).unwrap();
    }
    fs::write(application.path().join("later/5_note.sql"), "ALTER TABLE user ADD COLUMN note TEXT").unwrap();
    let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT); INSERT INTO user VALUES (1, 'ann')";
    Connection::open(application.path().join("snapshots/auth.db")).unwrap().execute_batch(user).unwrap();
    application
}

#[test]
fn every_configuration_on_a_page_starts() {
    let application = application();
    let (mut configurations, mut manifests) = (0, 0);
    for Block { place, text, mark, .. } in blocks().iter().filter(|block| block.language == "toml") {
        let table = DeTable::parse(text).unwrap_or_else(|error| panic!("{place}: {error}"));
        let has = |name: &str| table.get_ref().get(name).is_some();
        if has("dependencies") || has("dev-dependencies") {
            check_manifest(place, table.get_ref());
            manifests += 1;
        } else if !has("profile") {
            // What is not of a test runner is a configuration.
            let variables = [("DB_PASSWORD", "not-a-secret"), ("DB_HOST", "db.example")];
            let section = mark.strip_prefix("<!-- section: ").and_then(|mark| mark.strip_suffix(" -->"));
            let config = match section {
                Some(section) => {
                    let file = application.path().join("app.toml");
                    fs::write(&file, text).unwrap();
                    Config::from_section(file, section)
                }
                None => Config::from_toml(text, application.path()),
            };
            let config = config.map(|config| config.with_vars(variables));
            let db = config.and_then(Config::start).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert!(!db.binds().is_empty());
            configurations += 1;
        }
    }
    assert!(configurations > 5 && manifests > 2, "{configurations} configurations, {manifests} manifests");
}

/// Whether what a manifest asks of this crate is there.
fn check_manifest(place: &str, manifest: &DeTable<'_>) {
    let own = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let own = DeTable::parse(&own).unwrap();
    let known = own.get_ref().get("features").and_then(|features| features.get_ref().as_table()).unwrap();
    for name in ["dependencies", "dev-dependencies"] {
        let dependencies = manifest.get(name).and_then(|table| table.get_ref().as_table());
        let Some(asked) = dependencies.and_then(|table| table.get("multibind")) else { continue };
        let (version, features) = match asked.get_ref() {
            DeValue::String(version) => (version.to_string(), Vec::new()),
            DeValue::Table(table) => {
                let features = table.get("features").and_then(|list| list.get_ref().as_array());
                let features = features.into_iter().flat_map(|list| list.iter());
                let features = features.map(|feature| feature.get_ref().as_str().unwrap()).collect();
                (table.get("version").unwrap().get_ref().as_str().unwrap().to_string(), features)
            }
            other => panic!("{place}: multibind = {other:?}"),
        };
        assert!(env!("CARGO_PKG_VERSION").starts_with(&format!("{version}.")), "{place}: version {version}");
        for feature in features {
            assert!(known.get(feature).is_some(), "{place}: no feature `{feature}`");
        }
    }
}

#[test]
fn the_readme_lists_every_feature() {
    let table = fs::read_to_string(root().join("src/features.md")).unwrap();
    assert!(fs::read_to_string(root().join("README.md")).unwrap().contains(&format!("\n\n{table}\n")), "{table}");

    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest = DeTable::parse(&manifest).unwrap();
    let features = manifest.get_ref().get("features").and_then(|features| features.get_ref().as_table()).unwrap();
    let default = features.get("default").and_then(|list| list.get_ref().as_array()).unwrap();
    let by_default = |name: &str| default.iter().any(|feature| feature.get_ref().as_str() == Some(name));
    let names = features.keys().map(|name| name.get_ref().as_ref()).filter(|name| *name != "default");
    let expected = names.map(|name| format!("| `{name}` | {} |", if by_default(name) { "yes" } else { "no" }));
    let row = |line: &str| line.split('|').take(3).map(|cell| format!("{cell}|")).collect::<String>();
    assert_eq!(table.lines().skip(2).map(row).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn every_chapter_is_in_the_guide() {
    let guide = fs::read_to_string(root().join("src/guide.rs")).unwrap();
    for chapter in chapters() {
        let name = chapter.file_stem().unwrap().to_str().unwrap();
        // A primitive type of Rust's has this name.
        let link = if name == "reference" { "](mod@reference)".to_string() } else { format!("]({name})") };
        for part in [
            format!("include_str!(\"../docs/{name}.md\")"),
            format!("pub mod {name} {{}}"),
            link,
            format!("[{name}]: crate::guide::{name}\\n"),
        ] {
            assert!(guide.contains(&part), "src/guide.rs lacks {part}");
        }
        let prose = prose(&chapter);
        let titles = prose.iter().filter(|line| line.starts_with("# ")).count();
        assert!(prose[0].starts_with("# ") && titles == 1, "{name} has one title");
    }
}

#[rstest]
fn the_first_failure(harness: Harness) {
    harness.keep(Keep::Never);
    let (auth, blog) = (harness.connection("auth").unwrap(), harness.connection(None).unwrap());
    auth.execute("INSERT INTO user (username) VALUES (?1)", ["ann"]).unwrap();
    blog.execute("INSERT INTO log (event) VALUES ('sign-up of ' || ?1)", ["ann"]).unwrap();
    let failure = told(|| harness.assert_landed("meta", "log", row! { event: "sign-up of ann" }));
    // All but the place, which is that of another test.
    let unplaced = |message: &str| {
        let (mut kept, mut in_place) = (Vec::new(), false);
        for line in message.trim_end().lines() {
            let is_more = in_place && line.starts_with("      ");
            in_place = is_more
                || line.starts_with("  at ")
                || line.starts_with("  called from ")
                || line.starts_with("  look at ");
            if !in_place {
                kept.push(line.to_string());
            }
        }
        kept.join("\n")
    };
    assert_eq!(unplaced(&failure), unplaced(&shown("says: the_first_failure")), "{failure}");
}

#[test]
fn who_is_in_the_way() {
    let user = Bind::memory().schema("CREATE TABLE user (username TEXT)").busy_timeout(Duration::ZERO);
    let db = Harness::builder().bind("auth", user).start().unwrap();
    let auth = db.connection("auth").unwrap();
    let signing_up = std::thread::Builder::new().name("signing up".to_string()).spawn(move || {
        auth.execute_batch("BEGIN IMMEDIATE").unwrap();
        auth
    });
    let _open = signing_up.unwrap().join().unwrap();
    let error = db.session().on("auth").unwrap().execute("DELETE FROM user", []).unwrap_err().to_string();
    // The page has it in two lines, and without the statement.
    let shown = shown("says: who_is_in_the_way").split_whitespace().collect::<Vec<_>>().join(" ");
    let (message, statement) = error.split_at(shown.len().min(error.len()));
    assert_eq!(message, shown, "{error}");
    assert!(statement.trim().ends_with("DELETE FROM user"), "{error}");
}

#[rstest]
fn what_a_guard_has_refused(harness: Harness) {
    harness.keep(Keep::Never);
    let guard = harness.allow_only("auth");
    harness.connection(None).unwrap().execute("INSERT INTO log (event) VALUES ('sign-up')", []).unwrap_err();
    let told = told(|| drop(guard));
    let shown = shown("says: what_a_guard_has_refused");
    // All but the places, which are those of another test.
    let unplaced = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("  called from ") && !line.starts_with("      "));
        lines.map(|line| line.split_once(" at ").map_or(line, |(before, _)| before)).collect::<Vec<_>>().join("\n")
    };
    let (told, shown) = (unplaced(&told), unplaced(&shown));
    assert!(told.starts_with(shown.trim_end()), "{told}");
}

#[test]
fn rows_missing_too_many_and_different() {
    let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT, age INTEGER, email TEXT)";
    let found = "INSERT INTO user VALUES (2, 'bob', NULL, 'b@x'), (4, 'dora', 9, 'd@x')";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(format!("{user}; INSERT INTO user (username) VALUES ('cleo')")))
        .bind("auth", Bind::memory().schema(format!("{user}; {found}")))
        .start()
        .unwrap();
    db.keep(Keep::Never);
    let expected = [row! { id: 2, username: "bob", age: 41, email: "bob@x" }, row! { username: "cleo" }];
    let told = told(|| db.assert_rows("auth", "user", expected));
    assert!(told.starts_with(shown("says: rows_missing_too_many_and_different").trim_end()), "{told}");
}

#[test]
fn expected_tables() {
    let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT, email TEXT, boss_id INTEGER REFERENCES user)";
    let log = "CREATE TABLE log (event TEXT, user_id INTEGER); CREATE TABLE queue (job TEXT)";
    let db = Harness::builder()
        .default_bind(
            Bind::memory().schema("CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT, author_id INTEGER)"),
        )
        .bind("auth", Bind::memory().schema(user))
        .bind("meta", Bind::memory().schema(log))
        .data(root().join("fixtures/team.toml"))
        .start()
        .unwrap();
    db.keep(Keep::Never);
    let (ann, bob): (i64, i64) = (db.id_of("auth.user.ann").unwrap(), db.id_of("auth.user.bob").unwrap());
    db.insert("auth", "user", row! { id: 3, name: "Cleo", boss_id: bob }).unwrap();
    let meta = db.connection("meta").unwrap();
    meta.execute_batch(&format!("DELETE FROM log; INSERT INTO log VALUES ('hired', {ann})")).unwrap();
    let told = told(|| db.assert_has_data(root().join("fixtures/expected/hired.toml")));
    assert!(told.contains(shown("says: expected_tables").trim_end()), "{told}");
}

#[rstest]
fn the_picture(harness: Harness) {
    let picture = harness.describe().to_string();
    assert_eq!(picture, shown("says: the_picture").trim_end(), "{picture}");
}

#[test]
fn the_diagram() {
    let post = "CREATE TABLE post (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author TEXT)";
    let user = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE)";
    let db = Harness::builder()
        .default_bind(Bind::memory().schema(post))
        .bind("auth", Bind::memory().schema(user))
        .reference("main.post.author", "auth.user.username")
        .start()
        .unwrap();
    let diagram = db.diagram().unwrap();
    assert_eq!(diagram, shown("says: the_diagram"), "{diagram}");
}

/// Code that runs elsewhere in the repository.
#[test]
fn code_that_is_shown_of_a_file_is_in_it() {
    let mut shown = 0;
    for Block { place, text, mark, .. } in blocks() {
        let Some(file) = mark.strip_prefix("<!-- in: ").and_then(|mark| mark.strip_suffix(" -->")) else { continue };
        assert!(fs::read_to_string(root().join(file)).unwrap().contains(&text), "{place} is not in {file}");
        shown += 1;
    }
    assert!(shown > 1, "{shown} blocks");
}
