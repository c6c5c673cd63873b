use axum::body::{to_bytes, Body};
use axum::http::{Request, StatusCode};
use axum::Router;
use bookings::App;
use multibind::faults::Operation;
use multibind::fixture::harness;
use multibind::{changes, row, Bind, Harness, TestResult};
use rstest::rstest;
use serde_json::{json, Value};
use tower::ServiceExt;

async fn service(db: &Harness) -> TestResult<Router> {
    Ok(App::connect(&db.sqlx_url(None)?, &db.sqlx_url("auth")?, &db.sqlx_url("audit")?).await?.router())
}

/// Sends a request as a guest, and returns the status with the body.
async fn send(service: &Router, guest: &str, method: &str, path: &str, body: Value) -> TestResult<(StatusCode, Value)> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("token of {guest}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))?;
    let response = service.clone().oneshot(request).await?;
    let (status, body) = (response.status(), to_bytes(response.into_body(), usize::MAX).await?);
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

async fn book(service: &Router, guest: &str, room: i64) -> TestResult<StatusCode> {
    let booking = json!({ "room_id": room, "night": "2027-05-01" });
    Ok(send(service, guest, "POST", "/bookings", booking).await?.0)
}

#[rstest]
#[tokio::test]
async fn a_booking_lands_in_the_default_bind_and_its_line_in_audit(harness: Harness) -> TestResult {
    let service = service(&harness).await?;
    assert_eq!(book(&service, "ann", 1).await?, StatusCode::CREATED);

    harness.assert_landed_once(None, "booking", row! { room_id: 1, night: "2027-05-01", guest: "ann" });
    // Two binds have a table `event`.
    harness.assert_landed("audit", "event", row! { what: "ann asks for room 1, 2027-05-01" });
    harness.assert_landed(None, "event", row! { what: "prepare room 1 for ann, 2027-05-01" });
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_room_that_is_taken_changes_nothing_but_the_log(harness: Harness) -> TestResult {
    let service = service(&harness).await?;
    book(&service, "ann", 1).await?;
    let before = harness.snapshot()?;

    assert_eq!(book(&service, "bob", 1).await?, StatusCode::CONFLICT);
    harness.changes_since(&before)?.assert(changes! { "audit.event" => +1 });
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_list_only_reads_and_has_one_guest(harness: Harness) -> TestResult {
    let service = service(&harness).await?;
    book(&service, "ann", 1).await?;
    book(&service, "bob", 2).await?;

    let log = harness.record();
    let (_, listed) = send(&service, "ann", "GET", "/bookings", Value::Null).await?;
    assert_eq!(listed, json!([{ "room_id": 1, "night": "2027-05-01" }]));
    log.assert_reads_only(..);
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_stranger_reaches_no_database_but_auth(harness: Harness) -> TestResult {
    let service = service(&harness).await?;
    let _guard = harness.allow_only("auth");
    assert_eq!(book(&service, "eve", 1).await?, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_guest_cancels_no_booking_but_her_own(harness: Harness) -> TestResult {
    let service = service(&harness).await?;
    book(&service, "ann", 1).await?;

    let (refused, _) = send(&service, "bob", "DELETE", "/bookings/1", Value::Null).await?;
    assert_eq!(refused, StatusCode::NOT_FOUND);
    harness.assert_landed(None, "booking", row! { id: 1 });
    let (cancelled, _) = send(&service, "ann", "DELETE", "/bookings/1", Value::Null).await?;
    assert_eq!(cancelled, StatusCode::NO_CONTENT);
    harness.assert_rows(None, "booking", []);
    Ok(())
}

#[rstest]
#[tokio::test]
async fn nothing_is_booked_while_the_log_refuses_lines(harness: Harness) -> TestResult {
    let service = service(&harness).await?;
    let before = harness.snapshot()?;
    let fault = harness.fault("audit").fail_statement("event", Operation::Insert)?;

    assert_eq!(book(&service, "ann", 1).await?, StatusCode::SERVICE_UNAVAILABLE);
    drop(fault);
    harness.changes_since(&before)?.assert_none();
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_commit_that_fails_books_nothing_and_can_be_tried_again(harness: Harness) -> TestResult {
    let service = service(&harness).await?;
    let before = harness.snapshot()?;
    let _fault = harness.fault(None).times(1).fail_commit()?;

    assert_eq!(book(&service, "ann", 1).await?, StatusCode::SERVICE_UNAVAILABLE);
    harness.changes_since(&before)?.assert(changes! { "audit.event" => +1 });
    assert_eq!(book(&service, "ann", 1).await?, StatusCode::CREATED);
    harness.assert_landed_once(None, "booking", row! { guest: "ann" });
    Ok(())
}

/// The folders of migrations made the binds; in production sqlx's migrator does.
#[tokio::test]
async fn the_migrator_makes_the_same_tables_as_the_binds() -> TestResult {
    let binds = harness();
    let empty =
        Harness::builder().default_bind(Bind::memory()).bind("auth", Bind::memory()).bind("audit", Bind::memory());
    let migrated = empty.start()?;
    App::connect(&migrated.sqlx_url(None)?, &migrated.sqlx_url("auth")?, &migrated.sqlx_url("audit")?)
        .await?
        .migrate()
        .await?;
    migrated.reflect(..)?;
    for key in binds.binds() {
        for table in binds.metadata(&key)?.tables() {
            assert_eq!(Some(table), migrated.metadata(&key)?.table(table.name()));
        }
    }
    Ok(())
}
