//! The known names that are nearest to one that is not known.

use crate::key::BindKey;
use crate::order::sort_by;

/// The longest name in bytes that may be a misspelt one; comparing takes time by its length.
const LONGEST: usize = 200;

/// The nearest of the known names, case aside; `None` where none is near enough to have been meant.
pub(crate) fn nearest<'a>(asked: &str, known: &[&'a str]) -> Option<&'a str> {
    if asked.len() > LONGEST {
        return None;
    }
    let asked = asked.to_lowercase();
    let (mut distance, mut name) = (usize::MAX, "");
    for known in known {
        let its_distance = strsim::damerau_levenshtein(&asked, &known.to_lowercase());
        if its_distance < distance {
            (distance, name) = (its_distance, known);
        }
    }
    let length = asked.chars().count().max(name.chars().count());
    (distance <= (length / 3).max(1)).then_some(name)
}

/// The tables of any bind whose names are like the one asked for, the most alike first.
pub(crate) fn nearest_tables(asked: &str, known: Vec<(BindKey, String)>) -> Vec<(BindKey, String)> {
    /// How alike two names must be, from 0 to 1.
    const ALIKE: f64 = 0.75;
    /// How many are worth reading.
    const MOST: usize = 3;
    if asked.len() > LONGEST {
        return Vec::new();
    }
    let asked = asked.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&asked, &name.to_lowercase());
    let mut near = Vec::new();
    for (bind, name) in known {
        if name.len() <= LONGEST && likeness(&name) >= ALIKE {
            near.push((bind, name));
        }
    }
    sort_by(&mut near, |(one_bind, one), (other_bind, other)| {
        likeness(other).total_cmp(&likeness(one)).then_with(|| (one, one_bind).cmp(&(other, other_bind)))
    });
    near.truncate(MOST);
    near
}
