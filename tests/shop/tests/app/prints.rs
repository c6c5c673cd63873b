//! What a test prints about a bug: each fails in a process of its own that has the bug, and its output is a file in `prints`.

use std::env;
use std::process::Command;

use rstest::rstest;
use shop::slips::{Slip, VARIABLE};

#[rstest]
#[case(Slip::WrongPool, "audit::a_purchase_is_noted_in_the_audit_log")]
#[case(Slip::TableInWrongBind, "coupons::coupons_are_issued_by_billing")]
#[case(Slip::RolledBack, "orders::a_purchase_is_booked_with_its_total")]
#[case(Slip::NeverCommitted, "worker::a_purchase_is_shipped")]
#[case(Slip::WrongTenant, "tenants::a_member_is_invited_by_its_own_tenant")]
#[case(Slip::HalfCommitted, "checkout::a_purchase_that_cannot_be_paid_is_not_booked")]
#[case(Slip::StaleRead, "catalog::a_purchase_has_the_new_price")]
#[case(Slip::AmbiguousName, "settings::the_page_size_is_what_was_set")]
#[case(Slip::PrivateDatabase, "visits::visits_of_a_page_are_counted")]
#[case(Slip::Orphan, "orders::no_payment_is_left_of_a_cancelled_purchase")]
#[case(Slip::Lock, "billing::a_payment_after_the_close_counts_for_the_next_day")]
#[case(Slip::Duplicate, "billing::a_payment_that_the_bank_reports_twice_counts_once")]
#[case(Slip::WrongType, "catalog::weights_come_from_the_suppliers_list")]
#[case(Slip::Trigger, "migrations::the_stock_falls_by_what_is_bought")]
#[case(Slip::MigrationOnWrongBind, "migrations::bills_have_room_for_a_tax_number")]
#[case(Slip::ForeignKeysOff, "orders::a_customer_who_is_forgotten_leaves_no_lines")]
#[case(Slip::RolledBackBySqlx, "accounts::a_user_signs_up")]
#[case(Slip::WrongPoolOfSqlx, "accounts::bills_go_to_a_users_address")]
#[case(Slip::OldSnapshot, "billing::a_correction_is_in_the_days_books")]
#[case(Slip::UpdatedInstead, "catalog::new_goods_are_taken_in")]
#[case(Slip::Ignored, "settings::a_setting_can_be_changed")]
#[case(Slip::TriggerDeletes, "migrations::a_carrier_with_a_contract_ships")]
#[case(Slip::Replaced, "orders::a_discount_leaves_the_lines_of_a_purchase")]
#[case(Slip::SavepointRolledBack, "catalog::prices_come_from_a_list")]
#[case(Slip::WrongAttached, "letters::a_bill_has_an_address")]
#[case(Slip::Cancelled, "accounts::a_user_is_welcomed")]
fn a_failing_test_prints(#[case] slip: Slip, #[case] test: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../prints");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("{slip:?}"), printed(slip, test)));
}

/// Runs a test that has to fail, and returns what it prints.
fn printed(slip: Slip, test: &str) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command.args(["--exact", test, "--test-threads=1"]).env(VARIABLE, format!("{slip:?}"));
    let run = command.env_remove("RUST_BACKTRACE").env_remove("MULTIBIND_KEEP").output().unwrap();
    let (out, err) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
    assert!(out.contains("0 passed; 1 failed"), "{out}{err}");
    // What is the test's own, without the runner's account of it before and after.
    let own = out.split_once("stdout ----\n").and_then(|(_, after)| after.rsplit_once("\n\nfailures:\n")).unwrap().0;
    steady(&format!("{own}{err}"))
}

/// Replaces what differs between two runs: folders, numbers of threads, times.
fn steady(printed: &str) -> String {
    let program = env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap().to_str().unwrap();
    let mut steady = String::new();
    for line in printed.lines() {
        let line = line.replace(target, "[target]").replace(env!("CARGO_MANIFEST_DIR"), "[shop]");
        let line = pooled(&line);
        let line = numbers_before(&line, &[" ms", " µs", " s", "ms", "µs"]);
        // `thread 'name' (1234) panicked at`
        let line = match (line.starts_with("thread '"), line.find("' ("), line.find(") panicked")) {
            (true, Some(start), Some(end)) => format!("{}' (…{}", &line[..start], &line[end..]),
            _ => line,
        };
        steady.push_str(line.trim_end());
        steady.push('\n');
    }
    steady
}

/// Replaces a number, with a fraction or without, before one of the units.
fn numbers_before(line: &str, units: &[&str]) -> String {
    let mut steady = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(number.len());
        let after = &number[end..];
        let is_time = units.iter().any(|unit| {
            after.strip_prefix(unit).is_some_and(|after| !after.starts_with(|next: char| next.is_alphanumeric()))
        });
        steady += before;
        steady += if is_time { "…" } else { &number[..end] };
        rest = after;
    }
    steady + rest
}

/// Replaces the number of a pool's thread, any of which may open a connection.
fn pooled(line: &str) -> String {
    const THREAD: &str = "r2d2-worker-";
    match line.split_once(THREAD) {
        Some((before, after)) => {
            format!("{before}{THREAD}…{}", after.trim_start_matches(|letter: char| letter.is_ascii_digit()))
        }
        None => line.to_string(),
    }
}
