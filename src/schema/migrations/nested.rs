//! A folder for each migration: Diesel's, rusqlite_migration's and Prisma's.

use std::path::Path;

use toml::de::DeTable;

use super::super::migration::{Migration, Problem};
use super::super::tool::Tool;
use super::conflict::{same_version, two_ways, LIST_THEM};
use super::found::{name, Found};
use super::named;
use super::version::{self, Version};
use crate::order::sort_by;

/// Returns the migrations of the folders; `None` where none of them is one.
pub(super) fn migrations(found: &Found) -> Result<Option<Vec<Migration>>, Problem> {
    let has = |file: &str| found.folders.iter().any(|folder| folder.join(file).is_file());
    if has("migration.sql") {
        return prisma(found).map(Some);
    }
    if !has("up.sql") {
        return Ok(None);
    }
    let tool = if is_counted(found) { Tool::RusqliteMigration } else { Tool::Diesel };
    let mut migrations = of_folders(found, tool, "up.sql")?;
    match tool {
        Tool::Diesel => diesel(&mut migrations)?,
        _ => counted(&mut migrations)?,
    }
    Ok(Some(migrations))
}

/// Returns whether the folders are numbered as rusqlite_migration numbers them: `01-user`, `02-role`.
fn is_counted(found: &Found) -> bool {
    let counted = |folder: &Path| {
        let name = name(folder);
        version::count_before_dash(&name).is_some() && !version::is_date(&name)
    };
    found.folders.iter().all(|folder| counted(folder) && !folder.join("metadata.toml").exists())
}

/// Returns each folder as a migration, which it must be.
fn of_folders(found: &Found, tool: Tool, file: &str) -> Result<Vec<Migration>, Problem> {
    let mut migrations = Vec::new();
    for folder in &found.folders {
        let shown = name(folder);
        let up = folder.join(file);
        if !up.is_file() {
            return Err(Problem::from(format!(
                "the folder `{shown}` beside {tool}'s migrations has no `{file}`: put it back, or move the folder elsewhere"
            )));
        }
        let down = Some(folder.join("down.sql")).filter(|down| down.is_file());
        let version = match tool {
            Tool::Diesel => version::of_diesel(&shown),
            Tool::RusqliteMigration => version::count_before_dash(&shown).unwrap_or_default().to_string(),
            _ => shown.clone(),
        };
        migrations.push(Migration { name: format!("{shown}/{file}"), version, tool: Some(tool), up, part: None, down });
    }
    if let (Some(beside), Some(first)) = (found.sql_files().first(), migrations.first()) {
        let layout = format!("in a folder of its own, as {tool} has it");
        return Err(two_ways((&name(beside), named::layout(beside)), (&first.name, &layout)));
    }
    Ok(migrations)
}

/// Sorts by version as text, as Diesel does.
fn diesel(migrations: &mut [Migration]) -> Result<(), Problem> {
    sort_by(migrations, |one, other| one.version.cmp(&other.version).then_with(|| one.name.cmp(&other.name)));
    for pair in migrations.windows(2) {
        if pair[0].version == pair[1].version {
            return Err(same_version(&pair[0].name, &pair[1].name, &pair[0].version));
        }
    }
    let mut counted = Vec::new();
    for migration in migrations.iter() {
        if let Some(version) = Version::whole(&migration.version) {
            counted.push((version, migration.name.as_str()));
        }
    }
    version::gaps(&counted)
}

/// Checks that migrations are numbered from 1 without a gap, as rusqlite_migration has them.
fn counted(migrations: &mut [Migration]) -> Result<(), Problem> {
    let count = |migration: &Migration| version::count_before_dash(&migration.name).unwrap_or_default();
    sort_by(migrations, |one, other| count(one).cmp(&count(other)).then_with(|| one.name.cmp(&other.name)));
    for (at, migration) in migrations.iter().enumerate() {
        let (found, expected) = (count(migration), at + 1);
        if found == expected {
            continue;
        }
        if let Some(before) = at.checked_sub(1).map(|before| &migrations[before])
            && count(before) == found
        {
            return Err(same_version(&before.name, &migration.name, &migration.version));
        }
        return Err(Problem::from(format!(
            "`{}` is number {found}, where rusqlite_migration, which counts from 1 without a gap, wants number {expected}: \
             put back what was lost or number them anew; where it is meant, {LIST_THEM}",
            migration.name
        )));
    }
    Ok(())
}

/// Returns Prisma's migrations, which run in the order of their names.
fn prisma(found: &Found) -> Result<Vec<Migration>, Problem> {
    let lock = found.folder.join("migration_lock.toml");
    if let Some(provider) = provider(&lock)?
        && provider != "sqlite"
    {
        return Err(Problem::of_file(
            &lock,
            None,
            format!(
                "the migrations are written for `{provider}`, and SQLite does not read its SQL: give the bind a schema in \
                 SQLite's"
            ),
        ));
    }
    let mut migrations = of_folders(found, Tool::Prisma, "migration.sql")?;
    sort_by(&mut migrations, |one, other| one.version.cmp(&other.version));
    Ok(migrations)
}

/// Returns the database that Prisma's lock file names, if there is such a file.
fn provider(lock: &Path) -> Result<Option<String>, Problem> {
    if !lock.is_file() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(lock)
        .map_err(|error| Problem::of_file(lock, None, format!("the file cannot be read: {error}")))?;
    let table = DeTable::parse(&text)
        .map_err(|error| Problem::of_file(lock, None, format!("the file is no TOML: {}", error.message())))?;
    Ok(table.get_ref().get("provider").and_then(|provider| provider.get_ref().as_str()).map(str::to_string))
}
