//! An order that is paid in one database and not booked in the other: the bug between two commits, which a test finds by
//! making the second fail.
//!
//! `cargo run --example half_paid`, in the folder of this crate.
#![allow(clippy::print_stdout)]

use std::panic::{catch_unwind, set_hook, take_hook, AssertUnwindSafe};

use multibind::rusqlite::{self, Connection};
use multibind::{row, Bind, Harness};

/// The application: orders in one database, the books in another, on connections of its own.
struct Shop<'c> {
    orders: &'c Connection,
    books: &'c Connection,
}

impl Shop<'_> {
    /// Two commits, and the order is paid after the first.
    fn pay_with_bug(&self, order: i64) -> rusqlite::Result<()> {
        self.set_paid(order)?;
        self.book(order)
    }

    /// Books first. If the order cannot be marked, whoever pays again finds it booked, and marks it.
    fn pay(&self, order: i64) -> rusqlite::Result<()> {
        self.book(order)?;
        self.set_paid(order)
    }

    fn set_paid(&self, order: i64) -> rusqlite::Result<()> {
        self.orders.execute("UPDATE purchase SET state = 'paid' WHERE id = ?1", [order]).map(drop)
    }

    fn book(&self, order: i64) -> rusqlite::Result<()> {
        self.books.execute("INSERT INTO booking (purchase) VALUES (?1) ON CONFLICT DO NOTHING", [order]).map(drop)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let purchase = "CREATE TABLE purchase (id INTEGER PRIMARY KEY, state TEXT NOT NULL);
                    INSERT INTO purchase VALUES (1, 'open'), (2, 'open')";
    let db = Harness::builder()
        .bind("orders", Bind::memory().schema(purchase))
        .bind("books", Bind::memory().schema("CREATE TABLE booking (purchase INTEGER PRIMARY KEY)"))
        .start()?;
    let (orders, books) = (db.connection("orders")?, db.connection("books")?);
    let shop = Shop { orders: &orders, books: &books };

    println!("Order 1 is paid while the books refuse to commit:");
    let fault = db.fault("books").fail_commit()?;
    let error = shop.pay_with_bug(1).err().ok_or("the fault did not trigger")?;
    drop(fault);
    println!("  pay_with_bug(1) returns: {error}\nand the test says:\n");
    // The message goes into the story below, not to stderr.
    set_hook(Box::new(|_| {}));
    let asserted = catch_unwind(AssertUnwindSafe(|| {
        db.assert_not_landed("orders", "purchase", row! { id: 1, state: "paid" });
    }));
    drop(take_hook());
    let message = asserted.err().and_then(|panic| panic.downcast::<String>().ok());
    println!("{}", message.ok_or("the order that is paid and not booked went unnoticed")?.trim_end());

    println!("\nBooked first, order 2 survives a failure of either, and is paid when that is over:");
    for bind in ["books", "orders"] {
        let fault = db.fault(bind).disk_full()?;
        let error = shop.pay(2).err().ok_or("the fault did not trigger")?;
        drop(fault);
        db.assert_not_landed("orders", "purchase", row! { id: 2, state: "paid" });
        println!("  no room for {bind}: {error}; it is not paid");
    }
    shop.pay(2)?;
    db.assert_landed("orders", "purchase", row! { id: 2, state: "paid" });
    db.assert_landed("books", "booking", row! { purchase: 2 });
    println!("  once more: it is paid and booked");
    Ok(())
}
