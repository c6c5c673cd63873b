//! Selections of binds.

use std::ops::RangeFull;

use super::BindKey;

/// The binds that an operation is for: one key, a list of keys with `None` among them, or `..` for all.
///
/// `"__all__"` alone means all too, as in Flask-SQLAlchemy 2; a bind that has this key is selected as `["__all__"]`.
///
/// ```
/// use multibind::{Bind, Harness};
///
/// let db = Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).start()?;
/// db.create_all("auth")?;
/// db.create_all(None)?;
/// db.create_all([None, Some("auth")])?;
/// db.create_all(..)?;
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Option<Vec<BindKey>>);

/// Flask-SQLAlchemy's name for all binds, until its version 3.
const ALL: &str = "__all__";

impl Selection {
    /// Returns the keys that were named, `None` for all binds.
    pub(crate) fn keys(&self) -> Option<&[BindKey]> {
        self.0.as_deref()
    }

    fn of_key(key: BindKey) -> Selection {
        Selection(if key.as_str() == Some(ALL) { None } else { Some(vec![key]) })
    }
}

impl From<RangeFull> for Selection {
    fn from(_: RangeFull) -> Self {
        Selection(None)
    }
}

impl From<Option<&str>> for Selection {
    fn from(key: Option<&str>) -> Self {
        Selection::of_key(key.into())
    }
}

/// One key alone is a selection.
macro_rules! selection_from_key {
    ($($key:ty),*) => {$(
        impl From<$key> for Selection {
            fn from(key: $key) -> Self {
                Selection::of_key(key.into())
            }
        }
    )*};
}
selection_from_key!(&str, String, &String, BindKey, &BindKey, (&str, &str));

impl<K: Into<BindKey>, const N: usize> From<[K; N]> for Selection {
    fn from(keys: [K; N]) -> Self {
        Selection(Some(keys.into_iter().map(Into::into).collect()))
    }
}

impl<K: Into<BindKey>> From<Vec<K>> for Selection {
    fn from(keys: Vec<K>) -> Self {
        Selection(Some(keys.into_iter().map(Into::into).collect()))
    }
}

impl<K: Into<BindKey> + Clone> From<&[K]> for Selection {
    fn from(keys: &[K]) -> Self {
        Selection(Some(keys.iter().cloned().map(Into::into).collect()))
    }
}
