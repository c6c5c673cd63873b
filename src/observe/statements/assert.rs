//! Assertions on the statements that ran, and what they say when they fail.

use super::show::table;
use super::statement::{Statement, StatementKind};
use super::StatementLog;
use crate::error::{list, Result};
use crate::key::{BindKey, Selection};

impl StatementLog {
    /// Asserts how many statements ran on a bind since the log was made; gives the log for a next assertion.
    ///
    /// What begins and ends a transaction or a savepoint is not counted; what failed is. A statement of a session that
    /// joins several binds counts for each of them.
    ///
    /// # Panics
    ///
    /// - When there were more or fewer; the message shows the statements.
    /// - When a write to the bind was seen that no statement makes: incremental blob I/O, or a backup into a connection; where
    ///   no statement is expected, also one by a connection that the harness did not open, to a bind in memory.
    /// - For a key that is not configured.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
    /// let log = db.record();
    /// let mut session = db.session();
    /// session.execute("INSERT INTO user VALUES ('ann')", [])?;
    /// session.execute("UPDATE user SET name = 'anna'", [])?;
    /// session.commit()?;
    /// log.assert_count("auth", 2);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn assert_count(&self, key: impl Into<BindKey>, count: usize) -> &StatementLog {
        let key = key.into();
        match self.miscounted(&key, count) {
            Ok(None) => self,
            Ok(Some(message)) => panic!("{message}"),
            Err(error) => panic!("cannot tell whose statements to count: {error}"),
        }
    }

    /// Asserts that no statement that ran on the selected binds since the log was made was one that writes; gives the
    /// log for a next assertion.
    ///
    /// Whether a statement writes is what SQLite says of it, not whether it changed a row; what is only about temporary
    /// tables, a checkpoint and a pragma that asks do not. Whether any statement ran at all is what [`assert_count`](StatementLog::assert_count) asserts.
    ///
    /// # Panics
    ///
    /// - When one writes; the message shows the statements.
    /// - When a write to one of the binds was seen that no statement makes: incremental blob I/O, a backup into a connection,
    ///   or one by a connection that the harness did not open, to a bind in memory.
    /// - For a key that is not configured.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # let db = Harness::builder().bind("meta", Bind::memory().schema("CREATE TABLE setting (name TEXT)")).start()?;
    /// let log = db.record();
    /// db.connection("meta")?.query_row("SELECT count(*) FROM setting", [], |row| row.get::<_, i64>(0))?;
    /// log.assert_reads_only("meta");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn assert_reads_only(&self, selection: impl Into<Selection>) -> &StatementLog {
        match self.written(&selection.into()) {
            Ok(None) => self,
            Ok(Some(message)) => panic!("{message}"),
            Err(error) => panic!("cannot tell which binds are only to be read: {error}"),
        }
    }

    /// The message if another number of statements ran on a bind.
    fn miscounted(&self, key: &BindKey, count: usize) -> Result<Option<String>> {
        self.binds.check(key)?;
        let statements = self.statements();
        let (mut on_it, mut on_any) = (Vec::new(), Vec::new());
        for statement in &statements {
            if statement.counts() {
                on_any.push(statement);
                if statement.is_on(key) {
                    on_it.push(statement);
                }
            }
        }
        let (found, asked) = (on_it.len(), plural(count));
        if found == count {
            // What others wrote is not recorded; where nothing is to have happened, it has.
            let unaccounted = self.unaccounted(&|keys| keys.contains(key), count == 0);
            return Ok(unaccounted.map(|writes| format!("expected {asked} on bind `{key}`, but {writes}")));
        }
        Ok(Some(match (found, on_any.is_empty()) {
            (0, true) => format!("expected {asked} on bind `{key}`, but none ran on any bind.\n\n{NOTHING_RAN}"),
            (0, false) => format!(
                "expected {asked} on bind `{key}`, but none ran on it. Those that ran:\n\n{}\n\n{NOTHING_RAN}",
                table(&on_any, &|_| false)
            ),
            _ => format!("expected {asked} on bind `{key}`, but {}:\n\n{}", ran(found), table(&on_it, &|_| false)),
        }))
    }

    /// The message if a statement on one of the selected binds writes.
    fn written(&self, selection: &Selection) -> Result<Option<String>> {
        for key in selection.keys().unwrap_or_default() {
            self.binds.check(key)?;
        }
        let is_on_them = |statement: &Statement| match selection.keys() {
            Some(keys) => keys.iter().any(|key| statement.is_on(key)),
            None => true,
        };
        let writes = |statement: &Statement| match selection.keys() {
            Some(keys) => keys.iter().any(|key| statement.writes_to(key)),
            None => statement.kind() == StatementKind::Write,
        };
        let statements = self.statements();
        let mut on_them = Vec::new();
        for statement in &statements {
            if statement.counts() && is_on_them(statement) {
                on_them.push(statement);
            }
        }
        let asked = match selection.keys() {
            Some(keys) => format!("on {}", list(keys)),
            None => "on every bind".to_string(),
        };
        if !on_them.iter().any(|statement| writes(statement)) {
            let are_meant =
                |names: &[BindKey]| selection.keys().is_none_or(|keys| keys.iter().any(|key| names.contains(key)));
            let unaccounted = self.unaccounted(&are_meant, true);
            return Ok(unaccounted.map(|writes| format!("expected only reads {asked}, but {writes}")));
        }
        Ok(Some(format!("expected only reads {asked}, but those marked ≠ write:\n\n{}", table(&on_them, &writes))))
    }
}

impl StatementLog {
    /// What was written to such binds by none of the statements; by connections of others too, or only by the harness's.
    fn unaccounted(&self, are_meant: &dyn Fn(&[BindKey]) -> bool, by_others: bool) -> Option<String> {
        let (mut by_ours, mut elsewhere) = (Vec::new(), Vec::new());
        for write in self.listening.unaccounted() {
            if !are_meant(&write.database) {
                continue;
            }
            let key = write.database.first();
            let binds = if write.ours { &mut by_ours } else { &mut elsewhere };
            if (write.ours || by_others) && !binds.contains(key) {
                binds.push(key.clone());
            }
        }
        match (by_ours.as_slice(), elsewhere.as_slice()) {
            ([], []) => None,
            ([], others) => Some(format!(
                "{} was written to by a connection that the harness did not open, whose\nstatements are not recorded. Assert on \
                 what changed: `db.changes_since(&before)`",
                list(others)
            )),
            (ours, _) => Some(format!(
                "{} was written to by no statement that was seen: by incremental blob I/O, by a backup into\na connection, or on \
                 a connection whose trace the application has replaced. Assert on what\nchanged: \
                 `db.changes_since(&before)`",
                list(ours)
            )),
        }
    }
}

fn plural(count: usize) -> String {
    match count {
        0 => "no statement".to_string(),
        1 => "1 statement".to_string(),
        count => format!("{count} statements"),
    }
}

fn ran(count: usize) -> String {
    match count {
        1 => "1 ran".to_string(),
        count => format!("{count} ran"),
    }
}

/// What to do where nothing ran.
const NOTHING_RAN: &str =
    "Does the code under test take its connections from this harness, and did it run\nwhile the log was alive?";
