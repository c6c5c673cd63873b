//! One value for each bind, indexed by bind.

use std::fmt;
use std::ops::{Index, IndexMut};

/// The index of a bind in the configuration that it belongs to: which bind.
///
/// Only a [`PerBind`] makes one, and nothing is computed with it, so it cannot stand for a bind that is not there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BindIndex(usize);

/// Prints the number, for the name of a file.
impl fmt::Display for BindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value for each bind, in the order of the configuration.
///
/// It is built for all binds at once and never shrinks, so that each of its indexes has a value. Two lists of one
/// configuration are made of each other with [`map`](PerBind::map) and have the same indexes.
///
/// # Panics
///
/// Where it is indexed by an index of a longer list, which is one of another configuration.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PerBind<T>(Vec<T>);

/// A list without binds, to [`push`](PerBind::push) to.
impl<T> Default for PerBind<T> {
    fn default() -> PerBind<T> {
        PerBind(Vec::new())
    }
}

impl<T> PerBind<T> {
    /// Returns the list of these values, one for each bind.
    pub(crate) fn new(values: Vec<T>) -> PerBind<T> {
        PerBind(values)
    }

    /// Adds a bind after all others, whose indexes stay.
    pub(crate) fn push(&mut self, value: T) -> BindIndex {
        self.0.push(value);
        BindIndex(self.0.len() - 1)
    }

    /// Returns the number of binds.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns every index, in order.
    pub(crate) fn indexes(&self) -> impl DoubleEndedIterator<Item = BindIndex> + use<T> {
        (0..self.0.len()).map(BindIndex)
    }

    /// Returns the values, in order.
    pub(crate) fn values(&self) -> &[T] {
        &self.0
    }

    /// Returns the values, in order, to be changed.
    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        &mut self.0
    }

    /// Returns every value with its index, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (BindIndex, &T)> {
        self.0.iter().enumerate().map(|(at, value)| (BindIndex(at), value))
    }

    /// Returns the first bind whose value is the one meant.
    pub(crate) fn find(&self, is_meant: impl FnMut(&T) -> bool) -> Option<BindIndex> {
        self.0.iter().position(is_meant).map(BindIndex)
    }

    /// Returns a list with a value made of each of this one's.
    pub(crate) fn map<'v, U>(&'v self, mut make: impl FnMut(BindIndex, &'v T) -> U) -> PerBind<U> {
        let mut made = Vec::with_capacity(self.0.len());
        for bind in self.indexes() {
            made.push(make(bind, &self[bind]));
        }
        PerBind(made)
    }

    /// Returns a list with a value made of each of this one's, or the first failure.
    pub(crate) fn try_map<'v, U, E>(
        &'v self,
        mut make: impl FnMut(BindIndex, &'v T) -> Result<U, E>,
    ) -> Result<PerBind<U>, E> {
        let mut made = Vec::with_capacity(self.0.len());
        for bind in self.indexes() {
            made.push(make(bind, &self[bind])?);
        }
        Ok(PerBind(made))
    }

    /// Returns a list with a value made of each of this one's, which is used up, or the first failure.
    pub(crate) fn try_map_into<U, E>(
        self,
        mut make: impl FnMut(BindIndex, T) -> Result<U, E>,
    ) -> Result<PerBind<U>, E> {
        let mut made = Vec::with_capacity(self.0.len());
        for (at, value) in self.0.into_iter().enumerate() {
            made.push(make(BindIndex(at), value)?);
        }
        Ok(PerBind(made))
    }
}

impl<T> Index<BindIndex> for PerBind<T> {
    type Output = T;

    fn index(&self, bind: BindIndex) -> &T {
        &self.0[bind.0]
    }
}

impl<T> IndexMut<BindIndex> for PerBind<T> {
    fn index_mut(&mut self, bind: BindIndex) -> &mut T {
        &mut self.0[bind.0]
    }
}

impl<T: fmt::Debug> fmt::Debug for PerBind<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_means_one_bind_in_every_list() {
        let mut names = PerBind::new(vec!["default", "auth"]);
        let auth = names.find(|name| *name == "auth").unwrap();
        let lengths = names.map(|_, name| name.len());
        let replica = names.push("replica");
        assert_eq!((names[auth], lengths[auth], names[replica]), ("auth", 4, "replica"));
        assert_eq!(names.indexes().map(|bind| names[bind]).collect::<Vec<_>>(), names.values());
        assert_eq!(names.find(|name| *name == "meta"), None);
    }

    #[test]
    fn the_first_failure_is_that_of_the_list() {
        let texts = PerBind::new(vec!["1", "x", "y"]);
        let failure = texts.try_map(|bind, text| text.parse::<u8>().map_err(|_| bind)).unwrap_err();
        assert_eq!(texts[failure], "x");
    }
}
