//! Sources of a bind's tables.

use std::any::TypeId;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::migration_version::MigrationVersion;

/// A source of a bind's tables.
#[derive(Clone, Debug)]
pub(crate) enum SchemaSource {
    /// SQL text.
    Sql(String),
    /// A `.sql` file, or a folder of them.
    Path(PathBuf),
    /// A folder of migrations, up to a version.
    UpTo(PathBuf, MigrationVersion),
    /// The application's own migrator.
    With(Migrator),
}

/// A migrator of the application.
pub(crate) type MigrateFn =
    dyn Fn(&mut Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// A closure that makes tables, with an identity under which its result may be kept.
#[derive(Clone)]
pub(crate) struct Migrator {
    pub(crate) run: Arc<MigrateFn>,
    /// The type of a closure that captures nothing: each has a type of its own, and two of one type are one code.
    /// `None` for one that captures something, whose result is never shared.
    pub(crate) identity: Option<TypeId>,
}

impl fmt::Debug for Migrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("|conn| …")
    }
}
