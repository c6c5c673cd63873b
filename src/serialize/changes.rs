//! A change set for a snapshot file: everything in it, in a stable order. Written out, for deriving it would cost more.

use serde_core::ser::{Serialize, SerializeStruct, Serializer};

use crate::observe::{ChangeKind, ChangeSet, RowUpdate, TableChange};

/// A list of [`TableChange`], one for each table that changed.
impl Serialize for ChangeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.changes())
    }
}

/// `rows`, `created`, `altered` or `dropped`.
impl Serialize for ChangeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            ChangeKind::Created => "created",
            ChangeKind::Altered => "altered",
            ChangeKind::Dropped => "dropped",
            ChangeKind::Rows => "rows",
        })
    }
}

/// `bind`, `table` and `kind`; the rest only where there is any of it.
impl Serialize for TableChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = &self.rows;
        let present = [
            self.is_view,
            !self.details.is_empty(),
            !rows.inserted.is_empty(),
            !rows.updated.is_empty(),
            !rows.deleted.is_empty(),
        ];
        let fields = 3 + present.iter().filter(|present| **present).count();
        let mut change = serializer.serialize_struct("TableChange", fields)?;
        change.serialize_field("bind", &self.bind)?;
        change.serialize_field("table", &self.table)?;
        if self.is_view {
            change.serialize_field("view", &true)?;
        }
        change.serialize_field("kind", &self.kind)?;
        field(&mut change, "details", &self.details)?;
        field(&mut change, "inserted", &rows.inserted)?;
        field(&mut change, "updated", &rows.updated)?;
        field(&mut change, "deleted", &rows.deleted)?;
        change.end()
    }
}

fn field<S: SerializeStruct, T: Serialize>(to: &mut S, name: &'static str, items: &[T]) -> Result<(), S::Error> {
    match items {
        [] => to.skip_field(name),
        items => to.serialize_field(name, items),
    }
}

/// The row `before` and the row `after`.
impl Serialize for RowUpdate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut update = serializer.serialize_struct("RowUpdate", 2)?;
        update.serialize_field("before", &self.before)?;
        update.serialize_field("after", &self.after)?;
        update.end()
    }
}
