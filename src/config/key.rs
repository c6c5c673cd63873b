//! The bind that a setting names.

use crate::key::BindKey;

/// Returns the bind that a setting names: `default` is the default one's, whose key is no string.
pub(super) fn named(key: BindKey) -> BindKey {
    match key.as_str() {
        Some("default") => BindKey::DEFAULT,
        _ => key,
    }
}
