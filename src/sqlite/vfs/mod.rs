//! The file systems that this crate registers with SQLite.

pub(crate) mod disk;
pub(crate) mod memory;
mod register;
mod system;
pub(crate) mod writer;

pub(crate) use memory::{Memory, Opener};
