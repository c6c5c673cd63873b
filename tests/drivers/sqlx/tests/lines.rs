//! Reports name the lines that asked sqlx for what it runs on threads of its own.

use std::future::{pending, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};

use multibind::{row, Bind, Harness};
use rstest::{fixture, rstest};
use sqlx::SqlitePool;

#[fixture]
fn db() -> Harness {
    let auth = Bind::memory().schema("CREATE TABLE user (name TEXT)");
    Harness::builder().bind("auth", auth).start().unwrap()
}

async fn pool(db: &Harness) -> SqlitePool {
    SqlitePool::connect(&db.sqlx_url("auth").unwrap()).await.unwrap()
}

const SIGN_UP: &str = "INSERT INTO user (name) VALUES (?)";

/// Signs a user up once the answer has come, if it is yes.
async fn sign_up(auth: &SqlitePool, name: &str, answer: impl Future<Output = bool>) -> sqlx::Result<()> {
    let mut transaction = auth.begin().await?;
    sqlx::query(SIGN_UP).bind(name).execute(&mut *transaction).await?; // asked for here
    if !answer.await {
        return transaction.rollback().await; // rolled back here
    }
    transaction.commit().await // committed here
}

/// Returns this file's line of that comment, as reports write it.
fn line(comment: &str) -> String {
    let number =
        include_str!("lines.rs").lines().position(|line| line.ends_with(&format!("// {comment}"))).unwrap() + 1;
    format!("{}:{number}", file!())
}

fn report(db: &Harness) -> String {
    let failed = catch_unwind(AssertUnwindSafe(|| db.assert_landed("auth", "user", row! { name: "ann" }))).unwrap_err();
    *failed.downcast::<String>().unwrap()
}

#[rstest]
#[tokio::test]
async fn a_statement_and_its_commit_have_the_lines_that_called_sqlx(db: Harness) -> sqlx::Result<()> {
    let auth = pool(&db).await;
    let log = db.record();
    sign_up(&auth, "ann", async { true }).await?; // called here
    let statements = log.statements();
    let insert = statements.iter().find(|one| one.sql() == SIGN_UP).unwrap();
    assert_eq!(insert.place(), Some(&*format!("{}, lines::sign_up", line("asked for here"))));
    assert!(insert.callers()[0].starts_with(&line("called here")), "{:?}", insert.callers());
    assert_eq!(insert.transaction_ended_at(), Some(format!("{}, lines::sign_up", line("committed here"))));
    assert_ne!(insert.thread().id(), std::thread::current().id());
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_rollback_has_the_line_that_called_for_it(db: Harness) -> sqlx::Result<()> {
    let auth = pool(&db).await;
    sign_up(&auth, "ann", async { false }).await?;
    let report = report(&db);
    assert!(report.contains(&format!("at {}, lines::sign_up\n", line("asked for here"))), "{report}");
    assert!(report.contains(&format!("rolled back at {}, lines::sign_up\n", line("rolled back here"))), "{report}");
    Ok(())
}

#[rstest]
#[tokio::test]
async fn a_future_that_is_cancelled_is_named_with_the_line_that_dropped_it(db: Harness) -> sqlx::Result<()> {
    let auth = pool(&db).await;
    let (reached, is_reached) = tokio::sync::oneshot::channel();
    let answer = async move {
        reached.send(()).unwrap();
        pending().await
    };
    let mut signing_up = Box::pin(sign_up(&auth, "ann", answer));
    tokio::select! {
        done = &mut signing_up => done?,
        reached = is_reached => reached.unwrap(),
    }
    drop(signing_up); // dropped here

    // The next on the pool's connection is after the rollback.
    sign_up(&auth, "bob", async { true }).await?;
    let report = report(&db);
    let rolled_back = format!("rolled back at {}", line("dropped here"));
    assert!(report.contains(&rolled_back), "{report}");
    assert!(
        report.replace("\n      ", " ").contains("the future of `sign_up` was cancelled: it was dropped there"),
        "{report}"
    );
    Ok(())
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_task_asks_for_on_another_thread_has_no_line(db: Harness) -> sqlx::Result<()> {
    let auth = pool(&db).await;
    let of_task = auth.clone();
    tokio::spawn(async move { sign_up(&of_task, "ann", async { false }).await }).await.unwrap()?;
    assert!(report(&db).contains("no line is known: the driver runs statements on a thread of its own\n"));
    Ok(())
}
