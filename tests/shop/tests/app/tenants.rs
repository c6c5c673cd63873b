use std::sync::Arc;

use multibind::{context, row, Harness};
use rstest::rstest;
use shop::tenants::Tenants;
use shop::Result;

use crate::setup::db;

#[rstest]
fn a_member_is_invited_by_its_own_tenant(db: Harness) -> Result {
    let db = Arc::new(db);
    let binds = Arc::clone(&db);
    let key = move |tenant: &str| binds.key_for("tenant", context! { tenant: tenant });
    let (of, at) = (key.clone(), Arc::clone(&db));
    let mut tenants = Tenants::new(move |tenant| Ok(at.uri(of(tenant)?)?));

    tenants.invite("acme", "ann@example.org")?;
    tenants.invite("apex", "bob@example.org")?;
    db.assert_landed(key("acme")?, "member", row! { email: "ann@example.org" });
    db.assert_landed(key("apex")?, "member", row! { email: "bob@example.org" });
    Ok(())
}
