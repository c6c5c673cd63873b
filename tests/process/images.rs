//! A process that starts binds which an earlier one has made reads their image from the store. The tests in `runs` are run one
//! by one, each in a process of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use rstest::rstest;
use tempfile::TempDir;

/// A folder with a schema, a store, and whatever runs see of them.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

/// What one process has printed: the statements that made tables, and the tables and rows that it found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) made: usize,
    pub(crate) found: String,
    pub(crate) log: String,
}

const SCHEMA: &str =
    "CREATE TABLE user (id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO user (name) VALUES ('ann');\n";

impl Place {
    pub(crate) fn new(schema: &str) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("schema")).unwrap();
        place.write(schema);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, schema: &str) {
        fs::write(self.path("schema/1_user.sql"), schema).unwrap();
    }

    pub(crate) fn command(&self, test: &str) -> Command {
        self.command_of(&std::env::current_exe().unwrap(), test)
    }

    fn command_of(&self, program: &Path, test: &str) -> Command {
        let mut command = Command::new(program);
        command.args(["--ignored", "--exact", "--nocapture", &format!("images::runs::{test}")]);
        command.env("SCHEMA", self.path("schema")).env("CARGO_TARGET_DIR", self.path("target"));
        command.env_remove("MULTIBIND_IMAGES");
        command
    }

    pub(crate) fn run(&self, test: &str) -> Ran {
        ran(self.command(test).output().unwrap())
    }

    pub(crate) fn images(&self) -> Vec<PathBuf> {
        let folder = self.path("target/multibind/images");
        let mut images = fs::read_dir(folder)
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>())
            .unwrap_or_default();
        images.sort();
        images
    }

    /// The prepared state among them: of its two binds it is the largest.
    fn state(&self) -> PathBuf {
        self.images().into_iter().max_by_key(|image| fs::metadata(image).unwrap().len()).unwrap()
    }

    pub(crate) fn image(&self) -> PathBuf {
        let images = self.images();
        assert_eq!(images.len(), 1, "{images:?}");
        images.into_iter().next().unwrap()
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}{error}");
    let line = |name: &str| {
        // Pools log that where the machine is busy.
        let found =
            text.lines().filter_map(|line| line.strip_prefix(name)).filter(|line| !line.contains("it takes its time"));
        found.collect::<Vec<_>>().join("\n")
    };
    Ran { made: line("made ").parse().unwrap(), found: line("found "), log: line("log ") }
}

#[rstest]
#[case::memory("memory")]
#[case::shared_cache("shared_cache")]
#[case::memdb("memdb")]
#[case::temp_file("temp_file")]
fn a_second_process_makes_no_table(#[case] storage: &str) {
    let place = Place::new(SCHEMA);
    let run = || ran(place.command("starts").env("STORAGE", storage).output().unwrap());
    let first = run();
    assert_eq!((first.made, first.found.as_str()), (1, "user: ann"));
    assert_eq!(run(), Ran { made: 0, ..first });
    place.image();
}

#[test]
fn one_image_serves_every_storage() {
    let place = Place::new(SCHEMA);
    let run = |storage: &str| ran(place.command("starts").env("STORAGE", storage).output().unwrap()).made;
    assert_eq!(["temp_file", "memory", "memdb", "shared_cache"].map(run), [1, 0, 0, 0]);
}

#[test]
fn a_changed_byte_makes_the_tables_anew() {
    let place = Place::new(SCHEMA);
    place.run("starts");
    place.write(&SCHEMA.replace("ann", "bob"));
    let changed = place.run("starts");
    assert_eq!((changed.made, changed.found.as_str()), (1, "user: bob"));
    // As it was again: that image is still there.
    place.write(SCHEMA);
    let back = place.run("starts");
    assert_eq!((back.made, back.found.as_str()), (0, "user: ann"));
    fs::write(place.path("schema/2_post.sql"), "CREATE TABLE post (x)").unwrap();
    assert_eq!(place.run("starts").made, 2);
}

