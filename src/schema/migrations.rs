//! The migrations of a folder, in the order of their versions, whichever tool's layout the folder has.
//!
//! The layouts are told by the names alone, as the tools do: sqlx's `1_a.sql`, `1_a.up.sql` and `1_a.down.sql`, Diesel's
//! `2024-01-01-000000_a/up.sql`, refinery's `V1__a.sql`, and files with a number first or with none.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::folder::{has_extension, natural_order, visible};
use super::marked;
use super::version::{self, Version};
use crate::error::list;
use crate::key::BindKey;
use crate::order::sort_by;

/// Where the files of a migration lie and how they are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Diesel,
    Refinery,
    Reversible,
    Numbered,
    Named,
}

/// As messages say it after a file's name.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layout::Diesel => "in a folder of its own, as Diesel has it",
            Layout::Refinery => "as refinery has it",
            Layout::Reversible => "up and down, as sqlx has it",
            Layout::Numbered => "with a number first",
            Layout::Named => "without a number",
        })
    }
}

/// A file or a folder that belongs to the migrations.
struct Entry {
    /// As messages show it.
    name: String,
    /// What it is ordered by where it has no version.
    stem: String,
    path: PathBuf,
    layout: Layout,
    version: Option<Version>,
    down: bool,
}

/// The files to run, in order, or what is wrong with the folder.
///
/// A folder that has no SQL file, but folders named after binds, has one for each bind; those of `keys` are read.
pub(super) fn files(folder: &Path, keys: &[BindKey], configured: &[BindKey]) -> Result<Vec<PathBuf>, String> {
    let binds = folders_of(folder, configured);
    let own = folders_of(folder, keys);
    let entries = entries(folder, &binds)?;
    let Some(first) = entries.first() else {
        return match own.is_empty() {
            true => Err(nothing(keys, &binds)),
            false => {
                let mut files = Vec::new();
                for name in own {
                    files.extend(own_files(folder, name)?);
                }
                Ok(files)
            }
        };
    };
    for name in own {
        if !self::entries(&folder.join(name), &[])?.is_empty() {
            return Err(format!(
                "`{}` and the folder `{name}` of this bind's own are side by side: move the files into the folders of \
                 their binds, or give the bind's folder itself",
                first.name
            ));
        }
    }
    in_order(entries)
}

/// Those of the binds that have a folder of their own in the folder, by its name.
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

/// The files of a bind's own folder in the folder of all binds.
fn own_files(folder: &Path, name: &str) -> Result<Vec<PathBuf>, String> {
    match entries(&folder.join(name), &[])? {
        entries if entries.is_empty() => Err(format!("its folder `{name}` has no `.sql` file")),
        entries => in_order(entries).map_err(|problem| format!("in its folder `{name}`: {problem}")),
    }
}

/// What to say of a folder without SQL.
fn nothing(keys: &[BindKey], binds: &[&str]) -> String {
    let name = keys.first().map(marked::name).unwrap_or_default();
    match binds {
        [] => "the folder has no `.sql` file".to_string(),
        [one] => format!("the folder has no `.sql` file, but a folder of the bind {one}: make one named `{name}`"),
        binds => {
            format!("the folder has no `.sql` file, but folders of the binds {}: make one named `{name}`", list(binds))
        }
    }
}

/// What a folder has of migrations, but for the folders of binds in it.
fn entries(folder: &Path, binds: &[&str]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    let mut folders = Vec::new();
    for path in visible(folder).map_err(|error| format!("the folder cannot be read: {error}"))? {
        if path.is_dir() {
            if !binds.contains(&&*file_name(&path)) {
                folders.push(path);
            }
        } else if let Some(entry) = file(&path)? {
            entries.push(entry);
        }
    }
    if folders.iter().any(|path| path.join("up.sql").is_file()) {
        for path in &folders {
            entries.push(diesel(path)?);
        }
    } else if let Some(path) = folders.iter().find(|path| path.join("migration.sql").is_file()) {
        return Err(prisma(&file_name(path)));
    } else if entries.iter().all(|entry| entry.layout == Layout::Refinery) {
        for path in &folders {
            below(path, &file_name(path), &mut entries)?;
        }
    }
    Ok(entries)
}

/// What to say of Prisma's migrations, of which one is in this folder.
fn prisma(folder: &str) -> String {
    format!(
        "`{folder}/migration.sql` is a migration of Prisma's, in the SQL of the `provider` that `migration_lock.toml` names. If \
         that is sqlite, list the files one by one in the order of their folders; else write the bind's schema in SQLite's SQL"
    )
}

