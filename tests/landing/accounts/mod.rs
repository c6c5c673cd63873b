//! What the report of a failed assertion on a landing says of how it came about.

mod chains;
mod dropped;
mod keys;
mod missing;
mod put_back;
mod set_up;
mod tables;
mod tenants;
mod units;
mod unprepared;
mod written;
