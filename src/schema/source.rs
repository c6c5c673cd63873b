//! Running the SQL and the migrators that make a bind's tables.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{ffi, Connection};

use super::confined::Confined;
use super::marked::{self, Share};
use super::references::{enforce, enforced, orphan, unresolved_foreign_keys};
use super::{dialect, folder, migrations};
use crate::config::{resolve_path, Migrator, SchemaSource};
use crate::database::ran;
use crate::error::{chain, panic_message, sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::script;

/// One piece of a schema, read from where the user put it.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Script(Script),
    Migrator(Migrator),
}

/// SQL text, and the file it was read from if it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Script {
    pub(crate) origin: Option<PathBuf>,
    pub(crate) text: String,
}

/// Reads the files that the sources name, and runs nothing.
///
/// `keys` are the binds whose tables they make, of all that are `configured`: a file or a folder may have parts for
/// each bind.
pub(crate) fn read(keys: &[BindKey], configured: &[BindKey], sources: &[SchemaSource]) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for source in sources {
        match source {
            SchemaSource::Sql(text) => parts.push(Part::Script(Script { origin: None, text: text.clone() })),
            SchemaSource::With(migrator) => parts.push(Part::Migrator(migrator.clone())),
            SchemaSource::Path(path) => parts.extend(read_path(keys, configured, &resolve_path(path))?),
        }
    }
    Ok(parts)
}

/// Reads a `.sql` file, or those of a folder.
fn read_path(keys: &[BindKey], configured: &[BindKey], path: &Path) -> Result<Vec<Part>> {
    let key = keys.first().unwrap_or(&BindKey::DEFAULT);
    let mut parts = Vec::new();
    for file in sql_files(keys, configured, path).map_err(|problem| failure(key, Some(path), None, problem))? {
        let text = folder::text(&file).map_err(|error| failure(key, Some(&file), error.line, error.problem))?;
        let share = marked::share(&text, keys, configured)
            .map_err(|misplaced| failure(key, Some(&file), Some(misplaced.line), misplaced.problem))?;
        let text = match share {
            Share::All => text,
            Share::Parts(text) => text,
            Share::None => continue,
        };
        parts.push(Part::Script(Script { origin: Some(file), text }));
    }
    if parts.is_empty() {
        let name = marked::name(key);
        let problem =
            format!("it has parts for other binds and none for this one: add one with the line `-- bind: {name}`");
        return Err(failure(key, Some(path), None, problem));
    }
    Ok(parts)
}

/// A `.sql` file itself, or those of a folder; or what is wrong with it.
fn sql_files(keys: &[BindKey], configured: &[BindKey], path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_dir() {
        return migrations::files(path, keys, configured);
    }
    // Alembic writes the default bind's migrations into a file of that name.
    let is_sql = folder::has_extension(path, "sql") || path.file_name().is_some_and(|name| name == ".sql");
    match path.exists() && !is_sql {
        true => Err("a schema is a `.sql` file or a folder of them, and this is neither".to_string()),
        false => Ok(vec![path.to_path_buf()]),
    }
}

/// Runs a schema on a database that the caller throws away if it fails.
///
/// Scripts run in one transaction as far as they let: what SQLite does not do within one (`VACUUM`, a change of
/// journal mode) and what has no effect within one (`PRAGMA foreign_keys`) runs outside, and a script's own `BEGIN` and
/// `COMMIT` are the script's. Migrators run outside, since they make transactions of their own. Whether foreign keys
/// are enforced is afterwards as it was, whatever a dump at the top of a script said. No script opens a file, or runs
/// for longer than `limit`.
pub(crate) fn execute(conn: &mut Connection, key: &BindKey, parts: &[Part], limit: Duration) -> Result<()> {
    let fail = |error: rusqlite::Error| failure(key, None, None, sqlite_message(&error));
    let enforcement = enforced(conn).map_err(fail)?;
    let outcome = execute_all(conn, key, parts, limit);
    if !conn.is_autocommit() {
        // After a failure; its error is the one to tell.
        let _ = conn.execute_batch("ROLLBACK");
    }
    let restored = match enforced(conn) {
        Ok(now) if now == enforcement => Ok(()),
        _ => enforce(conn, enforcement),
    };
    outcome.and(restored.map_err(fail))
}

