use std::time::Duration;

use multibind::{changes, row, Config, Harness, TestResult};
use publisher::{Databases, Publisher};
use rstest::{fixture, rstest};

const LIMIT: Duration = Duration::from_secs(10);

#[fixture]
fn db() -> Harness {
    // The tables call the application's functions, so each connection of the harness needs them.
    let config = Config::from_file("fixtures/binds.toml").unwrap().on_connect(publisher::register);
    Harness::from_config(config).unwrap()
}

fn databases(db: &Harness) -> TestResult<Databases> {
    Ok(Databases { queue: publisher::open(&db.uri(None)?)?, site: publisher::open(&db.uri("site")?)? })
}

#[rstest]
fn a_text_becomes_a_page_and_its_job_goes(db: Harness) -> TestResult {
    let publisher = Publisher::start(databases(&db)?, 1)?;
    publisher.submit("Hello, World", "three short words")?;
    db.within(LIMIT).assert_landed("site", "page", row! { slug: "hello-world", words: 3 });
    db.within(LIMIT).assert_rows(None, "job", []);
    Ok(())
}

#[rstest]
fn workers_share_the_jobs_and_do_none_twice(db: Harness) -> TestResult {
    let before = db.snapshot()?;
    let log = db.record();
    let publisher = Publisher::start(databases(&db)?, 4)?;
    for number in 0..50 {
        publisher.submit(&format!("page {number}"), "text")?;
    }
    drop(publisher);
    db.changes_since(&before)?.assert(changes! { "site.page" => +50 });
    log.assert_containing("INSERT INTO page", 50);
    Ok(())
}

#[rstest]
fn submitting_writes_to_the_queue_only(db: Harness) -> TestResult {
    let databases = databases(&db)?;
    let _guard = db.deny_writes("site");
    databases.add("Later", "text")?;
    db.assert_landed_once(None, "job", row! { title: "Later", tries: 0 });
    Ok(())
}

#[rstest]
fn a_job_of_an_earlier_run_is_done(db: Harness) -> TestResult {
    db.insert(None, "job", row! { title: "Left behind", body: "text" })?;
    let _publisher = Publisher::start(databases(&db)?, 1)?;
    db.within(LIMIT).assert_landed("site", "page", row! { slug: "left-behind" });
    Ok(())
}

#[rstest]
fn a_job_done_twice_makes_one_page(db: Harness) -> TestResult {
    let publisher = Publisher::start(databases(&db)?, 1)?;
    let _fault = db.fault(None).after(1).times(1).fail_commit()?; // `submit` commits, then the worker fails to
    publisher.submit("Once", "text")?;
    db.within(LIMIT).assert_rows(None, "job", []);
    db.assert_landed_once("site", "page", row! { slug: "once" });
    Ok(())
}

#[rstest]
fn a_full_disk_leaves_the_job_with_the_reason(db: Harness) -> TestResult {
    let publisher = Publisher::start(databases(&db)?, 1)?;
    let _fault = db.fault("site").disk_full()?;
    publisher.submit("Too much", "text")?;
    db.within(LIMIT).assert_landed(None, "job", row! { tries: 3, problem: "database or disk is full" });
    db.assert_not_landed("site", "page", row! { title: "Too much" });
    Ok(())
}
