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
    let sorted = sorted(length, list);
    for (at, place) in sorted.iter().enumerate() {
        let mut from = *place;
        // What stood before `at` has been swapped to where its own item came from.
        while from < at {
            from = sorted[from];
        }
        list.swap(at, from);
    }
}

/// Returns the places of the items in their order, by merging ever longer runs. In unoptimised code it takes half of the instructions
/// of the standard library's sort.
fn sorted(length: usize, list: &dyn Sortable) -> Vec<usize> {
    let (mut places, mut merged) = ((0..length).collect::<Vec<_>>(), vec![0; length]);
    let mut run = 1;
    while run < length {
        let mut from = 0;
        while from < length {
            let (middle, end) = ((from + run).min(length), (from + 2 * run).min(length));
            merge(&places[from..end], middle - from, &mut merged[from..end], list);
            from = end;
        }
        std::mem::swap(&mut places, &mut merged);
        run *= 2;
    }
    places
}

/// Merges two sorted runs, the second of which begins in the middle.
fn merge(runs: &[usize], middle: usize, into: &mut [usize], list: &dyn Sortable) {
    let (mut one, mut other, mut at) = (0, middle, 0);
    while at < runs.len() {
        // Of equal items the first stays first.
        if other == runs.len() || one < middle && list.compare(runs[one], runs[other]).is_le() {
            into[at] = runs[one];
            one += 1;
        } else {
            into[at] = runs[other];
            other += 1;
        }
        at += 1;
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

    #[test]
    fn lists_of_every_length_are_sorted() {
        for length in 0..130 {
            let items = (0..length).map(|at| (at * 7919 % 31, at)).collect::<Vec<_>>();
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by_key(&mut ours, |(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            assert_eq!(ours, theirs);
        }
    }
}
