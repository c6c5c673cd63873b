//! A version of a folder of migrations.

use std::fmt;

/// A version of a folder of migrations, for [`Harness::migrate_to`](crate::Harness::migrate_to) and
/// [`Bind::schema_up_to`](crate::Bind::schema_up_to).
///
/// | written | version |
/// |---|---|
/// | `2`, `"0002"`, `"20240101120000"`, `"2024-01-01-120000"` | the migration of that version, as its tool compares it |
/// | `"2_role.sql"`, `"2_role"`, `"2024-01-01-120000_role"` | the migration of that name |
/// | `"head"` | the last migration |
/// | `"base"`, and `0` where no migration has that version | before the first one |
///
/// ```
/// use multibind::tables::MigrationVersion;
///
/// assert_eq!(MigrationVersion::from(2), MigrationVersion::from("2"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MigrationVersion(String);

impl MigrationVersion {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MigrationVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for MigrationVersion {
    fn from(version: &str) -> MigrationVersion {
        MigrationVersion(version.to_string())
    }
}

impl From<String> for MigrationVersion {
    fn from(version: String) -> MigrationVersion {
        MigrationVersion(version)
    }
}

impl From<i32> for MigrationVersion {
    fn from(version: i32) -> MigrationVersion {
        MigrationVersion(version.to_string())
    }
}

impl From<i64> for MigrationVersion {
    fn from(version: i64) -> MigrationVersion {
        MigrationVersion(version.to_string())
    }
}
