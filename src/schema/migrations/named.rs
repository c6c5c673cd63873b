//! Files that are known by their names alone: sqlx's, and those of no tool.

use std::path::Path;

use super::super::folder::natural_order;
use super::super::migration::{Migration, Problem};
use super::super::tool::Tool;
use super::conflict::{same_version, two_ways, LIST_THEM};
use super::found::{name, stem, Found};
use super::version::{self, Version};
use crate::order::sort_by;

/// The direction of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// Up, and there may be no way back.
    Simple,
    Up,
    Down,
}

/// A file of sqlx's.
struct OfSqlx<'f> {
    path: &'f Path,
    name: String,
    version: i64,
    way: Way,
}

/// A file of no tool.
struct Plain<'f> {
    path: &'f Path,
    name: String,
    /// The text that it is ordered by where it has no version.
    stem: String,
    version: Option<Version>,
    down: bool,
}

/// Returns the migrations of the SQL files; none where there are none.
pub(super) fn migrations(found: &Found) -> Result<Vec<Migration>, Problem> {
    let files = found.sql_files();
    // sqlx reads the year alone of `2024_01_02_user.sql`, so such names are nobody's but their author's.
    let dated = files.iter().all(|file| version::is_date(&name(file)));
    let of_sqlx = |file: &&Path| !dated && version_of_sqlx(&name(file)).is_some();
    if let Some(first) = files.iter().find(|file| of_sqlx(file)) {
        return match files.iter().find(|file| !of_sqlx(file)) {
            Some(other) => Err(two_ways((&name(first), layout(first)), (&name(other), layout(other)))),
            None => sqlx(&files),
        };
    }
    if files.is_empty()
        && let Some(file) = found.sql_within()?
    {
        return Err(Problem::from(format!(
            "it has `{file}` in a folder that is no bind's, and no SQL of its own: give that folder by itself, or {LIST_THEM}"
        )));
    }
    plain(&files)
}

/// Returns the form of a file's name, as messages show it after the name.
pub(super) fn layout(file: &Path) -> &'static str {
    let name = name(file);
    if version_of_sqlx(&name).is_some() {
        "with a number and `_` first, as sqlx has it"
    } else if Version::leading(&bare_stem(file).0).is_some() {
        "with a number first"
    } else {
        "without a number"
    }
}

/// Returns the version of a file name that sqlx takes: what is before the first `_`, if that is a number.
pub(super) fn version_of_sqlx(name: &str) -> Option<i64> {
    let (version, rest) = name.split_once('_')?;
    rest.ends_with(".sql").then(|| version.parse().ok()).flatten()
}

/// Orders the files as sqlx does: the simple ones and those that lead up, by their numbers.
fn sqlx(files: &[&Path]) -> Result<Vec<Migration>, Problem> {
    let mut all = Vec::new();
    for path in files {
        let name = name(path);
        let lower = name.to_ascii_lowercase();
        let way = |suffix: &str| match (name.ends_with(suffix), lower.ends_with(suffix)) {
            (false, true) => Err(Problem::from(format!(
                "`{name}` is, to sqlx, one more file that leads up: it looks for `{suffix}` in lower case"
            ))),
            (found, _) => Ok(found),
        };
        let way = match (way(".up.sql")?, way(".down.sql")?) {
            (true, _) => Way::Up,
            (_, true) => Way::Down,
            _ => Way::Simple,
        };
        let Some(version) = version_of_sqlx(&name) else { continue };
        all.push(OfSqlx { path, name, version, way });
    }
    sort_by(&mut all, |one, other| {
        (one.version, one.way).cmp(&(other.version, other.way)).then_with(|| one.name.cmp(&other.name))
    });
    let mut migrations: Vec<Migration> = Vec::new();
    let mut counted = Vec::new();
    for file in &all {
        let version = file.version.to_string();
        let same = migrations.last_mut().filter(|last| last.version == version);
        match (file.way, same) {
            (Way::Down, None) => return Err(no_way_up(&file.name)),
            (Way::Down, Some(up)) => match &up.down {
                Some(down) => return Err(same_version(&super::found::name(down), &file.name, &version)),
                None => up.down = Some(file.path.to_path_buf()),
            },
            (_, Some(up)) => return Err(same_version(&up.name, &file.name, &version)),
            (_, None) => {
                counted.extend(Version::whole(&version).map(|version| (version, file.name.as_str())));
                let (tool, up) = (Some(Tool::Sqlx), file.path.to_path_buf());
                migrations.push(Migration { name: file.name.clone(), version, tool, up, part: None, down: None });
            }
        }
    }
    version::gaps(&counted)?;
    Ok(migrations)
}