/// The refinery migrations of a folder within the folder, where refinery looks too.
fn below(folder: &Path, shown: &str, entries: &mut Vec<Entry>) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("its folder `{shown}` cannot be read: {error}");
    for path in visible(folder).map_err(unreadable)? {
        let name = format!("{shown}/{}", file_name(&path));
        // A link to a folder may lead back up.
        if path.is_dir() && !path.is_symlink() {
            below(&path, &name, entries)?;
        } else if path.is_file() {
            match file(&path)? {
                Some(entry) if entry.layout == Layout::Refinery => entries.push(Entry { name, ..entry }),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A file as a migration, `None` where it is something else.
fn file(path: &Path) -> Result<Option<Entry>, String> {
    let name = file_name(path);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(version) = refinery(&stem) {
        if has_extension(path, "rs") {
            return Err(format!(
                "`{name}` is a migration in Rust, which refinery alone can run: give its runner to `schema_with`"
            ));
        }
        if has_extension(path, "sql") {
            let (path, layout) = (path.to_path_buf(), Layout::Refinery);
            return Ok(Some(Entry { name, stem, path, layout, version: Some(version), down: false }));
        }
    }
    if !has_extension(path, "sql") {
        return Ok(None);
    }
    let direction = |direction: &str| match stem.len().checked_sub(direction.len()) {
        Some(end) if stem.get(end..).is_some_and(|last| last.eq_ignore_ascii_case(direction)) => stem.get(..end),
        _ => None,
    };
    let (up, down) = (direction(".up"), direction(".down"));
    let bare = up.or(down).unwrap_or(&stem).to_string();
    let version = Version::leading(&bare);
    let layout = match version {
        Some(_) if up.is_some() || down.is_some() => Layout::Reversible,
        Some(_) => Layout::Numbered,
        None => Layout::Named,
    };
    let down = down.is_some() || stem.eq_ignore_ascii_case("down");
    Ok(Some(Entry { name, stem: bare, path: path.to_path_buf(), layout, version, down }))
}

/// The version of a name as refinery has it: `V1__a`, or `U1__a` for one that may come late.
fn refinery(stem: &str) -> Option<Version> {
    let (version, name) = stem.strip_prefix(['V', 'U'])?.split_once("__")?;
    Version::whole(version).filter(|_| !name.is_empty())
}

/// A folder as one of Diesel's migrations.
fn diesel(folder: &Path) -> Result<Entry, String> {
    let stem = file_name(folder);
    let path = folder.join("up.sql");
    if !path.is_file() {
        return Err(format!(
            "the folder `{stem}` beside Diesel's migrations has no `up.sql`: put it back, or move the folder elsewhere"
        ));
    }
    let Some(version) = Version::leading(&stem) else {
        return Err(format!("the folder `{stem}` of a Diesel migration has no version in front: name it as in `2024-01-01-000000_{stem}`"));
    };
    let name = format!("{stem}/up.sql");
    Ok(Entry { name, stem, path, layout: Layout::Diesel, version: Some(version), down: false })
}

/// The migrations that lead up, in order.
fn in_order(mut entries: Vec<Entry>) -> Result<Vec<PathBuf>, String> {
    sort_by(&mut entries, |one, other| {
        one.version
            .cmp(&other.version)
            .then_with(|| natural_order(&one.stem, &other.stem))
            .then(one.path.cmp(&other.path))
    });
    if let Some(first) = entries.first()
        && let Some(other) = entries.iter().find(|entry| entry.layout != first.layout)
    {
        let (first, other) = if first.name < other.name { (first, other) } else { (other, first) };
        return Err(format!(
            "its files are laid out in two ways: `{}` {}, `{}` {}. Keep to one, or list the files one by one in the order in \
             which they run",
            first.name, first.layout, other.name, other.layout
        ));
    }
    let (mut versions, mut paths) = (Vec::new(), Vec::new());
    for up in &entries {
        if up.down {
            continue;
        }
        if let Some(version) = &up.version {
            versions.push((version, up.name.as_str()));
        }
        paths.push(up.path.clone());
    }
    for down in &entries {
        let leads_back = |up: &Entry| match &down.version {
            Some(version) => up.version.as_ref() == Some(version),
            None => up.stem == down.up_stem(),
        };
        if down.down && !entries.iter().any(|up| !up.down && leads_back(up)) {
            let up = match down.stem.eq_ignore_ascii_case("down") {
                true => "up.sql".to_string(),
                false => format!("{}.up.sql", down.stem),
            };
            return Err(format!(
                "`{}` has no `{up}`: a file that leads down is never run, and what leads up is missing",
                down.name
            ));
        }
    }
    match version::problem(&versions) {
        Some(problem) => Err(problem),
        None => Ok(paths),
    }
}

impl Entry {
    /// Without a version, the stem of the file that leads where this one leads back from.
    fn up_stem(&self) -> &str {
        match self.stem.eq_ignore_ascii_case("down") {
            true => "up",
            false => &self.stem,
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
