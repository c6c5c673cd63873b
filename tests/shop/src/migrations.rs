//! The changes of tables that the next release brings.

use crate::databases::Databases;
use crate::slips::{has, Slip};
use crate::Result;

/// Adds the tax number, which bills must show since this year.
pub fn add_tax_number(databases: &Databases) -> Result {
    let address = &databases.addresses;
    let address = if has(Slip::MigrationOnWrongBind) { &address.auth } else { &address.billing };
    let conn = rusqlite::Connection::open(address)?;
    conn.execute_batch("ALTER TABLE contact ADD COLUMN tax_number TEXT")?;
    Ok(())
}

/// Adds a check of the carriers that the shop has a contract with.
pub fn add_carriers(databases: &Databases) -> Result {
    let conn = databases.main.get()?;
    conn.execute_batch("CREATE TABLE carrier (name TEXT PRIMARY KEY); INSERT INTO carrier VALUES ('dhl'), ('ups')")?;
    let known = if has(Slip::TriggerDeletes) { "SELECT 'DHL'" } else { "SELECT name FROM carrier" };
    conn.execute_batch(&format!(
        "CREATE TRIGGER shipment_checked AFTER INSERT ON shipment WHEN NEW.carrier NOT IN ({known}) BEGIN
             DELETE FROM shipment WHERE id = NEW.id;
         END"
    ))?;
    Ok(())
}

/// Adds what the warehouse asked for: the last count of the stock.
pub fn add_count(databases: &Databases) -> Result {
    let conn = databases.main.get()?;
    conn.execute_batch("ALTER TABLE product ADD COLUMN counted TEXT")?;
    if has(Slip::Trigger) {
        conn.execute_batch(
            "CREATE TRIGGER line_booked AFTER INSERT ON line BEGIN
                 UPDATE product SET stock = stock - NEW.quantity WHERE sku = NEW.sku;
             END",
        )?;
    }
    Ok(())
}
