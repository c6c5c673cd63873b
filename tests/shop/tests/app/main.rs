//! The tests of the shop. They pass; with one of the bugs of `shop::slips` switched on, one of them fails, and `prints` has what
//! it prints.

mod accounts;
mod audit;
mod billing;
mod catalog;
mod checkout;
mod coupons;
mod letters;
mod migrations;
mod orders;
mod prints;
mod settings;
mod setup;
mod tenants;
mod visits;
mod worker;
