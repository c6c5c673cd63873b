//! What the report of a failed assertion on a landing says of how it came about.

mod missing;
mod tables;
mod units;
mod written;
