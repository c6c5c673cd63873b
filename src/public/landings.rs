//! Rows with the bind and table they were found in, and rows whose reference to another bind leads nowhere.

pub use crate::error::Orphan;
pub use crate::observe::{ExpectedRows, Landing, Within};
