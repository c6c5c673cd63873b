//! A table that is in another bind than it should be.

use insta::assert_snapshot;
use multibind::{row, Bind, Harness};

use crate::failure::failure;

#[test]
fn a_table_that_was_created_in_another_bind_is_named_with_its_statement() {
    let db = Harness::builder().default_bind(Bind::memory()).bind("billing", Bind::memory()).start().unwrap();
    let conn = db.connection(None).unwrap();
    conn.execute_batch("CREATE TABLE coupon (code TEXT PRIMARY KEY, percent INTEGER)").unwrap();
    assert_snapshot!(failure(|| db.assert_landed("billing", "coupon", row! { code: "SPRING" })), @r#"
    the row did not land in `billing`: it has no table `coupon`; `default` has it,
    without the row

      look at  … it created `coupon` in `default`, not in `billing`
      looked for  coupon: code = 'SPRING'
      expected    in `billing`, committed, and in no other bind

     bind      rows   found
     default   0      no row at all
    ─
     billing          no such table

    The table in `default` was created by
      CREATE TABLE coupon (code TEXT PRIMARY KEY, percent INTEGER)
      at landing::accounts::tables::a_table_that_was_created_in_another_bind_is_named_with_its_statement
      on the test's thread, connection 1, committed

    No statement wrote to a table `coupon`, in any bind.

    Nothing in this process has opened a connection to `billing`.
    "#);
    conn.execute("INSERT INTO coupon VALUES ('SPRING', 10)", []).unwrap();
    assert_snapshot!(failure(|| db.assert_landed("billing", "coupon", row! { code: "SPRING" })), @r#"
    the row landed in `default` instead of `billing`

      look at  … it gave `default`, with `db.connection`
      looked for  coupon: code = 'SPRING'
      expected    in `billing`, committed, and in no other bind

     bind      rows   found
     default   1      the row:
                        code = 'SPRING', percent = 10
    ─
     billing          no such table

    The row in `default` was written by
      INSERT INTO coupon VALUES ('SPRING', 10)
      at landing::accounts::tables::a_table_that_was_created_in_another_bind_is_named_with_its_statement
      on the test's thread, connection 1, committed

    Connection 1 to `default` came from `db.connection`
      at landing::accounts::tables::a_table_that_was_created_in_another_bind_is_named_with_its_statement

    Nothing in this process has opened a connection to `billing`.
    "#);
}
