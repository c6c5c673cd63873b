//! The report of a fault that never triggered.

use super::displaced::displaced;
use super::table::paragraph;
use super::words::enumerated;
use crate::instrument::{Displaced, FaultKind};
use crate::list::mapped;
use crate::observe::{Elsewhere, Untriggered};

/// Reports a fault that never triggered, which fails the test.
pub(crate) fn untriggered(fault: &Untriggered) -> String {
    let rest = "So the test does not show what the code does when that fails. Check that the code under test uses the bind while \
                the fault is alive, on a connection that the fault covers, or mark the fault `optional()`. If the test returned \
                an error of another crate, this hides it: let the test return `multibind::TestResult` to see it.";
    format!("{}\n\n{}", untriggered_beside(fault), paragraph(rest, 0, 0))
}

/// Reports a fault that could not meet every connection.
pub(crate) fn unmet(fault: &str, connections: &[Displaced]) -> String {
    format!("{fault}\ncould not fail what runs on every connection.\n\n{}", displaced(connections))
}

/// Reports a fault that never triggered beside another failure of the test.
pub(crate) fn untriggered_beside(fault: &Untriggered) -> String {
    let Untriggered { fault: call, bind, met, .. } = fault;
    let found = match (&fault.kind, met) {
        (FaultKind::Statement(..), 0) => format!("no such statement ran on `{bind}`"),
        (FaultKind::Statement(..), met) => format!("only {} ran on `{bind}`", counted(*met, "such statement")),
        (FaultKind::Commit, 0) => format!("no transaction that wrote to `{bind}` was committed"),
        (FaultKind::Commit, met) => {
            format!("only {} that wrote to `{bind}` ended in a commit", counted(*met, "transaction"))
        }
        (FaultKind::Busy | FaultKind::ReadOnly, 0) => format!("nothing began to write to `{bind}`"),
        (FaultKind::Busy | FaultKind::ReadOnly, met) => {
            format!("only {} began to write to `{bind}`", counted(*met, "transaction"))
        }
        (FaultKind::Full | FaultKind::Io, 0) => format!("no transaction wrote to `{bind}`"),
        (FaultKind::Full | FaultKind::Io, met) => format!("only {} wrote to `{bind}`", counted(*met, "transaction")),
        (FaultKind::Read | FaultKind::Slow(_), 0) => format!("nothing began to read `{bind}`"),
        (FaultKind::Read | FaultKind::Slow(_), met) => {
            format!("only {} began to read `{bind}`", counted(*met, "transaction"))
        }
        (FaultKind::Down, 0) => format!("nothing used `{bind}`"),
        (FaultKind::Down, met) => format!("`{bind}` was used only {}", counted(*met, "time")),
    };
    let passed = match fault.passed {
        0 => String::new(),
        n => format!(
            " {n} of them could not be failed: each was prepared before the fault, beside another open query of a \
             transaction that has written."
        ),
    };
    let missing = fault.missing.as_ref().map(|missing| format!(" There is {missing}.")).unwrap_or_default();
    let elsewhere = elsewhere(&fault.elsewhere);
    let found = paragraph(&format!("{found} while it was active.{passed}{missing}{elsewhere}"), 0, 0);
    format!("{call} never triggered:\n{found}")
}

/// Names the tables of the same names that were written to meanwhile.
fn elsewhere(tables: &[Elsewhere]) -> String {
    if tables.is_empty() {
        return String::new();
    }
    let named = mapped(tables, |Elsewhere { bind, table, line }| match line {
        Some(line) => format!("`{bind}.{table}` at {line}"),
        None => format!("`{bind}.{table}`"),
    });
    let (were, them) = if named.len() == 1 { ("was", "its table") } else { ("were", "its tables") };
    format!(" Meanwhile {} {were} written to, not {them} of the same name.", enumerated(&named))
}

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
