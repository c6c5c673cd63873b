use multibind::{row, Harness};
use rstest::rstest;
use shop::visits::Visits;
use shop::Result;

use crate::setup::{db, shop};

#[rstest]
fn visits_of_a_page_are_counted(db: Harness) -> Result {
    let visits = Visits::open(&shop(&db)?)?;
    visits.count("/tea")?;
    visits.count("/tea")?;
    db.assert_landed("meta", "visit", row! { page: "/tea", hits: 2 });
    Ok(())
}
