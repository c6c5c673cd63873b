//! One bind as a join's connection has it.

use crate::error::Result;
use crate::harness::Scope;
use crate::key::{BindIndex, BindKey};
use crate::route::JoinedBind;
use crate::session::unit::Unit;

/// One bind as a join's connection has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) key: BindKey,
    pub(super) bind: BindIndex,
    pub(super) how: How,
    /// Set if it is in a shared cache.
    pub(super) shares: bool,
}

/// The way in which the connection sees what the session sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It is attached: the session sees what is committed.
    Committed,
    /// It is attached, and looks past the session's own locks in a shared cache.
    Uncommitted,
    /// It is a copy: only the session's own connection knows what the session sees. Or it is a second key of a shared
    /// cache, which SQLite refuses to attach again.
    Copied {
        /// The turn of the bind that it is a copy of.
        turn: u64,
    },
}

impl Part {
    /// Reports whether it is a copy.
    pub(super) fn is_copied(&self) -> bool {
        matches!(self.how, How::Copied { .. })
    }

    /// Reports whether another join may find in it what this one did. What others commit to a shared cache counts no turn.
    pub(super) fn lasts(&self) -> bool {
        !(self.is_copied() && self.shares)
    }

    /// Returns the parts for the members of a join, in their order.
    pub(super) fn all(scope: &Scope, unit: &mut Unit, members: &[JoinedBind]) -> Result<Vec<Part>> {
        let mut parts = Vec::<Part>::with_capacity(members.len());
        for member in members {
            let bind = member.bind;
            let database = scope.database(bind)?;
            let shares = database.is_shared_cache();
            let how = if shares {
                if parts.iter().any(|part| part.bind == bind) {
                    How::Copied { turn: unit.turn(bind) }
                } else if unit.has_written(bind) {
                    How::Uncommitted
                } else {
                    How::Committed
                }
            } else if unit.sees_alone(database, bind) {
                How::Copied { turn: unit.turn(bind) }
            } else {
                How::Committed
            };
            parts.push(Part { key: member.key.clone(), bind, how, shares });
        }
        Ok(parts)
    }
}
