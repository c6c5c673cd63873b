//! The revisions in what Alembic writes: a line before each says which one it runs.

use super::super::comments;
use super::super::folder;
use super::super::migration::{Migration, Problem};
use super::super::tool::Tool;
use crate::sqlite::script;

/// Returns the migrations with each file of Alembic's as its revisions; without one in it, it stays what it is.
pub(in super::super) fn expand(migrations: Vec<Migration>) -> Result<Vec<Migration>, Problem> {
    let mut all = Vec::new();
    for migration in migrations {
        if !matches!(migration.tool, None | Some(Tool::FlaskMigrate)) {
            all.push(migration);
            continue;
        }
        let text =
            folder::text(&migration.up).map_err(|error| Problem::of_file(&migration.up, error.line, error.problem))?;
        match revisions(&text) {
            revisions if revisions.is_empty() => all.push(migration),
            revisions => {
                for (at, (start, revision)) in revisions.iter().enumerate() {
                    let end = revisions.get(at + 1).map_or(text.len(), |(next, _)| *next);
                    // What stands before the first revision makes Alembic's own table.
                    let start = if at == 0 { 0 } else { *start };
                    all.push(Migration {
                        name: format!("{} ({revision})", migration.name),
                        version: revision.clone(),
                        tool: Some(Tool::FlaskMigrate),
                        part: Some(start..end),
                        ..migration.clone()
                    });
                }
            }
        }
    }
    Ok(all)
}

/// Returns where each revision begins, and its name.
fn revisions(text: &str) -> Vec<(usize, String)> {
    if !super::load::is_of_alembic(text) {
        return Vec::new();
    }
    let Ok(statements) = script::statements(text) else { return Vec::new() };
    let mut revisions = Vec::new();
    for comment in comments::between(text, &statements) {
        if let Some((_, revision)) =
            comment.text.strip_prefix("Running upgrade ").and_then(|revisions| revisions.split_once("->"))
        {
            revisions.push((comment.start, revision.trim().to_string()));
        }
    }
    revisions
}
