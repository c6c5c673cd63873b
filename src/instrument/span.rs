//! The span of `tracing` in which a statement was asked for, where the feature `sqlx` is on.

/// A span, as the application wrote it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) line: u32,
}

#[cfg(feature = "sqlx")]
pub(super) use current::{current, is_asked};

#[cfg(not(feature = "sqlx"))]
pub(super) fn current() -> Option<Span> {
    None
}

#[cfg(feature = "sqlx")]
mod current {
    use std::cell::Cell;

    use tracing_core::dispatcher::get_default;

    use super::Span;

    thread_local! {
        static ASKING: Cell<bool> = const { Cell::new(false) };
    }

    /// Returns the span that this thread is in. Its subscriber may have none, or may not say which it is.
    pub(in crate::instrument) fn current() -> Option<Span> {
        let before = ASKING.replace(true);
        let metadata = get_default(|subscriber| subscriber.current_span().metadata());
        ASKING.set(before);
        let metadata = metadata?;
        Some(Span { name: metadata.name(), file: metadata.file()?, line: metadata.line()? })
    }

    /// Returns whether it is this crate that asks a subscriber of this thread for the span.
    pub(in crate::instrument) fn is_asked() -> bool {
        ASKING.get()
    }
}
