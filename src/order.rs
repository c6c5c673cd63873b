//! Sorting that is compiled once, for lists of a few names. The standard library's is compiled anew for each type and each
//! comparison: with it in the bodies of these functions, the library has 914,000 lines of LLVM IR in place of 817,000
//! (`benches/machine_code`).

use std::cmp::Ordering;

/// Sorts by a key; items with equal keys stay in the order they have.
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts as the comparison says; items that are equal stay in the order they have.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let swaps = swaps(items.len(), &|one, other| compare(&items[one], &items[other]));
    for (at, from) in swaps {
        items.swap(at, from);
    }
}

/// What sorts so many items, swapped one after the other.
fn swaps(items: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<(usize, usize)> {
    let mut sorted = (0..items).collect::<Vec<_>>();
    sorted.sort_by(|one, other| compare(*one, *other));
    let mut swaps = Vec::with_capacity(items);
    for (at, place) in sorted.iter().enumerate() {
        let mut from = *place;
        // What stood before `at` has been swapped to where its own item came from.
        while from < at {
            from = sorted[from];
        }
        swaps.push((at, from));
    }
    swaps
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
