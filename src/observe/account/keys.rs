//! Rows that a statement changed by a foreign key's action, and rows that it replaced.

use rusqlite::types::Value;

use super::start::at_start;
use super::Account;
use crate::database::Database;
use crate::instrument::{Operation, Touches, WrittenTable};
use crate::list::mapped;
use crate::observe::glance::{glance, View};
use crate::observe::statements::Statement;
use crate::row::Row;

/// A foreign key with the action by which rows follow the one that they refer to.
#[derive(Clone, PartialEq)]
pub(crate) struct KeyAction {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    pub(crate) parent: String,
    pub(crate) parent_columns: Vec<String>,
    /// Set for the action of an update, not of a delete.
    pub(crate) on_update: bool,
    /// `CASCADE`, `SET NULL` or `SET DEFAULT`.
    pub(crate) action: String,
}

/// An `INSERT` that replaced rows, and the keys on one of which it conflicted with them.
#[derive(Clone)]
pub(crate) struct Replaced {
    pub(crate) table: String,
    pub(crate) keys: Vec<Vec<String>>,
}

impl Statement {
    /// Returns the first table that it writes to by itself: the one that it names.
    fn own_table(&self) -> Option<&WrittenTable> {
        self.written().find(|written| written.by.is_none())
    }

    /// Returns whether it wrote to a table of that name by a foreign key's action: neither by its own words nor by a trigger.
    pub(crate) fn is_by_key(&self, table: &str) -> bool {
        let is_other = |own: &WrittenTable| !own.table.eq_ignore_ascii_case(table);
        self.own_table().is_some_and(is_other)
            && self.written().any(|written| written.by.is_none() && written.table.eq_ignore_ascii_case(table))
    }

    /// Returns whether it may do something to a table of that name.
    fn does(&self, operation: Operation, table: &str) -> bool {
        self.written().any(|written| written.operation == operation && written.table.eq_ignore_ascii_case(table))
    }

    /// Returns whether it inserts into a table and updates none of its rows: where rows of it go, they are replaced.
    fn only_inserts(&self, table: &str) -> bool {
        self.does(Operation::Insert, table) && !self.does(Operation::Update, table)
    }
}

/// Finds the foreign keys by whose actions a statement wrote to a table, from that table up to the one it names.
pub(in crate::observe) fn key_actions(database: &Database, statement: &Statement, table: &str) -> Vec<KeyAction> {
    let mut actions = Vec::<KeyAction>::new();
    let Some(own) = statement.own_table() else { return actions };
    let mut child = table.to_string();
    while !own.table.eq_ignore_ascii_case(&child) {
        // What a trigger does is the trigger's.
        let is_by_key = |written: &WrittenTable| written.table.eq_ignore_ascii_case(&child) && written.by.is_none();
        if !statement.written().any(is_by_key) {
            break;
        }
        let acts = |key: &KeyAction| {
            let deletes = statement.does(Operation::Delete, &key.parent) || statement.only_inserts(&key.parent);
            let takes_effect = match (key.on_update, key.action.as_str()) {
                (false, "CASCADE") => deletes && statement.does(Operation::Delete, &key.table),
                (false, _) => deletes && statement.does(Operation::Update, &key.table),
                (true, _) => {
                    statement.does(Operation::Update, &key.parent) && statement.does(Operation::Update, &key.table)
                }
            };
            takes_effect && !actions.contains(key)
        };
        let Some(key) = keys_of(database, &child).into_iter().find(acts) else { break };
        child.clone_from(&key.parent);
        actions.push(key);
    }
    actions
}

/// Finds the key of a table whose rows follow the delete of a row of another to which they refer.
pub(in crate::observe) fn key_to(database: &Database, table: &str, parent: &str) -> Option<KeyAction> {
    keys_of(database, table).into_iter().find(|key| !key.on_update && key.parent.eq_ignore_ascii_case(parent))
}

