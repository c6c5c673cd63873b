//! The public modules: what a test names less often than what the root has, each module by what it is about.

pub mod binds;
pub mod changes;
pub mod faults;
pub mod guards;
pub mod landings;
pub mod locks;
pub mod pools;
pub mod sessions;
pub mod statements;
pub mod tables;
