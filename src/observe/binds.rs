//! The keys of a harness's databases, for what may be read after the harness has gone.

use std::sync::Arc;

use crate::database::Database;
use crate::error::{argument, list, Error, Result};
use crate::harness::Running;
use crate::key::BindKey;
use crate::order::sort_by_key;

/// The keys of each database.
pub(super) fn keys(running: &Running) -> Arc<[Vec<BindKey>]> {
    running.databases().map(Database::keys).map(<[BindKey]>::to_vec).collect()
}

/// The position of a key's database.
pub(super) fn position(binds: &[Vec<BindKey>], key: &BindKey) -> Result<usize> {
    binds.iter().position(|keys| keys.contains(key)).ok_or_else(|| {
        let mut configured = binds.iter().flatten().cloned().collect::<Vec<_>>();
        sort_by_key(&mut configured, |key| !key.is_default());
        match key.is_default() {
            true => Error::NoDefaultBind { what: None, configured },
            false => Error::UnknownBind { bind: key.clone(), configured },
        }
    })
}

/// Keys as a test writes them in an argument.
pub(super) fn as_written(keys: &[BindKey]) -> String {
    let optional = |key: &BindKey| key.as_str().map_or("None".to_string(), |key| format!("Some({key:?})"));
    match keys {
        [] => "[]".to_string(),
        [key] => argument(key),
        keys if keys.iter().any(BindKey::is_default) => {
            format!("[{}]", list(&keys.iter().map(optional).collect::<Vec<_>>()))
        }
        keys => format!("[{}]", list(&keys.iter().map(argument).collect::<Vec<_>>())),
    }
}
