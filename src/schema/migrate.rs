//! Migrating a database from one version of its folder to another.

use rusqlite::Connection;

use super::migration::{Migration, Problem, Script, ScriptTransaction};
use super::migrations::{self, Direction};
use super::run::{execute_live, Ground};
use super::source::{Applied, SchemaPart, Whose};
use super::tool::Tool;
use crate::config::MigrationVersion;
use crate::error::Result;

/// Runs what leads from the migrations that have run to a version, and notes in `applied` which have run then.
///
/// Each migration is a transaction as its tool has it, so those before one that fails have run.
pub(crate) fn migrate_to(
    conn: &mut Connection,
    ground: &Ground<'_>,
    whose: &Whose<'_>,
    applied: &mut Applied,
    version: &MigrationVersion,
) -> Result<()> {
    let folder = applied.folder.clone();
    let failed = |problem| whose.of_problem(&folder, problem);
    let all = migrations::read(&folder, whose.keys, whose.configured).and_then(migrations::expand).map_err(failed)?;
    let now = applied.names.len();
    check_unchanged(&all, &applied.names).map_err(failed)?;
    let target = migrations::count(&all, version).map_err(failed)?;
    if target >= now {
        for steps in in_transactions(&all[now..target]) {
            let scripts = whose.scripts(&folder, steps)?;
            run(conn, ground, scripts)?;
            applied.names.extend(steps.iter().map(|step| step.name.clone()));
        }
        return Ok(());
    }
    let mut back = Vec::new();
    // All are read before one runs, so that a way that ends in the midst is not begun.
    for steps in in_transactions(&all[target..now]).into_iter().rev() {
        back.push((way_back(whose, steps).map_err(failed)?, steps.len()));
    }
    for (scripts, steps) in back {
        run(conn, ground, scripts)?;
        applied.names.truncate(applied.names.len() - steps);
    }
    Ok(())
}

/// Refuses a folder in which those that have run are not the first ones any more.
fn check_unchanged(all: &[Migration], applied: &[String]) -> Result<(), Problem> {
    for (at, name) in applied.iter().enumerate() {
        match all.get(at) {
            Some(migration) if migration.name == *name => {}
            Some(other) => {
                return Err(Problem::from(format!(
                    "`{name}` has run, and `{}` is in its place now: the folder has changed since the harness started",
                    other.name
                )));
            }
            None => {
                return Err(Problem::from(format!(
                    "`{name}` has run and is gone: the folder has changed since the harness started"
                )));
            }
        }
    }
    Ok(())
}

/// Returns the steps by the transactions that they run in: each by itself, but for rusqlite_migration, which has one for all.
fn in_transactions(steps: &[Migration]) -> Vec<&[Migration]> {
    match steps.first() {
        Some(first) if first.tool == Some(Tool::RusqliteMigration) => vec![steps],
        _ => steps.chunks(1).collect(),
    }
}

/// Reads the scripts that lead back from migrations, the last one first.
fn way_back(whose: &Whose<'_>, steps: &[Migration]) -> Result<Vec<Script>, Problem> {
    let mut scripts = Vec::new();
    for step in steps.iter().rev() {
        let Some(down) = &step.down else { return Err(migrations::no_way_back(step)) };
        let divided = whose.shared(migrations::load_part(step)?)?.1;
        let loaded = migrations::load(down, step.tool, Direction::Down)?;
        if loaded.is_empty() {
            return Err(migrations::no_way_back(step));
        }
        let (ours, marked) = whose.shared(loaded)?;
        if divided && !marked {
            let problem =
                "what leads up is divided between binds by `-- bind:` lines, and what leads back is not: divide it too";
            return Err(Problem::of_file(down, None, problem));
        }
        scripts.extend(ours);
    }
    let joint = steps.iter().all(|step| step.tool == Some(Tool::RusqliteMigration));
    if let Some(last) = scripts.last_mut().filter(|_| joint) {
        last.transaction = ScriptTransaction::Joint { ends: true };
    }
    Ok(scripts)
}

fn run(conn: &mut Connection, ground: &Ground<'_>, scripts: Vec<Script>) -> Result<()> {
    execute_live(conn, ground, &scripts.into_iter().map(SchemaPart::Script).collect::<Vec<_>>())
}
