//! Which bind and table a data file is for, by its name.

use super::{DataFile, Format};
use crate::error::{list, Result};
use crate::key::BindKey;
use crate::nearest::nearest;
use crate::schema::Metadata;

/// A database that data may be for: every key that means it, and its tables.
pub(crate) type Target<'t> = (&'t [BindKey], &'t Metadata);

/// Finds the database of a file that was given without one, by the file's name; gives its place among `targets`, and
/// notes the bind and the table in the file.
pub(crate) fn assign(file: &mut DataFile, targets: &[Target<'_>]) -> Result<usize> {
    let (at, key, table) = match file.format {
        Format::Sql => assign_script(file, targets).map(|(at, key)| (at, key, None))?,
        Format::Csv | Format::Json => assign_rows(file, targets).map(|(at, key, table)| (at, key, Some(table)))?,
    };
    let table = table.map(str::to_string);
    file.bind = Some(key.clone());
    file.table = table;
    Ok(at)
}

fn assign_rows<'t>(file: &DataFile, targets: &[Target<'t>]) -> Result<(usize, &'t BindKey, &'t str)> {
    let stem = file.stem();
    let find = |(at, &(keys, metadata)): (usize, &Target<'t>)| {
        keys.iter().find_map(|key| Some((at, key, table_in(stem, key, metadata)?)))
    };
    let found: Vec<_> = targets.iter().enumerate().filter_map(find).collect();
    // A name that says its bind is about that bind, whatever another bind calls its tables.
    let qualified: Vec<_> = found.iter().filter(|(_, _, table)| table.len() < stem.len()).collect();
    match (qualified.as_slice(), found.as_slice()) {
        ([one], _) => Ok(**one),
        ([], [one]) => Ok(*one),
        ([], []) => Err(file.error(None, no_table(stem, targets))),
        _ => {
            let keys: Vec<_> = found.iter().flat_map(|(at, ..)| targets[*at].0).collect();
            let example = keys.first().map_or("main", |key| key.schema_name());
            let problem = format!(
                "table `{stem}` is in the binds {}: say which in the file's name, `{example}.{}` for example",
                list(&keys),
                file.name()
            );
            Err(file.error(None, problem))
        }
    }
}

fn assign_script<'t>(file: &DataFile, targets: &[Target<'t>]) -> Result<(usize, &'t BindKey)> {
    if let [([key, ..], _)] = targets {
        return Ok((0, key));
    }
    // `auth.sql` or `auth.users.sql`; of two keys that fit, as `a` and `a.b` do, the longer says more.
    let stem = format!("{}.", file.stem());
    let keys = targets.iter().enumerate().flat_map(|(at, (keys, _))| keys.iter().map(move |key| (at, key)));
    let fitting = keys.clone().filter(|(_, key)| after_key(&stem, key).is_some());
    let longest = fitting.max_by_key(|(_, key)| key.as_str().map_or(0, str::len));
    longest.ok_or_else(|| {
        let keys: Vec<_> = keys.map(|(_, key)| key).collect();
        let example = keys.first().map_or("main", |key| key.schema_name());
        let problem = format!(
            "its name does not say which bind it is for: configured are {}; name it `{example}.{}` for example",
            list(&keys),
            file.name()
        );
        file.error(None, problem)
    })
}

/// The table or view that a file of this name is for: the name itself, or what follows the bind's key in it.
pub(super) fn table_in<'m>(stem: &str, key: &BindKey, metadata: &'m Metadata) -> Option<&'m str> {
    let find = |name: &str| {
        let table = metadata.table(name).map(|table| table.name());
        table.or_else(|| metadata.view(name).map(|view| view.name()))
    };
    find(stem).or_else(|| find(after_key(stem, key)?))
}

/// What follows the bind's key and a dot; `main` and `default` stand for the default bind.
fn after_key<'s>(stem: &'s str, key: &BindKey) -> Option<&'s str> {
    let names: &[&str] = match key.as_str() {
        Some(key) => &[key],
        None => &["main", "default"],
    };
    names.iter().find_map(|name| {
        let start = stem.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name))?;
        stem[start.len()..].strip_prefix('.')
    })
}

fn no_table(stem: &str, targets: &[Target<'_>]) -> String {
    // A name that says its bind is compared in that bind only.
    let mut keys = targets.iter().flat_map(|(keys, metadata)| keys.iter().map(move |key| (key, *metadata)));
    if let Some((key, metadata, table)) = keys.find_map(|(key, metadata)| Some((key, metadata, after_key(stem, key)?)))
    {
        return no_table_in(table, key, metadata);
    }
    let nearest = nearest(stem, targets.iter().flat_map(|(_, metadata)| names(metadata))).map(|name| {
        let owners = targets.iter().filter(|(_, metadata)| metadata.table(name).is_some());
        let keys: Vec<_> = owners.flat_map(|(keys, _)| keys.iter()).collect();
        format!(": the nearest name is `{name}` in {}", list(&keys))
    });
    format!("no table `{stem}` in any bind{}; the file is named after its table", nearest.unwrap_or_default())
}

/// What to say where the bind has no table of that name.
pub(super) fn no_table_in(table: &str, key: &BindKey, metadata: &Metadata) -> String {
    let nearest = nearest(table, names(metadata)).map(|name| format!(": the nearest name is `{name}`"));
    format!("no table `{table}` in bind `{key}`{}; the file is named after its table", nearest.unwrap_or_default())
}

fn names(metadata: &Metadata) -> impl Iterator<Item = &str> {
    metadata.tables().iter().map(|table| table.name())
}
