//! Lists made of lists. `map`, `filter` and `collect` are compiled to several times as much, and anew for each use: of
//! all that this crate was, they were a quarter.

/// What `make` makes of each item.
pub(crate) fn mapped<'i, T, U>(items: &'i [T], mut make: impl FnMut(&'i T) -> U) -> Vec<U> {
    let mut made = Vec::with_capacity(items.len());
    for item in items {
        made.push(make(item));
    }
    made
}

/// The same, up to the first failure.
pub(crate) fn try_mapped<'i, T, U, E>(
    items: &'i [T],
    mut make: impl FnMut(&'i T) -> Result<U, E>,
) -> Result<Vec<U>, E> {
    let mut made = Vec::with_capacity(items.len());
    for item in items {
        made.push(make(item)?);
    }
    Ok(made)
}

/// The items that are wanted.
pub(crate) fn filtered<T: Clone>(items: &[T], mut wanted: impl FnMut(&T) -> bool) -> Vec<T> {
    let mut kept = Vec::new();
    for item in items {
        if wanted(item) {
            kept.push(item.clone());
        }
    }
    kept
}
