//! A row that should be in the database of a tenant, which nobody may have used yet.

use insta::assert_snapshot;
use multibind::{context, row, Bind, Harness};

use crate::failure::failure;

fn shop() -> Harness {
    let members =
        "CREATE TABLE member (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO member VALUES (1, 'root@shop')";
    let tenant = Bind::dynamic(|context| Ok(format!("shop_{}", context.get("tenant")?))).schema(members);
    Harness::builder().bind("tenant", tenant).start().unwrap()
}

#[test]
fn a_tenant_that_nobody_used_has_what_it_is_made_with() {
    let db = shop();
    db.assert_landed("tenant[shop_apex]", "member", row! { email: "root@shop" });
    db.assert_not_landed("tenant[shop_acme]", "member", row! { email: "bob@shop" });
}

#[test]
fn a_row_of_a_tenant_that_nobody_used_is_found_in_another_tenant() {
    let db = shop();
    let acme = db.connection_for("tenant", context! { tenant: "acme" }).unwrap();
    acme.execute("INSERT INTO member (email) VALUES ('bob@shop')", []).unwrap();
    assert_snapshot!(failure(|| db.assert_landed("tenant[shop_apex]", "member", row! { email: "bob@shop" })), @r#"
    the row landed in `tenant[shop_acme]` instead of `tenant[shop_apex]`

      look at  … it gave `tenant[shop_acme]`, with `db.connection_for`
      looked for  member: email = 'bob@shop'
      expected    in `tenant[shop_apex]`, committed, and in no other bind

     bind                rows   found
     tenant[shop_acme]   2      the row:
                                  id = 2, email = 'bob@shop'
    ─
     tenant[shop_apex]   1      no row matches; nearest:
                                  id = 1, email = 'root@shop'

    The row in `tenant[shop_acme]` was written by
      INSERT INTO member (email) VALUES ('bob@shop')
      at landing::accounts::tenants::a_row_of_a_tenant_that_nobody_used_is_found_in_another_tenant
      on the test's thread, connection 1, committed

    Connection 1 to `tenant[shop_acme]` came from `db.connection_for`
      at landing::accounts::tenants::a_row_of_a_tenant_that_nobody_used_is_found_in_another_tenant

    Nothing in this process has opened a connection to `tenant[shop_apex]`.
    "#);
}
