//! The bind and the table that a data file is for, by its name.

use super::scenario::{resolve, Labels, Link, Target};
use super::{DataFile, Files, Format};
use crate::error::{list, Result};
use crate::key::{BindIndex, BindKey, PerBind};
use crate::list::mapped;
use crate::nearest::nearest;
use crate::schema::Metadata;

/// Data files by the bind that they are for, and the labels of their rows.
pub(crate) struct Distributed {
    pub(crate) files: PerBind<Vec<DataFile>>,
    pub(crate) labels: Labels,
}

/// Finds the bind of each file and, in a scenario, of each row.
pub(crate) fn distribute(
    files: Files,
    targets: &PerBind<Target<'_>>,
    links: &[Link],
    known: &Labels,
) -> Result<Distributed> {
    let mut of_each = targets.map(|_, _| Vec::new());
    for mut file in files.files {
        let at = assign(&mut file, targets)?;
        of_each[at].push(file);
    }
    let (mut rows, labels) = resolve(&files.scenarios, targets, links, known)?;
    for (files, rows) in of_each.values_mut().iter_mut().zip(rows.values_mut()) {
        files.append(rows);
    }
    Ok(Distributed { files: of_each, labels })
}

/// Finds the database of a file that was given without one, by the file's name, and notes the bind and the table in the
/// file.
fn assign(file: &mut DataFile, targets: &PerBind<Target<'_>>) -> Result<BindIndex> {
    let (at, key, table) = match file.format {
        Format::Sql => assign_script(file, targets).map(|(at, key)| (at, key, None))?,
        Format::Csv | Format::Json | Format::Toml => {
            assign_rows(file, targets).map(|(at, key, table)| (at, key, Some(table)))?
        }
    };
    let table = table.map(str::to_string);
    file.bind = Some(key.clone());
    file.table = table;
    Ok(at)
}

fn assign_rows<'t>(file: &DataFile, targets: &PerBind<Target<'t>>) -> Result<(BindIndex, &'t BindKey, &'t str)> {
    let stem = file.stem();
    // A name that says its bind is about that bind, whatever another bind calls its tables.
    let (mut found, mut qualified) = (Vec::new(), Vec::new());
    for (at, Target { keys, metadata, .. }) in targets.iter() {
        let in_bind = |key| Some((at, key, table_in(stem, key, metadata)?));
        if let Some((at, key, table)) = keys.iter().find_map(in_bind) {
            found.push((at, key, table));
            if table.len() < stem.len() {
                qualified.push((at, key, table));
            }
        }
    }
    match (qualified.as_slice(), found.as_slice()) {
        ([one], _) | ([], [one]) => Ok(*one),
        ([], []) => Err(file.error(None, no_table(stem, targets.values()))),
        (_, [(first, ..), ..]) | ([(first, ..), ..], []) => {
            let mut keys = Vec::new();
            for (at, ..) in &found {
                keys.extend(targets[*at].keys.iter());
            }
            let example = targets[*first].keys.first();
            let problem = format!(
                "table `{stem}` is in the binds {}: say which in the file's name, `{example}.{}` for example",
                list(&keys),
                file.name()
            );
            Err(file.error(None, problem))
        }
    }
}

fn assign_script<'t>(file: &DataFile, targets: &PerBind<Target<'t>>) -> Result<(BindIndex, &'t BindKey)> {
    if targets.len() == 1
        && let Some((at, target)) = targets.iter().next()
    {
        return Ok((at, target.keys.first()));
    }
    // `auth.sql` or `auth.users.sql`; of two keys that fit, as `a` and `a.b` do, the longer says more.
    let stem = format!("{}.", file.stem());
    let length = |key: &BindKey| key.as_str().map_or(0, str::len);
    let (mut all, mut longest) = (Vec::new(), None);
    for (at, target) in targets.iter() {
        for key in target.keys.iter() {
            all.push(key);
            if after_key(&stem, key).is_some() && longest.is_none_or(|(_, other)| length(key) >= length(other)) {
                longest = Some((at, key));
            }
        }
    }
    longest.ok_or_else(|| {
        let problem = match all.first() {
            Some(example) => format!(
                "its name does not say which bind it is for: configured are {}; name it `{}.{}` for example",
                list(&all),
                example,
                file.name()
            ),
            None => "no bind has a database yet: a dynamic bind gets one when it is first used".to_string(),
        };
        file.error(None, problem)
    })
}

/// Returns the table or view that a file of this name is for: the name itself, or what follows the bind's key in it.
pub(super) fn table_in<'m>(stem: &str, key: &BindKey, metadata: &'m Metadata) -> Option<&'m str> {
    let find = |name: &str| match metadata.table(name) {
        Some(table) => Some(table.name()),
        None => metadata.view(name).map(|view| view.name()),
    };
    find(stem).or_else(|| find(after_key(stem, key)?))
}

/// Returns what follows the bind's key and a dot; `main` and `default` stand for the default bind.
fn after_key<'s>(stem: &'s str, key: &BindKey) -> Option<&'s str> {
    let names: &[&str] = match key.as_str() {
        Some(key) => &[key],
        None => &["main", "default"],
    };
    for name in names {
        if let Some((start, rest)) = stem.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name)
            && let Some(table) = rest.strip_prefix('.')
        {
            return Some(table);
        }
    }
    None
}

fn no_table(stem: &str, targets: &[Target<'_>]) -> String {
    let mut known = Vec::new();
    for Target { keys, metadata, .. } in targets {
        // A name that says its bind is compared in that bind only.
        for key in keys.iter() {
            if let Some(table) = after_key(stem, key) {
                return no_table_in(table, key, metadata);
            }
        }
        known.extend(names(metadata));
    }
    let mut found = String::new();
    if let Some(name) = nearest(stem, &known) {
        let mut owners = Vec::new();
        for Target { keys, metadata, .. } in targets {
            if metadata.table(name).is_some() {
                owners.extend(keys.iter());
            }
        }
        found = format!(": the nearest name is `{name}` in {}", list(&owners));
    }
    format!("no table `{stem}` in any bind{found}; the file is named after its table")
}

/// Returns the problem of a bind without a table of that name.
pub(super) fn no_table_in(table: &str, key: &BindKey, metadata: &Metadata) -> String {
    let found = match nearest(table, &names(metadata)) {
        Some(name) => format!(": the nearest name is `{name}`"),
        None => String::new(),
    };
    format!("no table `{table}` in bind `{key}`{found}; the file is named after its table")
}

fn names(metadata: &Metadata) -> Vec<&str> {
    mapped(metadata.tables(), |table| table.name())
}
