//! The versions of migrations: read from names, ordered, and what is wrong with a row of them.

use std::cmp::Ordering;
use std::fmt;

use super::super::folder::{by_size, part, starts_with_digit};
use super::super::migration::Problem;
use super::conflict::LIST_THEM;
use crate::order::sort_by_key;

/// The version that a migration's name starts with: one number, or several as in a date.
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// The version as written, for messages.
    text: String,
    /// The digits of each number without leading zeros, so that none is too long to be one.
    numbers: Vec<String>,
}

/// The separators between the numbers of a version, and after it.
const SEPARATORS: [char; 4] = ['_', '-', '.', ' '];

/// The digits from which on a number is a date or a time and no count: `20240101`.
const DIGITS_OF_A_DATE: usize = 8;

impl Version {
    /// Returns the version that a name without its extension starts with, `None` where it starts with none.
    pub(super) fn leading(name: &str) -> Option<Version> {
        let mut numbers = Vec::new();
        let mut end = 0;
        loop {
            let start = if numbers.is_empty() { 0 } else { end + 1 };
            let Some(number) = name.get(start..).and_then(number) else { break };
            numbers.push(number.trim_start_matches('0').to_string());
            end = start + number.len();
            if end == name.len() {
                break;
            }
        }
        (!numbers.is_empty()).then(|| Version { text: name[..end].to_string(), numbers })
    }

    /// Returns the version that a text is from its start to its end.
    pub(super) fn whole(text: &str) -> Option<Version> {
        Version::leading(text).filter(|version| version.text.len() == text.len())
    }

    /// Returns the one number that it is, where that is a count and not a date.
    fn count(&self) -> Option<u32> {
        match self.numbers.as_slice() {
            [number] if number.is_empty() => Some(0),
            [number] if number.len() < DIGITS_OF_A_DATE => number.parse().ok(),
            _ => None,
        }
    }
}

/// Returns the digits that the text starts with, where a separator or nothing follows them.
fn number(text: &str) -> Option<&str> {
    let digits = part(text);
    let next = text[digits.len()..].chars().next();
    let ends = next.is_none_or(|next| SEPARATORS.contains(&next));
    (ends && starts_with_digit(digits)).then_some(digits)
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        for (mine, theirs) in self.numbers.iter().zip(&other.numbers) {
            let order = by_size(mine, theirs);
            if order.is_ne() {
                return order;
            }
        }
        self.numbers.len().cmp(&other.numbers.len())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The version as it is written.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Refuses versions that are counted and of which one is missing, each with the name of its migration.
pub(super) fn gaps(migrations: &[(Version, &str)]) -> Result<(), Problem> {
    let mut counted = Vec::new();
    for (version, name) in migrations {
        if let Some(count) = version.count() {
            counted.push((count, *name));
        }
    }
    // Diesel and dbmate compare text, so theirs may come in another order.
    sort_by_key(&mut counted, |(count, _)| *count);
    let (mut gaps, mut by_one) = (Vec::new(), 0);
    for pair in counted.windows(2) {
        let [(before, first), (after, second)] = [pair[0], pair[1]];
        let missing = match after - before {
            2 => format!("version {} is missing", before + 1),
            3.. => format!("versions {} to {} are missing", before + 1, after - 1),
            _ => {
                by_one += 1;
                continue;
            }
        };
        gaps.push(format!("{missing} between `{first}` and `{second}`"));
    }
    // 10, 20, 25 leaves room on purpose.
    let from_the_start = counted.first().is_some_and(|(first, _)| *first <= 1);
    let mostly_by_one = by_one > gaps.len();
    if gaps.is_empty() || !from_the_start && !mostly_by_one {
        return Ok(());
    }
    let gaps = gaps.join(", ");
    Err(Problem::from(format!("{gaps}: put back what was lost or close the gap; where it is meant, {LIST_THEM}")))
}

/// Returns the version of a folder's name as Diesel has it: the text before the first `_`, without its hyphens.
pub(super) fn of_diesel(name: &str) -> String {
    let version = name.split('_').next().unwrap_or_default();
    version.replace('-', "")
}

/// Returns the number before the first `-`, by which rusqlite_migration counts.
pub(super) fn count_before_dash(name: &str) -> Option<usize> {
    name.split_once('-')?.0.parse().ok()
}

/// Returns whether the name begins with a date, as `2024-01-02` or `2024_01_02`.
pub(super) fn is_date(name: &str) -> bool {
    let name = name.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| name.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let separates = |at: usize| name.get(at).is_some_and(|separator| matches!(separator, b'-' | b'_'));
    digits(0..4) && separates(4) && digits(5..7) && separates(7) && digits(8..10)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::number("1_user", Some(("1", 1)))]
    #[case::number_alone("007", Some(("007", 1)))]
    #[case::dash("1-user", Some(("1", 1)))]
    #[case::time("20240101120000_user", Some(("20240101120000", 1)))]
    #[case::date_as_diesel_has_it("2024-01-01-000000_user", Some(("2024-01-01-000000", 4)))]
    #[case::date_with_underscores("2024_01_01_user", Some(("2024_01_01", 3)))]
    #[case::dots("1.10", Some(("1.10", 2)))]
    #[case::a_name_with_digits_after_it("2_2fa", Some(("2", 1)))]
    #[case::a_word_with_digits_first("2fa", None)]
    #[case::a_separator_first("_1", None)]
    #[case::wide("1_日本", Some(("1", 1)))]
    #[case::wide_digits("１_user", None)]
    #[case::nothing("", None)]
    fn a_version_is_the_numbers_a_name_starts_with(#[case] name: &str, #[case] expected: Option<(&str, usize)>) {
        let version = Version::leading(name);
        assert_eq!(version.as_ref().map(|version| (version.text.as_str(), version.numbers.len())), expected);
    }
}
