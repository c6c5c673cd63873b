//! What the application writes on SeaORM lands where it belongs.

#[path = "../../shared/binds.rs"]
mod binds;
#[path = "../../shared/faults.rs"]
mod faults;
#[path = "../../shared/hooks.rs"]
mod hooks;
#[path = "../../shared/asynchronous_hooks.rs"]
mod hooks_beside;
#[path = "../../shared/asynchronous_instruments.rs"]
mod instruments;
#[path = "../../shared/asynchronous.rs"]
mod landings;

use binds::Result;
use hooks::Own;
use multibind::binds::Storage;
use multibind::Harness;
use on_sea_orm::{audit, sign_up, users};
use rstest::rstest;
use sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm::{Database, DatabaseConnection, SqlxSqliteConnector};

async fn connect(db: &Harness, key: Option<&str>) -> Result<DatabaseConnection> {
    Ok(Database::connect(&db.sqlx_url(key)?).await?)
}

async fn connect_with(db: &Harness, key: &str, own: Own) -> Result<DatabaseConnection> {
    let options = SqlitePoolOptions::new().after_connect(move |conn, _| {
        Box::pin(async move {
            own.set(conn.lock_handle().await?.as_raw_handle().as_ptr());
            Ok(())
        })
    });
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(options.connect(&db.sqlx_url(key)?).await?))
}

#[rstest]
#[case::memory(Storage::Memory)]
#[case::temp_file(Storage::TempFile)]
#[case::shared_cache(Storage::SharedCache)]
#[case::memdb(Storage::MemDb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_wait_for_each_other(#[case] storage: Storage) -> Result {
    landings::four_writers(storage).await
}
