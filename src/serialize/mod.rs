//! Forms of a test's findings for snapshot files: in a stable order, without anything that differs from run to run.
//! Change sets, rows and bind keys have theirs beside them. Written out, for deriving it would cost more.

mod changes;
mod description;
mod found;
mod metadata;

/// An object of fields, some of them only where they say something.
macro_rules! object {
    ($serializer:expr, $name:literal; $($field:literal: $value:expr $(, if $present:expr)?);+) => {{
        let present = [$(true $(&& $present)?),+];
        let fields = present.iter().filter(|present| **present).count();
        let mut object = $serializer.serialize_struct($name, fields)?;
        let mut present = present.into_iter();
        $(match present.next() {
            Some(true) => object.serialize_field($field, &$value)?,
            _ => object.skip_field($field)?,
        })+
        object.end()
    }};
}
use object;
