//! Suggestions: the known names nearest to an unknown one.

use crate::order::sort_by;

/// The length in bytes from which a name is not compared; comparing takes time by its length.
const LONGEST: usize = 200;

/// Returns the known name nearest to the one asked for, case aside; `None` when none is near enough to be meant.
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

/// Returns the few names most alike to the one asked for, each with its owner, the most alike first.
pub(crate) fn nearest_of<O: Ord>(asked: &str, known: Vec<(O, String)>) -> Vec<(O, String)> {
    /// The least likeness of two names, from 0 to 1.
    const ALIKE: f64 = 0.75;
    /// The number that is worth reading.
    const MOST: usize = 3;
    if asked.len() > LONGEST {
        return Vec::new();
    }
    let asked = asked.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&asked, &name.to_lowercase());
    let mut near = Vec::new();
    for (owner, name) in known {
        if name.len() <= LONGEST && likeness(&name) >= ALIKE {
            near.push((owner, name));
        }
    }
    sort_by(&mut near, |(one_owner, one), (other_owner, other)| {
        likeness(other).total_cmp(&likeness(one)).then_with(|| (one, one_owner).cmp(&(other, other_owner)))
    });
    near.truncate(MOST);
    near
}
