//! The known names that are nearest to one that is not known.

use crate::key::BindKey;
use crate::order::sort_by;

/// The longest name in bytes that may be a misspelt one; comparing takes time by its length.
const LONGEST: usize = 200;

/// The nearest of the known names, case aside; `None` where none is near enough to have been meant.
pub(crate) fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Compiled once for all kinds of iterators.
    nearest_of(asked, &mut known.into_iter())
}

fn nearest_of<'a>(asked: &str, known: &mut dyn Iterator<Item = &'a str>) -> Option<&'a str> {
    if asked.len() > LONGEST {
        return None;
    }
    let asked = asked.to_lowercase();
    let (distance, name) = known
        .map(|name| (strsim::damerau_levenshtein(&asked, &name.to_lowercase()), name))
        .min_by_key(|(distance, _)| *distance)?;
    let length = asked.chars().count().max(name.chars().count());
    (distance <= (length / 3).max(1)).then_some(name)
}

/// The tables of any bind whose names are like the one asked for, the most alike first.
pub(crate) fn nearest_tables(
    asked: &str,
    known: impl IntoIterator<Item = (BindKey, String)>,
) -> Vec<(BindKey, String)> {
    /// How alike two names must be, from 0 to 1.
    const ALIKE: f64 = 0.75;
    /// How many are worth reading.
    const MOST: usize = 3;
    if asked.len() > LONGEST {
        return Vec::new();
    }
    let asked = asked.to_lowercase();
    let mut near = known
        .into_iter()
        .filter(|(_, name)| name.len() <= LONGEST)
        .map(|(bind, name)| (strsim::jaro_winkler(&asked, &name.to_lowercase()), bind, name))
        .filter(|(likeness, ..)| *likeness >= ALIKE)
        .collect::<Vec<_>>();
    sort_by(&mut near, |a, b| b.0.total_cmp(&a.0).then_with(|| (&a.2, &a.1).cmp(&(&b.2, &b.1))));
    near.into_iter().take(MOST).map(|(_, bind, name)| (bind, name)).collect()
}
