//! The bind that a setting names.

use crate::key::BindKey;

/// The bind that a setting names: `default` stands for the default one, whose key no string is.
pub(super) fn named(key: BindKey) -> BindKey {
    match key.as_str() {
        Some("default") => BindKey::DEFAULT,
        _ => key,
    }
}
