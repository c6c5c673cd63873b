//! The databases of a test are kept when it fails. The tests in `runs` are run one by one, each in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use insta::assert_snapshot;
use multibind::fixture::harness;
use multibind::rusqlite::{Connection, OpenFlags};
use multibind::{Bind, Harness};
use rstest::rstest;
use tempfile::TempDir;

use crate::child::{files, Run};
use crate::frame::unframed;

/// The first value that a query gives on a file, read as any program reads it.
fn value(file: &Path, sql: &str) -> String {
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The tests that are run, most of which fail.
mod runs {
    use std::sync::Mutex;

    use multibind::fixture::harness;
    use multibind::rusqlite::Connection;
    use multibind::{row, Bind, Harness, Keep};
    use rstest::rstest;

    #[rstest]
    #[ignore = "fails, to show what is kept"]
    fn a_sign_up_in_the_wrong_bind(harness: Harness) {
        harness.connection("auth").unwrap().execute("INSERT INTO user (username) VALUES ('ann')", []).unwrap();
        let mut session = harness.session();
        session.on(None).unwrap().execute("INSERT INTO log (event) VALUES ('sign-up of ann')", []).unwrap();
        session.commit().unwrap();
        let driver = Connection::open(harness.uri("meta").unwrap()).unwrap();
        driver.execute("DELETE FROM setting WHERE name = 'motto'", []).unwrap();
        harness.assert_landed("meta", "log", row! { event: "sign-up of ann" });
    }

    fn one(bind: Bind) -> Harness {
        let schema = "CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('start')";
        Harness::builder().default_bind(bind.schema(schema)).start().unwrap()
    }

    #[rstest]
    #[ignore = "fails, to show what is kept"]
    fn a_sign_up_that_is_recorded(harness: Harness) {
        harness.connection("auth").unwrap().execute("DELETE FROM session_token", []).unwrap();
        let log = harness.record();
        let pool = harness.pool("auth").unwrap();
        let sign_up = move || pool.get().unwrap().execute("INSERT INTO user (username) VALUES (?1)", ["ann"]).unwrap();
        std::thread::Builder::new().name("server".to_string()).spawn(sign_up).unwrap().join().unwrap();
        let mut session = harness.session();
        session.on(None).unwrap().execute("INSERT INTO log (event) VALUES (?1)", ["sign-up of ann"]).unwrap();
        session.on(None).unwrap().execute("INSERT INTO post (id, title) VALUES (1, 'hello')", []).unwrap_err();
        session.commit().unwrap();
        log.assert_count("meta", 1);
    }

    #[test]
    #[ignore = "run by others"]
    fn passes() {
        one(Bind::memory()).connection(None).unwrap().execute("INSERT INTO t VALUES ('made')", []).unwrap();
    }

    #[test]
    #[ignore = "run by others"]
    fn is_closed() {
        one(Bind::memory()).close().unwrap();
    }

    #[test]
    #[ignore = "run by others"]
    #[should_panic(expected = "as it should")]
    fn panics_and_leaves_nothing() {
        let db = one(Bind::memory());
        db.keep(Keep::Never);
        panic!("as it should");
    }

    #[test]
    #[ignore = "run by others"]
    fn passes_and_is_kept() {
        one(Bind::memory()).keep(Keep::Always);
    }

    /// Fails with as many binds as the environment says.
    #[test]
    #[ignore = "fails"]
    fn fails_with_some_binds() {
        let binds = std::env::var("MULTIBIND_TEST_BINDS").unwrap_or_else(|_| "auth".to_string());
        let mut builder = Harness::builder();
        for (value, key) in binds.split('|').enumerate() {
            let schema = format!("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('bind {value}')");
            builder = builder.bind(key, Bind::memory().schema(schema));
        }
        let _db = builder.start().unwrap();
        panic!("on purpose");
    }

    #[test]
    #[ignore = "fails"]
    fn fails_beside_open_transactions() {
        let bind = |bind: Bind| bind.schema("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('start')");
        let db = Harness::builder()
            .default_bind(bind(Bind::shared_cache()))
            .bind("memdb", bind(Bind::memdb()))
            .bind("file", bind(Bind::temp_file()))
            .bind("free", bind(Bind::memory()))
            .start()
            .unwrap();
        for key in [None, Some("memdb"), Some("file")] {
            let conn = Connection::open(db.uri(key).unwrap()).unwrap();
            conn.execute_batch("BEGIN; INSERT INTO t VALUES ('not committed')").unwrap();
            std::mem::forget(conn);
        }
        db.connection("free").unwrap().execute("INSERT INTO t VALUES ('made')", []).unwrap();
        panic!("on purpose");
    }

    #[test]
    #[ignore = "fails"]
    fn fails_with_two_harnesses() {
        let _first = one(Bind::temp_file());
        let second = one(Bind::memdb());
        second.connection(None).unwrap().execute("UPDATE t SET x = 'second'", []).unwrap();
        panic!("on purpose");
    }

    #[test]
    #[ignore = "fails"]
    fn fails_with_a_hundred_harnesses() {
        let _all = (0..100).map(|_| one(Bind::memory())).collect::<Vec<_>>();
        panic!("on purpose");
    }

    #[test]
    #[ignore = "fails"]
    fn fails_in_a_thread() {
        let db = one(Bind::memory());
        let thread = std::thread::spawn(move || db.assert_landed(None, "t", row! { x: "made" }).binds());
        thread.join().unwrap();
    }

    #[test]
    #[ignore = "fails"]
    fn fails_while_a_logger_listens() {
        struct Printer;
        impl log::Log for Printer {
            fn enabled(&self, _: &log::Metadata<'_>) -> bool {
                true
            }
            fn log(&self, record: &log::Record<'_>) {
                println!("multibind: {} {}", record.level(), record.args());
            }
            fn flush(&self) {}
        }
        static ONCE: Mutex<()> = Mutex::new(());
        let _once = ONCE.lock();
        log::set_logger(&Printer).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        let _db = one(Bind::memory());
        panic!("on purpose");
    }
}

#[test]
fn a_failed_test_keeps_databases_and_changes() {
    let ran = Run::of("keep::runs::a_sign_up_in_the_wrong_bind").fails();

    assert_snapshot!(ran.said(), @r"
    kept in [target]/multibind/my_app--process/keep--runs--a_sign_up_in_the_wrong_bind: report.html, default.db, auth.db, meta.db, changes.txt
    ");
    assert_snapshot!(ran.files(), @r"
    multibind/my_app--process/keep--runs--a_sign_up_in_the_wrong_bind/auth.db
    multibind/my_app--process/keep--runs--a_sign_up_in_the_wrong_bind/changes.txt
    multibind/my_app--process/keep--runs--a_sign_up_in_the_wrong_bind/default.db
    multibind/my_app--process/keep--runs--a_sign_up_in_the_wrong_bind/meta.db
    multibind/my_app--process/keep--runs--a_sign_up_in_the_wrong_bind/report.html
    ");
    let folder = ran.folder("keep::runs::a_sign_up_in_the_wrong_bind");
    assert_snapshot!(unframed(fs::read_to_string(folder.join("changes.txt")).unwrap()), @r"
    The committed changes in every bind since the harness started:

     bind      table     change         rows
     default   log       + 1 inserted   + id = 1, event = 'sign-up of ann',
                                            post_id = NULL
    ─
     auth      user      + 1 inserted   + id = 3, username = 'ann', is_active = 1,
                                            email = NULL
    ─
     meta      setting   - 1 deleted    - name = 'motto', value = NULL
    ");
    for (file, query, found) in [
        ("auth.db", "SELECT group_concat(username) FROM user", "ann,edgar,grace"),
        ("default.db", "SELECT event FROM log", "sign-up of ann"),
        ("meta.db", "SELECT group_concat(name) FROM setting", "site_name"),
        ("meta.db", "PRAGMA journal_mode", "delete"),
        ("meta.db", "PRAGMA integrity_check", "ok"),
    ] {
        assert_eq!(value(&folder.join(file), query), found, "{file}: {query}");
    }
    // Having been read, they have nothing beside them.
    assert_eq!(files(&folder), "auth.db\nchanges.txt\ndefault.db\nmeta.db\nreport.html");
}

/// A text with `[time]` for each number of milliseconds.
fn without_times(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let is_time = word.split_once('.').is_some_and(|(ms, rest)| {
            rest.len() == 3 && ms.chars().chain(rest.chars()).all(|digit| digit.is_ascii_digit())
        });
        if is_time {
            "[time]"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn recorded_statements_are_kept() {
    let ran = Run::of("keep::runs::a_sign_up_that_is_recorded").fails();

    assert_snapshot!(ran.said(), @r"
    kept in [target]/multibind/my_app--process/keep--runs--a_sign_up_that_is_recorded: report.html, default.db, auth.db, meta.db, changes.txt, statements.txt
    ");
    let folder = ran.folder("keep::runs::a_sign_up_that_is_recorded");
    assert_eq!(files(&folder), "auth.db\nchanges.txt\ndefault.db\nmeta.db\nreport.html\nstatements.txt");
    let statements = fs::read_to_string(folder.join("statements.txt")).unwrap();
    assert!(statements.lines().all(|line| line.chars().count() <= 80), "{statements}");
    assert_snapshot!(without_times(&unframed(&statements)), @r"
    The statements that ran while they were recorded:

         bind      does     rows   statement
     1   auth      writes   1      INSERT INTO user (username) VALUES ('ann')
                                     [time] ms, by a pool, in thread server
    ─
     2   default                   BEGIN
                                     [time] ms, by a session, in thread
                                         keep::runs::a_sign_up_that_is_recorded
    ─
     3   default   writes   1      INSERT INTO log (event) VALUES ('sign-up of
                                       ann')
                                     [time] ms, by a session, in thread
                                         keep::runs::a_sign_up_that_is_recorded
    ─
     4   default   writes   0      INSERT INTO post (id, title) VALUES (1, 'hello')
                                     failed: UNIQUE constraint failed: post.id
                                     [time] ms, by a session, in thread
                                         keep::runs::a_sign_up_that_is_recorded
    ─
     5   default                   COMMIT
                                     [time] ms, by a session, in thread
                                         keep::runs::a_sign_up_that_is_recorded
    ");
}

#[rstest]
fn recorded_statements_are_saved_by_hand_and_removed_when_none(harness: Harness) {
    let folder = tempfile::tempdir().unwrap();
    harness.save_to(folder.path()).unwrap();
    assert_eq!(files(folder.path()), "auth.db\nchanges.txt\ndefault.db\nmeta.db\nreport.html");

    let log = harness.record();
    harness.connection("auth").unwrap().execute("DELETE FROM session_token", []).unwrap();
    drop(log);
    harness.save_to(folder.path()).unwrap();
    let saved = fs::read_to_string(folder.path().join("statements.txt")).unwrap();
    assert!(saved.contains("DELETE FROM session_token"), "{saved}");

    Harness::from_file("fixtures/binds.toml").unwrap().save_to(folder.path()).unwrap();
    assert_eq!(files(folder.path()), "auth.db\nchanges.txt\ndefault.db\nmeta.db\nreport.html");
}

#[rstest]
#[case::not_said("passes", None, "")]
#[case::failed("passes", Some("failed"), "")]
#[case::empty("passes", Some(""), "")]
#[case::always("passes", Some("always"), "changes.txt default.db report.html")]
#[case::always_and_closed("is_closed", Some("always"), "changes.txt default.db report.html")]
#[case::told_always("passes_and_is_kept", Some("never"), "changes.txt default.db report.html")]
#[case::told_never("panics_and_leaves_nothing", None, "")]
#[case::told_never_past_always("panics_and_leaves_nothing", Some("always"), "")]
fn a_passed_test_leaves_nothing(#[case] test: &str, #[case] keep: Option<&str>, #[case] expected: &str) {
    let run = Run::of(&format!("keep::runs::{test}"));
    let ran = match keep {
        Some(keep) => run.env("MULTIBIND_KEEP", keep),
        None => run,
    }
    .passes();
    let expected =
        expected.split_whitespace().map(|file| format!("multibind/my_app--process/keep--runs--{test}/{file}"));
    assert_eq!(ran.files(), expected.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_test_that_fails_leaves_nothing_where_the_environment_says_never() {
    let ran = Run::of("keep::runs::fails_with_some_binds").env("MULTIBIND_KEEP", "never").fails();
    assert_eq!((ran.files().as_str(), ran.said().as_str()), ("", ""));
}

#[test]
fn an_unknown_value_is_reported_and_ignored() {
    let ran = Run::of("keep::runs::fails_while_a_logger_listens").env("MULTIBIND_KEEP", "yes").fails();
    assert_snapshot!(ran.said(), @r"
    WARN MULTIBIND_KEEP has the unknown value `yes` (expected always, failed or never); using failed
    multibind: kept in [target]/multibind/my_app--process/keep--runs--fails_while_a_logger_listens: report.html, default.db, changes.txt
    ");
}

#[rstest]
#[case::a_thread_a_test("2")]
#[case::one_test_after_the_other("1")]
fn files_have_the_tests_name_under_any_runner(#[case] threads: &str) {
    let ran = Run::of("keep::runs::fails_in_a_thread").arg("--test-threads").arg(threads).fails();
    assert_eq!(files(&ran.folder("keep::runs::fails_in_a_thread")), "changes.txt\ndefault.db\nreport.html");
}

#[test]
fn a_later_run_replaces_what_an_earlier_one_left() {
    let mut first = Run::of("keep::runs::fails_with_some_binds").env("MULTIBIND_TEST_BINDS", "auth|meta");
    assert_eq!(first.command.output().unwrap().status.code(), Some(101));
    let second = first.env("MULTIBIND_TEST_BINDS", "audit|auth").fails();

    let folder = second.folder("keep::runs::fails_with_some_binds");
    assert_eq!(files(&folder), "audit.db\nauth.db\nchanges.txt\nreport.html");
    assert_eq!(value(&folder.join("auth.db"), "SELECT x FROM t"), "bind 1");
}

#[test]
fn a_key_with_any_character_has_a_file_of_its_own() {
    let keys = ["me ta", "me%20ta", "a.b", "../up", "日本", "x';--", "con", "/", "~"];
    let ran = Run::of("keep::runs::fails_with_some_binds").env("MULTIBIND_TEST_BINDS", keys.join("|")).fails();

    assert_snapshot!(ran.said(), @r"
    kept in [target]/multibind/my_app--process/keep--runs--fails_with_some_binds: report.html, me%20ta.db, me%2520ta.db, a.b.db, %2E.%2Fup.db, %E6%97%A5%E6%9C%AC.db, x%27%3B--.db, %63on.db, %2F.db, %7E.db, changes.txt
    ");
    let folder = ran.folder("keep::runs::fails_with_some_binds");
    let said = ran.said();
    let (_, named) = said.split_once(": ").unwrap();
    for (place, file) in named.split(", ").skip(1).take(keys.len()).enumerate() {
        assert_eq!(value(&folder.join(file), "SELECT x FROM t"), format!("bind {place}"));
    }
    assert_eq!(files(&folder).lines().count(), keys.len() + 2);
}

#[test]
fn open_transactions_are_not_kept_and_block_no_other_bind() {
    let ran = Run::of("keep::runs::fails_beside_open_transactions").fails();

    assert_snapshot!(ran.said(), @r"
    kept in [target]/multibind/my_app--process/keep--runs--fails_beside_open_transactions: report.html, file.db, free.db, changes.txt
    multibind: `default` is not kept: bind `default` is being written to: another connection has a transaction open on it (database table is locked). Commit it or roll it back first; an uncommitted session counts
    multibind: `memdb` is not kept: bind `memdb` is being written to: another connection has a transaction open on it (database is locked). Commit it or roll it back first; an uncommitted session counts
    ");
    let folder = ran.folder("keep::runs::fails_beside_open_transactions");
    assert_snapshot!(unframed(fs::read_to_string(folder.join("changes.txt")).unwrap()), @r"
    The committed changes in every bind since the harness started:

     bind   table   change         rows
     free   t       + 1 inserted   + x = 'made'

    The database of default is not kept: bind `default` is being written to: another connection has a transaction open on it (database table is locked). Commit it or roll it back first; an uncommitted session counts

    The database of memdb is not kept: bind `memdb` is being written to: another connection has a transaction open on it (database is locked). Commit it or roll it back first; an uncommitted session counts
    ");
    assert_eq!(value(&folder.join("file.db"), "SELECT group_concat(x) FROM t"), "start");
    assert_eq!(value(&folder.join("free.db"), "SELECT group_concat(x) FROM t"), "start,made");
}

#[test]
fn each_harness_of_a_test_has_files_of_its_own() {
    let ran = Run::of("keep::runs::fails_with_two_harnesses").fails();
    let folder = ran.folder("keep::runs::fails_with_two_harnesses");
    assert_eq!(files(&folder), "2/changes.txt\n2/default.db\n2/report.html\nchanges.txt\ndefault.db\nreport.html");
    assert_eq!(value(&folder.join("default.db"), "SELECT x FROM t"), "second");
    assert_eq!(value(&folder.join("2/default.db"), "SELECT x FROM t"), "start");
    assert_snapshot!(fs::read_to_string(folder.join("2/changes.txt")).unwrap(), @r"
    The committed changes in every bind since the harness started:

    no changes
    ");
}

#[test]
fn a_test_with_a_hundred_harnesses_keeps_the_databases_of_ten() {
    let ran = Run::of("keep::runs::fails_with_a_hundred_harnesses").fails();
    let folder = ran.folder("keep::runs::fails_with_a_hundred_harnesses");
    assert_eq!(files(&folder).lines().count(), 30);
    assert!(folder.join("10/default.db").exists());
}

/// This program in another place, under another name.
fn moved(to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    let program = to.join(format!("moved-0123456789abcdef{}", std::env::consts::EXE_SUFFIX));
    let here = std::env::current_exe().unwrap();
    fs::hard_link(&here, &program).or_else(|_| fs::copy(&here, &program).map(drop)).unwrap();
    program
}

/// A folder on the disk that this program is on, so that it need not be copied.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

#[rstest]
#[case::nothing_said(None)]
#[case::relative_to_an_unknown_folder(Some("target"))]
fn the_target_folder_is_found_by_the_place_of_the_program(#[case] said: Option<&str>) {
    let folder = folder();
    let target = folder.path().join("built");
    let program = moved(&target.join("debug/deps"));
    fs::write(target.join("CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55").unwrap();

    let mut run = Run::by(&program, "keep::runs::fails_with_some_binds");
    run.command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_PKG_NAME");
    run.command.envs(said.map(|said| ("CARGO_TARGET_DIR", said)));
    run.fails();

    let kept = target.join("multibind");
    assert_eq!(
        files(&kept),
        "moved/keep--runs--fails_with_some_binds/auth.db\nmoved/keep--runs--fails_with_some_binds/changes.txt\nmoved/keep--runs--fails_with_some_binds/report.html"
    );
}

#[test]
fn without_a_target_folder_temporary_files_are_kept() {
    // Not in this program's own target folder.
    let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = moved(folder.path());

    let mut run = Run::by(&program, "keep::runs::fails_with_some_binds").env("TMPDIR", temporary.path());
    run.command.env("TMP", temporary.path()).env_remove("CARGO_TARGET_DIR").env_remove("CARGO_PKG_NAME");
    run.fails();

    let kept = temporary.path().join("multibind/moved/keep--runs--fails_with_some_binds");
    assert_eq!(files(&kept), "auth.db\nchanges.txt\nreport.html");
}

#[test]
fn an_unwritable_folder_is_reported_beside_the_failure() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let ran = Run::of("keep::runs::fails_with_some_binds").env("CARGO_TARGET_DIR", file.path()).fails();
    let said = ran.said().replace(file.path().to_str().unwrap(), "[a file]");
    assert!(said.starts_with("nothing is kept: cannot make the folder `[a file]"), "{said}");
}

#[test]
fn a_test_whose_output_nobody_reads_fails_as_it_would() {
    let mut run = Run::of("keep::runs::fails_with_some_binds").arg("--nocapture");
    let mut child = run.command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(101));
    assert!(files(run.target.path()).contains("auth.db"));
}

#[rstest]
fn databases_are_saved_by_hand_over_what_was_there(harness: Harness) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("made/for/it");
    harness.save_to(&dir).unwrap();
    for beside in ["auth.db-wal", "auth.db-shm", "auth.db-journal", "mine.txt"] {
        fs::write(dir.join(beside), "of another time").unwrap();
    }
    harness.connection("auth").unwrap().execute("UPDATE user SET username = 'ann' WHERE id = 1", []).unwrap();

    let saved = harness.save_to(&dir).unwrap();

    assert_eq!(saved, ["default.db", "auth.db", "meta.db"].map(|file| dir.join(file)));
    assert_eq!(files(&dir), "auth.db\nchanges.txt\ndefault.db\nmeta.db\nmine.txt\nreport.html");
    assert_eq!(value(&saved[1], "SELECT username FROM user WHERE id = 1"), "ann");
    assert_snapshot!(unframed(fs::read_to_string(dir.join("changes.txt")).unwrap()), @r"
    The committed changes in every bind since the harness started:

     bind   table   change        rows
     auth   user    ~ 1 updated   ~ id = 1, username = 'grace' → 'ann'
    ");
}

#[rstest]
#[case::memory(Bind::memory())]
#[case::shared_cache(Bind::shared_cache())]
#[case::memdb(Bind::memdb())]
#[case::temp_file(Bind::temp_file())]
fn every_storage_is_saved_as_a_file_with_a_rollback_journal(#[case] bind: Bind) {
    let folder = tempfile::tempdir().unwrap();
    let schema = "CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('start')";
    let db = Harness::builder().bind("auth", bind.schema(schema)).bind("empty", Bind::memory()).start().unwrap();
    let [auth, empty] = &db.save_to(folder.path()).unwrap()[..] else { panic!("other files") };
    drop(db);

    let conn = Connection::open(auth).unwrap();
    conn.execute("INSERT INTO t VALUES ('later')", []).unwrap();
    assert_eq!(value(auth, "PRAGMA journal_mode"), "delete");
    assert_eq!(value(auth, "SELECT group_concat(x) FROM t"), "start,later");
    assert_eq!(value(empty, "SELECT count(*) || '' FROM sqlite_schema"), "0");
}

#[test]
fn saving_beside_an_open_transaction_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("saved");
    let schema = "CREATE TABLE t (x)";
    let db = Harness::builder()
        .default_bind(Bind::shared_cache().schema(schema))
        .bind("auth", Bind::shared_cache().schema(schema))
        .start()
        .unwrap();
    let mut session = db.session();
    session.on("auth").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();

    assert_snapshot!(db.save_to(&dir).unwrap_err(), @"bind `auth` is being written to: another connection has a transaction or an unfinished query open on it. SQLite does not report which one; 1 session has written to it and not committed (database table is locked). Commit it or roll it back first; an uncommitted session counts");
    assert!(!dir.exists());
    session.commit().unwrap();
    assert_eq!(db.save_to(&dir).unwrap().len(), 2);
}

#[test]
fn an_impossible_folder_to_save_to_is_reported() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let db = Harness::builder().default_bind(Bind::memory()).start().unwrap();
    let error = db.save_to(file.path().join("saved")).unwrap_err().to_string();
    assert!(error.starts_with("cannot make the folder `"), "{error}");
}