#[test]
fn data_pragmas_and_originals_count_too() {
    let place = Place::new(SCHEMA);
    let run = |name: &str, value: &str| ran(place.command("starts").env(name, value).output().unwrap());
    assert_eq!(run("NONE", "").made, 1);
    fs::write(place.path("user.csv"), "name\ncarl\n").unwrap();
    let data = place.path("user.csv");
    let with_data = run("DATA", data.to_str().unwrap());
    assert_eq!((with_data.made, with_data.found.as_str()), (1, "user: ann, carl"));
    assert_eq!(run("DATA", data.to_str().unwrap()), Ran { made: 0, ..with_data });
    fs::write(data.clone(), "name\ndora\n").unwrap();
    assert_eq!(run("DATA", data.to_str().unwrap()).found, "user: ann, dora");
    assert_eq!(run("PAGE_SIZE", "1024").made, 1);
    assert_eq!(run("PAGE_SIZE", "1024").made, 0);
    assert_eq!(run("NONE", "").made, 0);
}

/// What may happen to a file between two runs.
#[rstest]
#[case::cut_off(|image: &Path| File::options().write(true).open(image).unwrap().set_len(1000).unwrap())]
#[case::emptied(|image: &Path| fs::write(image, "").unwrap())]
#[case::of_something_else(|image: &Path| fs::write(image, "SQLite format 3\0").unwrap())]
#[case::longer(|image: &Path| changed(image, &|bytes| bytes.push(0)))]
#[case::a_page_zeroed(|image: &Path| changed(image, &|bytes| { let end = bytes.len(); bytes[end - 512..].fill(0xff) }))]
#[case::a_bit_of_the_tables(|image: &Path| changed(image, &|bytes| { let at = place_of(bytes, b"CREATE TABLE user", 1); bytes[at] ^= 1 }))]
#[case::another_sqlite(|image: &Path| changed(image, &|bytes| { let at = place_of(bytes, b"COMPILER=", 0); bytes[at + 9] ^= 1 }))]
#[case::a_folder(|image: &Path| { fs::remove_file(image).unwrap(); fs::create_dir(image).unwrap() })]
fn a_damaged_image_is_made_anew_and_the_log_says_so(#[case] damage: fn(&Path)) {
    let place = Place::new(SCHEMA);
    place.run("starts");
    damage(&place.image());
    let again = place.run("starts");
    assert_eq!((again.made, again.found.as_str()), (1, "user: ann"));
    assert!(again.log.contains("bind `default`: its stored image cannot be used and is made anew: "), "{}", again.log);
    if place.image().is_file() {
        assert_eq!(place.run("starts").made, 0);
    }
}

pub(crate) fn changed(image: &Path, change: &dyn Fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(image).unwrap();
    change(&mut bytes);
    fs::write(image, bytes).unwrap();
}

/// The place of some bytes, of those that occur more than once the one after so many.
fn place_of(bytes: &[u8], part: &[u8], after: usize) -> usize {
    bytes.windows(part.len()).enumerate().filter(|(_, window)| window == &part).nth(after).unwrap().0
}

#[test]
fn the_image_of_another_schema_is_not_taken_for_this_one() {
    let (place, other) = (Place::new(SCHEMA), Place::new("CREATE TABLE other (x)"));
    place.run("starts");
    other.run("starts");
    fs::copy(other.image(), place.image()).unwrap();
    let again = place.run("starts");
    assert_eq!((again.made, again.found.as_str()), (1, "user: ann"));
    assert!(again.log.contains("another schema"), "{}", again.log);
}

#[cfg(unix)]
#[test]
fn an_image_that_others_can_write_to_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new(SCHEMA);
    place.run("starts");
    let mode = |image: &Path| fs::metadata(image).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place.image()), mode(place.image().parent().unwrap())), (0o600, 0o700));
    fs::set_permissions(place.image(), fs::Permissions::from_mode(0o666)).unwrap();
    let again = place.run("starts");
    assert_eq!(again.made, 1);
    assert!(again.log.contains("other users can write to it"), "{}", again.log);
    assert_eq!(mode(&place.image()), 0o600);
}

