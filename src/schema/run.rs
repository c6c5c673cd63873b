//! SchemaRun the SQL and the migrators that make a bind's tables.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Duration;

use rusqlite::{ffi, Connection};

use super::confined::Confined;
use super::dialect;
use super::halves::{Resumed, Search, Standing};
use super::journal::JournalMode;
use super::loose::Ours;
use super::migration::{Script, ScriptTransaction};
use super::references::{enforce, enforced, orphan};
use super::source::{failure, SchemaPart};
use super::tool::Tool;
use crate::config::Migrator;
use crate::error::{chain, panic_message, sqlite_message, Error, Result};
use crate::key::BindKey;
use crate::sqlite::script::{self, Statement};
use crate::sqlite::{number, ran, set_last_insert_rowid, unresolved_foreign_keys};

/// The bind that a schema runs for, and the settings that it runs with.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'k> {
    pub(crate) key: &'k BindKey,
    /// The time that one script may run.
    pub(crate) limit: Duration,
    /// The user's choice on enforcing foreign keys; without one each tool's connection decides.
    pub(crate) foreign_keys: Option<bool>,
    /// The journal mode that the bind's connections set, if the user has said.
    pub(crate) journal_mode: Option<&'k str>,
}

/// Runs a schema on a database that the caller throws away if it fails.
///
/// Each script runs in the transaction that its tool would run it in, on a connection that enforces foreign keys where the
/// tool's would; one of no tool runs as in the `sqlite3` program. Migrators run outside a transaction, since they make their
/// own. Afterwards foreign keys are enforced as before. No script opens a file, or runs for longer than the limit.
///
/// A second half begins as the first has left its connection.
pub(crate) fn execute(
    conn: &mut Connection,
    ground: &Ground<'_>,
    parts: &[SchemaPart],
    resumed: Option<Resumed>,
) -> Result<Ended> {
    run(conn, ground, parts, resumed, true)
}

/// The end of a schema that has run.
pub(crate) struct Ended {
    pub(crate) standing: Standing,
    /// The finds on the way.
    pub(crate) search: Search,
}

/// Runs a schema on a database that is kept if it fails: the transaction of the failed script is rolled back.
pub(super) fn execute_live(conn: &mut Connection, ground: &Ground<'_>, parts: &[SchemaPart]) -> Result<()> {
    run(conn, ground, parts, None, false).map(drop)
}

fn run(
    conn: &mut Connection,
    ground: &Ground<'_>,
    parts: &[SchemaPart],
    resumed: Option<Resumed>,
    thrown_away: bool,
) -> Result<Ended> {
    let fail = |error: rusqlite::Error| failure(ground.key, None, None, sqlite_message(&error));
    let enforcement = enforced(conn).map_err(fail)?;
    let journal_mode = JournalMode::new(ground.journal_mode);
    let mut running = SchemaRun {
        ground,
        enforcement,
        thrown_away,
        journal_mode,
        tool: None,
        joint: None,
        broken_at: None,
        search: Search::default(),
    };
    if let Some(Resumed { standing, tool }) = resumed {
        running.tool = tool;
        enforce(conn, standing.enforces).map_err(fail)?;
        set_last_insert_rowid(conn, standing.rowid);
    }
    let outcome = running.parts(conn, parts);
    let search = running.search;
    if !conn.is_autocommit() {
        // After a failure; its error is the one to report.
        let _ = conn.execute_batch("ROLLBACK");
    }
    let standing = enforced(conn).map(|enforces| Standing { enforces, rowid: conn.last_insert_rowid() });
    let restored = match &standing {
        Ok(now) if now.enforces == enforcement => Ok(()),
        _ => enforce(conn, enforcement),
    };
    outcome.and(restored.map_err(fail))?;
    Ok(Ended { standing: standing.map_err(fail)?, search })
}

/// A schema that runs.
struct SchemaRun<'r> {
    ground: &'r Ground<'r>,
    /// Set where foreign keys were enforced before.
    enforcement: bool,
    /// Set where the database is thrown away if it fails.
    thrown_away: bool,
    journal_mode: JournalMode,
    /// The tool whose scripts run on the connection.
    tool: Option<Tool>,
    /// The last script of the transaction that several share.
    joint: Option<&'r Script>,
    /// The script and the line of the statement since which a foreign key is broken that is looked at when the transaction ends.
    broken_at: Option<(&'r Script, usize)>,
    search: Search,
}

