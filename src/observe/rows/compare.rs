//! Comparing the rows that are expected with those that there are.

use rusqlite::types::Value;

use crate::list::{mapped, retain};
use crate::row::{Row, Shown};
use crate::sorted::Sorted;

/// The difference between the rows expected and those found; one list or more has items.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    /// The rows that are not there.
    pub(crate) missing: Vec<Missing>,
    /// The rows that are there and not expected.
    pub(crate) surplus: Vec<Row>,
    /// The rows that are there with other values.
    pub(crate) different: Vec<Different>,
}

/// A row that is not there.
#[derive(Clone, Debug)]
pub(crate) struct Missing {
    /// Its place among those expected.
    pub(crate) at: usize,
    pub(crate) row: Row,
    /// The number of times that it is expected, and found.
    pub(crate) times: (usize, usize),
}

/// A row that is there with other values than those expected.
#[derive(Clone, Debug)]
pub(crate) struct Different {
    /// The place of the expected one among all.
    pub(crate) at: usize,
    pub(crate) expected: Row,
    pub(crate) found: Row,
    /// The columns whose values differ.
    pub(crate) columns: Vec<String>,
}

impl Difference {
    /// Returns the difference without the rows that are not expected.
    pub(super) fn without_surplus(self) -> Option<Difference> {
        let difference = Difference { surplus: Vec::new(), ..self };
        (!difference.is_none()).then_some(difference)
    }

    fn is_none(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty() && self.different.is_empty()
    }
}

/// Compares rows, each found one with at most one expected; `None` where each has its counterpart.
///
/// An expected row has the columns that it names and any others. Numbers compare by what they are, text and blobs byte by
/// byte. What is left is matched by `key`, the columns that identify a row, else with the row that is most alike.
pub(crate) fn compare(expected: &[Row], found: &[Row], key: &[String]) -> Option<Difference> {
    let (mut unmet, mut surplus) = unmatched(expected, found);
    let mut difference = Difference::default();
    for is_it in [&same_by_key as &dyn Fn(&Row, &Row, &[String]) -> usize, &alike] {
        retain(&mut unmet, |at| {
            let (at, expected) = (*at, &expected[*at]);
            let mut best = (0, 0);
            for (place, other) in surplus.iter().enumerate() {
                let likeness = is_it(expected, &found[*other], key);
                if likeness > best.0 {
                    best = (likeness, place);
                }
            }
            if best.0 == 0 {
                return true;
            }
            let found = found[surplus.remove(best.1)].clone();
            let columns = differing(expected, &found);
            difference.different.push(Different { at, expected: expected.clone(), found, columns });
            false
        });
    }
    for at in unmet {
        let row = expected[at].clone();
        if difference.missing.iter().any(|known| known.row == row) {
            continue;
        }
        let asked = expected.iter().filter(|other| **other == row).count();
        let times = (asked, found.iter().filter(|found| fits(&row, found)).count());
        difference.missing.push(Missing { at, row, times });
    }
    difference.surplus = mapped(&surplus, |at| found[*at].clone());
    (!difference.is_none()).then_some(difference)
}

/// Returns 1 where a row names the key of the other one.
fn same_by_key(expected: &Row, found: &Row, key: &[String]) -> usize {
    let is_same = |name: &String| match (expected.value(name), found.value(name)) {
        (Some(one), Some(other)) => same(one, other),
        _ => false,
    };
    usize::from(!key.is_empty() && key.iter().all(is_same))
}

/// Returns the number of columns that are as expected, 0 where that is less than half of them.
fn alike(expected: &Row, found: &Row, _: &[String]) -> usize {
    let all = expected.cells().len();
    let same = all - differing(expected, found).len();
    if same * 2 >= all {
        same
    } else {
        0
    }
}

fn differing(expected: &Row, found: &Row) -> Vec<String> {
    let mut differing = Vec::new();
    for (name, value) in expected.cells() {
        if !found.value(name).is_some_and(|found| same(value, found)) {
            differing.push(name.clone());
        }
    }
    differing
}

/// Returns whether a row has the values that are expected of it.
pub(crate) fn fits(expected: &Row, found: &Row) -> bool {
    let has = |(name, value): &(String, Value)| found.value(name).is_some_and(|found| same(value, found));
    expected.cells().iter().all(has)
}

fn same(one: &Value, other: &Value) -> bool {
    one == other || canonical(one).zip(canonical(other)).is_some_and(|(one, other)| one == other)
}

/// Returns the integer that a number is, if it is one.
fn canonical(value: &Value) -> Option<i64> {
    /// The first real beyond the integers.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Integer(number) => Some(*number),
        Value::Real(number) if number.fract() == 0.0 && (-BEYOND..BEYOND).contains(number) => Some(*number as i64),
        _ => None,
    }
}

