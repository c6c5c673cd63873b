//! The reads of a replica that lags, in words.

use super::account::called_from;
use super::changes::details;
use super::table::paragraph;
use super::words::cut;
use crate::instrument::LateRead;
use crate::list::mapped;
use crate::observe::Late;

/// The number of reads that are shown, the last ones, and of characters of each.
const SHOWN: usize = 2;
const TEXT: usize = 300;

/// Reports that a replica was read before it had what its source had.
pub(super) fn late(late: &Late) -> String {
    let Late { replica, source, reads, missing } = late;
    let found = format!("`{replica}` was read while it was behind `{source}`, so the code may have used old values:");
    let mut report = paragraph(&found, 0, 0);
    for read in &reads[reads.len().saturating_sub(SHOWN)..] {
        for line in lines(read) {
            report.push_str("\n  ");
            report.push_str(&paragraph(&line, 2, 6));
        }
    }
    for change in missing {
        report.push_str(&format!("\nIn `{}`, `{replica}` did not have this yet:", change.table()));
        for line in details(change).lines() {
            report.push_str("\n  ");
            report.push_str(&paragraph(line, 2, 6));
        }
    }
    report
}

fn lines(read: &LateRead) -> Vec<String> {
    let sql = cut(&read.sql, TEXT);
    let mut lines = mapped(&sql.lines().collect::<Vec<_>>(), |line| line.trim().to_string());
    if let Some(place) = &read.place {
        lines.extend(place.text().map(|text| format!("at {text}")));
        lines.extend(called_from(&place.lines_of_callers()));
    } else if let Some(thread) = read.thread.name() {
        lines.push(format!("on thread `{thread}`"));
    }
    lines
}
