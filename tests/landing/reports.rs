//! Reports are for a terminal: at most 80 columns, nothing left out that names a thing, and no colour, ever.

use std::process::Command;

use multibind::{row, Bind, Harness};
use rstest::rstest;
use unicode_width::UnicodeWidthStr;

use crate::failure::message;

/// Two binds that have a table each, and a row in that of the first.
fn written(key: &str, table: &str, value: &str) -> (Harness, multibind::changes::Snapshot) {
    let quoted = format!("\"{}\"", table.replace('"', "\"\""));
    let schema =
        format!("CREATE TABLE {quoted} (id INTEGER PRIMARY KEY, value TEXT, another DEFAULT 'of some length')");
    let db = Harness::builder()
        .bind(key, Bind::memory().schema(&schema))
        .bind("other", Bind::temp_file().schema(&schema))
        .start()
        .unwrap();
    let before = db.snapshot().unwrap();
    db.connection(key).unwrap().execute(&format!("INSERT INTO {quoted} (value) VALUES (?1)"), [value]).unwrap();
    (db, before)
}

/// Every report on these databases.
fn reports(key: &str, table: &str, value: &str) -> Vec<String> {
    let (db, before) = written(key, table, value);
    let changes = db.changes_since(&before).unwrap();
    vec![
        db.describe().to_string(),
        changes.to_string(),
        message(|| changes.assert_none()),
        message(|| changes.assert_only("other")),
        message(|| changes.assert_only([key, "other"])),
        message(|| changes.assert([(("other", table), 1)])),
        message(|| db.assert_landed("other", table, row! { value: value })),
        message(|| db.assert_landed("other", table, row! { id: 2, value: value.replace('e', "E") })),
        message(|| db.assert_not_landed(key, table, row! {})),
    ]
}

/// Rust to copy into a test is not broken.
fn is_code(line: &str) -> bool {
    ["  db.", "    (", "    \""].iter().any(|start| line.starts_with(start))
}

#[rstest]
fn no_line_is_wider_than_80_columns(
    #[values("auth", "the_database_of_the_billing_department", &"k".repeat(150))] key: &str,
    #[values("user", "subscription_invoice_line_item", "顧客の請求書の明細の履歴の表", &"t".repeat(150))] table: &str,
    #[values("ann", &"words ".repeat(40), &"x".repeat(500), &"日本語".repeat(50), "\u{1b}[31m\n\t\0")] value: &str,
) {
    for report in reports(key, table, value) {
        for line in report.lines().filter(|line| !is_code(line)) {
            assert!(line.width() <= 80, "{} columns: {line}\n\n{report}", line.width());
        }
    }
}

#[rstest]
#[case::long_names("the_database_of_the_billing_department", "subscription_invoice_line_item_by_customer")]
#[case::longer_than_a_line(&"key".repeat(60), &"table".repeat(40))]
#[case::wide("請求部門の本番環境のデータベース", "顧客の請求書の明細の履歴の表の控え")]
fn every_report_has_the_whole_of_each_name(#[case] key: &str, #[case] table: &str) {
    let (db, before) = written(key, table, "ann");
    for report in [db.describe().to_string(), db.changes_since(&before).unwrap().to_string()] {
        // What a column says, its lines put together again.
        let column = |heading: &str| {
            let head = report.lines().nth(1).unwrap();
            let from = head[..head.find(heading).unwrap()].width();
            let cells = report.lines().skip(3).map(|line| {
                let mut at = 0;
                let mut letters = line.chars().filter(|letter| {
                    at += letter.to_string().width();
                    at > from
                });
                let cell = letters.by_ref().collect::<String>();
                cell.split("   ").find(|part| !part.trim().is_empty()).unwrap_or_default().trim().to_string()
            });
            cells.collect::<String>()
        };
        assert!(column("bind").contains(key), "{report}");
        assert!(column("table").contains(table), "{report}");
    }
}

#[test]
fn columns_are_as_wide_as_a_terminal_shows_their_letters() {
    let (db, before) = written("顧客", "注文", "東京");
    insta::assert_snapshot!(db.changes_since(&before).unwrap(), @r"
    ────────────────────────────────────────────────────────────────────────────
     bind   table   change         rows
    ════════════════════════════════════════════════════════════════════════════
     顧客   注文    + 1 inserted   + id = 1, value = '東京', another = 'of some
                                       length'
    ────────────────────────────────────────────────────────────────────────────
    ");
}

#[test]
fn long_names_are_wrapped_and_rows_stay_beside_their_tables() {
    let db = Harness::builder()
        .bind(
            "the_database_of_the_billing_department",
            Bind::temp_file().schema(
                "CREATE TABLE subscription_invoice_line_item_by_customer (x); CREATE TABLE t (x);
                 INSERT INTO t VALUES (1)",
            ),
        )
        .start()
        .unwrap();
    insta::assert_snapshot!(db.describe(), @r"
    ────────────────────────────────────────────────────────────────────────────────
     bind                           storage     table                          rows
    ════════════════════════════════════════════════════════════════════════════════
     the_database_of_the_billing_   temp_file   subscription_invoice_line_it   0
         department                                 em_by_customer
                                                t                              1
    ────────────────────────────────────────────────────────────────────────────────
    ");
}

#[test]
fn a_name_gives_a_terminal_no_commands() {
    let (db, before) = written("auth", "\u{1b}[31mred\u{7}\t\r\n", "ann");
    insta::assert_snapshot!(db.changes_since(&before).unwrap(), @r"
    ─────────────────────────────────────────────────────────────────────────────
     bind   table                  change         rows
    ═════════════════════════════════════════════════════════════════════════════
     auth   \u{1b}[31mred\u{7}\t   + 1 inserted   + id = 1, value = 'ann',
                                                      another = 'of some length'
    ─────────────────────────────────────────────────────────────────────────────
    ");
    for report in reports("auth", "\u{1b}[31mred\u{7}\r", "\u{1b}[31mred\u{7}") {
        assert!(!report.contains(['\u{1b}', '\u{7}', '\r']), "{report:?}");
    }
}

/// Run by the test below.
#[test]
#[ignore = "fails, to show its message"]
fn fails() {
    let (db, before) = written("auth", "user", "ann");
    println!("{}\n{}", db.describe(), db.changes_since(&before).unwrap());
    db.assert_landed("other", "user", row! { value: "ann" });
}

#[test]
fn no_report_has_colour_whatever_the_environment_says() {
    let printed = |environment: &[(&str, &str)]| {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--ignored", "--exact", "--nocapture", "reports::fails"]);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLORTERM"] {
            test.env_remove(name);
        }
        test.env("MULTIBIND_KEEP", "never").env("RUST_BACKTRACE", "0").envs(environment.iter().copied());
        let output = test.output().unwrap();
        assert_eq!(output.status.code(), Some(101));
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(stdout.contains("══") && stderr.contains("instead of `other`"), "{stdout}\n{stderr}");
        assert!(!stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'), "{stdout}\n{stderr}");
    };
    printed(&[]);
    printed(&[("NO_COLOR", "1")]);
    printed(&[("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1"), ("COLORTERM", "truecolor"), ("TERM", "xterm-256color")]);
}