fn execute_all(conn: &mut Connection, key: &BindKey, parts: &[Part], limit: Duration) -> Result<()> {
    let fail = |error: rusqlite::Error| failure(key, None, None, sqlite_message(&error));
    let mut ours = Ours::default();
    for part in parts {
        match part {
            Part::Script(script) => {
                let confined = Confined::new(conn, limit).map_err(fail)?;
                execute_script(conn, key, script, &mut ours, &confined)?;
            }
            Part::Migrator(migrator) => {
                ours.commit(conn).map_err(|error| ours.broken(conn, key, &error).unwrap_or_else(|| fail(error)))?;
                migrate(conn, migrator).map_err(|problem| failure(key, None, None, problem))?;
                ran(None, None);
            }
        }
    }
    ours.commit(conn).map_err(|error| ours.broken(conn, key, &error).unwrap_or_else(|| fail(error)))
}

fn execute_script(
    conn: &Connection,
    key: &BindKey,
    source: &Script,
    ours: &mut Ours,
    confined: &Confined<'_>,
) -> Result<()> {
    let fail = |line, problem| failure(key, source.origin.as_deref(), Some(line), problem);
    let statements = script::statements(&source.text).map_err(|error| fail(error.line, error.to_string()))?;
    let mut opened = None;
    for statement in &statements {
        ours.execute(conn, statement.text).map_err(|error| {
            if let Some(broken) = ours.broken(conn, key, &error) {
                return broken;
            }
            let problem = dialect::explained(conn, statement.text, &error, confined.problem(&error));
            fail(script::error_line(&source.text, statement, &error), problem)
        })?;
        let uncounted = dialect::uncounted(conn, statement.text);
        if let Some(problem) = uncounted.map_err(|error| fail(statement.line, confined.problem(&error)))? {
            return Err(fail(statement.line, problem));
        }
        ran(source.origin.as_deref(), Some(statement.line));
        ours.look_for_orphans(conn, source.origin.as_deref(), statement.line);
        opened = match conn.is_autocommit() || ours.open {
            true => None,
            false => opened.or(Some(statement.line)),
        };
    }
    match opened {
        None => Ok(()),
        Some(line) => Err(fail(line, "the transaction begun here is never committed: add a `COMMIT`".to_string())),
    }
}

/// Whether the transaction that is open was opened here and not by a script.
#[derive(Default)]
struct Ours {
    open: bool,
    /// The file and the line of the statement since which a foreign key is broken that is looked at when the transaction ends.
    broken_at: Option<(Option<PathBuf>, usize)>,
}

impl Ours {
    /// Notes the statement that has just run, if a foreign key is broken since.
    fn look_for_orphans(&mut self, conn: &Connection, file: Option<&Path>, line: usize) {
        if !unresolved_foreign_keys(conn) {
            self.broken_at = None;
        } else if self.broken_at.is_none() {
            self.broken_at = Some((file.map(Path::to_path_buf), line));
        }
    }

    /// The error of a transaction that does not end because a foreign key is broken: the statement that broke it, and the row.
    fn broken(&self, conn: &Connection, key: &BindKey, error: &rusqlite::Error) -> Option<Error> {
        let code = error.sqlite_error()?.extended_code;
        let (file, line) = self.broken_at.as_ref().filter(|_| code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)?;
        let orphan = orphan(conn).ok().flatten().map(|orphan| format!(": {orphan}")).unwrap_or_default();
        Some(failure(key, file.as_deref(), Some(*line), format!("{}{orphan}", sqlite_message(error))))
    }