impl<'r> SchemaRun<'r> {
    fn parts(&mut self, conn: &mut Connection, parts: &'r [SchemaPart]) -> Result<()> {
        for (at, part) in parts.iter().enumerate() {
            if self.joint.is_none() {
                self.search.pass(at, 0);
            }
            match part {
                SchemaPart::Script(script) => self.script(conn, script, at)?,
                SchemaPart::Migrator(migrator) => {
                    self.end_joint(conn)?;
                    migrate(conn, migrator).map_err(|problem| failure(self.ground.key, None, None, problem))?;
                    ran(None, None);
                    self.search.look(conn);
                    // It may have set anything.
                    self.search.set_if(true);
                }
            }
        }
        self.end_joint(conn)
    }

    fn script(&mut self, conn: &Connection, script: &'r Script, number: usize) -> Result<()> {
        if !matches!(script.transaction, ScriptTransaction::Joint { .. }) {
            self.end_joint(conn)?;
        }
        if script.tool != self.tool && self.joint.is_none() {
            self.change_tool(conn, script)?;
        }
        let confined = Confined::new(conn, self.ground.limit);
        let begins = match script.transaction {
            ScriptTransaction::Loose | ScriptTransaction::AsWritten => false,
            ScriptTransaction::Own => true,
            ScriptTransaction::Joint { .. } => self.joint.is_none(),
        };
        if begins {
            conn.execute_batch("BEGIN").map_err(|error| self.failed(script, None, confined.problem(&error)))?;
        }
        let mut ours = Ours::default();
        self.statements(conn, script, number, &confined, &mut ours)?;
        match script.transaction {
            ScriptTransaction::Loose if ours.open => self.commit(conn, script),
            ScriptTransaction::Loose | ScriptTransaction::AsWritten => Ok(()),
            ScriptTransaction::Own => self.commit(conn, script),
            ScriptTransaction::Joint { ends } => {
                self.joint = Some(script);
                if ends {
                    self.end_joint(conn)
                } else {
                    Ok(())
                }
            }
        }
    }

    /// Enforces foreign keys where the connection of a script's tool does.
    fn change_tool(&mut self, conn: &Connection, script: &Script) -> Result<()> {
        self.tool = script.tool;
        if script.tool.is_some_and(Tool::has_table) {
            begin_file(conn).map_err(|error| self.failed(script, None, sqlite_message(&error)))?;
        }
        if let (None, Some(tool)) = (self.ground.foreign_keys, script.tool) {
            let enforces = tool.enforces_foreign_keys() && self.enforcement;
            enforce(conn, enforces).map_err(|error| self.failed(script, None, sqlite_message(&error)))?;
        }
        Ok(())
    }

    fn end_joint(&mut self, conn: &Connection) -> Result<()> {
        match self.joint.take() {
            Some(script) => self.commit(conn, script),
            None => Ok(()),
        }
    }

    fn commit(&mut self, conn: &Connection, script: &Script) -> Result<()> {
        if conn.is_autocommit() {
            return Err(self.failed(script, None, ended(script)));
        }
        conn.execute_batch("COMMIT").map_err(|error| {
            self.broken(conn, &error).unwrap_or_else(|| self.failed(script, None, sqlite_message(&error)))
        })?;
        self.broken_at = None;
        Ok(())
    }

    /// Notes the statement that has just run, if a foreign key is broken since.
    fn look_for_orphans(&mut self, conn: &Connection, script: &'r Script, line: usize) {
        if !unresolved_foreign_keys(conn) {
            self.broken_at = None;
        } else if self.broken_at.is_none() {
            self.broken_at = Some((script, line));
        }
    }

    /// Returns the error of a transaction that does not end because a foreign key is broken: the statement that broke it, and the row.
    fn broken(&self, conn: &Connection, error: &rusqlite::Error) -> Option<Error> {
        let code = error.sqlite_error()?.extended_code;
        let (script, line) = self.broken_at.filter(|_| code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)?;
        let orphan = orphan(conn).ok().flatten().map(|orphan| format!(": {orphan}")).unwrap_or_default();
        Some(self.failed(script, Some(line), format!("{} when it commits{orphan}", sqlite_message(error))))
    }

