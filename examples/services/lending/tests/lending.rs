use lending::{Library, Refusal};
use multibind::faults::Operation;
use multibind::fixture::harness;
use multibind::{changes, row, Bind, Harness, TestResult};
use rstest::rstest;

fn library(db: &Harness) -> TestResult<Library> {
    Ok(Library::open(&db.uri(None)?, &db.uri("members")?)?)
}

#[rstest]
fn a_loan_lands_in_the_catalogue_and_in_the_members_history(harness: Harness) -> TestResult {
    let before = harness.snapshot()?;
    library(&harness)?.lend(1, "ann").unwrap();

    harness.assert_landed_once(None, "loan", row! { book_id: 1, member: "ann" });
    harness.assert_landed("members", "history", row! { line: "ann takes 1" });
    harness.changes_since(&before)?.assert(changes! {
        "default.book" => ~[row! { id: 1, copies: 1 }],
        "default.loan" => +1,
        "default.history" => +1,
        "members.history" => +1,
    });
    harness.assert_references();
    Ok(())
}

#[rstest]
fn a_book_without_copies_is_lent_to_nobody(harness: Harness) -> TestResult {
    let before = harness.snapshot()?;
    assert!(matches!(library(&harness)?.lend(2, "ann"), Err(Refusal::Database(_))));
    harness.changes_since(&before)?.assert_none();
    Ok(())
}

#[rstest]
fn a_blocked_member_is_refused_before_anything_is_written(harness: Harness) -> TestResult {
    let _guard = harness.deny_writes(..);
    assert!(matches!(library(&harness)?.lend(1, "bob"), Err(Refusal::Blocked)));
    Ok(())
}

#[rstest]
fn a_book_that_comes_back_undoes_the_loan(harness: Harness) -> TestResult {
    let mut library = library(&harness)?;
    let before = harness.snapshot()?;
    library.lend(1, "ann").unwrap();
    library.give_back(1, "ann").unwrap();
    harness.changes_since(&before)?.assert(changes! { "default.history" => +1, "members.history" => +2 });
    assert!(matches!(library.give_back(1, "ann"), Err(Refusal::NotLent)));
    Ok(())
}

#[rstest]
fn nothing_is_lent_while_the_members_are_down(harness: Harness) -> TestResult {
    let mut library = library(&harness)?;
    let before = harness.snapshot()?;
    let fault = harness.fault("members").fail_statement("history", Operation::Insert)?;
    assert!(library.lend(1, "ann").is_err());
    drop(fault);
    harness.changes_since(&before)?.assert_none();
    Ok(())
}

#[rstest]
fn a_commit_that_fails_in_the_catalogue_leaves_no_more_than_a_line(harness: Harness) -> TestResult {
    let before = harness.snapshot()?;
    let fault = harness.fault(None).fail_commit()?;
    assert!(library(&harness)?.lend(1, "ann").is_err());
    drop(fault);
    harness.changes_since(&before)?.assert(changes! { "members.history" => +1 });
    Ok(())
}

#[rstest]
fn a_migration_keeps_what_was_lent() -> TestResult {
    let catalogue = Bind::memory().schema_up_to("migrations/catalogue", "2026-01-10-090000");
    let db = Harness::builder().default_bind(catalogue).start()?;
    let mut session = db.session();
    session.execute("INSERT INTO book (title, lent) VALUES ('Persuasion', FALSE), ('Emma', TRUE)", [])?;
    session.commit()?;

    db.migrate_to(None, "head")?;
    db.assert_rows(None, "book", [row! { title: "Persuasion", copies: 1 }, row! { title: "Emma", copies: 0 }]);
    db.migrate_to(None, "2026-01-10-090000")?;
    db.assert_landed(None, "book", row! { title: "Emma", lent: true });
    Ok(())
}

#[rstest]
fn the_embedded_migrations_make_the_tables_of_the_binds(harness: Harness) -> TestResult {
    let empty = Harness::builder().default_bind(Bind::memory()).bind("members", Bind::memory()).start()?;
    library(&empty)?.migrate()?;
    empty.reflect(..)?;
    for key in harness.binds() {
        for table in harness.metadata(&key)?.tables() {
            assert_eq!(empty.metadata(&key)?.table(table.name()), Some(table));
        }
    }
    Ok(())
}