    fn commit(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        if std::mem::take(&mut self.open) {
            conn.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    fn execute(&mut self, conn: &Connection, sql: &str) -> rusqlite::Result<()> {
        match self.attempt(conn, sql) {
            // SQLite says of few statements beforehand that a transaction is no place for them, but of all by refusing.
            Err(refused) if self.open && !conn.is_autocommit() => {
                self.commit(conn)?;
                conn.prepare(sql).and_then(|mut statement| script::finish(&mut statement)).map_err(|_| refused)
            }
            outcome => outcome,
        }
    }

    fn attempt(&mut self, conn: &Connection, sql: &str) -> rusqlite::Result<()> {
        let mut statement = conn.prepare(sql)?;
        // What neither writes nor answers sets something: `BEGIN`, `SAVEPOINT`, `ATTACH`, most pragmas.
        let sets = statement.readonly() && statement.column_count() == 0;
        if sets && self.open {
            self.commit(conn)?;
            // Prepared again, for many a pragma takes effect or not when it is prepared.
            statement = conn.prepare(sql)?;
        } else if !statement.readonly() && conn.is_autocommit() {
            conn.execute_batch("BEGIN")?;
            self.open = true;
        }
        script::finish(&mut statement)
    }
}

/// Runs a migrator; what it returns or panics with becomes a message.
fn migrate(conn: &mut Connection, migrator: &Migrator) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| (migrator.run)(conn)));
    match outcome {
        Ok(Ok(())) if conn.is_autocommit() => Ok(()),
        Ok(Ok(())) => Err("the migrator left a transaction open: commit it before returning".to_string()),
        Ok(Err(error)) => Err(format!("the migrator failed: {}", chain(error.as_ref()))),
        Err(panic) => Err(format!("the migrator panicked: {}", panic_message(panic.as_ref()))),
    }
}

fn failure(key: &BindKey, file: Option<&Path>, line: Option<usize>, problem: String) -> Error {
    Error::Schema { bind: key.clone(), file: file.map(Path::to_path_buf), line, problem }
}

// The connection that a schema runs on is not seen from outside.
#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::database::Hooked;

    fn run(conn: &mut Connection, scripts: &[&str]) -> Result<()> {
        let sources = scripts.iter().map(|sql| SchemaSource::Sql(sql.to_string())).collect::<Vec<_>>();
        execute(conn, &BindKey::DEFAULT, &read(&[BindKey::DEFAULT], &[], &sources)?, Duration::MAX)
    }

    #[rstest]
    #[case::of_a_dump("PRAGMA foreign_keys = OFF; BEGIN; CREATE TABLE t (x); COMMIT;")]
    #[case::that_fails("PRAGMA foreign_keys = OFF; BEGIN; CREATE TABLE t (x); CREATE TABLE t (x); COMMIT;")]
    #[case::that_leaves_a_transaction("PRAGMA foreign_keys = OFF; BEGIN; CREATE TABLE t (x);")]
    fn a_connection_is_after_a_schema_as_it_was_before(#[case] sql: &str) {
        let mut conn = Connection::open_in_memory().unwrap();
        enforce(&conn, true).unwrap();
        let _ = run(&mut conn, &[sql]);
        assert!(enforced(&conn).unwrap());
        assert!(conn.is_autocommit());
    }

    #[test]
    fn scripts_run_in_one_transaction_as_far_as_they_let() {
        let mut conn = Connection::open_in_memory().unwrap();
        let commits = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let seen = std::sync::Arc::clone(&commits);
        conn.commit_hook(Some(move || {
            seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            false
        }))
        .hooked()
        .unwrap();
        let sources = [
            "CREATE TABLE a (x); INSERT INTO a VALUES (1); SELECT 1;",
            "CREATE TABLE IF NOT EXISTS a (x); CREATE TABLE b (x)",
        ];
        run(&mut conn, &sources).unwrap();
        assert_eq!(commits.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
