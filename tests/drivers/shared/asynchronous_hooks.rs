//! The harness beside what an application sets on its own connections, on an asynchronous driver.

use multibind::binds::Storage;
use rstest::rstest;

use super::binds::{binds, Result};
use super::hooks::{Hook, Own};
use super::{connect_with, sign_up};

#[rstest]
#[tokio::test]
async fn what_the_application_sets_goes_on_and_what_is_lost_by_it_is_said(
    #[values(Storage::Memory, Storage::TempFile, Storage::MemDb, Storage::SharedCache)] storage: Storage,
    #[values(Hook::Update, Hook::Rollback, Hook::Commit, Hook::Trace, Hook::Authorizer)] hook: Hook,
) -> Result {
    let shows_writes = storage != Storage::SharedCache;
    let (db, own) = (binds(storage), Own::new(hook));
    let auth = connect_with(&db, "auth", own).await?;
    let log = db.record();
    sign_up(&auth, "ann").await?;
    own.after_a_record(&log, shows_writes);
    drop(log);
    let guard = db.deny_writes("auth");
    let refused = sign_up(&auth, "bob").await.is_err();
    own.after_a_guard(guard, refused, shows_writes);
    let fault = db.fault("auth").optional().fail_commit()?;
    let failed = sign_up(&auth, "cleo").await.is_err();
    own.after_a_fault(fault, failed);
    Ok(())
}