#[test]
fn forty_processes_at_once_make_it_once_or_twice() {
    let place = Place::new(&format!("{SCHEMA}{}", "CREATE TABLE more (x); DROP TABLE more;\n".repeat(300)));
    let start = || place.command("starts").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children = std::iter::repeat_with(start).take(40).collect::<Vec<_>>();
    let mut makers = 0;
    for child in children {
        let ran = ran(child.wait_with_output().unwrap());
        assert_eq!(ran.found, "user: ann");
        makers += usize::from(ran.made > 0);
    }
    assert!((1..=2).contains(&makers), "{makers} have made it");
    place.image();
}

#[test]
fn a_process_that_dies_as_it_makes_one_holds_nobody_up() {
    let place = Place::new(SCHEMA);
    let output = place.command("dies").output().unwrap();
    assert!(!output.status.success());
    let next = place.run("starts");
    assert_eq!((next.made, next.found.as_str()), (1, "user: ann"));
    assert_eq!(place.run("starts").made, 0);
}

#[test]
fn a_closure_belongs_to_its_program() {
    let place = Place::new(SCHEMA);
    let copy = place.path("program");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let run = || ran(place.command_of(&copy, "starts_with").output().unwrap());
    let first = run();
    assert_eq!((first.made, first.found.as_str()), (1, "user: ann"));
    assert_eq!(run().made, 0);
    // As a build of it does.
    File::options().append(true).open(&copy).unwrap().set_modified(SystemTime::now() - Duration::from_secs(5)).unwrap();
    assert_eq!(run().made, 1);
    assert_eq!(run().made, 0);
}

#[test]
fn a_closure_that_reads_files_runs_in_every_process() {
    let place = Place::new(SCHEMA);
    assert_eq!(place.run("starts_with_files").found, "user: ann");
    place.write(&SCHEMA.replace("ann", "bob"));
    assert_eq!(place.run("starts_with_files").found, "user: bob");
}

#[test]
fn a_prepared_state_is_made_by_one_process_and_read_by_the_others() {
    let place = Place::new(SCHEMA);
    let first = place.run("prepares");
    assert_eq!(first.found, "user: ann, bob\nruns 1");
    assert_eq!(place.run("prepares"), Ran { found: "user: ann, bob\nruns 0".to_string(), ..first });
    // A changed schema is another state.
    place.write(&SCHEMA.replace("ann", "eve"));
    assert_eq!(place.run("prepares").found, "user: eve, bob\nruns 1");
}

#[rstest]
#[case::damaged(|state: &Path| changed(state, &|bytes| { let end = bytes.len(); bytes[end - 512..].fill(0xff) }))]
#[case::cut_off(|state: &Path| File::options().write(true).open(state).unwrap().set_len(1000).unwrap())]
fn a_damaged_state_is_made_anew_and_the_log_says_so(#[case] damage: fn(&Path)) {
    let place = Place::new(SCHEMA);
    place.run("prepares");
    damage(&place.state());
    let again = place.run("prepares");
    assert_eq!(again.found, "user: ann, bob\nruns 1");
    assert!(again.log.contains("prepared state `signed-up`: what is stored of it cannot be used"), "{}", again.log);
}

#[rstest]
#[case::a_file("reads", "")]
#[case::the_clock("clock", "prepared state `signed-up`: its code runs at each start, for `INSERT INTO user (name) VALUES (datetime('now'))` calls `datetime`")]
fn a_state_that_may_differ_is_made_by_every_process(#[case] how: &str, #[case] log: &str) {
    let place = Place::new(SCHEMA);
    for _ in 0..2 {
        let ran = ran(place.command("prepares").env("HOW", how).output().unwrap());
        assert!(ran.found.ends_with("runs 1"), "{}", ran.found);
        assert_eq!(ran.log, log);
    }
}

#[test]
fn a_bind_in_a_file_is_prepared_by_every_process() {
    let place = Place::new(SCHEMA);
    for _ in 0..2 {
        let ran = ran(place.command("prepares").env("STORAGE", "temp_file").output().unwrap());
        assert_eq!(ran.found, "user: ann, bob\nruns 1");
    }
}

#[test]
fn forty_processes_at_once_prepare_once_or_twice() {
    let place = Place::new(SCHEMA);
    let start = || place.command("prepares").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children = std::iter::repeat_with(start).take(40).collect::<Vec<_>>();
    let mut makers = 0;
    for child in children {
        let ran = ran(child.wait_with_output().unwrap());
        assert!(ran.found.starts_with("user: ann, bob\n"));
        makers += usize::from(ran.found.ends_with("runs 1"));
    }
    assert!((1..=2).contains(&makers), "{makers} have made it");
}

