//! The writes of a connection to no bind to its own database while it has attached a bind: recorded as those of one that has
//! attached none.

use std::sync::Arc;

use super::beginning::Beginning;
use super::connected::Connected;
use super::handle::{Handle, Standing};
use super::recorded::Ended;
use super::strays;
use super::touched::Touched;
use super::traced::Statement;
use super::used::WrittenTable;
use crate::sync::lock;

/// Records a statement that has ended, if it has written to the connection's own database.
pub(super) fn record(statement: &Statement<'_>, handle: &Handle, standing: Standing, connection: &Connected) {
    let Some(stray) = strays::watch_of(handle.address()) else { return };
    let (Some(sql), Some(member)) = (statement.sql(), stray.harness.get()) else { return };
    if !member.records(true) {
        return;
    }
    let Some(looked) = connection.look(handle, standing, sql).filter(|looked| looked.deed.writes) else { return };
    let (transaction, rows, time) = {
        let state = lock(&connection.state);
        let Some(last) = state.last.as_ref().filter(|last| last.running.statement == statement.address()) else {
            return;
        };
        let open = last.open.as_ref().unwrap_or(&state.open);
        let (all, of_last) = standing.changes;
        let transaction = open.as_ref().map(|open| Arc::clone(&open.transaction));
        (transaction, last.running.start.rows(all, of_last), last.running.at.elapsed())
    };
    let beginning = Beginning {
        sql: looked.text(sql.to_bytes()),
        values: statement.with_values(),
        writes: true,
        by_session: false,
        locks: false,
        beside: &[],
        attached: Vec::new(),
    };
    let mut record = member.recorded(handle, standing, Some(&looked), beginning);
    let mut tables = Vec::new();
    for change in looked.tables.iter().filter(|change| change.schema.as_c_str() == c"main") {
        let (names, table) = (Some(member.names.clone()), change.table.clone());
        tables.push(WrittenTable { names, table, operation: change.operation, by: change.by.clone() });
    }
    Arc::make_mut(&mut record.affected).tables = tables;
    record.transaction = transaction;
    let (triggers, touched) = (Vec::new(), Touched::default());
    record.ended = Some(Ended { rows, time, failed: None, error: None, is_stale: false, triggers, touched });
    member.recorder.begin(record);
}
