//! The SQL and the migrators that make a bind's tables, read from where the user put them.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::folder;
use super::marked::{self, Share};
use super::migration::{Migration, Problem, Script, ScriptTransaction};
use super::migrations::{self, Direction};
use super::tool::Tool;
use crate::config::{resolve_path, MigrationVersion, Migrator, SchemaSource};
use crate::error::{Error, Result};
use crate::key::{BindKey, Keys};
use crate::list::mapped;
use crate::sqlite::script;

/// One piece of a schema.
#[derive(Clone, Debug)]
pub(crate) enum SchemaPart {
    Script(Script),
    Migrator(Migrator),
}

/// A schema as it was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) parts: Vec<SchemaPart>,
    /// The folders of migrations among its sources.
    pub(crate) folders: Vec<Applied>,
}

/// A folder of migrations, and the names of those that have run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) folder: PathBuf,
    pub(crate) names: Vec<String>,
}

/// The binds whose tables are made, of all that are `configured`: a file or a folder may have parts for each.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'k> {
    pub(crate) keys: &'k Keys,
    pub(crate) configured: &'k [BindKey],
}

/// Reads the files that the sources name, and runs nothing.
pub(crate) fn read(keys: &Keys, configured: &[BindKey], sources: &[SchemaSource]) -> Result<Read> {
    let whose = Whose { keys, configured };
    let mut read = Read { parts: Vec::new(), folders: Vec::new() };
    for source in sources {
        let scripts = match source {
            SchemaSource::Sql(text) => migrations::script_of_text(None, text.clone())
                .map_err(|misplaced| whose.failure(None, Some(misplaced.line), misplaced.problem))?,
            SchemaSource::With(migrator) => {
                read.parts.push(SchemaPart::Migrator(migrator.clone()));
                continue;
            }
            SchemaSource::Path(path) => whose.read_path(&resolve_path(path), None, &mut read.folders)?,
            SchemaSource::UpTo(path, version) => {
                whose.read_path(&resolve_path(path), Some(version), &mut read.folders)?
            }
        };
        read.parts.extend(scripts.into_iter().map(SchemaPart::Script));
    }
    Ok(read)
}

impl Whose<'_> {
    /// Reads a `.sql` file, or the migrations of a folder.
    fn read_path(
        &self,
        path: &Path,
        up_to: Option<&MigrationVersion>,
        folders: &mut Vec<Applied>,
    ) -> Result<Vec<Script>> {
        let failed = |problem| self.of_problem(path, problem);
        if path.is_dir() || up_to.is_some() {
            let all = migrations::read(path, self.keys, self.configured).map_err(failed)?;
            let revisions = migrations::expand(all.clone()).map_err(failed)?;
            let mut applied = revisions.as_slice();
            // What has run to its end runs in whole files, as its tool has written them.
            let mut runs = all.as_slice();
            if let Some(version) = up_to {
                applied = &revisions[..migrations::count(&revisions, version).map_err(failed)?];
                runs = if applied.len() < revisions.len() { applied } else { runs };
            }
            let names = mapped(applied, |migration| migration.name.clone());
            folders.push(Applied { folder: path.to_path_buf(), names });
            return self.scripts(path, runs);
        }
        // Alembic writes the default bind's migrations into a file of that name.
        let is_sql = folder::has_extension(path, "sql") || path.file_name().is_some_and(|name| name == ".sql");
        if path.exists() && !is_sql {
            let problem = "a schema is a `.sql` file or a folder of them, and this is neither".to_string();
            return Err(failed(Problem::from(problem)));
        }
        let scripts = migrations::load(path, None, Direction::Up).map_err(failed)?;
        let (scripts, marked) = self.shared(scripts).map_err(failed)?;
        if marked && scripts.is_empty() {
            return Err(failed(self.none_of_ours()));
        }
        Ok(scripts)
    }

    /// Reads the scripts that lead up in migrations of a folder.
    pub(super) fn scripts(&self, folder: &Path, migrations: &[Migration]) -> Result<Vec<Script>> {
        let failed = |problem| self.of_problem(folder, problem);
        let (mut all, mut with_parts, mut without) = (Vec::new(), None, Vec::new());
        for (at, migration) in migrations.iter().enumerate() {
            let scripts = migrations::load_part(migration).map_err(failed)?;
            let (mut scripts, marked) = self.shared(scripts).map_err(failed)?;
            if marked {
                with_parts.get_or_insert(migration);
            } else {
                without.push((migration, all.len()..all.len() + scripts.len()));
            }
            let goes_on = migrations.get(at + 1).is_some_and(|next| next.tool == Some(Tool::RusqliteMigration));
            if let (Some(last), Some(Tool::RusqliteMigration)) = (scripts.last_mut(), migration.tool) {
                last.transaction = ScriptTransaction::Joint { ends: !goes_on };
            }
            all.append(&mut scripts);
        }
        let runs = |scripts: &Range<usize>| all[scripts.clone()].iter().any(|script: &Script| !script.is_empty());
        if let Some(marked) = with_parts
            && let Some((without, _)) = without.iter().find(|(_, scripts)| runs(scripts))
        {
            let problem = format!(
                "it has no `-- bind:` line, and `{}` beside it has: begin it with `-- bind: {}`, or with the line of the bind \
                 that it is for; what is for every bind goes into a file given by itself",
                marked.name,
                marked::name(self.key())
            );
            return Err(failed(Problem::of_file(&without.up, None, problem)));
        }
        if all.is_empty() && !migrations.is_empty() {
            return Err(failed(self.none_of_ours()));
        }
        Ok(all)
    }

    /// Returns the binds' share of scripts, and whether these are divided between binds.
    pub(super) fn shared(&self, scripts: Vec<Script>) -> Result<(Vec<Script>, bool), Problem> {
        let (mut ours, mut marked) = (Vec::new(), false);
        for script in scripts {
            let share = marked::share(&script.text, self.keys, self.configured).map_err(|misplaced| Problem {
                file: script.origin.clone(),
                line: Some(misplaced.line),
                text: misplaced.problem,
            })?;
            match share {
                Share::All => ours.push(script),
                Share::Parts(text) => {
                    marked = true;
                    ours.push(Script { text, ..script });
                }
                Share::None => marked = true,
            }
        }
        Ok((ours, marked))
    }

    fn key(&self) -> &BindKey {
        self.keys.first()
    }

    fn none_of_ours(&self) -> Problem {
        let name = marked::name(self.key());
        Problem::from(format!(
            "it has parts for other binds and none for this one: add one with the line `-- bind: {name}`"
        ))
    }

    pub(super) fn of_problem(&self, path: &Path, problem: Problem) -> Error {
        self.failure(Some(problem.file.as_deref().unwrap_or(path)), problem.line, problem.text)
    }

    fn failure(&self, file: Option<&Path>, line: Option<usize>, problem: String) -> Error {
        failure(self.key(), file, line, problem)
    }
}

impl Script {
    /// Returns whether it has no statement.
    fn is_empty(&self) -> bool {
        script::statements(&self.text).is_ok_and(|statements| statements.is_empty())
    }
}

pub(super) fn failure(key: &BindKey, file: Option<&Path>, line: Option<usize>, problem: String) -> Error {
    Error::Schema { bind: key.clone(), file: file.map(Path::to_path_buf), line, problem, at: None }
}