/// Returns the keys of a table that have an action, each once for a delete and once for an update.
fn keys_of(database: &Database, table: &str) -> Vec<KeyAction> {
    let query = r#"SELECT id AS id, "table" AS parent, "from" AS own, "to" AS target, on_update AS on_update,
                          on_delete AS on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq"#;
    let mut keys = Vec::<(Option<i64>, KeyAction)>::new();
    for row in read(database, query, table) {
        let text = |name: &str| row.get::<String>(name).unwrap_or_default();
        let id = row.get::<i64>("id").ok();
        for (on_update, action) in [(false, text("on_delete")), (true, text("on_update"))] {
            let is_one = |(known, key): &&mut (Option<i64>, KeyAction)| *known == id && key.on_update == on_update;
            if let Some((_, key)) = keys.iter_mut().find(is_one) {
                key.columns.push(text("own"));
                key.parent_columns.push(text("target"));
            } else if matches!(action.as_str(), "CASCADE" | "SET NULL" | "SET DEFAULT") {
                let (columns, parent_columns) = (vec![text("own")], vec![text("target")]);
                let (table, parent) = (table.to_string(), text("parent"));
                keys.push((id, KeyAction { table, columns, parent, parent_columns, on_update, action }));
            }
        }
    }
    let mut actions = mapped(&keys, |(_, key)| key.clone());
    for key in &mut actions {
        // One that names no columns refers to the primary key.
        if key.parent_columns.iter().all(String::is_empty) {
            key.parent_columns = primary_key(database, &key.parent);
        }
    }
    actions
}

/// Returns the columns of each unique index of a table.
pub(in crate::observe) fn unique_keys(database: &Database, table: &str) -> Vec<Vec<String>> {
    let indexes = r#"SELECT i.name AS "index", c.name AS name FROM pragma_index_list(?, 'main') AS i
                     CROSS JOIN pragma_index_info(i.name, 'main') AS c WHERE i."unique" ORDER BY i.seq, c.seqno"#;
    let found = read(database, indexes, table);
    let mut keys = Vec::new();
    for of_one in found.chunk_by(|one, next| one.value("index") == next.value("index")) {
        keys.push(mapped(of_one, |row| row.get::<String>("name").unwrap_or_default()));
    }
    keys
}

/// Returns the columns of a table's primary key.
fn primary_key(database: &Database, table: &str) -> Vec<String> {
    let query = "SELECT name AS name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk";
    mapped(&read(database, query, table), |row| row.get("name").unwrap_or_default())
}

impl Account {
    /// Returns what a statement has replaced which is known to have replaced something.
    pub(in crate::observe) fn replaced(&self, database: &Database, statement: &Statement) -> Option<Replaced> {
        let table = statement.own_table().filter(|own| own.operation == Operation::Insert)?.table.clone();
        let inserted = statement.recorded().ended.as_ref().map(|ended| ended.touched.put(&table, 1));
        let was_there = inserted.unwrap_or_default().first().is_some_and(|rowid| {
            let had = |one: &&Statement| {
                let touches = one.recorded().ended.as_ref().map(|ended| ended.touched.has(&table, *rowid));
                one.recorded().number < statement.recorded().number
                    && !one.fate().is_lost()
                    && touches == Some(Touches::Yes)
            };
            self.puts(database.key(), &table).iter().any(had) || at_start(database, &table, *rowid).is_some()
        });
        let mut keys = unique_keys(database, &table);
        let primary = primary_key(database, &table);
        // One without an index is the row's own number, by which a row that was there is found again.
        if !primary.is_empty() && !keys.contains(&primary) && (was_there || keys.is_empty()) {
            keys = vec![primary];
        }
        Some(Replaced { table, keys })
    }

    /// Finds a statement after one that inserted into the same table and deleted rows of it by that, as its program says.
    pub(in crate::observe) fn replacer(&self, database: &Database, put: &Statement, table: &str) -> Option<Statement> {
        let is_one = |one: &&&Statement| {
            one.recorded().number > put.recorded().number
                && !one.fate().is_lost()
                && one.only_inserts(table)
                && one.written().all(|written| written.table.eq_ignore_ascii_case(table))
                && deletes(database, one.sql())
        };
        self.puts(database.key(), table).iter().find(is_one).map(|one| (*one).clone())
    }
}

/// Returns whether the program of a statement deletes rows.
fn deletes(database: &Database, sql: &str) -> bool {
    glance(database, View::Committed, |glance| glance.has_instruction(sql, "Delete")).unwrap_or(false)
}

fn read(database: &Database, query: &str, table: &str) -> Vec<Row> {
    let named = Value::Text(table.to_string());
    glance(database, View::Committed, |glance| glance.rows(query, &[&named])).unwrap_or_default()
}
