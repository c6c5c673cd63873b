//! The file systems that this crate registers with SQLite.

pub(crate) mod disk;
pub(crate) mod gate;
pub(crate) mod memory;
mod methods;
mod register;
mod system;

pub(crate) use gate::{Begins, Gate, Into, Writer};
pub(crate) use memory::{GivenUp, Lock, Memory, Opener};
