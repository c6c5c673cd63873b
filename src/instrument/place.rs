//! The place in the application's code from which SQLite was called.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use super::frames::{resolved, Own, Resolved};
use super::span::{self, Span};
use crate::list::mapped;

/// The number of callers that are shown of a place.
const CALLERS: usize = 2;

/// A place in the code, captured as a backtrace and resolved once it is asked for.
#[derive(Debug)]
pub(crate) struct Place {
    backtrace: Backtrace,
    resolved: OnceLock<Resolved>,
    /// The place on another thread that has asked for this call, and the span in which something has.
    asked: Option<Arc<Place>>,
    span: Option<Span>,
}

thread_local! {
    /// The place that has asked for what this thread does.
    static ASKED: RefCell<Option<Arc<Place>>> = const { RefCell::new(None) };
}

/// Notes the place that has asked for what this thread does from now on.
#[cfg(feature = "sqlx")]
pub(super) fn asked_by(place: Option<Arc<Place>>) {
    let before = ASKED.try_with(|asked| asked.try_borrow_mut().map(|mut asked| std::mem::replace(&mut *asked, place)));
    drop(before);
}

impl Place {
    /// Captures the place of this call; costs some microseconds.
    pub(super) fn capture() -> Place {
        let asked = ASKED.try_with(|asked| asked.try_borrow().ok()?.clone()).ok().flatten();
        Place { backtrace: Backtrace::force_capture(), resolved: OnceLock::new(), asked, span: span::current() }
    }

    /// Returns the first frame of the application's own code: `src/accounts.rs:10, my_app::accounts::sign_up`, or the function
    /// alone where the program has no debug information. `None` where the thread runs a driver's code only.
    pub(crate) fn text(&self) -> Option<&str> {
        self.resolved().own.first().map(|own| &*own.text)
    }

    /// Returns the file and the line of that frame, or the function where they are not known.
    pub(crate) fn line(&self) -> Option<&str> {
        self.resolved().own.first().map(Own::line)
    }

    /// Returns the function of that frame.
    pub(crate) fn function(&self) -> Option<&str> {
        self.resolved().own.first().map(Own::function)
    }

    /// Returns the file and the line of the nearest caller, with its function; `None` where these are not known.
    pub(crate) fn caller(&self) -> Option<(&str, &str)> {
        self.resolved().own.get(1).filter(|own| own.line > 0).map(|own| (own.line(), own.function()))
    }

    /// Returns the line of the nearest caller, where that is the application's and no test.
    pub(crate) fn application_caller(&self) -> Option<&str> {
        self.resolved().own.get(1).filter(|own| own.line > 0 && !own.is_test()).map(Own::line)
    }

    /// Returns the line in a function among those that led here; `None` where it is not one of them, which is certain only if all are
    /// kept.
    pub(crate) fn line_in(&self, function: &str) -> Option<&str> {
        let own = self.resolved().own.iter().find(|own| !function.is_empty() && own.function() == function)?;
        (own.line > 0).then(|| own.line())
    }

    /// Returns whether the thread is known to be in none of the calls of a function.
    pub(crate) fn has_left(&self, function: &str) -> bool {
        let resolved = self.resolved();
        let is_named = |own: &Own| own.function() != function && !own.function().is_empty();
        !function.is_empty() && !resolved.has_more && !resolved.own.is_empty() && resolved.own.iter().all(is_named)
    }

    /// Returns whether the application's frames go on beyond the caller of that number, 0 for the first frame.
    pub(crate) fn has_callers(&self, above: usize) -> bool {
        self.resolved().own.len() > above + 1
    }

    /// Returns the first frame that is in none of Cargo's folders of tests, with the lines of its callers, where the innermost
    /// frame is in one: a test's function that the application was given and calls.
    pub(crate) fn calls_a_test(&self) -> Option<(&str, Vec<&str>)> {
        let own = &self.resolved().own;
        own.first().filter(|first| first.is_test())?;
        let at = own.iter().position(|own| !own.is_test()).filter(|at| own[*at].line > 0)?;
        Some((&own[at].text, mapped(&own[at + 1..own.len().min(at + 1 + CALLERS)], Own::line)))
    }

    /// Returns the callers of that frame in the application's own code, the nearest first, [`CALLERS`] at most: the line that
    /// chose a connection is often one of them.
    pub(crate) fn callers(&self) -> Vec<&str> {
        mapped(self.some_callers(), |own| &*own.text)
    }

    /// Returns the lines of the callers, the nearest first, or their functions where lines are not known.
    pub(crate) fn lines_of_callers(&self) -> Vec<&str> {
        mapped(self.some_callers(), Own::line)
    }

    fn some_callers(&self) -> &[Own] {
        let own = &self.resolved().own;
        &own[1.min(own.len())..own.len().min(1 + CALLERS)]
    }

    /// Returns whether the application called by dropping a value, and not by a call that it wrote.
    pub(crate) fn is_drop(&self) -> bool {
        self.resolved().is_drop
    }

    /// Returns the function whose future it dropped, where what it dropped was part of one that had not ended.
    pub(crate) fn dropped_future(&self) -> Option<&str> {
        self.resolved().future.as_deref()
    }

    #[cfg(all(test, feature = "sqlx"))]
    pub(super) fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Returns whether the application called this crate, and this crate SQLite.
    pub(crate) fn is_through_us(&self) -> bool {
        self.resolved().is_through_us
    }

    /// Compares the application's calls that led here with those that led to another place.
    pub(crate) fn compare<'p>(&'p self, other: &'p Place) -> Calls<'p> {
        let (one, two) = (self.resolved(), other.resolved());
        let mut is_one_call = true;
        for (own, others) in one.own.iter().zip(&two.own) {
            if own.text != others.text {
                return Calls::Differ(own.line(), others.line());
            }
            is_one_call &= own.column == others.column;
        }
        if one.own.len() == two.own.len() && !one.own.is_empty() && !one.has_more && !two.has_more {
            Calls::Same { is_one_call }
        } else {
            Calls::Unknown
        }
    }

    /// Returns the name of the span in which it was called, with its file and line, where a driver's thread did for a thread that
    /// is not known.
    pub(crate) fn span(&self) -> Option<String> {
        let Span { name, file, line } = self.span.filter(|_| self.resolved().own.is_empty())?;
        Some(format!("`{name}`, {file}:{line}"))
    }

    fn resolved(&self) -> &Resolved {
        let resolved = self.resolved.get_or_init(|| resolved(&self.backtrace.to_string()));
        match &self.asked {
            Some(asked) if resolved.own.is_empty() => asked.resolved(),
            _ => resolved,
        }
    }
}

/// The calls that led to two places, compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls<'p> {
    /// Equal lines, up to the function that the thread began with; set if no line has made two calls.
    Same {
        is_one_call: bool,
    },
    /// The innermost lines that differ.
    Differ(&'p str, &'p str),
    Unknown,
}
