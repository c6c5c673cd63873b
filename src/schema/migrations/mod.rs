//! The migrations of a folder, as the tool whose layout it has would find and order them.
//!
//! A layout is known by its names, or by the lines with which dbmate, goose and sql-migrate begin each direction. A folder
//! that has files of two layouts, or of none, is an error that names a file.

mod conflict;
mod directed;
mod flask;
mod found;
mod load;
mod named;
mod nested;
mod refinery;
mod revisions;
mod target;
mod version;

use std::path::{Component, Path};

use super::marked;
use super::migration::{Migration, Problem};
use crate::key::{BindKey, Keys};
pub(super) use directed::{check_unknown, tool_of, Direction};
use found::Found;
pub(super) use load::{load, load_part, script_of_text};
pub(super) use revisions::expand;
pub(super) use target::{count, no_way_back};

/// Returns the migrations of a folder in the order in which they run.
///
/// A folder that has no migration, but folders named after binds, has one for each bind; those of `keys` are read.
pub(super) fn read(folder: &Path, keys: &Keys, configured: &[BindKey]) -> Result<Vec<Migration>, Problem> {
    let binds = folders_of(folder, configured);
    let own = folders_of(folder, keys);
    let found = Found::read(folder, &binds)?;
    let migrations = of(&found, keys, configured)?;
    let within = |name: &str| of(&Found::read(&folder.join(name), &[])?, keys, keys);
    let Some(first) = migrations.first() else {
        if own.is_empty() {
            return Err(found.nothing(keys, &binds));
        }
        let mut migrations = Vec::new();
        for name in own {
            let in_folder = |problem: Problem| match problem.file {
                Some(_) => problem,
                None => Problem { text: format!("in its folder `{name}`: {}", problem.text), ..problem },
            };
            let found = within(name).map_err(in_folder)?;
            if found.is_empty() {
                return Err(Problem::from(format!("its folder `{name}` has no `.sql` file")));
            }
            migrations.extend(found);
        }
        return Ok(migrations);
    };
    for name in own {
        if !within(name)?.is_empty() {
            return Err(Problem::from(format!(
                "`{}` and the folder `{name}` of this bind's own are side by side: move the files into the folders of \
                 their binds, or give the bind's folder itself",
                first.name
            )));
        }
    }
    Ok(migrations)
}

/// Returns the migrations of what was found in a folder; none where it has no SQL.
fn of(found: &Found, keys: &Keys, configured: &[BindKey]) -> Result<Vec<Migration>, Problem> {
    if let Some(migrations) = flask::migrations(found, keys, configured)? {
        return Ok(migrations);
    }
    if let Some(migrations) = nested::migrations(found)? {
        return Ok(migrations);
    }
    if let Some(migrations) = refinery::migrations(found)? {
        return Ok(migrations);
    }
    if let Some(migrations) = directed::migrations(found)? {
        return Ok(migrations);
    }
    named::migrations(found)
}

/// Returns those of the binds that have a folder of their own in the folder, by its name.
fn folders_of<'k>(folder: &Path, keys: &'k [BindKey]) -> Vec<&'k str> {
    let is_name = |key: &str| {
        let mut parts = Path::new(key).components();
        matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == key)
            && !key.starts_with('.')
    };
    let mut folders = Vec::new();
    for key in keys {
        let name = marked::name(key);
        if is_name(name) && folder.join(name).is_dir() {
            folders.push(name);
        }
    }
    folders
}
