//! Making again what a bind's metadata lists and its database lacks.

use rusqlite::{Connection, TransactionBehavior};

use super::metadata::Metadata;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::sorted::Sorted;

/// Makes each object of the metadata that is not there, in one transaction.
pub(crate) fn create_all(conn: &mut Connection, metadata: &Metadata, key: &BindKey) -> Result<()> {
    let transaction = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(Error::sql_in(key, "BEGIN IMMEDIATE"))?;
    let present = Metadata::read(&transaction, key)?;
    let present = Sorted::set(present.objects().iter().map(|object| (object.kind, object.identity())));
    for object in metadata.objects() {
        // A shadow table is created by its virtual table.
        if object.shadow || present.contains(&(object.kind, object.identity())) {
            continue;
        }
        transaction.execute_batch(&object.sql).map_err(Error::sql_in(key, &object.sql))?;
    }
    transaction.commit().map_err(Error::sql_in(key, "COMMIT"))
}
