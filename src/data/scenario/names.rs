//! The words for names that a scenario has wrong: binds, tables, columns, labels.

use super::Target;
use crate::error::list;
use crate::key::{BindIndex, BindKey, PerBind};
use crate::list::mapped;
use crate::nearest::nearest;
use crate::schema::{Metadata, TableInfo};

/// The most labels that a message lists.
const MOST: usize = 12;

/// Returns the problem of a name at the top that is neither a bind's key nor a table of one bind alone.
pub(super) fn no_bind_or_table(name: &str, targets: &PerBind<Target<'_>>) -> String {
    let (mut keys, mut owners, mut near) = (Vec::new(), Vec::new(), Vec::new());
    for target in targets.values() {
        keys.extend(target.keys.iter());
        if target.metadata.has(name) {
            owners.push(target.keys.first());
        }
        near.extend(tables(target.metadata));
    }
    let asked = BindKey::from(name);
    if let Some(database) = keys.iter().find(|key| key.is_of_database_of(&asked)) {
        return format!(
            "bind `{name}` is dynamic: name one of its databases, `['{database}'.TABLE.LABEL]` for example"
        );
    }
    if let Some(example) = owners.last() {
        return format!(
            "table `{name}` is in the binds {}: say which, `[{example}.{name}.LABEL]` for example",
            list(&owners)
        );
    }
    let known = mapped(&keys, |key| key.to_string());
    near.extend(known.iter().map(String::as_str));
    let near = match nearest(name, &near) {
        Some(near) => format!("; the nearest name is `{near}`"),
        None => String::new(),
    };
    format!(
        "no bind `{name}` and no table of that name: the binds are {}{near}. A row is `[BIND.TABLE.LABEL]`",
        list(&keys)
    )
}

/// Returns the problem of another bind in the file of one.
pub(super) fn of_another_bind(name: &str, own: &BindKey) -> String {
    format!("the file is the data of bind `{own}`, and `{name}` is another: give the file to the whole configuration, by `data` at its top")
}

/// Returns the problem of a table that its bind does not have.
pub(super) fn no_table(name: &str, key: &BindKey, at: BindIndex, targets: &PerBind<Target<'_>>) -> String {
    let mut owners = Vec::new();
    for (other, target) in targets.iter() {
        if other != at && target.metadata.has(name) {
            owners.push(target.keys.first());
        }
    }
    let known = tables(targets[at].metadata);
    let found = match (owners.as_slice(), nearest(name, &known)) {
        ([], Some(near)) => format!(": the nearest name is `{near}`"),
        ([], None) => format!(": its tables are {}", list(&known)),
        (owners, _) => format!(": it is in {}", list(owners)),
    };
    // `[user.bob]`, where `user` is a bind's key and a table's name.
    let mut other_reading = String::new();
    let key_name = key.to_string();
    for (other, target) in targets.iter() {
        if other != at && target.metadata.has(&key_name) {
            let owner = target.keys.first();
            other_reading = format!(". `{key_name}` is read as the bind; the table is `[{owner}.{key_name}.LABEL]`");
        }
    }
    format!("no table `{name}` in bind `{key}`{found}{other_reading}")
}

/// Returns the problem of a name that is neither a column nor a reference of a table.
pub(super) fn no_column(name: &str, table: &TableInfo) -> String {
    let columns = mapped(table.columns(), |column| column.name());
    let near = match nearest(name, &columns) {
        Some(near) => format!("the nearest is `{near}`; "),
        None => String::new(),
    };
    format!("table `{}` has no column `{name}`: {near}its columns are {}", table.name(), list(&columns))
}

/// Returns the problem of a label that no row of a table has.
pub(super) fn no_label(label: &str, key: &BindKey, table: &str, known: &[&str]) -> String {
    let (shown, more) = known.split_at(known.len().min(MOST));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    match (shown, nearest(label, known)) {
        ([], _) => format!("no row of `{key}.{table}` has a label, so there is no `{label}`"),
        (_, Some(near)) => {
            format!(
                "no row `{label}` of `{key}.{table}`: the nearest label is `{near}`; there are {}{more}",
                list(shown)
            )
        }
        (_, None) => format!("no row `{label}` of `{key}.{table}`, whose labels are {}{more}", list(shown)),
    }
}

/// Returns the problem of a name that is no row's: `bind.table.label`.
pub(super) fn no_row(name: &str, known: &[String]) -> String {
    let names = mapped(known, String::as_str);
    let (shown, more) = known.split_at(known.len().min(MOST));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    match (shown, nearest(name, &names)) {
        ([], _) => format!("no row `{name}`: no row has a label"),
        (_, Some(near)) => format!("no row `{name}`; the nearest is `{near}`"),
        (_, None) => format!("no row `{name}`: a name is `bind.table.label`, and there are {}{more}", list(shown)),
    }
}

/// Returns the problem of a row whose key is not one column.
pub(crate) fn not_one_key(name: &str, keys: &[String]) -> String {
    match keys {
        [] => format!("the table of `{name}` has no primary key: say which of its columns is meant"),
        keys => format!("the key of `{name}` has {} columns, {}: say which is meant", keys.len(), keys.join(", ")),
    }
}

/// Returns what follows the name of a bind and a dot; `main` and `default` are the default bind's.
pub(super) fn after_key<'t>(name: &'t str, key: &BindKey) -> Option<&'t str> {
    let after = |key: &str| name.strip_prefix(key)?.strip_prefix('.');
    after(&key.to_string()).or_else(|| after(key.schema_name()))
}

fn tables(metadata: &Metadata) -> Vec<&str> {
    mapped(metadata.tables(), |table| table.name())
}
