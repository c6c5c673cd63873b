//! What happens where the system gives no more: no folder, no room, no open files. The tests in `runs` are run one by one,
//! each in a process that has run out of it.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a run tells the test that started it")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use insta::assert_snapshot;
use multibind::rusqlite::{ffi, Connection, ErrorCode};
use multibind::{row, Bind, Harness};
use rstest::rstest;

/// Returns whether a process may mount in a namespace of its own, and says so if not.
pub(crate) fn can_mount() -> bool {
    let mut tried = Command::new("unshare");
    tried.args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]);
    let can = tried.output().is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("nothing was tested: this process may not mount in a namespace of its own");
    }
    can
}

/// One of the tests in `runs`, after the shell has run `first`.
fn shell(first: &str, test: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{first}exec \"$0\" \"$@\"")).arg(std::env::current_exe().unwrap());
    for_test(command, test)
}

/// The same where the shell may mount: in a namespace of its own, which ends with it. `None` where that is not allowed.
fn shell_that_mounts(first: &str, test: &str) -> Option<Command> {
    if !can_mount() {
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &format!("set -e; {first}exec \"$0\" \"$@\"")]);
    command.arg(std::env::current_exe().unwrap());
    Some(for_test(command, test))
}

fn for_test(mut command: Command, test: &str) -> Command {
    command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", &format!("exhausted::runs::{test}")]);
    command.env_remove("MULTIBIND_KEEP").env("RUST_BACKTRACE", "0").env("CARGO_PKG_NAME", "my_app");
    command
}

fn printed(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|printed| String::from_utf8_lossy(printed).into_owned()).concat()
}

/// What a run that passed has told with `told`, with these paths and all random ones replaced.
fn told(command: &mut Command, paths: &[(&Path, &str)]) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", printed(&output));
    lines(&output, "told: ", paths)
}

fn lines(output: &Output, prefix: &str, paths: &[(&Path, &str)]) -> String {
    let printed = printed(output);
    let mut said = printed.lines().filter_map(|line| line.strip_prefix(prefix)).collect::<Vec<_>>().join("\n");
    assert!(!said.is_empty(), "{printed}");
    for (path, name) in paths {
        said = said.replace(path.to_str().unwrap(), name);
    }
    for prefix in ["multibind-", ".new-", ".tmp"] {
        while let Some(at) = said.find(&format!("/{prefix}")).map(|at| at + 1 + prefix.len()) {
            said.replace_range(at - prefix.len()..at + 6, "[RANDOM]");
        }
    }
    said
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_missing_temporary_folder_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let said = told(shell("", "starts").env("TMPDIR", file.path()), &[(file.path(), "[a file]")]);
    assert_snapshot!(said, @r#"bind `auth`: cannot make a private folder in `[a file]`: Not a directory (os error 20) at path "[a file]/[RANDOM]"; `temp_dir` or TMPDIR says where files go"#);
}

#[rstest]
#[case::too_small("size=64k,mode=700", "No space left on device (os error 28)")]
#[case::with_no_file_more("nr_inodes=2", "No space left on device (os error 28)")]
fn a_full_disk_at_start_names_bind_and_file(#[case] options: &str, #[case] why: &str) {
    let disk = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {options} none \"$TMPDIR\"; ");
    let Some(mut command) = shell_that_mounts(&mount, "starts") else { return };
    let said = told(command.env("TMPDIR", disk.path()), &[(disk.path(), "[disk]")]);
    let expected =
        format!("bind `auth`: cannot write `[disk]/[RANDOM]/1.db`: {why}; `temp_dir` or TMPDIR says where files go");
    assert_eq!(said, expected);
}

