//! The version that a folder's migrations run to, and the way between two versions.

use std::path::Path;

use super::super::migration::{Migration, Problem};
use super::super::tool::Tool;
use super::version;
use crate::config::MigrationVersion;
use crate::error::list;

/// Counts the migrations that have run at a version.
pub(in super::super) fn count(migrations: &[Migration], version: &MigrationVersion) -> Result<usize, Problem> {
    let asked = version.as_str();
    if let Some(at) = migrations.iter().position(|migration| is_of(migration, asked)) {
        return Ok(at + 1);
    }
    match asked {
        "head" => Ok(migrations.len()),
        "base" | "0" => Ok(0),
        _ => {
            let mut known = Vec::new();
            for migration in migrations {
                known.push(migration.version.as_str());
            }
            Err(Problem::from(format!(
                "no migration has the version `{asked}`: there are {}, and `head` and `base`",
                list(&known)
            )))
        }
    }
}

/// Returns whether a migration has the version or the name that was asked for.
fn is_of(migration: &Migration, asked: &str) -> bool {
    let same_number = || match (asked.parse::<i64>(), migration.version.parse::<i64>()) {
        (Ok(asked), Ok(version)) => asked == version,
        _ => false,
    };
    let same_version = match migration.tool {
        Some(Tool::Diesel) => version::of_diesel(asked) == migration.version,
        // dbmate keeps a version as text, with its zeros.
        Some(Tool::Dbmate | Tool::SqlMigrate | Tool::Prisma) => asked == migration.version,
        _ => asked == migration.version || same_number(),
    };
    let name = Path::new(&migration.name);
    let folder = name.parent().is_some_and(|folder| folder == Path::new(asked));
    let stem = migration.name.strip_suffix(".sql").map(|stem| stem.strip_suffix(".up").unwrap_or(stem));
    same_version || migration.name == asked || stem == Some(asked) || folder
}

/// Returns the error about a migration from which nothing leads back.
pub(in super::super) fn no_way_back(migration: &Migration) -> Problem {
    let elsewhere = "start a harness at the earlier version with `Bind::schema_up_to`";
    let bare = migration.name.strip_suffix(".sql").unwrap_or(&migration.name);
    let what_to_do = match migration.tool {
        Some(Tool::Diesel | Tool::RusqliteMigration | Tool::Prisma) => "write a `down.sql` beside it".to_string(),
        Some(Tool::Refinery) => format!("refinery has none; {elsewhere}"),
        Some(Tool::Goose) => "write `-- +goose Down` and what leads back below it".to_string(),
        Some(Tool::SqlMigrate) => "write `-- +migrate Down` and what leads back below it".to_string(),
        Some(Tool::FlaskMigrate) => format!("`flask db upgrade --sql` writes none; {elsewhere}"),
        _ => format!("write `{}.down.sql`", bare.strip_suffix(".up").unwrap_or(bare)),
    };
    Problem::of_file(&migration.up, None, format!("nothing leads back from it: {what_to_do}"))
}
