//! Sorting that is compiled once, for lists of a few names. The standard library's is compiled anew for each type and each
//! comparison: with it in the bodies of these functions, the library has 901,000 lines of LLVM IR in place of 800,000
//! (`benches/machine_code`).

use std::cmp::Ordering;

/// Sorts by a key; items with equal keys stay in the order they have.
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts as the comparison says; items that are equal stay in the order they have.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let length = items.len();
    sort(length, &mut List { items, compare });
}

/// A list to be sorted, whose items are known by their places.
trait Sortable {
    fn compare(&self, one: usize, other: usize) -> Ordering;

    fn swap(&mut self, one: usize, other: usize);
}

struct List<'t, T, C> {
    items: &'t mut [T],
    compare: C,
}

impl<T, C: Fn(&T, &T) -> Ordering> Sortable for List<'_, T, C> {
    fn compare(&self, one: usize, other: usize) -> Ordering {
        (self.compare)(&self.items[one], &self.items[other])
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.items.swap(one, other);
    }
}

fn sort(length: usize, list: &mut dyn Sortable) {
    let mut sorted = (0..length).collect::<Vec<_>>();
    sorted.sort_by(|one, other| list.compare(*one, *other));
    for (at, place) in sorted.iter().enumerate() {
        let mut from = *place;
        // What stood before `at` has been swapped to where its own item came from.
        while from < at {
            from = sorted[from];
        }
        list.swap(at, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_some_items_is_sorted_and_equal_ones_stay() {
        // Each item is a key and the place it began at.
        for number in 0..4_usize.pow(6) {
            let items = (0..6).map(|at| (number / 4_usize.pow(at) % 4, at)).collect::<Vec<_>>();
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by_key(&mut ours, |(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            assert_eq!(ours, theirs);
        }
    }
}
