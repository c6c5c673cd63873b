//! The end of a report of what did not come true within a time.

use super::table::paragraph;
use crate::observe::Waited;

/// Adds how long an assertion waited.
pub(crate) fn in_vain(report: &str, waited: Waited) -> String {
    let Waited { limit, saw_an_end } = waited;
    if limit.is_zero() {
        return report.to_string();
    }
    let waited = if saw_an_end {
        format!("Waited {limit:?}, and looked again after each transaction that could write to a bind.")
    } else {
        format!("Waited {limit:?}. In that time, no transaction of this process ended that could write to a bind.")
    };
    format!("{}\n\n{}", report.trim_end(), paragraph(&waited, 0, 0))
}
