//! Lists of keys that are never empty.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::BindKey;

/// The keys of one database, at least one. Cloning it copies no key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Keys(Arc<[BindKey]>);

impl Keys {
    /// Returns a list of one key.
    pub(crate) fn one(key: BindKey) -> Keys {
        Keys(Arc::from([key]))
    }

    /// Returns a list that begins with `first`.
    pub(crate) fn new(first: BindKey, rest: Vec<BindKey>) -> Keys {
        let mut keys = rest;
        keys.insert(0, first);
        Keys(keys.into())
    }

    /// Returns the list, or `None` when it is empty.
    pub(crate) fn of(keys: Vec<BindKey>) -> Option<Keys> {
        if keys.is_empty() {
            None
        } else {
            Some(Keys(keys.into()))
        }
    }

    /// Returns the list with more keys after its own.
    pub(crate) fn with(&self, more: &[BindKey]) -> Keys {
        Keys([&self.0, more].concat().into())
    }

    /// Returns the key that names the database first. Unlike that of a slice, it is always there.
    pub(crate) fn first(&self) -> &BindKey {
        &self.0[0]
    }
}

impl Deref for Keys {
    type Target = [BindKey];

    fn deref(&self) -> &[BindKey] {
        &self.0
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_begins_with_its_first_key() {
        let keys = Keys::new("auth".into(), vec![BindKey::DEFAULT]);
        assert_eq!((keys.first(), keys.len()), (&"auth".into(), 2));
        assert_eq!(Keys::of(keys.to_vec()), Some(keys));
        assert_eq!(
            Keys::one("auth".into()).with(&[BindKey::DEFAULT]),
            Keys::new("auth".into(), vec![BindKey::DEFAULT])
        );
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(Keys::of(Vec::new()), None);
    }
}
