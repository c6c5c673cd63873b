//! The frames of a backtrace that are the application's own.

use std::env;

use super::paths::{is_unnamed, parts, without_closures};

/// The application's frames of a backtrace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Its own frames, the innermost first.
    pub(super) own: Vec<Own>,
    /// Set if the first of them called by dropping a value.
    pub(super) is_drop: bool,
    /// The function whose future it dropped, where the value was part of one.
    pub(super) future: Option<String>,
    /// Set if this crate called SQLite for it.
    pub(super) is_through_us: bool,
    /// Set if there are more frames than are kept.
    pub(super) has_more: bool,
}

/// A frame of the application's own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) text: String,
    /// The length of the file and the line at its beginning; 0 where they are not known.
    pub(super) line: usize,
    /// The column, where it is known.
    pub(super) column: Option<u32>,
}

impl Own {
    /// Returns its file and line, or its function where they are not known.
    pub(super) fn line(&self) -> &str {
        if self.line > 0 {
            &self.text[..self.line]
        } else {
            &self.text
        }
    }

    /// Returns its function.
    pub(super) fn function(&self) -> &str {
        match self.text.get(self.line..) {
            Some(rest) if self.line > 0 => rest.trim_start_matches(", "),
            _ => &self.text,
        }
    }

    /// Returns whether its file is in a folder that Cargo has for tests and the like, and not for the application.
    pub(super) fn is_test(&self) -> bool {
        self.line > 0 && ["tests/", "benches/", "examples/"].iter().any(|folder| self.text.starts_with(folder))
    }
}

/// A function of a backtrace, and its file and line where they are known.
#[derive(Debug, Default, PartialEq, Eq)]
struct Frame<'b> {
    function: &'b str,
    at: Option<&'b str>,
}

/// The number of frames that are kept.
const FRAMES: usize = 16;

/// Returns the first of the frames that a backtrace prints which are the application's own. Of a function and its closures,
/// which follow each other, the innermost stands for all.
pub(super) fn resolved(backtrace: &str) -> Resolved {
    let mut frames = Vec::<Frame<'_>>::new();
    for line in backtrace.lines().map(str::trim_start) {
        if let Some(at) = line.strip_prefix("at ") {
            if let Some(last) = frames.last_mut() {
                last.at = Some(at);
            }
        } else if let Some((number, function)) = line.split_once(": ")
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            frames.push(Frame { function, at: None });
        }
    }
    let first = frames.iter().position(Frame::is_own).unwrap_or(frames.len());
    let called = first.checked_sub(1).and_then(|called| frames.get(called));
    // The innermost are the callback's.
    let callers = frames[..first].iter().skip_while(|frame| frame.is_ours());
    let is_through_us = callers.skip_while(|frame| !frame.is_sqlite()).any(Frame::is_ours);
    let is_drop = called.is_some_and(Frame::is_drop);
    let dropped = frames[..first].iter().rev().take_while(|frame| frame.is_drop());
    let future = dropped.filter_map(|frame| future_of(frame.function)).last();
    let mut resolved = Resolved { is_drop, future, is_through_us, ..Resolved::default() };
    let (mut last, mut around) = (String::new(), Vec::<String>::new());
    for frame in frames.iter().filter(|frame| frame.is_own()) {
        let function = without_closures(frame.function);
        let at = frame.at.map(short);
        let column = frame.at.and_then(|at| at.rsplit_once(':')?.1.parse().ok());
        let is_last = match (function.is_empty(), resolved.own.last()) {
            // A frame without a name of its own is told by its line; one that an attribute writes stands where that begins.
            (true, Some(own)) => column == Some(1) || at.as_deref().is_none_or(|at| own.line() == at),
            (true, None) => at.is_none(),
            (false, _) => function == last,
        };
        if is_last || around.iter().any(|test| is_wrapper(&function, test)) {
            // The frame around the test has the name that was written, without a second one like it.
            if last.strip_prefix(&*function).is_some_and(|inner| inner.starts_with("::")) {
                for own in resolved.own.iter_mut().filter(|own| own.function() == last) {
                    own.text.truncate(own.text.len() - (last.len() - function.len()));
                }
                last.clone_from(&function);
            }
            // A case is named after what is around the test, which has been passed over.
            around.push(function);
            continue;
        }
        if resolved.own.len() == FRAMES {
            resolved.has_more = true;
            break;
        }
        around = vec![function.clone()];
        resolved.own.push(match at {
            Some(at) if function.is_empty() => Own { line: at.len(), text: at, column },
            Some(at) => Own { text: format!("{at}, {function}"), line: at.len(), column },
            None => Own { text: function.clone(), line: 0, column },
        });
        last = function;
    }
    resolved
}

