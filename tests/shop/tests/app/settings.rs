use multibind::{row, Harness};
use rstest::rstest;
use shop::{settings, Result};

use crate::setup::{db, shop};

#[rstest]
fn the_page_size_is_what_was_set(db: Harness) -> Result {
    let shop = shop(&db)?;
    settings::warm(&shop)?;
    let mut session = db.session();
    session.table("setting")?.insert(row! { name: "page_size", value: "50" })?;
    session.commit()?;
    assert_eq!(settings::page_size(&shop)?, 50);
    Ok(())
}

#[rstest]
fn a_setting_can_be_changed(db: Harness) -> Result {
    let shop = shop(&db)?;
    settings::set(&shop, "currency", "EUR")?;
    settings::set(&shop, "currency", "CHF")?;
    db.assert_landed("meta", "setting", row! { name: "currency", value: "CHF" });
    Ok(())
}
