//! The databases of a test, and the shop on them.

use multibind::binds::Lag;
use multibind::{Bind, Harness};
use rstest::fixture;
use shop::databases::{Addresses, Databases};
use shop::Result;

#[fixture]
pub(crate) fn db() -> Harness {
    Harness::builder()
        .default_bind(Bind::memory().schema_path("schema/main.sql"))
        .bind("auth", Bind::memory().schema_path("schema/auth.sql"))
        .bind("billing", Bind::memory().schema_path("schema/billing.sql"))
        .bind("meta", Bind::memory().schema_path("schema/meta.sql"))
        .bind("replica", Bind::mirror(None).read_only(true).lag(Lag::Manual))
        .bind(
            "tenant",
            Bind::dynamic(|context| Ok(format!("shop_{}", context.get("tenant")?))).schema_path("schema/tenant.sql"),
        )
        .reference("billing.payment.purchase_id", "default.purchase.id")
        .start()
        .unwrap()
}

/// Opens the shop on the databases of a test.
pub(crate) fn shop(db: &Harness) -> Result<Databases> {
    Databases::open(Addresses {
        main: db.uri(None)?,
        replica: db.uri("replica")?,
        auth: db.uri("auth")?,
        auth_url: db.sqlx_url("auth")?,
        billing: db.uri("billing")?,
        billing_url: db.sqlx_url("billing")?,
        meta: db.uri("meta")?,
    })
}