/// Matches as many rows as can be, and returns the numbers of the others: of those expected, and of those found.
fn unmatched(expected: &[Row], found: &[Row]) -> (Vec<usize>, Vec<usize>) {
    let partners = match expected {
        [first, rest @ ..] if rest.iter().all(|row| has_columns_of(row, first)) => by_value(expected, found, first),
        expected => by_paths(expected, found),
    };
    let (mut unmet, mut surplus) = (Vec::new(), Vec::new());
    let mut is_met = vec![false; expected.len()];
    for (at, partner) in partners.iter().enumerate() {
        match partner {
            Some(partner) => is_met[*partner] = true,
            None => surplus.push(at),
        }
    }
    for (at, is_met) in is_met.iter().enumerate() {
        if !is_met {
            unmet.push(at);
        }
    }
    (unmet, surplus)
}

fn has_columns_of(row: &Row, other: &Row) -> bool {
    row.cells().len() == other.cells().len() && other.cells().iter().all(|(name, _)| row.value(name).is_some())
}

/// Matches rows that name the same columns, and returns the partner of each found one: which of them it is does not matter.
fn by_value(expected: &[Row], found: &[Row], columns: &Row) -> Vec<Option<usize>> {
    let text = |row: &Row| {
        let mut text = String::new();
        for (name, _) in columns.cells() {
            let value = row.value(name).unwrap_or(&Value::Null);
            let value = canonical(value).map_or_else(|| Shown(value).to_string(), |number| number.to_string());
            text.push_str(&value);
            text.push('\0');
        }
        text
    };
    let mut waiting = Sorted::<String, Vec<usize>>::default();
    for (at, row) in expected.iter().enumerate().rev() {
        waiting.or_insert_with(text(row), Vec::new).push(at);
    }
    let mut partners = Vec::with_capacity(found.len());
    for row in found {
        let text = text(row);
        partners.push(waiting.or_insert_with(text, Vec::new).pop());
    }
    partners
}

/// Matches rows of which each may fit several, and returns the partner of each found one: an expected row that finds all of
/// its counterparts taken has their partners look for others.
fn by_paths(expected: &[Row], found: &[Row]) -> Vec<Option<usize>> {
    let mut partners = vec![None; found.len()];
    for first in 0..expected.len() {
        // Each found row that was looked at, with the expected row that came to it.
        let mut came_from = vec![None; found.len()];
        let mut asking = vec![first];
        let mut free = None;
        while let Some(at) = asking.pop() {
            for (place, row) in found.iter().enumerate() {
                if came_from[place].is_some() || !fits(&expected[at], row) {
                    continue;
                }
                came_from[place] = Some(at);
                match partners[place] {
                    Some(taken) => asking.push(taken),
                    None => free = Some(place),
                }
            }
            if free.is_some() {
                break;
            }
        }
        // From the free one back, each takes what it came to.
        while let Some(place) = free {
            let Some(at) = came_from[place] else { break };
            free = partners.iter().position(|partner| *partner == Some(at));
            partners[place] = Some(at);
            if at == first {
                break;
            }
        }
    }
    partners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row;

    #[test]
    fn rows_that_fit_several_are_matched_as_well_as_can_be() {
        let found = [row! { id: 1, x: "a" }, row! { id: 2, x: "a" }, row! { id: 3, x: "b" }];
        // The first takes what the others need, unless it looks again.
        let expected = [row! { x: "a" }, row! { id: 1 }, row! { id: 3 }];
        assert!(compare(&expected, &found, &[]).is_none());
        let expected = [row! {}, row! { x: "a" }, row! { id: 1 }];
        assert!(compare(&expected, &found, &[]).is_none());
        let difference = compare(&[row! { id: 1 }, row! { x: "a" }, row! { x: "a" }], &found, &[]).unwrap();
        assert_eq!(difference.missing[0].times, (2, 2));
        assert_eq!(difference.surplus, [row! { id: 3, x: "b" }]);
    }

    #[test]
    fn numbers_compare_by_what_they_are() {
        let found = [row! { x: 1.0 }, row! { x: 2 }, row! { x: "3" }];
        assert!(compare(&[row! { x: 1 }, row! { x: 2.0 }, row! { x: "3" }], &found, &[]).is_none());
        assert!(compare(&[row! { x: 1 }, row! { x: 2.0 }, row! { x: 3 }], &found, &[]).is_some());
        assert!(!same(&Value::Integer(i64::MAX), &Value::Real(i64::MAX as f64)));
        assert!(!same(&Value::Real(f64::INFINITY), &Value::Integer(i64::MAX)));
    }
}
