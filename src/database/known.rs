//! The tables of a database, remembered from one look to the next.

use std::sync::Arc;

use crate::sqlite::Image;

/// The tables of a database as they were when last looked at.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) image: Arc<Image>,
    /// Its tables where they are no longer the image's.
    pub(super) tables: Option<Arc<Image>>,
    /// SQLite's number for the schema, which every change of it changes; `None` where the tables may be others by now.
    pub(super) version: Option<i64>,
    /// The count of commits at that time, where there is one to see.
    pub(super) commits: Option<u64>,
    /// The count when the image was copied in; the database is the image as long as it stands.
    pub(super) copied: Option<u64>,
}

impl Known {
    /// Returns whether the database is the image that was copied in, by the count of commits now.
    pub(super) fn is_copy(&self, commits: Option<u64>) -> bool {
        commits.is_some() && commits == self.copied
    }

    pub(super) fn tables(&self) -> rusqlite::Result<Arc<Image>> {
        self.tables.as_ref().map_or_else(|| self.image.tables(), |tables| Ok(Arc::clone(tables)))
    }
}
