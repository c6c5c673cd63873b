//! The faults that every application here meets on connections of its own.

use multibind::faults::{Fault, FaultBuilder, Operation};

type Begin = fn(FaultBuilder) -> multibind::Result<Fault>;

/// Those that fail a write, each by its name.
pub const OF_WRITES: &[(&str, Begin)] = &[
    ("fail_commit", FaultBuilder::fail_commit),
    ("fail_statement", |fault| fault.fail_statement("user", Operation::Insert)),
    ("disk_full", FaultBuilder::disk_full),
    ("fail_io", FaultBuilder::fail_io),
    ("read_only", FaultBuilder::read_only),
];

/// Those that fail whatever the application does.
pub const OF_READS: &[(&str, Begin)] = &[
    ("fail_statement", |fault| fault.fail_statement("user", Operation::Read)),
    ("fail_read", FaultBuilder::fail_read),
    ("down", FaultBuilder::down),
];
