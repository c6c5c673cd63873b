//! What a process leaves behind that ends without dropping its harnesses, and who removes it. The tests in `runs` are run
//! one by one, each in a process of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a run tells the test that started it")]

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{symlink, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use multibind::{row, Bind, Harness};
use rstest::rstest;
use rustix::fs::{flock, FlockOperation};
use tempfile::TempDir;

/// One of the tests in `runs`, with its own folder for temporary files.
fn run(test: &str, temporary: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", &format!("crashes::runs::{test}")]);
    command
        .env("TMPDIR", temporary)
        .env_remove("MULTIBIND_KEEP")
        .env("MULTIBIND_IMAGES", "off")
        .env("RUST_BACKTRACE", "0");
    command
}

fn passes(test: &str, temporary: &Path) {
    let output = run(test, temporary).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A run that has started its harness and waits for a line.
struct Waiting {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Waiting {
    fn in_the_middle_of(test: &str, temporary: &Path) -> Waiting {
        let mut command = run(test, temporary);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("ready") {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before it was ready");
        }
        Waiting { child, said }
    }

    fn goes_on(mut self) {
        self.child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.by_ref().collect::<Vec<_>>();
    names.sort();
    names
}

fn only_folder(temporary: &Path) -> PathBuf {
    let names = names(temporary);
    let [name] = &names[..] else { panic!("not one folder: {names:?}") };
    assert!(name.starts_with("multibind-"), "{name}");
    temporary.join(name)
}

const NOTHING: [&str; 0] = [];

#[rstest]
#[case::killed("waits", Some(9))]
#[case::aborted("aborts", Some(6))]
#[case::ended_with_a_harness_in_a_thread("exits_with_a_harness_in_a_thread", None)]
#[case::ended_with_a_harness_in_a_static("has_a_harness_in_a_static", None)]
fn the_next_start_removes_the_files_of_a_dead_process(#[case] test: &str, #[case] signal: Option<i32>) {
    let temporary = tempfile::tempdir().unwrap();
    let status = if test == "waits" {
        let mut run = Waiting::in_the_middle_of(test, temporary.path());
        run.child.kill().unwrap();
        run.child.wait().unwrap()
    } else {
        run(test, temporary.path()).output().unwrap().status
    };
    assert_eq!(status.signal(), signal, "{status}");
    let left = only_folder(temporary.path());
    assert_eq!(left.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    assert!(names(&left).contains(&"0.db".to_string()), "{:?}", names(&left));

    passes("starts", temporary.path());

    assert_eq!(names(temporary.path()), NOTHING);
}

#[test]
fn files_of_a_living_process_stay() {
    let temporary = tempfile::tempdir().unwrap();
    let living = Waiting::in_the_middle_of("waits", temporary.path());
    let folder = only_folder(temporary.path());

    passes("starts", temporary.path());

    assert_eq!(only_folder(temporary.path()), folder);
    living.goes_on();
    assert_eq!(names(temporary.path()), NOTHING);
}

#[test]
fn a_forked_process_removes_no_files_of_its_parent() {
    let temporary = tempfile::tempdir().unwrap();
    passes("forks", temporary.path());
    assert_eq!(names(temporary.path()), NOTHING);
}

#[test]
fn a_folder_is_held_as_long_as_a_forked_process_lives() {
    let temporary = tempfile::tempdir().unwrap();
    let mut parent = Waiting::in_the_middle_of("forks_and_waits", temporary.path());
    let input = parent.child.stdin.take();
    parent.child.kill().unwrap();
    parent.child.wait().unwrap();

    passes("starts", temporary.path());
    let folder = only_folder(temporary.path());

    // The forked process ends as it reads the end of its input. The lock comes free when it has.
    drop(input);
    let folder = File::open(folder).unwrap();
    flock(&folder, FlockOperation::LockExclusive).unwrap();
    // Not by closing it: another test may start a process at this moment, which has the file too until it runs its program.
    flock(&folder, FlockOperation::Unlock).unwrap();
    passes("starts", temporary.path());
    assert_eq!(names(temporary.path()), NOTHING);
}

/// A folder as a harness makes it, but for what the case says.
fn folder(parent: &Path, name: &str, mode: u32, files: &[&str]) -> PathBuf {
    let folder = parent.join(name);
    fs::create_dir(&folder).unwrap();
    for file in files {
        fs::write(folder.join(file), "x").unwrap();
    }
    fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    folder
}

#[test]
fn only_what_is_surely_a_left_over_is_removed() {
    let (temporary, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = temporary.path();
    let target = folder(elsewhere.path(), "multibind-target", 0o700, &["0.db"]);

    folder(here, "multibind-goes01", 0o700, &["0.db", "0.db-wal", "0.db-shm", "0.db-journal", "1.db"]);
    folder(here, "multibind-goes02", 0o700, &[]);

    folder(here, "multibind-mode01", 0o755, &["0.db"]);
    folder(here, "multibind-with01", 0o700, &["0.db", "notes.txt"]);
    fs::create_dir(folder(here, "multibind-with02", 0o700, &["0.db"]).join("1.db")).unwrap();
    symlink(target.join("0.db"), folder(here, "multibind-with03", 0o700, &[]).join("0.db")).unwrap();
    symlink(&target, here.join("multibind-link01")).unwrap();
    File::create(here.join("multibind-file01")).unwrap();
    folder(here, "multibind-name", 0o700, &["0.db"]);
    folder(here, "multibind-a.b.c.", 0o700, &["0.db"]);
    folder(here, "mymultibind-abcdef", 0o700, &["0.db"]);
    let held = File::open(folder(here, "multibind-held01", 0o700, &["0.db"])).unwrap();
    flock(&held, FlockOperation::LockShared).unwrap();
    // Only root can give a folder away.
    let foreign = folder(here, "multibind-user01", 0o700, &["0.db"]);
    if std::os::unix::fs::chown(&foreign, Some(12345), None).is_err() {
        fs::remove_dir_all(&foreign).unwrap();
    }
    let before = names(here);

    passes("starts", here);

    let after = names(here);
    let gone = before.into_iter().filter(|name| !after.contains(name)).collect::<Vec<_>>();
    assert_eq!(gone, ["multibind-goes01", "multibind-goes02"]);
    assert_eq!(names(&here.join("multibind-with01")), ["0.db", "notes.txt"]);
    assert_eq!(names(&here.join("multibind-with02")), ["0.db", "1.db"]);
    assert_eq!(fs::read_to_string(target.join("0.db")).unwrap(), "x");
}

#[test]
fn many_processes_that_start_at_once_hinder_none_and_leave_nothing() {
    const PROCESSES: usize = 64;
    let temporary = tempfile::tempdir().unwrap();
    for number in 0..100 {
        folder(temporary.path(), &format!("multibind-old{number:03}"), 0o700, &["0.db", "0.db-wal"]);
    }

    let start = || run("starts", temporary.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children = (0..PROCESSES).map(|_| start()).collect::<Vec<_>>();

    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(names(temporary.path()), NOTHING);
}

/// A run that keeps its databases in this target folder; `limit` is what the shell sets first.
fn keeps(limit: &str, target: &TempDir) -> std::process::ExitStatus {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{limit}exec \"$0\" \"$@\"")).arg(std::env::current_exe().unwrap());
    shell.args(["--ignored", "--exact", "crashes::runs::fails_with_much_data"]);
    shell.env("CARGO_TARGET_DIR", target.path()).env("CARGO_PKG_NAME", "my_app").env_remove("MULTIBIND_KEEP");
    shell.env("MULTIBIND_IMAGES", "off");
    shell.output().unwrap().status
}

#[test]
fn a_process_killed_while_keeping_leaves_no_folder_of_a_test() {
    let target = tempfile::tempdir().unwrap();
    let program = target.path().join("multibind/my_app--process");

    // The system ends a process that writes a file beyond its limit: in the middle of the database.
    const SIGXFSZ: i32 = 25;
    let status = keeps("ulimit -c 0; ulimit -f 16; ", &target);
    assert_eq!(status.signal(), Some(SIGXFSZ), "{status}");
    let left = names(&program);
    assert!(left.len() == 1 && left[0].starts_with(".new-"), "{left:?}");

    // A process that is still at it has its folder locked.
    let living = folder(&program, ".new-living", 0o755, &["auth.db"]);
    let same_mode = program.join(&left[0]).metadata().unwrap().permissions();
    fs::set_permissions(&living, same_mode).unwrap();
    let held = File::open(&living).unwrap();
    flock(&held, FlockOperation::LockShared).unwrap();

    assert_eq!(keeps("", &target).code(), Some(101));

    assert_eq!(names(&program), [".new-living", "crashes--runs--fails_with_much_data"]);
    assert_eq!(names(&program.join("crashes--runs--fails_with_much_data")), ["auth.db", "changes.txt", "report.html"]);
}

mod runs {
    use std::sync::OnceLock;

    use super::*;

    fn harness() -> Harness {
        let schema = "CREATE TABLE t (x)";
        let db = Harness::builder()
            .bind("auth", Bind::temp_file().schema(schema))
            .bind("meta", Bind::temp_file().schema(schema))
            .bind("memory", Bind::memory().schema(schema))
            .start()
            .unwrap();
        db.connection("auth").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
        db
    }

    fn ready_and_wait() -> bool {
        println!("ready");
        std::io::stdin().read_line(&mut String::new()).unwrap() > 0
    }

    #[test]
    #[ignore = "run by others"]
    fn starts() {
        let db = harness();
        db.assert_landed("auth", "t", row! { x: 1 });
        db.close().unwrap();
    }

    #[test]
    #[ignore = "run by others"]
    fn waits() {
        let db = harness();
        let mut session = db.session();
        session.on("auth").unwrap().execute("INSERT INTO t VALUES (2)", []).unwrap();
        assert!(ready_and_wait());
        session.commit().unwrap();
        db.assert_landed("auth", "t", row! { x: 2 });
        drop(session);
        db.close().unwrap();
    }

    #[test]
    #[ignore = "run by others"]
    fn aborts() {
        let _db = harness();
        std::process::abort();
    }

    #[test]
    #[ignore = "run by others"]
    fn exits_with_a_harness_in_a_thread() {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let db = harness();
            tell.send(()).unwrap();
            loop {
                let mut session = db.session();
                session.on("auth").unwrap().execute("INSERT INTO t VALUES (2)", []).unwrap();
                session.commit().unwrap();
            }
        });
        told.recv().unwrap();
        std::process::exit(0);
    }

    #[test]
    #[ignore = "run by others"]
    fn has_a_harness_in_a_static() {
        static SHARED: OnceLock<Harness> = OnceLock::new();
        SHARED.get_or_init(harness).assert_landed("auth", "t", row! { x: 1 });
    }

    unsafe extern "C" {
        fn fork() -> i32;
        fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
        fn _exit(status: i32) -> !;
    }

    #[test]
    #[ignore = "run by others"]
    fn forks() {
        let db = Harness::builder().bind("auth", Bind::temp_file().schema("CREATE TABLE t (x)")).start().unwrap();
        let file = db.path("auth").unwrap().unwrap();
        // SAFETY: the forked process does no more than drop the harness, and ends.
        match unsafe { fork() } {
            0 => {
                drop(db);
                // SAFETY: it ends the process.
                unsafe { _exit(0) }
            }
            child => {
                let mut status = -1;
                // SAFETY: it writes one number where it is told to.
                assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
                assert_eq!(status, 0);
                assert!(file.exists());
                db.connection("auth").unwrap().execute("INSERT INTO t VALUES (1)", []).unwrap();
                db.close().unwrap();
            }
        }
    }

    #[test]
    #[ignore = "run by others"]
    fn forks_and_waits() {
        let db = Harness::builder().bind("auth", Bind::temp_file().schema("CREATE TABLE t (x)")).start().unwrap();
        // SAFETY: both wait, and the forked process ends without anything of the harness.
        match unsafe { fork() } {
            0 => {
                let _ = std::io::stdin().read_line(&mut String::new());
                // SAFETY: it ends the process.
                unsafe { _exit(0) }
            }
            _ => {
                ready_and_wait();
                drop(db);
            }
        }
    }

    #[test]
    #[ignore = "fails, to have its databases kept"]
    fn fails_with_much_data() {
        let _db = Harness::builder()
            .bind("auth", Bind::memory().schema("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))"))
            .start()
            .unwrap();
        panic!("on purpose");
    }
}