#[test]
fn an_unwritable_disk_is_an_error_with_bind_and_folder() {
    let disk = tempfile::tempdir().unwrap();
    let Some(mut command) = shell_that_mounts("mount -t tmpfs -o ro none \"$TMPDIR\"; ", "starts") else { return };
    let said = told(command.env("TMPDIR", disk.path()), &[(disk.path(), "[disk]")]);
    assert_snapshot!(said, @r#"bind `auth`: cannot make a private folder in `[disk]`: Read-only file system (os error 30) at path "[disk]/[RANDOM]"; `temp_dir` or TMPDIR says where files go"#);
}

#[test]
fn a_file_beyond_the_limit_names_the_bind() {
    let temporary = tempfile::tempdir().unwrap();
    // The system ends a process that writes more than it may, unless that says it will look itself.
    let said = told(
        shell("trap '' XFSZ; ulimit -f 16; ", "starts").env("TMPDIR", temporary.path()),
        &[(temporary.path(), "[disk]")],
    );
    assert_snapshot!(said, @"bind `auth`: cannot write `[disk]/[RANDOM]/1.db`: File too large (os error 27); `temp_dir` or TMPDIR says where files go");
    assert!(is_empty(temporary.path()));
}

#[test]
fn a_filled_disk_leaves_binds_usable() {
    let disk = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=512k none \"$TMPDIR\"; ";
    let Some(mut command) = shell_that_mounts(mount, "fills_the_disk") else { return };
    let said = told(command.env("TMPDIR", disk.path()), &[]);
    assert_snapshot!(said, @"
    session: commit failed in bind `auth`: database or disk is full. Committed: none; rolled back: auth
    pool: database or disk is full
    ");
}

#[rstest]
#[case::none("mount -t tmpfs -o mode=000 none /dev; ")]
#[case::with_little_room("mount -t tmpfs -o size=1m none /dev/shm; ")]
#[case::read_only("mount -t tmpfs -o ro none /dev/shm; ")]
fn without_a_ram_disk_files_are_where_temporary_files_are(#[case] mount: &str) {
    let Some(mut command) = shell_that_mounts(mount, "starts_without_a_ram_disk") else { return };
    let output = command.env_remove("TMPDIR").output().unwrap();
    assert!(output.status.success(), "{}", printed(&output));
}

#[test]
fn sixty_four_open_files_suffice_and_more_are_an_error() {
    let temporary = tempfile::tempdir().unwrap();
    let said = told(
        shell("ulimit -n 64; ", "opens_files_until_there_are_none").env("TMPDIR", temporary.path()),
        &[(temporary.path(), "[disk]")],
    );
    assert!(is_empty(temporary.path()));
    // Which of the files of which bind is one too many depends on what the process was given open.
    let said = said.lines().collect::<Vec<_>>();
    let [harness, session, pool] = said[..] else { panic!("{said:?}") };
    for said in [harness, session] {
        assert!(
            said.starts_with("bind `auth`: ") || said.starts_with("bind `meta`: ") || said.contains(": bind `auth`: "),
            "{said}"
        );
        assert!(
            said.contains("Too many open files (os error 24)") || said.contains("unable to open database file"),
            "{said}"
        );
    }
    let expected =
        "bind `meta`: the pool gave no connection: timed out waiting for connection: unable to open database file";
    assert!(pool.starts_with(expected), "{pool}");
}

#[rstest]
#[case::wal("wal")]
#[case::delete("delete")]
fn a_statement_fails_when_memory_runs_out(#[case] mode: &str) {
    let said = told(
        shell("ulimit -v 250000; ", "fills_the_memory").env("JOURNAL_MODE", mode).env("MALLOC_ARENA_MAX", "1"),
        &[],
    );
    assert_eq!(said, "what was committed is there, and after a reset all goes on");
}

#[test]
fn a_file_where_connections_share_no_memory_has_a_rollback_journal() {
    let said = told(&mut shell("", "shares_no_memory"), &[]);
    assert_eq!(said, "wal\ndelete");
}

#[test]
fn an_unopenable_file_gives_the_systems_reason() {
    let folder = tempfile::tempdir().unwrap();
    let bind = Bind::temp_file().schema("CREATE TABLE t (x)");
    let db = Harness::builder().bind("auth", bind).temp_dir(folder.path()).start().unwrap();
    fs::remove_file(db.path("auth").unwrap().unwrap()).unwrap();

    let error = db.session().execute("INSERT INTO t VALUES (1)", []).unwrap_err().to_string();

    let (opened, rest) = error.split_once("/multibind-").unwrap();
    assert_eq!(opened, format!("bind `auth`: unable to open database file: file:{}", folder.path().display()));
    let (_, rest) = rest.split_once('/').unwrap();
    assert_eq!(rest, "0.db: No such file or directory (os error 2)\n  in: INSERT INTO t VALUES (1)");
}

/// What a failing test says of keeping its databases, in a target folder on a disk of this kind.
fn keeping_on(options: &str) -> Option<String> {
    let target = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {options} none \"$CARGO_TARGET_DIR\"; ");
    // The shell waits, to look at what is on the disk.
    let look = "\"$0\" \"$@\" || { echo \"left: $(cd \"$CARGO_TARGET_DIR\"; find . -type f -not -path './multibind/images/*')\"; exit 101; }; exit 0; ";
    let mut command = shell_that_mounts(&format!("{mount}{look}"), "fails")?;
    let output = command.env("CARGO_TARGET_DIR", target.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(101), "{}", printed(&output));
    assert_eq!(lines(&output, "left:", &[]).trim(), "", "{}", printed(&output));
    Some(lines(&output, "multibind: ", &[(target.path(), "[target]")]))
}

#[test]
fn databases_are_never_kept_by_half() {
    let Some(said) = keeping_on("size=64k") else { return };
    assert_snapshot!(said, @r#"nothing is kept: cannot write `[target]/multibind/my_app--process/[RANDOM]/auth.db`: No space left on device (os error 28) at path "[target]/multibind/my_app--process/[RANDOM]/[RANDOM]""#);
}

#[test]
fn an_unwritable_target_folder_is_reported_beside_the_failure() {
    let Some(said) = keeping_on("ro") else { return };
    assert_snapshot!(said, @"nothing is kept: cannot make the folder `[target]/multibind/my_app--process`: Read-only file system (os error 30)");
}

mod runs {
    use super::*;

    fn tell(what: impl std::fmt::Display) {
        println!("\ntold: {what}");
    }

    const MUCH: &str = "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))";

    #[test]
    #[ignore = "run by others"]
    fn starts() {
        let builder = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::temp_file().schema(MUCH));
        tell(builder.start().unwrap_err());
        let folder = std::env::temp_dir();
        assert!(!folder.is_dir() || is_empty(&folder));
    }

    #[test]
    #[ignore = "run by others"]
    fn starts_without_a_ram_disk() {
        let db = Harness::builder().bind("auth", Bind::temp_file().schema(MUCH)).start().unwrap();
        let file = db.path("auth").unwrap().unwrap();
        assert!(file.starts_with(std::env::temp_dir()), "{}", file.display());
        db.close().unwrap();
        assert!(!file.exists());
    }

    #[test]
    #[ignore = "run by others"]
    fn fills_the_disk() {
        let bind = || Bind::temp_file().schema("CREATE TABLE t (x)");
        let db = Harness::builder().bind("auth", bind()).bind("memory", Bind::memory().schema("CREATE TABLE m (x)"));
        let db = db.start().unwrap();
        let insert = "INSERT INTO t VALUES (zeroblob(20000))";

        let mut session = db.session();
        session.execute("INSERT INTO m VALUES (1)", []).unwrap();
        let error = (0..100).find_map(|_| session.execute(insert, []).and_then(|_| session.commit()).err());
        tell(format!("session: {}", error.unwrap()));
        session.rollback().unwrap();
        session.execute("INSERT INTO m VALUES (2)", []).unwrap();
        session.commit().unwrap();
        drop(session);

        let pool = db.pool("auth").unwrap();
        let error = (0..100).find_map(|_| pool.get().unwrap().execute(insert, []).err());
        tell(format!("pool: {}", error.unwrap()));
        db.assert_landed("memory", "m", row! { x: 2 });
        drop(pool);
        db.close().unwrap();
        assert!(is_empty(&std::env::temp_dir()));
    }

    fn three_binds() -> multibind::Result<Harness> {
        let schema = "CREATE TABLE t (x)";
        let db = Harness::builder()
            .default_bind(Bind::memory().schema(schema))
            .bind("auth", Bind::temp_file().schema(schema))
            .bind("meta", Bind::temp_file().schema(schema).pool_timeout(std::time::Duration::from_millis(100)))
            .start()?;
        let mut session = db.session();
        session.on("auth")?.execute("INSERT INTO t VALUES (1)", [])?;
        session.on("meta")?.execute("INSERT INTO t VALUES (2)", [])?;
        session.commit()?;
        drop(session);
        Ok(db)
    }

    #[test]
    #[ignore = "run by others"]
    fn fills_the_memory() {
        let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'a')";
        let db = Harness::builder().bind("auth", Bind::memory().schema(schema)).start().unwrap();
        let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
        let mode = std::env::var("JOURNAL_MODE").unwrap();
        for _ in 0..2 {
            conn.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(())).unwrap();
            let mut insert = conn.prepare("INSERT INTO t (x) VALUES (zeroblob(5000000))").unwrap();
            let mut rows = 1;
            let error = loop {
                match insert.execute([]) {
                    Ok(_) => rows += 1,
                    Err(error) => break error,
                }
            };
            let expected = [ErrorCode::DiskFull, ErrorCode::OutOfMemory];
            assert!(error.sqlite_error_code().is_some_and(|code| expected.contains(&code)), "{error}");
            assert!(rows > 5, "{rows}");
            drop(insert);
            // The last one may have been committed, and the copying back of the log have failed.
            let there = conn.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
            assert!(there == rows || there == rows + 1, "{there} {rows}");
            db.reset().unwrap();
            conn.execute("INSERT INTO t (x) VALUES ('b')", []).unwrap();
            db.assert_landed("auth", "t", row! { x: "b" });
        }
        tell("what was committed is there, and after a reset all goes on");
    }

    #[test]
    #[ignore = "run by others"]
    fn shares_no_memory() {
        // What SQLite takes on macOS for a disk of a network: its files have the first version of the methods.
        // SAFETY: the name is one of SQLite's own file systems, which may be its default.
        unsafe {
            let system = ffi::sqlite3_vfs_find(c"unix-dotfile".as_ptr());
            assert_eq!(ffi::sqlite3_vfs_register(system, 1), ffi::SQLITE_OK);
        }
        let schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES (1, 'a')";
        for storage in [Bind::memory, Bind::temp_file] {
            let db = Harness::builder().bind("auth", storage().schema(schema)).start().unwrap();
            let conn = Connection::open(db.uri("auth").unwrap()).unwrap();
            conn.execute("INSERT INTO t (x) VALUES (strftime('%s') > 0)", []).unwrap();
            tell(conn.query_row("PRAGMA journal_mode = wal", [], |row| row.get::<_, String>(0)).unwrap());
            db.connection("auth").unwrap().execute("INSERT INTO t (x) VALUES ('pool')", []).unwrap();
            db.session().table("t").unwrap().insert(row! { x: "session" }).unwrap();
            db.assert_landed("auth", "t", row! { id: 2, x: 1 });
            db.assert_landed("auth", "t", row! { x: "pool" });
            db.reset().unwrap();
            db.assert_not_landed("auth", "t", row! { x: "pool" });
        }
    }

    #[test]
    #[ignore = "run by others"]
    fn opens_files_until_there_are_none() {
        three_binds().unwrap().assert_landed("auth", "t", row! { x: 1 });
        let mut many = Vec::new();
        let error = loop {
            match three_binds() {
                Ok(db) => many.push(db),
                Err(error) => break error,
            }
        };
        tell(error);
        let db = many.last().unwrap();
        let mut sessions = Vec::new();
        let error = loop {
            let mut session = db.session();
            match session.on("auth").unwrap().query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)) {
                Ok(_) => sessions.push(session),
                Err(error) => break error,
            }
        };
        tell(error);
        let mut open = Vec::new();
        let error = loop {
            match db.connection("meta") {
                Ok(conn) => open.push(conn),
                Err(error) => break error,
            }
        };
        tell(error);
        drop(sessions);
        drop((open, many));
        let db = Harness::builder().bind("auth", Bind::temp_file().schema("CREATE TABLE t (x)")).start().unwrap();
        db.connection("auth").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
        db.assert_landed("auth", "t", row! { x: 1 });
        db.close().unwrap();
    }

    #[test]
    #[ignore = "fails, to have its databases kept"]
    fn fails() {
        let _db = Harness::builder().bind("auth", Bind::memory().schema(MUCH)).start().unwrap();
        panic!("on purpose");
    }
}
