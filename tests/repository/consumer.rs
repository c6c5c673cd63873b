//! An application of its own, in `tests/consumer`, that tests with this crate: its tests run here as its author runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// The folder of the application.
static CONSUMER: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let consumer = root.join("tests/consumer");
    // With the versions of this crate's lock file, all of which are on this machine: no network is needed, and what is
    // built already is not built again. Renamed into place, for another process may read it.
    let fresh = tempfile::NamedTempFile::new_in(&consumer).unwrap();
    fs::copy(root.join("Cargo.lock"), fresh.path()).unwrap();
    fresh.persist(consumer.join("Cargo.lock")).unwrap();
    consumer
});

/// A run of some of the application's tests.
struct Run {
    output: Output,
    /// What the run left in the only folder for temporary files that it had.
    left_over: Vec<PathBuf>,
}

impl Run {
    /// Builds the test `target` of the application, then runs it as `cargo test --test TARGET -- ARGS`.
    fn of(target: &str, args: &[&str]) -> Run {
        let temporary = tempfile::tempdir().unwrap();
        let build = cargo(target).arg("--no-run").output().unwrap();
        assert!(build.status.success(), "{target} does not build:\n{}", String::from_utf8_lossy(&build.stderr));
        let mut cargo = cargo(target);
        cargo.arg("--").args(args);
        for folder in ["TMPDIR", "TMP", "TEMP", "SQLITE_TMPDIR"] {
            cargo.env(folder, temporary.path());
        }
        let output = cargo.output().unwrap();
        let left_over = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        Run { output, left_over }
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    /// Everything printed, for the message of an assertion.
    fn printed(&self) -> String {
        format!("{}\n{}", self.stdout(), String::from_utf8_lossy(&self.output.stderr))
    }

    /// The number that stands before `what` in the summary of the tests.
    fn count(&self, what: &str) -> usize {
        let stdout = self.stdout();
        let summary = stdout.lines().find_map(|line| line.strip_prefix("test result: "));
        let counted = summary.and_then(|line| line.split([';', '.']).find_map(|part| part.trim().strip_suffix(what)));
        counted
            .and_then(|count| count.trim().parse().ok())
            .unwrap_or_else(|| panic!("no `{what}` in {}", self.printed()))
    }

    fn assert_passed(&self, tests: usize) {
        assert!(self.output.status.success(), "{}", self.printed());
        assert_eq!((self.count("passed"), self.count("failed"), self.count("ignored")), (tests, 0, 0));
        self.assert_nothing_left();
    }

    fn assert_nothing_left(&self) {
        assert_eq!(self.left_over, [] as [PathBuf; 0], "files left by\n{}", self.printed());
    }
}

/// `cargo test` for one test target of the application, in the folder where this crate was built.
fn cargo(target: &str) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(CONSUMER.as_path()).args(["test", "--offline", "--test", target]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    cargo.env("CARGO_TARGET_DIR", built());
    cargo.env("CARGO_TERM_COLOR", "never").env("RUST_BACKTRACE", "0").env_remove("RUST_TEST_THREADS");
    cargo.env_remove("MULTIBIND_KEEP");
    cargo
}

/// The target folder, of this crate and of the application.
fn built() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

#[test]
fn the_readmes_first_test_passes() {
    Run::of("landing", &[]).assert_passed(1);

    let readme = fs::read_to_string("README.md").unwrap();
    let test = fs::read_to_string("tests/consumer/tests/landing.rs").unwrap();
    assert!(readme.contains(&test), "the README shows another test than tests/consumer/tests/landing.rs");
}

#[test]
fn the_fixture_reads_the_crates_binds() {
    Run::of("ready_made", &[]).assert_passed(3);
}

#[test]
fn json_data_without_the_feature_is_an_explained_error() {
    Run::of("json_data", &[]).assert_passed(1);
}

#[test]
fn log_records_reach_an_application_with_tracing() {
    Run::of("bridge", &[]).assert_passed(1);
}

#[test]
fn a_row_in_the_wrong_bind_fails_the_test() {
    let name = "the_audit_line_of_a_sign_up_is_in_meta";
    let run = Run::of("wrong_bind", &["--ignored"]);
    assert_eq!((run.count("passed"), run.count("failed")), (0, 1), "{}", run.printed());
    run.assert_nothing_left();

    let stdout = run.stdout();
    let (_, failure) = stdout.split_once(&format!("---- {name} stdout ----\n")).unwrap();
    let (failure, _) = failure.split_once("\nnote: ").unwrap();
    let (head, message) = failure.trim_start().split_once('\n').unwrap();
    assert!(head.starts_with(&format!("thread '{name}'")), "{head}");
    // The line of the assertion in the application's test, not one of this crate.
    let test = fs::read_to_string("tests/consumer/tests/wrong_bind.rs").unwrap();
    let line = 1 + test.lines().position(|line| line.contains(r#"assert_landed("meta""#)).unwrap();
    assert!(head.contains(&format!("panicked at tests/wrong_bind.rs:{line}:")), "{head}");
    insta::assert_snapshot!(message, @r#"
    the row landed in `default` instead of `meta`

      look at     tests/wrong_bind.rs:11: it gave `default`, with `db.connection`
      looked for  log: event = 'sign-up of ann'
      expected    in `meta`, committed, and in no other bind

    ─────────────────────────────────────────────────────
     bind      rows   found
    ═════════════════════════════════════════════════════
     default   1      the row:
                        id = 1, event = 'sign-up of ann'
    ─────────────────────────────────────────────────────
     auth             no such table
    ─────────────────────────────────────────────────────
     meta      0      no row at all
    ─────────────────────────────────────────────────────

    The row in `default` was written by
      INSERT INTO log (event) VALUES ('sign-up of ann')
      at src/lib.rs:21, my_app::audit
      called from tests/wrong_bind.rs:11
      on the test's thread, connection 2, committed

    Connection 2 to `default` came from `db.connection`
      at tests/wrong_bind.rs:11, wrong_bind::the_audit_line_of_a_sign_up_is_in_meta

    Nothing in this process has opened a connection to `meta`.
    "#);
}

#[test]
fn a_failed_test_keeps_its_databases() {
    let kept = built().join("multibind/my_app--kept/audit--a_sign_up_is_audited--case_1_of_ann");
    let _ = fs::remove_dir_all(&kept);

    let run = Run::of("kept", &["--ignored"]);

    assert_eq!((run.count("passed"), run.count("failed")), (0, 1), "{}", run.printed());
    run.assert_nothing_left();
    let stdout = run.stdout();
    let (_, failure) = stdout.split_once("a row of `log` landed in").unwrap();
    let (failure, _) = failure.split_once("\n\n\nfailures:").unwrap();
    let failure = failure.replace(built().to_str().unwrap(), "[target]");
    insta::assert_snapshot!(failure, @r#"
     `default` instead of `meta`, where marked ≠:

      look at  tests/kept.rs:23: it gave `default`, with `db.connection`

    ───────────────────────────────────────────────────
         bind      table   expected       found
    ═══════════════════════════════════════════════════
     ≠   default   log     nothing        + 1 inserted
    ───────────────────────────────────────────────────
         auth      user    + 1 inserted   + 1 inserted
    ───────────────────────────────────────────────────
     ≠   meta      log     + 1 inserted   nothing
    ───────────────────────────────────────────────────

    The changes:

    ───────────────────────────────────────────────────────────────────────────
     bind      table   change         rows
    ═══════════════════════════════════════════════════════════════════════════
     default   log     + 1 inserted   + id = 1, event = 'sign-up'
    ───────────────────────────────────────────────────────────────────────────
     auth      user    + 1 inserted   + id = 1, username = 'ann', email = NULL
    ───────────────────────────────────────────────────────────────────────────

    `log` in `default` was changed by
      INSERT INTO log (event) VALUES ('sign-up')
      at tests/kept.rs:14, kept::audit::audit
      called from tests/kept.rs:23
      on the test's thread, connection 2, committed

    Connection 2 to `default` came from `db.connection`
      at tests/kept.rs:23, kept::audit::a_sign_up_is_audited

    No statement wrote to `log` in `meta`.
    note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
    multibind: kept in [target]/multibind/my_app--kept/audit--a_sign_up_is_audited--case_1_of_ann: report.html, default.db, auth.db, meta.db, changes.txt
    "#);

    let mut files = fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    files.sort();
    assert_eq!(files, ["auth.db", "changes.txt", "default.db", "meta.db", "report.html"]);
    insta::assert_snapshot!(fs::read_to_string(kept.join("changes.txt")).unwrap(), @r"
    The committed changes in every bind since the harness started:

    ───────────────────────────────────────────────────────────────────────────
     bind      table   change         rows
    ═══════════════════════════════════════════════════════════════════════════
     default   log     + 1 inserted   + id = 1, event = 'sign-up'
    ───────────────────────────────────────────────────────────────────────────
     auth      user    + 1 inserted   + id = 1, username = 'ann', email = NULL
    ───────────────────────────────────────────────────────────────────────────
    ");
    let found = |file: &str, query: &str| {
        let conn = multibind::rusqlite::Connection::open(kept.join(file)).unwrap();
        conn.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(found("auth.db", "SELECT count(*) FROM user WHERE username = 'ann'"), 1);
    assert_eq!(found("default.db", "SELECT count(*) FROM log WHERE event = 'sign-up'"), 1);
    assert_eq!(found("meta.db", "SELECT count(*) FROM log"), 0);
}

#[test]
fn a_thousand_parallel_tests_leave_no_file() {
    Run::of("thousand", &["--test-threads", "8"]).assert_passed(1000);
}

#[test]
fn a_thousand_harnesses_leave_no_thread_and_no_open_file() {
    let run = Run::of("threads", &[]);
    assert!(run.output.status.success(), "{}", run.printed());
    assert_eq!(run.stdout(), "1000 harnesses: no thread and no open file more\n");
    run.assert_nothing_left();
}

/// Copies a file, or a folder with nothing else in it; what is there already keeps its time, so that it is not built again.
fn copy(from: &Path, to: &Path, change: &dyn Fn(String) -> String) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for there in fs::read_dir(to).unwrap().map(|entry| entry.unwrap().path()) {
            // Of an earlier run.
            if !from.join(there.file_name().unwrap()).exists() {
                if there.is_dir() {
                    fs::remove_dir_all(there).unwrap()
                } else {
                    fs::remove_file(there).unwrap()
                }
            }
        }
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            copy(&from.join(&name), &to.join(&name), change);
        }
        return;
    }
    let text = change(fs::read_to_string(from).unwrap());
    if fs::read_to_string(to).is_ok_and(|there| there == text) {
        return;
    }
    // Renamed into place, for another process may read it.
    let fresh = tempfile::NamedTempFile::new_in(to.parent().unwrap()).unwrap();
    fs::write(fresh.path(), text).unwrap();
    fresh.persist(to).unwrap();
}

#[test]
fn two_copies_of_the_crate_in_one_program_share_no_database() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("copies");
    let (twice, other) = (made.join("twice"), made.join("other"));
    fs::create_dir_all(&twice).unwrap();
    fs::create_dir_all(&other).unwrap();
    // A lock file cannot tell two packages of one version in two folders apart. So the other copy is another version to
    // Cargo, and of the same version to itself.
    let version = env!("CARGO_PKG_VERSION");
    let elsewhere = |text: String| text.replace("env!(\"CARGO_PKG_VERSION\")", &format!("{version:?}"));
    let renumbered =
        |text: String| text.replacen(&format!("version = \"{version}\""), &format!("version = \"{version}-copy\""), 1);
    for name in ["src", "docs", "README.md"] {
        copy(&root.join(name), &other.join(name), &elsewhere);
    }
    copy(&root.join("Cargo.toml"), &other.join("Cargo.toml"), &renumbered);
    copy(&root.join("tests/twice/src"), &twice.join("src"), &|text| text);
    let here = |text: String| text.replace("../..", root.to_str().unwrap());
    copy(&root.join("tests/twice/Cargo.toml"), &twice.join("Cargo.toml"), &here);
    fs::copy(root.join("Cargo.lock"), twice.join("Cargo.lock")).unwrap();

    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&twice).args(["run", "--offline", "--quiet"]).env("CARGO_TARGET_DIR", built());
    let output = cargo.output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "two copies: no database is the other's\n");
}
