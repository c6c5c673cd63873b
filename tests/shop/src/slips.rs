//! The bugs that the shop can be given, one at a time. Names of functions and files are printed by failing tests, so none
//! tells of them.

use std::env;

/// The variable that names the bug of this process.
pub const VARIABLE: &str = "SHOP_SLIP";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    WrongPool,
    TableInWrongBind,
    RolledBack,
    NeverCommitted,
    WrongTenant,
    HalfCommitted,
    StaleRead,
    AmbiguousName,
    PrivateDatabase,
    Orphan,
    Lock,
    Duplicate,
    WrongType,
    Trigger,
    MigrationOnWrongBind,
    ForeignKeysOff,
    RolledBackBySqlx,
    WrongPoolOfSqlx,
    OldSnapshot,
    UpdatedInstead,
    Ignored,
    TriggerDeletes,
    Replaced,
    SavepointRolledBack,
    WrongAttached,
    Cancelled,
}

/// Returns whether this process has the bug.
pub fn has(slip: Slip) -> bool {
    env::var(VARIABLE).is_ok_and(|name| name == format!("{slip:?}"))
}
