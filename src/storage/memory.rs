//! This process's memory, with the locks of a file.

use std::sync::Arc;

use super::Store;
use crate::config::Storage;
use crate::error::Result;
use crate::instrument::{Faults, Found, Watch};
use crate::key::BindKey;
use crate::sqlite::vfs::memory::{self, Replaced};
use crate::sqlite::vfs::{self, GivenUp, Opener};
use crate::sqlite::Image;

/// A database of this crate's own file system.
pub(super) struct Memory(Arc<vfs::Memory>);

impl Memory {
    /// Starts one as the image, which is not copied before it is written to.
    pub(super) fn start(image: &Arc<Image>, faults: &Arc<Faults>) -> rusqlite::Result<Memory> {
        memory::start(Arc::clone(image) as _, Arc::clone(faults) as _).map(Memory)
    }
}

impl Store for Memory {
    fn kind(&self) -> Storage {
        Storage::Memory
    }

    fn uri(&self) -> String {
        self.0.uri()
    }

    fn find(&self, watch: &Arc<Watch>, read_only: bool) -> rusqlite::Result<Found> {
        Ok(watch.found_by_name(self.0.name().as_bytes(), read_only))
    }

    fn uri_for(&self, opener: Opener) -> String {
        self.0.uri() + opener.parameter()
    }

    fn file_name(&self) -> Option<String> {
        Some(self.0.name().to_string())
    }

    fn meets_disk_faults(&self) -> bool {
        true
    }

    fn never_waits(&self) -> bool {
        true
    }

    /// Does nothing: the database has been the image from the start.
    fn fill(&self, _: &Image, _: &BindKey) -> Result<bool> {
        Ok(true)
    }

    fn replace(&self, image: &Image) -> rusqlite::Result<Option<Replaced>> {
        Ok(self.0.replace(image.file()?))
    }

    fn commits_seen(&self) -> Option<u64> {
        Some(self.0.commits())
    }

    fn commits_settled(&self) -> Option<u64> {
        // A transaction that is about to commit must not be passed over, so the writer is looked for first.
        let has_writer = self.0.has_writer();
        (!has_writer).then(|| self.0.commits())
    }

    fn has_writer_seen(&self, _: &Faults) -> Option<bool> {
        Some(self.0.has_writer())
    }

    fn knows_its_locks(&self) -> bool {
        true
    }

    fn writer(&self) -> Option<String> {
        self.0.writer()
    }

    fn conflict(&self, waiter: Opener) -> Option<String> {
        self.0.conflict(waiter)
    }

    fn given_up(&self) -> Vec<GivenUp> {
        self.0.given_up()
    }
}
