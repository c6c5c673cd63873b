//! Stopping a statement that a fault or a guard is about, as it begins.

use std::ffi::CStr;

use super::accounts::Stopped;
use super::deed::Deed;
use super::faults::Faults;
use super::member::Member;
use super::traced::Statement;
use super::watch::{Context, Watch};

impl Watch {
    /// Shows a statement to the faults that may be about it, and stops it if one is.
    pub(super) fn meets(&self, statement: &Statement<'_>, sql: &CStr) -> Option<Stopped> {
        let handle = statement.handle();
        if !handle.has_attached() {
            return meets(&self.faults, None, statement, sql);
        }
        handle.databases().iter().find_map(|schema| {
            let watch = handle.placed(schema).and_then(|number| Context::numbered(number).watch())?;
            meets(&watch.faults, Some(schema), statement, sql)
        })
    }

    /// Stops a statement that a guard refuses.
    pub(super) fn judge(&self, member: &Member, statement: &Statement<'_>, sql: &CStr, deed: Deed) -> Option<Stopped> {
        let rule = member.rules.against(&member.names, deed)?;
        let handle = statement.handle();
        let mut what = statement.with_values().unwrap_or_else(|| sql.to_string_lossy().into_owned()).trim().to_string();
        let how = handle.stop(statement.statement, deed);
        if how.is_none() {
            if deed.writes && deed.acts_at_once {
                // Within a transaction or beside another statement, SQLite keeps the journal mode that a database has.
                return None;
            }
            what += NOT_STOPPED;
        }
        rule.note(member.bind(), what, false);
        how.map(|how| Stopped::new(Some(rule), how))
    }
}

/// Shows a statement to the faults of one database of its connection, of that schema where it has several, and stops it if one is
/// about it.
fn meets(faults: &Faults, schema: Option<&CStr>, statement: &Statement<'_>, sql: &CStr) -> Option<Stopped> {
    let handle = statement.handle();
    for fault in faults.of_statements() {
        let Some(deed) = handle.is_met_by(&fault, schema, sql).filter(|_| !fault.lets_pass()) else { continue };
        match handle.stop(statement.statement, deed) {
            Some(how) if fault.triggers() => return Some(Stopped::new(None, how)),
            Some(how) => handle.release(how),
            None => fault.is_passed(),
        }
    }
    None
}

/// The words after a statement that was not stopped.
const NOT_STOPPED: &str = " (not stopped: that would have ended another statement of its connection too)";