/// Returns the name of the application's asynchronous function whose future a function drops.
fn future_of(drop: &str) -> Option<String> {
    let (_, value) = drop.split_once("drop_in_place").or_else(|| drop.split_once("drop_glue"))?;
    let value = value.trim_start_matches(':').strip_prefix('<')?.strip_suffix('>')?;
    let function = parts(value);
    let is_own = crate_of(value).is_some_and(|name| !is_dependency(name));
    if !is_own || !function.last().is_some_and(|part| is_unnamed(part)) {
        return None;
    }
    let name = function.iter().rev().find(|part| !is_unnamed(part))?;
    Some(name.split('<').next().unwrap_or(name).to_string())
}

/// Returns whether a function is what rstest makes around a test: one that has the test inside, or a case of it.
fn is_wrapper(function: &str, test: &str) -> bool {
    let is_around = test.strip_prefix(function).and_then(|inner| inner.strip_prefix("::"));
    let name = function.rsplit("::").next();
    // The test inside may be without its path.
    let is_alone = !test.contains("::") && name == Some(test) && function != test;
    is_alone
        || is_around.is_some() && is_around == name
        || function.strip_prefix(test).is_some_and(|case| case.starts_with("::case_"))
}

impl Frame<'_> {
    /// Returns whether it is SQLite's, or of what calls it.
    fn is_sqlite(&self) -> bool {
        crate_of(self.function).map_or(self.function.starts_with("sqlite3"), |name| name == "rusqlite")
    }

    /// Returns whether it drops a value.
    fn is_drop(&self) -> bool {
        DROPS.iter().any(|drop| self.function.contains(drop))
    }

    /// Returns whether it is the application's own: neither a dependency's, nor the toolchain's, nor C.
    fn is_own(&self) -> bool {
        let Some(name) = crate_of(self.function) else {
            // With line tables only, a function that others are inlined into has its name alone.
            return self.at.is_some_and(|at| at.contains(".rs:")) && !self.is_elsewhere();
        };
        !is_dependency(name) && !self.is_elsewhere()
    }

    /// Returns whether its file is Cargo's or the toolchain's.
    fn is_elsewhere(&self) -> bool {
        // A path has either kind of separator.
        let at = self.at.map(|at| at.replace('\\', "/"));
        at.is_some_and(|at| ELSEWHERE.iter().any(|folder| at.contains(folder)))
    }

    /// Returns whether it is this crate's.
    fn is_ours(&self) -> bool {
        crate_of(self.function) == Some("multibind") || self.at.is_some_and(|at| at.contains("/multibind-"))
    }
}

