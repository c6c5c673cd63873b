//! The report of a fault that never triggered.

use crate::instrument::FaultKind;
use crate::observe::Untriggered;

/// Reports a fault that never triggered.
pub(crate) fn untriggered(fault: &Untriggered) -> String {
    let Untriggered { fault: call, bind, met, .. } = fault;
    let none = match &fault.kind {
        FaultKind::Statement(..) => format!("no such statement ran on `{bind}`"),
        FaultKind::Commit => format!("no transaction that wrote to `{bind}` was committed"),
        FaultKind::Busy | FaultKind::ReadOnly => format!("nothing began to write to `{bind}`"),
        FaultKind::Full | FaultKind::Io => format!("no transaction wrote to `{bind}`"),
    };
    let (one, many) = match &fault.kind {
        FaultKind::Statement(..) => ("such statement ran", "such statements ran"),
        FaultKind::Commit => ("transaction that wrote was committed", "transactions that wrote were committed"),
        FaultKind::Busy | FaultKind::ReadOnly => ("transaction began to write", "transactions began to write"),
        FaultKind::Full | FaultKind::Io => ("transaction wrote", "transactions wrote"),
    };
    let found = match met {
        0 => none,
        1 => format!("only 1 {one} on `{bind}`"),
        met => format!("only {met} {many} on `{bind}`"),
    };
    let passed = match fault.passed {
        0 => String::new(),
        n => format!(
            " {n} of them could not be failed: each was prepared before the fault, beside another open query of a \
             transaction that has written."
        ),
    };
    let missing = fault.missing.as_ref().map(|missing| format!(" There is {missing}.")).unwrap_or_default();
    format!(
        "{call} never triggered: {found} while it was active.{passed}{missing} So the test does not show what the code does \
         when that fails. If the test returned an error, look at that first. Otherwise check that the code under test uses \
         the bind while the fault is alive, on a connection that the fault covers, or mark the fault `optional()`."
    )
}
