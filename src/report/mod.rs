//! Words, tables and pictures for people. A report is given a verdict and what was found; it reads no database.

mod account;
mod came;
pub(crate) mod changes;
mod clues;
pub(crate) mod data;
mod describe;
mod diagram;
mod displaced;
pub(crate) mod fault;
pub(crate) mod guard;
pub(crate) mod landing;
mod late;
pub(crate) mod lock;
mod look_at;
mod makers;
mod mermaid;
pub(crate) mod page;
pub(crate) mod references;
pub(crate) mod rows;
pub(crate) mod schemas;
pub(crate) mod statements;
mod table;
mod values;
pub(crate) mod within;
mod words;
pub(crate) mod written;
