//! The paths of functions as a backtrace writes them.

use crate::list::retain;

/// Returns a function without the closures and the bodies of asynchronous code in it: nothing where it is one of these and its
/// path is not known.
pub(super) fn without_closures(function: &str) -> String {
    let mut parts = parts(function);
    retain(&mut parts, |part| !is_unnamed(part));
    parts.join("::")
}

/// Returns whether a part of a path is a closure's, or that of the body of asynchronous code.
pub(super) fn is_unnamed(part: &str) -> bool {
    ["{{closure}}", "{closure", "{async", "{coroutine"].iter().any(|one| part.starts_with(one))
}

/// Returns the parts of a path, each with its own arguments.
pub(super) fn parts(path: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, letter) in path.char_indices() {
        match letter {
            '<' | '(' => depth += 1,
            // An arrow ends nothing.
            '>' | ')' if !path[..at].ends_with('-') => depth = depth.saturating_sub(1),
            ':' if depth == 0 && at >= start => {
                parts.extend(path.get(start..at));
                start = at + 2;
            }
            _ => {}
        }
    }
    parts.extend(path.get(start..));
    // Arguments are a part of what they follow.
    retain(&mut parts, |part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::{parts, without_closures};

    #[test]
    fn arguments_are_a_part_of_what_they_follow() {
        assert_eq!(
            parts("<a::B as c::D<e::F>>::g::h<fn(u8) -> i::J>"),
            ["<a::B as c::D<e::F>>", "g", "h<fn(u8) -> i::J>"]
        );
    }

    #[test]
    fn what_bears_no_name_is_left_out() {
        assert_eq!(without_closures("a::b::{{closure}}::c::{async_fn#0}<d::{closure#1}>"), "a::b::c");
        assert_eq!(without_closures("{async_block#0}"), "");
    }
}