/// Orders files of no tool by the numbers that they begin with, or in natural order where they begin with none.
fn plain(files: &[&Path]) -> Result<Vec<Migration>, Problem> {
    let mut all = Vec::new();
    for path in files {
        let (bare, down) = bare_stem(path);
        let version = Version::leading(&bare);
        all.push(Plain { path, name: name(path), stem: bare, version, down });
    }
    sort_by(&mut all, |one, other| {
        one.version
            .cmp(&other.version)
            .then_with(|| natural_order(&one.stem, &other.stem))
            .then(one.path.cmp(other.path))
    });
    if let (Some(first), Some(last)) = (all.first(), all.last())
        && first.version.is_some() != last.version.is_some()
    {
        return Err(two_ways((&first.name, layout(first.path)), (&last.name, layout(last.path))));
    }
    check_ways_back(&all)?;
    let leads_back = |up: &Plain<'_>, down: &Plain<'_>| match &down.version {
        Some(version) => up.version.as_ref() == Some(version),
        None => up.stem == down.up_stem(),
    };
    for down in all.iter().filter(|file| file.down) {
        if !all.iter().any(|up| !up.down && leads_back(up, down)) {
            return Err(no_way_up(&down.name));
        }
    }
    let (mut migrations, mut counted): (Vec<Migration>, Vec<(Version, &str)>) = (Vec::new(), Vec::new());
    for up in all.iter().filter(|file| !file.down) {
        if let (Some(version), Some((before, first))) = (&up.version, counted.last())
            && version == before
        {
            return Err(same_version(first, &up.name, &version.to_string()));
        }
        let shown = up.version.as_ref().map_or_else(|| up.stem.clone(), Version::to_string);
        counted.extend(up.version.clone().map(|version| (version, up.name.as_str())));
        let down = all.iter().find(|down| down.down && leads_back(up, down)).map(|down| down.path.to_path_buf());
        migrations.push(Migration {
            name: up.name.clone(),
            version: shown,
            tool: None,
            up: up.path.to_path_buf(),
            part: None,
            down,
        });
    }
    version::gaps(&counted)?;
    Ok(migrations)
}

impl Plain<'_> {
    /// Returns the stem, without a version, of the file whose migration this one reverts.
    fn up_stem(&self) -> &str {
        if self.stem.eq_ignore_ascii_case("down") {
            "up"
        } else {
            &self.stem
        }
    }
}

/// Returns a file's stem without the direction that it ends in, and whether that is down.
fn bare_stem(file: &Path) -> (String, bool) {
    let stem = stem(file);
    let direction = |direction: &str| match stem.len().checked_sub(direction.len()) {
        Some(end) if stem.get(end..).is_some_and(|last| last.eq_ignore_ascii_case(direction)) => stem.get(..end),
        _ => None,
    };
    let (up, down) = (direction(".up"), direction(".down"));
    let is_down = down.is_some() || stem.eq_ignore_ascii_case("down");
    (up.or(down).unwrap_or(&stem).to_string(), is_down)
}

/// The words for a way back that tools have in the names of files.
const BACK: [&str; 5] = ["down", "undo", "rollback", "revert", "downgrade"];

/// Refuses a file beside another that it seems to lead back from, in a spelling that no layout has: `user_down.sql`.
fn check_ways_back(files: &[Plain<'_>]) -> Result<(), Problem> {
    for file in files {
        let stem = file.stem.to_ascii_lowercase();
        let Some((bare, word)) = stem.rsplit_once(|letter: char| !letter.is_alphanumeric()) else { continue };
        let forth = |other: &Plain<'_>| {
            let other = other.stem.to_ascii_lowercase();
            other == bare || other.strip_prefix(bare).is_some_and(|rest| matches!(rest, "_up" | "-up" | ".up" | " up"))
        };
        if BACK.contains(&word) && files.iter().any(forth) {
            return Err(Problem::from(format!(
                "`{}` seems to lead back, and would run: name it `{}.down.sql`, which never runs by itself, or {LIST_THEM}",
                file.name,
                &file.stem[..bare.len()]
            )));
        }
    }
    Ok(())
}

/// Returns the problem of a file that leads back from no migration.
fn no_way_up(name: &str) -> Problem {
    let stem = name.get(..name.len().saturating_sub(".sql".len())).unwrap_or(name);
    let up = match stem.strip_suffix(".down") {
        Some(bare) => format!("{bare}.up.sql"),
        None if stem.eq_ignore_ascii_case("down") => "up.sql".to_string(),
        None => format!("{stem}.up.sql"),
    };
    Problem::from(format!("`{name}` has no `{up}`: a file that leads down is never run, and what leads up is missing"))
}
