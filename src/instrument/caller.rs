//! The code that asks sqlx for a statement, which sqlx runs on a thread of its own.
//!
//! sqlx takes [`tracing::Span::current`](https://docs.rs/tracing/latest/tracing/struct.Span.html#method.current) for each command
//! on the thread that asks, also as a transaction is dropped, and enters that span on its own thread while the command runs. Where
//! the thread of a test has no subscriber, it gets one whose spans are places in the code and nothing else: it hears no event. It
//! makes room for any other that is created there. Beside an application's own, its spans have names and lines.

use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tracing_core::callsite::{Callsite, Identifier};
use tracing_core::dispatcher::{get_default, set_default, DefaultGuard, Dispatch};
use tracing_core::field::FieldSet;
use tracing_core::metadata::{Kind, LevelFilter};
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::{Interest, NoSubscriber, Subscriber};
use tracing_core::{Event, Level, Metadata};

use super::captures::{Captured, Captures};
use super::place::{asked_by, Place};
use super::span::is_asked;
use super::state::is_present;
use crate::sync::lock;

/// The most spans that are kept: each is dropped once its command has run.
const SPANS: usize = 1024;

/// The places that are captured.
static CAPTURES: Captures = Captures::at_most(4096);

thread_local! {
    /// The subscriber of this thread, as long as it is the one here.
    static INSTALLED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    /// Those of this thread.
    static CAPTURED: Cell<Captured> = const { Cell::new(Captured::NONE) };
}

/// Begins to follow what this thread asks sqlx for, unless it has a subscriber.
pub(crate) fn follow() {
    CAPTURES.begin();
    if get_default(|subscriber| subscriber.is::<NoSubscriber>() && !subscriber.is::<Callers>()) {
        static CALLERS: OnceLock<Dispatch> = OnceLock::new();
        let guard = set_default(CALLERS.get_or_init(|| Dispatch::new(Callers::default())));
        // One that was there before is not the thread's any more, and sets back what was before it as it is dropped.
        let before = INSTALLED.try_with(|installed| installed.borrow_mut().replace(guard));
        drop(before);
    }
}

/// A subscriber whose spans are places.
#[derive(Default)]
struct Callers {
    last: AtomicU64,
    spans: Mutex<Vec<Held>>,
}

/// A span that somebody may still enter.
struct Held {
    number: u64,
    holders: usize,
    place: Arc<Place>,
}

impl Callers {
    fn place(&self, span: &Id) -> Option<Arc<Place>> {
        let spans = lock(&self.spans);
        spans.iter().find(|held| held.number == span.into_u64()).map(|held| Arc::clone(&held.place))
    }
}

impl Subscriber for Callers {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    /// Hears nothing. It is asked as another subscriber is created, which then has this thread for itself.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        // Within a call of this subscriber, this thread's is another, and stays.
        if get_default(|subscriber| subscriber.is::<Callers>()) {
            let installed = INSTALLED.try_with(|installed| installed.try_borrow_mut().ok()?.take());
            drop(installed);
        }
        Some(LevelFilter::OFF)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(u64::MAX)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        asked_by(self.place(span));
    }

    fn exit(&self, _: &Id) {
        asked_by(None);
    }

    fn clone_span(&self, span: &Id) -> Id {
        if let Some(held) = lock(&self.spans).iter_mut().find(|held| held.number == span.into_u64()) {
            held.holders += 1;
        }
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let mut spans = lock(&self.spans);
        let Some(at) = spans.iter().position(|held| held.number == span.into_u64()) else { return false };
        spans[at].holders = spans[at].holders.saturating_sub(1);
        if spans[at].holders > 0 {
            return false;
        }
        let held = spans.swap_remove(at);
        drop(spans);
        drop(held);
        true
    }

    /// Answers with a span that is the place of this call.
    fn current_span(&self) -> Current {
        if is_asked() || !is_present() || !CAPTURED.with(|here| CAPTURES.may_capture(here)) {
            return Current::none();
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let place = Arc::new(Place::capture());
        let mut spans = lock(&self.spans);
        if spans.len() >= SPANS {
            // Of these somebody has asked for the number alone.
            spans.retain(|held| held.holders > 0);
        }
        if spans.len() >= SPANS {
            return Current::none();
        }
        spans.push(Held { number, holders: 0, place });
        Current::new(Id::from_u64(number), &METADATA)
    }

    /// Answers that it is [`NoSubscriber`] too: who asks whether anybody hears events finds that nobody does.
    unsafe fn downcast_raw(&self, asked: TypeId) -> Option<*const ()> {
        static NOBODY: NoSubscriber = NoSubscriber::new();
        if asked == TypeId::of::<Callers>() {
            Some((&raw const *self).cast())
        } else {
            (asked == TypeId::of::<NoSubscriber>()).then(|| (&raw const NOBODY).cast())
        }
    }
}

/// The description that all the spans share, which SQLite never sees and nobody prints.
static METADATA: Metadata<'static> = Metadata::new(
    "asked",
    "multibind::asked",
    Level::TRACE,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&ASKING)),
    Kind::SPAN,
);

static ASKING: Asking = Asking;

/// The one that the description is of.
struct Asking;

impl Callsite for Asking {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &METADATA
    }
}

#[cfg(test)]
mod tests {
    use tracing_core::dispatcher::{get_default, set_default, Dispatch};
    use tracing_core::subscriber::NoSubscriber;

    use super::{follow, Callers};
    use crate::instrument::place::Place;
    use crate::instrument::state::Present;
    use crate::sync::lock;

    fn is_followed() -> bool {
        get_default(|subscriber| subscriber.is::<Callers>())
    }

    #[test]
    fn who_asks_for_a_subscriber_finds_none_and_another_takes_its_place() {
        follow();
        assert!(is_followed());
        assert!(get_default(|subscriber| subscriber.is::<NoSubscriber>()));
        let another = Dispatch::new(NoSubscriber::new());
        assert!(!is_followed());
        follow();
        let guard = set_default(&another);
        assert!(!is_followed());
        drop(guard);
        assert!(is_followed());
    }

    #[test]
    fn a_span_is_a_place_as_long_as_somebody_has_it() {
        let _present = Present::new();
        let callers = Dispatch::new(Callers::default());
        let spans = |callers: &Callers| lock(&callers.spans).len();
        let held = |callers: &Dispatch| callers.downcast_ref::<Callers>().map(spans);
        let span = callers.clone_span(callers.current_span().id().unwrap());
        let other = callers.clone_span(&span);
        callers.enter(&span);
        assert!(Place::capture().is_asked());
        callers.exit(&span);
        assert!(!Place::capture().is_asked());
        assert!(!callers.try_close(span));
        assert_eq!(held(&callers), Some(1));
        assert!(callers.try_close(other));
        assert_eq!(held(&callers), Some(0));
    }
}