    /// Runs the statements of a script in the transaction that is open, if it is to run in one.
    fn statements(
        &mut self,
        conn: &Connection,
        script: &'r Script,
        number: usize,
        confined: &Confined<'_>,
        ours: &mut Ours,
    ) -> Result<()> {
        let mut opened = None;
        for piece in &script.pieces {
            let text = &script.text[piece.clone()];
            let line = |line: usize| script::line_at(&script.text, piece.start) + line - 1;
            let statements = script::statements(text)
                .map_err(|error| self.failed(script, Some(line(error.line)), error.to_string()))?;
            if let Some((at, problem)) = dialect::run_by_a_server(text, &statements) {
                return Err(self.failed(script, Some(line(at)), problem));
            }
            for statement in &statements {
                let begun = !conn.is_autocommit() && !ours.open;
                if begun == matches!(script.transaction, ScriptTransaction::Own | ScriptTransaction::Joint { .. }) {
                    self.search.pass(number, piece.start + statement.offset);
                }
                confined.take_set();
                let outcome = match script.transaction {
                    ScriptTransaction::Loose => ours.execute(conn, statement.text),
                    _ => execute_one(conn, statement.text),
                };
                self.search.set_if(confined.take_set());
                let refused = |at: usize, problem: String| {
                    let problem = format!("{problem}{}", self.hint(conn, script, statement));
                    self.failed(script, Some(at), problem)
                };
                outcome.map_err(|error| {
                    if let Some(broken) = self.broken(conn, &error) {
                        return broken;
                    }
                    let at = line(script::error_line(text, statement, &error));
                    refused(at, dialect::explained(conn, statement.text, &error, confined.problem(&error)))
                })?;
                let at = line(statement.line);
                if let Some(mode) = confined.take_journal_mode() {
                    let mut now = self.journal_mode;
                    let in_transaction = !conn.is_autocommit() && !ours.open;
                    now.change(&mode, in_transaction).map_err(|problem| refused(at, problem))?;
                    self.journal_mode = now;
                }
                let misread = dialect::misread(conn, statement.text)
                    .map_err(|error| self.failed(script, Some(at), confined.problem(&error)))?;
                if let Some(problem) = misread {
                    return Err(self.failed(script, Some(at), problem));
                }
                ran(script.origin.as_deref(), Some(at));
                self.search.look(conn);
                self.look_for_orphans(conn, script, at);
                opened = if conn.is_autocommit() || ours.open { None } else { opened.or(Some(at)) };
            }
        }
        let leaves_open = matches!(script.transaction, ScriptTransaction::Loose | ScriptTransaction::AsWritten);
        match opened.filter(|_| leaves_open) {
            None => Ok(()),
            Some(_) => {
                let problem = "the transaction begun here is never committed: add a `COMMIT`".to_string();
                Err(self.failed(script, opened, problem))
            }
        }
    }

    /// Returns a hint if a statement failed because of the transaction of its tool.
    fn hint(&self, conn: &Connection, script: &Script, statement: &Statement<'_>) -> String {
        let Some(tool) = script.tool.filter(|_| script.transaction != ScriptTransaction::AsWritten) else {
            return String::new();
        };
        if matches!(tool, Tool::Goose | Tool::SqlMigrate) && !script::could_end(statement.text) {
            return format!("; {tool} ends a statement at each line that ends in `;`: put {}", tool.around_statement());
        }
        // What this leaves in a database that is thrown away does not matter; another is left as it is.
        let runs_outside = self.thrown_away
            && !conn.is_autocommit()
            && conn.execute_batch("COMMIT").is_ok()
            && execute_one(conn, statement.text).is_ok();
        if runs_outside {
            format!("; {tool} runs it in a transaction: {}", tool.without_transaction())
        } else {
            String::new()
        }
    }

    fn failed(&self, script: &Script, line: Option<usize>, problem: String) -> Error {
        failure(self.ground.key, script.origin.as_deref(), line, problem)
    }
}

/// Returns the error about a script that ended the transaction which its tool runs it in.
fn ended(script: &Script) -> String {
    let Some(tool) = script.tool else { return "it ended the transaction that it runs in".to_string() };
    let instead =
        if tool.marks_no_transaction() { format!(", or {}", tool.without_transaction()) } else { String::new() };
    format!(
        "it ended the transaction that {tool} runs it in and began no other, so {tool} fails to commit: end it with `BEGIN;`\
         {instead}"
    )
}

/// Gives an empty database its first page, as a tool does that makes its own table first: from then on, `PRAGMA encoding` and
/// the like do nothing.
fn begin_file(conn: &Connection) -> rusqlite::Result<()> {
    match number(conn, "PRAGMA page_count")? {
        // A view has no page of its own to leave behind.
        0 => conn.execute_batch("CREATE VIEW v AS SELECT 1; DROP VIEW v"),
        _ => Ok(()),
    }
}

/// Runs a statement to its end.
fn execute_one(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    script::finish(&mut conn.prepare(sql)?)
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

// The connection that a schema runs on is not seen from outside.
#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::SchemaSource;
    use crate::key::Keys;
    use crate::schema::read;

    fn run(conn: &mut Connection, scripts: &[&str]) -> Result<()> {
        let sources = scripts.iter().map(|sql| SchemaSource::Sql(sql.to_string())).collect::<Vec<_>>();
        let ground = Ground { key: &BindKey::DEFAULT, limit: Duration::MAX, foreign_keys: None, journal_mode: None };
        execute(conn, &ground, &read(&Keys::one(BindKey::DEFAULT), &[], &sources)?.parts, None).map(drop)
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
}
