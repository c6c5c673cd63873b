//! Messages beside errors: the one place where they leave this crate, through `log`, or through
//! `tracing` where that feature is on and somebody listens; and beside a test's failure, where its output goes.
//!
//! Plain functions, so that no place that says something has the macros' code in it.

use std::fmt::Arguments;
use std::panic::catch_unwind;

use log::{Level, Record};

use crate::key::BindKey;

/// The targets of statements of binds with `echo`, and of everything else. They are public: users name them.
const ECHO: &str = "multibind::echo";
const REST: &str = "multibind";

pub(crate) fn debug(message: Arguments<'_>) {
    say(Level::Debug, None, message);
}

pub(crate) fn info(message: Arguments<'_>) {
    say(Level::Info, None, message);
}

pub(crate) fn warn(message: Arguments<'_>) {
    say(Level::Warn, None, message);
}

/// Warns of something that is about one bind.
pub(crate) fn warn_of(bind: &BindKey, message: Arguments<'_>) {
    say(Level::Warn, Some(bind), message);
}

/// Tells of a statement that a bind begins.
pub(crate) fn echo(bind: &str, sql: &str) {
    #[cfg(feature = "tracing")]
    if traced::is_heard() {
        return traced::echo(bind, sql);
    }
    log(Level::Info, ECHO, format_args!("[{bind}] {sql}"));
}

/// Says it where a failed test's own output goes, which its runner shows with the failure. Nothing happens where that is
/// closed: a panic while another is under way would end the process, with every test that still runs.
#[expect(clippy::print_stderr, reason = "a failed test has no other place to say it")]
pub(crate) fn beside_failure(message: &str) {
    let _ = catch_unwind(|| eprintln!("{message}"));
}

/// Without the feature, the bind is in the message alone.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "a record of `log` has no fields"))]
fn say(level: Level, bind: Option<&BindKey>, message: Arguments<'_>) {
    #[cfg(feature = "tracing")]
    if traced::is_heard() {
        return traced::say(level, bind.map(ToString::to_string).as_deref(), message);
    }
    log(level, REST, message);
}

fn log(level: Level, target: &str, message: Arguments<'_>) {
    if level <= log::STATIC_MAX_LEVEL && level <= log::max_level() {
        let record = Record::builder().level(level).target(target).module_path_static(Some(REST)).args(message).build();
        log::logger().log(&record);
    }
}

#[cfg(feature = "tracing")]
mod traced {
    use std::fmt::Arguments;

    use log::Level;
    use tracing::dispatcher::get_default;
    use tracing::subscriber::NoSubscriber;

    use super::{ECHO, REST};

    /// Returns whether this thread has a subscriber. A message that it filters out was heard too: each goes one way, so
    /// that a logger which hands everything on to the subscriber does not make two of it.
    pub(super) fn is_heard() -> bool {
        get_default(|subscriber| !subscriber.is::<NoSubscriber>())
    }

    pub(super) fn echo(bind: &str, sql: &str) {
        tracing::info!(target: ECHO, bind, sql);
    }

    pub(super) fn say(level: Level, bind: Option<&str>, message: Arguments<'_>) {
        match level {
            Level::Error | Level::Warn => tracing::warn!(target: REST, bind, "{message}"),
            Level::Info => tracing::info!(target: REST, bind, "{message}"),
            Level::Debug | Level::Trace => tracing::debug!(target: REST, bind, "{message}"),
        }
    }
}
