//! Keeping what metadata lists of objects that a database lacks.

use super::{Metadata, ObjectKind, SchemaObject};
use crate::sorted::Sorted;

impl Metadata {
    /// Adds the objects of `known` that are missing here, so that they can be created again.
    ///
    /// A table counts with its indexes and triggers: of a table that is here, those of `known` are left out, for they may
    /// name a column that is gone. A name that is taken here is left out too.
    pub(crate) fn keep(&mut self, known: &Metadata) {
        let taken = Sorted::set(self.objects.iter().map(SchemaObject::identity));
        let is_here = |name: &str| taken.contains(&(false, name.to_ascii_lowercase()));
        let missing = |object: &SchemaObject| !is_here(&object.table) && !taken.contains(&object.identity());
        let mut kept = Sorted::default();
        for object in known.objects.iter().filter(|object| missing(object)) {
            kept.insert(object.identity(), ());
            self.objects.push(object.clone());
        }
        let is_kept = |kind: ObjectKind, name: &str| kept.contains(&kind.identity(name));
        self.tables.extend(known.tables.iter().filter(|table| is_kept(ObjectKind::Table, &table.name)).cloned());
        self.views.extend(known.views.iter().filter(|view| is_kept(ObjectKind::View, &view.name)).cloned());
        self.triggers.extend(known.triggers.iter().filter(|it| is_kept(ObjectKind::Trigger, &it.name)).cloned());
    }
}
