//! Dropping the tables that a bind's metadata lists.

use rusqlite::{Connection, TransactionBehavior};

use super::metadata::{Metadata, ObjectKind};
use super::references::{enforce, enforced, parents_first};
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::sorted::Sorted;
use crate::sqlite::script::quote;

/// Drops the triggers, views and tables of the metadata that are there, children before parents, in one transaction.
pub(crate) fn drop_all(conn: &mut Connection, metadata: &Metadata, key: &BindKey) -> Result<()> {
    // Dropping a parent deletes its rows first, which foreign keys in a circle never let happen.
    let pragma = "PRAGMA foreign_keys";
    let enforcement = enforced(conn).map_err(Error::sql_in(key, pragma))?;
    enforce(conn, false).map_err(Error::sql_in(key, pragma))?;
    let outcome = drop_in_transaction(conn, metadata, key);
    let restored = enforce(conn, enforcement).map_err(Error::sql_in(key, pragma));
    outcome.and(restored)
}

fn drop_in_transaction(conn: &mut Connection, metadata: &Metadata, key: &BindKey) -> Result<()> {
    let transaction = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(Error::sql_in(key, "BEGIN IMMEDIATE"))?;
    let listed = Sorted::set(metadata.objects().iter().map(|object| (object.kind, object.identity())));
    let drop = |kind: ObjectKind, word: &str, name: &str| {
        if !listed.contains(&(kind, kind.identity(name))) {
            return Ok(());
        }
        let sql = format!("DROP {word} main.{}", quote(name));
        transaction.execute_batch(&sql).map_err(Error::sql_in(key, &sql))
    };
    let present = Metadata::read(&transaction, key)?;
    for trigger in present.triggers() {
        drop(ObjectKind::Trigger, "TRIGGER", trigger.name())?;
    }
    for view in present.views() {
        drop(ObjectKind::View, "VIEW", view.name())?;
    }
    for table in parents_first(&present).iter().rev() {
        drop(ObjectKind::Table, "TABLE", table.name())?;
    }
    transaction.commit().map_err(Error::sql_in(key, "COMMIT"))
}

// Which connection of a pool drops the tables, and what became of its settings, is not seen from outside.
#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

    use super::*;

    fn drop_everything(conn: &mut Connection) -> Result<()> {
        let metadata = Metadata::read(conn, &BindKey::DEFAULT)?;
        drop_all(conn, &metadata, &BindKey::DEFAULT)
    }

    #[test]
    fn triggers_go_first_then_views_then_children_before_their_parents() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE b_parent (id INTEGER PRIMARY KEY);
             CREATE TABLE a_child (up REFERENCES b_parent);
             CREATE TABLE c_child (up REFERENCES B_PARENT, next REFERENCES c_child);
             CREATE VIEW v AS SELECT * FROM c_child;
             CREATE TRIGGER t AFTER INSERT ON a_child BEGIN SELECT 1; END;",
        )
        .unwrap();
        let dropped = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&dropped);
        let _ = conn.authorizer(Some(move |context: AuthContext<'_>| {
            let name = match context.action {
                AuthAction::DropTable { table_name } => table_name,
                AuthAction::DropTrigger { trigger_name, .. } => trigger_name,
                AuthAction::DropView { view_name } => view_name,
                _ => return Authorization::Allow,
            };
            seen.lock().unwrap().push(name.to_string());
            Authorization::Allow
        }));
        drop_everything(&mut conn).unwrap();
        assert_eq!(*dropped.lock().unwrap(), ["t", "v", "c_child", "a_child", "b_parent"]);
    }

    #[test]
    fn foreign_keys_are_enforced_afterwards_as_they_were_before() {
        for enforcement in [true, false] {
            let mut conn = Connection::open_in_memory().unwrap();
            enforce(&conn, enforcement).unwrap();
            drop_everything(&mut conn).unwrap();
            assert_eq!(enforced(&conn).unwrap(), enforcement);

            let _ = conn.authorizer(Some(|context: AuthContext<'_>| match context.action {
                AuthAction::DropTable { .. } => Authorization::Deny,
                _ => Authorization::Allow,
            }));
            conn.execute_batch("CREATE TABLE t (x)").unwrap();
            drop_everything(&mut conn).unwrap_err();
            assert_eq!(enforced(&conn).unwrap(), enforcement);
            assert!(conn.is_autocommit());
        }
    }
}