#[test]
fn a_folder_of_ones_own_and_none() {
    let place = Place::new(SCHEMA);
    let run = |images: &Path| ran(place.command("starts").env("MULTIBIND_IMAGES", images).output().unwrap()).made;
    assert_eq!([run(Path::new("off")), run(Path::new("off"))], [1, 1]);
    assert!(place.images().is_empty());
    let own = place.path("own/folder");
    assert_eq!([run(&own), run(&own)], [1, 0]);
    assert!(place.images().is_empty());
    assert_eq!(fs::read_dir(own).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_made_means_a_start_as_without_one() {
    let place = Place::new(SCHEMA);
    fs::write(place.path("target"), "a file").unwrap();
    for _ in 0..2 {
        let ran = place.run("starts");
        assert_eq!((ran.made, ran.found.as_str(), ran.log.as_str()), (1, "user: ann", ""));
    }
}

#[test]
fn the_folder_is_bounded() {
    let place = Place::new(SCHEMA);
    place.run("starts");
    let folder = place.image().parent().unwrap().to_path_buf();
    let old = SystemTime::now() - Duration::from_secs(24 * 3600);
    for number in 0..400 {
        let file = File::create(folder.join(format!("{number:016x}.image"))).unwrap();
        file.set_modified(old).unwrap();
    }
    let left = File::create(folder.join("0.1-1.part")).unwrap();
    left.set_modified(old).unwrap();
    place.write("CREATE TABLE user (name); INSERT INTO user VALUES ('bob')");
    place.run("starts");
    let images = place.images();
    assert!(images.len() <= 256, "{}", images.len());
    assert!(!images.contains(&folder.join("0.1-1.part")));
    assert_eq!(place.run("starts").made, 0);
}

/// What other processes run.
#[expect(clippy::print_stdout, reason = "another test reads it")]
mod runs {
    use std::env;
    use std::ffi::{c_char, c_int, c_uint, c_void, CStr};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use multibind::binds::Storage;
    use multibind::rusqlite::{ffi, Connection};
    use multibind::{Bind, Harness};

    /// The statements of the process that begin with `CREATE TABLE`.
    static MADE: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn opened(
        db: *mut ffi::sqlite3,
        _: *mut *mut c_char,
        _: *const ffi::sqlite3_api_routines,
    ) -> c_int {
        // SAFETY: the connection is open, and the callback is a function.
        unsafe { ffi::sqlite3_trace_v2(db, ffi::SQLITE_TRACE_STMT as c_uint, Some(runs), std::ptr::null_mut()) }
    }

    unsafe extern "C" fn runs(_: c_uint, _: *mut c_void, statement: *mut c_void, _: *mut c_void) -> c_int {
        // SAFETY: SQLite gives a statement, whose text lives as long as it.
        let sql = unsafe { CStr::from_ptr(ffi::sqlite3_sql(statement.cast())) };
        if sql.to_bytes().starts_with(b"CREATE TABLE user") || sql.to_bytes().starts_with(b"CREATE TABLE post") {
            MADE.fetch_add(1, Ordering::Relaxed);
        }
        0
    }

    struct Log;

    impl log::Log for Log {
        fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
            metadata.level() <= log::max_level()
        }

        fn log(&self, record: &log::Record<'_>) {
            if self.enabled(record.metadata()) {
                println!("\nlog {}", record.args());
            }
        }

        fn flush(&self) {}
    }

    fn logs(level: log::LevelFilter) {
        log::set_logger(&Log).unwrap();
        log::set_max_level(level);
    }

    fn count() {
        logs(log::LevelFilter::Warn);
        // SAFETY: the callback has the form that SQLite calls it with.
        unsafe { ffi::sqlite3_auto_extension(Some(opened)) };
    }

    fn bind() -> Bind {
        let storage = match env::var("STORAGE").as_deref() {
            Ok("shared_cache") => Storage::SharedCache,
            Ok("memdb") => Storage::MemDb,
            Ok("temp_file") => Storage::TempFile,
            _ => Storage::Memory,
        };
        let mut bind = Bind::memory().storage(storage);
        if let Ok(size) = env::var("PAGE_SIZE") {
            bind = bind.pragma("page_size", size.parse::<i64>().unwrap());
        }
        if let Ok(path) = env::var("DATA") {
            bind = bind.data(path);
        }
        bind
    }

    fn tell(bind: Bind) {
        let db = Harness::builder().default_bind(bind).start().unwrap();
        let names = "SELECT group_concat(name, ', ') FROM user";
        let found: String = db.connection(None).unwrap().query_row(names, [], |row| row.get(0)).unwrap();
        println!("\nfound user: {found}");
    }

    fn told() {
        println!("\nmade {}", MADE.load(Ordering::Relaxed));
    }

    fn schema() -> String {
        env::var("SCHEMA").unwrap()
    }

    #[test]
    #[ignore = "run by another test"]
    fn starts() {
        count();
        if std::fs::read_to_string(format!("{}/1_user.sql", schema())).unwrap().contains("other") {
            drop(Harness::builder().default_bind(bind().schema_path(schema())).start().unwrap());
            println!("\nfound nothing");
        } else {
            tell(bind().schema_path(schema()));
        }
        told();
    }

    #[test]
    #[ignore = "run by another test"]
    fn starts_twice() {
        count();
        tell(bind().schema_path(schema()));
        tell(bind().schema_path(schema()));
        told();
    }

    #[test]
    #[ignore = "run by another test"]
    fn starts_with() {
        count();
        tell(Bind::memory().schema_with(|conn: &mut Connection| {
            conn.execute_batch("CREATE TABLE user (name); INSERT INTO user VALUES ('ann')")
        }));
        told();
    }

    #[test]
    #[ignore = "run by another test"]
    fn starts_and_removes() {
        count();
        // As `cargo clean` does while a test makes its tables.
        tell(Bind::memory().schema_with(|conn: &mut Connection| {
            std::fs::remove_dir_all(env::var("CARGO_TARGET_DIR").unwrap()).unwrap();
            conn.execute_batch("CREATE TABLE user (name); INSERT INTO user VALUES ('ann')")
        }));
        told();
    }

    #[test]
    #[ignore = "run by another test"]
    fn starts_with_files() {
        count();
        tell(Bind::memory().schema_with(|conn: &mut Connection| {
            conn.execute_batch(&std::fs::read_to_string(format!("{}/1_user.sql", env::var("SCHEMA").unwrap())).unwrap())
        }));
        told();
    }

    #[test]
    #[ignore = "run by another test"]
    fn prepares() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        // Without a count of its own: a trace of the application's hides statements.
        logs(log::LevelFilter::Info);
        let config = Harness::builder().default_bind(bind().schema_path(schema())).bind("auth", Bind::memory());
        let prepared = config.prepared("signed-up", |db| {
            RUNS.fetch_add(1, Ordering::Relaxed);
            let value = match env::var("HOW").as_deref() {
                Ok("reads") => std::fs::read_to_string("/proc/self/comm").map(|_| "'bob'").unwrap(),
                Ok("clock") => "datetime('now')",
                _ => "'bob'",
            };
            db.connection(None).unwrap().execute_batch(&format!("INSERT INTO user (name) VALUES ({value})"))
        });
        let db = prepared.start().unwrap();
        let names = "SELECT group_concat(name, ', ') FROM user";
        let found: String = db.connection(None).unwrap().query_row(names, [], |row| row.get(0)).unwrap();
        println!("\nfound user: {found}\nfound runs {}", RUNS.load(Ordering::Relaxed));
        told();
    }

    #[test]
    #[ignore = "run by another test"]
    fn dies() {
        unsafe extern "C" fn dies(
            _: *mut ffi::sqlite3,
            _: *mut *mut c_char,
            _: *const ffi::sqlite3_api_routines,
        ) -> c_int {
            std::process::abort()
        }
        // SAFETY: the callback has the form that SQLite calls it with.
        unsafe { ffi::sqlite3_auto_extension(Some(dies)) };
        let _ = Harness::builder().default_bind(Bind::memory().schema_path(schema())).start();
    }
}
