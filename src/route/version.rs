//! The version of SQLite that is linked: an old one may report differently from those that were tried.

use crate::error::{Error, Result};

/// The oldest SQLite whose reports were tried, in the form of `sqlite3_libversion_number`.
const OLDEST: i32 = 3_046_000;

/// Refuses a statement where an SQLite that is older than those tried may report it differently: a virtual table, a
/// table-valued function or a `REINDEX`.
pub(super) fn check_version(version: i32, sql: &str, binds: usize) -> Result<()> {
    if version >= OLDEST || binds < 2 {
        return Ok(());
    }
    let shown = |version: i32| format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000);
    Err(Error::Statement {
        sql: sql.to_string(),
        problem: format!(
            "the SQLite that is linked is {}, and only from {} on is it certain which bind this statement is for: name it \
             with `session.on(key)`, or turn on the feature `bundled`",
            shown(version),
            shown(OLDEST)
        ), at: None })
}

#[cfg(test)]
mod tests {
    use super::check_version;

    #[test]
    fn an_old_sqlite_is_not_asked_where_a_statement_belongs() {
        assert!(check_version(3_046_000, "SELECT 1", 2).is_ok());
        assert!(check_version(3_045_003, "SELECT 1", 1).is_ok());
        insta::assert_snapshot!(check_version(3_045_003, "SELECT 1", 2).unwrap_err(), @"
        the session does not run this statement: the SQLite that is linked is 3.45.3, and only from 3.46.0 on is it certain which bind this statement is for: name it with `session.on(key)`, or turn on the feature `bundled`
          in: SELECT 1
        ");
    }
}
