//! A row that breaks a foreign key of its bind.

use insta::assert_snapshot;
use multibind::{row, Bind, Harness};

use crate::failure::failure;

#[test]
fn a_row_without_its_parent_is_told_with_the_statement_that_ran_without_foreign_keys() {
    let schema = "CREATE TABLE purchase (id INTEGER PRIMARY KEY);
        CREATE TABLE line (id INTEGER PRIMARY KEY, purchase_id INTEGER REFERENCES purchase ON DELETE CASCADE, sku TEXT)";
    let db = Harness::builder().default_bind(Bind::memory().schema(schema)).start().unwrap();
    let conn = db.connection(None).unwrap();
    conn.execute_batch("INSERT INTO purchase VALUES (1); INSERT INTO line VALUES (7, 1, 'tea')").unwrap();
    conn.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM purchase WHERE id = 1").unwrap();
    assert_snapshot!(failure(|| db.assert_not_landed(None, "line", row! { sku: "tea" })), @r#"
    the row is in `default`

      look at  … it switched foreign keys off on its connection
      looked for  line: sku = 'tea'
      expected    not in `default`

     bind      rows   found
     default   1      the row:
                        id = 7, purchase_id = 1, sku = 'tea'

    The row in `default` was written by
      INSERT INTO line VALUES (7, 1, 'tea')
      at landing::accounts::keys::a_row_without_its_parent_is_told_with_the_statement_that_ran_without_foreign_keys
      on the test's thread, connection 1, committed

    The row of `line` in `default` refers to a row of `purchase` that is not there.
    Foreign keys were off on the connection of:
      DELETE FROM purchase WHERE id = 1
      at landing::accounts::keys::a_row_without_its_parent_is_told_with_the_statement_that_ran_without_foreign_keys
      on the test's thread, connection 1, committed
      `PRAGMA foreign_keys` was switched off on that connection
      at landing::accounts::keys::a_row_without_its_parent_is_told_with_the_statement_that_ran_without_foreign_keys
    With foreign keys on: `purchase_id` of `line` refers to `id` of `purchase` ON
    DELETE CASCADE, so deleting a row of `purchase` deletes the rows of `line` that
    refer to it.
    "#);
}
