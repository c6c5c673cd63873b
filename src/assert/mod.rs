//! Assertions: each reads once, has a verdict given by `observe`, and only if that is against the test has
//! `report` word it.

mod changes;
mod data;
mod fault;
mod guard;
mod landing;
mod references;
mod rows;
mod schemas;
mod statements;
mod within;
