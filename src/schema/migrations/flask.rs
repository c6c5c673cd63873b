//! Files named after binds, as `flask db upgrade --sql` writes them: `.sql` for the default bind, `auth.sql` for `auth`.

use std::path::{Path, PathBuf};

use super::super::marked;
use super::super::migration::{Migration, Problem};
use super::found::{name, stem, Found};
use crate::error::list;
use crate::key::BindKey;

/// Returns the file of each of the keys; `None` where the folder's files are not named after binds.
///
/// They are where one is called `.sql`, and where each has the name of a bind.
pub(super) fn migrations(
    found: &Found,
    keys: &[BindKey],
    configured: &[BindKey],
) -> Result<Option<Vec<Migration>>, Problem> {
    let nameless = found.folder.join(".sql");
    let written_by_flask = nameless.is_file();
    let sql = found.sql_files();
    let mut of_no_bind = Vec::new();
    for file in &sql {
        let stem = stem(file);
        if !configured.iter().any(|key| marked::name(key) == stem) {
            of_no_bind.push(name(file));
        }
    }
    if !written_by_flask && (sql.is_empty() || !of_no_bind.is_empty() || configured.len() < 2) {
        return Ok(None);
    }
    if let Some(file) = of_no_bind.first() {
        return Err(Problem::from(format!(
            "`{file}` is named after no bind, and `.sql` beside it says that there is a file for each, as `flask db upgrade \
             --sql` writes them: configured are {}",
            list(configured)
        )));
    }
    let mut migrations = Vec::new();
    for key in keys {
        let named = found.folder.join(format!("{}.sql", marked::name(key)));
        let is_nameless = key.is_default() && written_by_flask;
        if is_nameless && named.is_file() {
            let problem = format!("`.sql` and `{}` are both the default bind's: remove one", name(&named));
            return Err(Problem::from(problem));
        }
        let file = if is_nameless { nameless.clone() } else { named };
        if !file.is_file() {
            return Err(lacks(key, &sql_names(&sql, written_by_flask)));
        }
        migrations.push(migration(file));
    }
    Ok(Some(migrations))
}

fn sql_names(sql: &[&Path], written_by_flask: bool) -> Vec<String> {
    let mut names = Vec::new();
    if written_by_flask {
        names.push("`.sql`".to_string());
    }
    for file in sql {
        names.push(format!("`{}`", name(file)));
    }
    names
}

/// Returns the error for a bind that has no file.
fn lacks(key: &BindKey, names: &[String]) -> Problem {
    Problem::from(format!(
        "it has a file for each bind ({}) and none for this one, which would be called `{}.sql`; what \
         is for this one all the same is given by itself, as a file",
        list(names),
        if key.is_default() { "" } else { marked::name(key) }
    ))
}

fn migration(file: PathBuf) -> Migration {
    Migration { name: name(&file), version: String::new(), tool: None, up: file, part: None, down: None }
}
