//! refinery's files, `V1__user.sql` and `U2__role.sql`, in the folder and in those within.

use std::path::{Path, PathBuf};

use super::super::folder::has_extension;
use super::super::migration::{Migration, Problem};
use super::super::tool::Tool;
use super::conflict::{same_version, two_ways, LIST_THEM};
use super::found::{name, Found};
use super::named;
use super::version::{self, Version};
use crate::order::sort_by;

/// Returns refinery's migrations; `None` where no file is named as one.
pub(super) fn migrations(found: &Found) -> Result<Option<Vec<Migration>>, Problem> {
    let at_the_top = found.sql_files();
    if !at_the_top.is_empty() && !at_the_top.iter().any(|file| version_of(&name(file)).is_some()) {
        return match at_the_top.iter().find(|file| is_meant(&name(file))) {
            Some(file) => Err(passed_over(&name(file))),
            None => Ok(None),
        };
    }
    let mut files = Vec::new();
    for file in &found.files {
        files.push((name(file), file.clone()));
    }
    for folder in found.folders.iter().chain(&found.hidden_folders) {
        within(folder, &name(folder), &mut files)?;
    }
    let mut migrations = Vec::new();
    for (shown, path) in &files {
        if let Some(migration) = migration(shown, path)? {
            migrations.push(migration);
        }
    }
    // Files of one version in the order in which refinery finds them.
    sort_by(&mut migrations, |(one, _), (other, _)| one.cmp(other));
    let Some((_, first)) = migrations.first() else { return Ok(None) };
    if let Some((shown, _)) = files.iter().find(|(_, path)| resembles(path)) {
        return Err(passed_over(shown));
    }
    for file in at_the_top {
        if version_of(&name(file)).is_none() {
            return Err(two_ways((&name(file), named::layout(file)), (&first.name, "as refinery has it")));
        }
    }
    for pair in migrations.windows(2) {
        let [(version, first), (next, second)] = [&pair[0], &pair[1]];
        if version == next {
            return Err(same_version(&first.name, &second.name, &first.version));
        }
    }
    let mut counted = Vec::new();
    for (_, migration) in &migrations {
        if let Some(version) = Version::whole(&migration.version) {
            counted.push((version, migration.name.as_str()));
        }
    }
    version::gaps(&counted)?;
    Ok(Some(migrations.into_iter().map(|(_, migration)| migration).collect()))
}

/// Collects the files of an inner folder, where refinery looks too, hidden ones included, each with the name to show.
fn within(folder: &Path, shown: &str, files: &mut Vec<(String, PathBuf)>) -> Result<(), Problem> {
    let unreadable = |error: std::io::Error| format!("its folder `{shown}` cannot be read: {error}");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    sort_by(&mut paths, |one, other| one.cmp(other));
    for path in paths {
        let shown = format!("{shown}/{}", name(&path));
        // A link to a folder may lead back up.
        if path.is_dir() && !path.is_symlink() {
            within(&path, &shown, files)?;
        } else if path.is_file() {
            files.push((shown, path));
        }
    }
    Ok(())
}

/// Returns a file as one of refinery's, if it is one.
fn migration(shown: &str, path: &Path) -> Result<Option<(i64, Migration)>, Problem> {
    let file = name(path);
    let Some(version) = version_of(&file) else { return Ok(None) };
    if has_extension(path, "rs") {
        return Err(Problem::from(format!(
            "`{shown}` is a migration in Rust, which refinery alone can run: give its runner to `schema_with`"
        )));
    }
    let (name, version_shown) = (shown.to_string(), version.to_string());
    let (tool, up) = (Some(Tool::Refinery), path.to_path_buf());
    Ok(Some((version, Migration { name, version: version_shown, tool, up, part: None, down: None })))
}

fn passed_over(name: &str) -> Problem {
    Problem::from(format!(
        "`{name}` is not quite named as refinery has it, which passes it over: after `V` and a whole number it wants `__`, \
         then letters, digits and `_` alone, as in `V1__create_user.sql`; where it is meant, {LIST_THEM}"
    ))
}

/// Returns the version of a file name that refinery takes.
pub(super) fn version_of(file: &str) -> Option<i64> {
    let stem = file.strip_suffix(".sql").or_else(|| file.strip_suffix(".rs"))?;
    let (version, name) = stem.strip_prefix(['V', 'U'])?.split_once("__")?;
    let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let is_number = version.bytes().all(|digit| digit.is_ascii_digit());
    if is_name && is_number {
        version.parse().ok()
    } else {
        None
    }
}

/// Returns whether a file that refinery passes over was meant for it, or for Flyway, whose names are alike.
fn is_meant(file: &str) -> bool {
    let version = file.strip_prefix(['V', 'U']);
    version.is_some_and(|version| version.starts_with(|digit: char| digit.is_ascii_digit()) && version.contains("__"))
}

/// Returns whether a file beside refinery's may have been meant for it.
fn resembles(path: &Path) -> bool {
    let file = name(path);
    let version = file.strip_prefix(['V', 'U', 'v', 'u']).unwrap_or_default();
    let numbered = version.starts_with(|digit: char| digit.is_ascii_digit()) && version.contains('_');
    has_extension(path, "sql") && version_of(&file).is_none() && (numbered || file.starts_with("R__"))
}
