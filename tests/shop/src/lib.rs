//! A shop. Its goods and purchases are in the main database, its users, its bills and what it knows of itself in one each, and
//! every tenant's members in one of their own. Most modules take connections from pools, some open their own, and accounts are
//! on sqlx.

pub mod accounts;
pub mod audit;
pub mod billing;
pub mod catalog;
pub mod checkout;
pub mod coupons;
pub mod databases;
pub mod letters;
pub mod migrations;
pub mod orders;
pub mod settings;
pub mod slips;
pub mod tenants;
pub mod visits;
pub mod worker;

use std::error::Error;

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