/// Returns whether a crate of that name is a dependency that calls SQLite, or the toolchain's.
fn is_dependency(name: &str) -> bool {
    NOT_OWN.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Crates between the application and SQLite, for programs without debug information, whose frames have no file.
const NOT_OWN: [&str; 22] = [
    "alloc",
    "async_io",
    "async_std",
    "blocking",
    "core",
    "crossbeam_channel",
    "deadpool",
    "event_listener",
    "flume",
    "libsqlite3_sys",
    "multibind",
    "pin_project_lite",
    "rayon",
    "rstest",
    "rusqlite",
    "scheduled_thread_pool",
    "smol",
    "std",
    "test",
    "threadpool",
    "tracing",
    "tracing_core",
];

/// The beginnings of the names of crates that come in families.
const FAMILIES: [&str; 8] = ["deadpool_", "diesel", "futures", "r2d2", "sea_", "sqlx", "tokio", "rusqlite_"];

/// Parts of the names of the functions by which a value is dropped.
const DROPS: [&str; 5] =
    ["ptr::drop_in_place", "ptr::drop_glue", "core::mem::drop", " as core::ops::drop::Drop>", " as core::ops::Drop>"];

/// Folders of Cargo and of the toolchain.
const ELSEWHERE: [&str; 5] = ["/registry/src/", "/git/checkouts/", "/rustc/", "/rustlib/src/", "/rust/deps/"];

/// Returns the crate of a function; `None` for one of C.
fn crate_of(function: &str) -> Option<&str> {
    let path = function.trim_start_matches(['<', '&']).trim_start_matches("dyn ").trim_start_matches("mut ");
    let (name, _) = path.split_once("::")?;
    // Since Rust 1.88 a hash may follow the name of a crate.
    Some(name.split_once('[').map_or(name, |(name, _)| name))
}

/// Returns a place as a test writes it: below the package, and without the column.
fn short(at: &str) -> String {
    let at = at.strip_prefix("./").unwrap_or(at);
    let package = env::var("CARGO_MANIFEST_DIR").ok();
    let below = package.and_then(|package| at.strip_prefix(&package).map(|rest| rest.trim_start_matches(['/', '\\'])));
    let at = below.unwrap_or(at);
    at.rsplit_once(':').map_or(at, |(line, _)| line).to_string()
}

#[cfg(test)]
mod tests {
    use super::resolved;

    fn texts(backtrace: &str) -> Vec<String> {
        resolved(backtrace).own.into_iter().map(|own| own.text).collect()
    }

    #[test]
    fn the_place_is_the_first_frame_outside_of_cargo_and_the_toolchain() {
        let backtrace = "   0: multibind::instrument::place::Place::capture
             at ./src/instrument/place.rs:20:32
   1: sqlite3Step
             at /home/me/.cargo/registry/src/mirror-1/libsqlite3-sys-0.38.2/sqlite3/sqlite3.c:93000:10
   2: some_driver::run
             at /home/me/.cargo/registry/src/mirror-1/some_driver-1.0.0/src/lib.rs:8:5
   3: <core::iter::Map<I,F> as core::iter::Iterator>::fold
             at /rustc/29483883eed69d5fb4db01964cdf2af4d86e9cb2/library/core/src/iter/map.rs:1:2
   4: my_app::accounts::sign_up::{{closure}}
             at ./src/accounts.rs:10:9
   5: my_app::accounts::sign_up
             at ./src/accounts.rs:9:5
   6: my_app::register
             at ./src/lib.rs:30:5
   7: landing::a_user_signs_up
             at ./tests/landing.rs:12:5
   8: landing::another
             at ./tests/landing.rs:20:5
   9: main
";
        let own = [
            "src/accounts.rs:10, my_app::accounts::sign_up",
            "src/lib.rs:30, my_app::register",
            "tests/landing.rs:12, landing::a_user_signs_up",
            "tests/landing.rs:20, landing::another",
        ];
        assert_eq!(texts(backtrace), own);
    }

    #[test]
    fn what_rstest_makes_around_a_test_is_left_out() {
        let backtrace = "   0: my_app::accounts::sign_up
   1: landing::ann_signs_up::ann_signs_up
   2: landing::ann_signs_up
   3: landing::ann_signs_up::case_2_twice
";
        assert_eq!(texts(backtrace), ["my_app::accounts::sign_up", "landing::ann_signs_up"]);
        let backtrace = "   0: landing::ann_signs_up
   1: landing::ann_signs_up::case_2_twice
   2: landing::others
";
        assert_eq!(texts(backtrace), ["landing::ann_signs_up", "landing::others"]);
    }

    #[test]
    fn what_this_crate_asks_sqlite_is_told_from_what_the_application_asks() {
        let asked = "   0: multibind::instrument::place::Place::capture
   1: sqlite3_prepare_v3
   2: rusqlite::Connection::prepare
   3: multibind::route::names
   4: my_app::orders::place
";
        assert!(resolved(asked).is_through_us);
        let own = "   0: multibind::instrument::place::Place::capture
   1: core::ops::function::FnOnce::call_once
   2: multibind::instrument::sqlite_log::on_log
   3: sqlite3_prepare_v3
   4: rusqlite::Connection::prepare
   5: my_app::orders::place
   6: multibind::harness::Harness::calls
";
        assert!(!resolved(own).is_through_us);
    }

    #[test]
    fn a_call_by_a_drop_is_told_from_one_that_is_written() {
        let backtrace = "   0: sqlite3_step
   1: <rusqlite::transaction::Transaction as core::ops::drop::Drop>::drop
   2: core::ptr::drop_in_place<rusqlite::transaction::Transaction>
   3: my_app::orders::place
";
        assert!(resolved(backtrace).is_drop);
        let backtrace = "   0: sqlite3_step
   1: core::ptr::drop_in_place<rusqlite::statement::Statement>
   2: rusqlite::transaction::Transaction::rollback
   3: my_app::orders::place
   4: core::ptr::drop_in_place<my_app::Job>
";
        assert!(!resolved(backtrace).is_drop);
    }

    #[test]
    fn with_line_tables_only_a_function_may_be_without_its_path() {
        let backtrace = "   0: multibind::instrument::place::Place::capture
   1: sqlite3Step
             at /home/me/.cargo/registry/src/mirror-1/libsqlite3-sys-0.38.2/sqlite3/sqlite3.c:93000:10
   2: execute
             at /home/me/.cargo/registry/src/mirror-1/rusqlite-0.39.0/src/lib.rs:612:27
   3: set
             at ./src/settings.rs:21:27
   4: a_setting_can_be_changed
             at ./tests/settings.rs:22:5
   5: landing::a_setting_can_be_changed
             at ./tests/settings.rs:18:1
   6: main
";
        assert_eq!(texts(backtrace), ["src/settings.rs:21, set", "tests/settings.rs:22, a_setting_can_be_changed"]);
    }

    #[test]
    fn closures_and_asynchronous_bodies_are_named_after_what_they_are_in() {
        let backtrace = "   0: sqlx_sqlite::connection::worker::ConnectionWorker::execute::{async_fn#0}
             at /home/me/.cargo/registry/src/mirror-1/sqlx-sqlite-0.9.0/src/connection/worker.rs:380:9
   1: <my_app::Accounts as my_app::Users>::sign_up::{async_fn#0}<my_app::User::{closure#1}>
             at ./src/accounts.rs:10:9
   2: <my_app::Accounts as my_app::Users>::sign_up::{{closure}}
             at ./src/accounts.rs:9:5
   3: {async_fn#0}<core::future::Ready<()>>
             at ./src/lib.rs:30:5
   4: {async_block#0}
             at ./src/lib.rs:30:5
   5: landing::a_user_signs_up::{async_fn#0}
             at ./tests/landing.rs:12:5
";
        let own = [
            "src/accounts.rs:10, <my_app::Accounts as my_app::Users>::sign_up",
            "src/lib.rs:30",
            "tests/landing.rs:12, landing::a_user_signs_up",
        ];
        assert_eq!(texts(backtrace), own);
    }

    #[test]
    fn a_future_that_is_dropped_is_named_after_its_function() {
        let future = |dropped: &str| {
            let drops = format!("1: <sqlx_core::Transaction<DB> as core::ops::drop::Drop>::drop\n{dropped}");
            resolved(&format!("{drops}3: core::ptr::drop_in_place<(my_app::Job,)>\n4: my_app::run\n")).future
        };
        let dropped = "2: core::ptr::drop_in_place<my_app::Users::sign_up<my_app::run::{{closure}}>::{{closure}}>\n";
        assert_eq!(future(dropped).as_deref(), Some("sign_up"));
        let dropped = "2: core::ptr::drop_in_place::<my_app::sign_up::{closure#0}>\n";
        assert_eq!(future(dropped).as_deref(), Some("sign_up"));
        assert_eq!(future("2: core::ptr::drop_in_place<sqlx_core::pool::acquire::{{closure}}>\n"), None);
        assert_eq!(future("2: core::ptr::drop_in_place<my_app::Job>\n"), None);
    }

    #[test]
    fn without_debug_information_the_place_is_a_function() {
        let backtrace = "   0: <multibind::x::Y as core::ops::Drop>::drop
   1: sqlite3_step
   2: sqlx_sqlite::connection::execute
   3: <my_app::Job as my_app::Run>::run
   4: std::rt::lang_start
";
        assert_eq!(texts(backtrace), ["<my_app::Job as my_app::Run>::run"]);
        assert!(texts("   0: sqlite3_step\n   1: tokio::runtime::run\n").is_empty());
    }
}
