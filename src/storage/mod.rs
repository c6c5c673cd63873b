//! The kinds of storage behind one seam: each kind is a file here, and nothing outside asks which one it has.

mod file;
mod memdb;
mod memory;
mod open;
mod shared_cache;
mod store;

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use open::{named, open, open_read_only, read_only};
pub(crate) use store::Store;

use crate::config::Storage;
use crate::error::{Error, Result};
use crate::instrument::Faults;
use crate::key::BindKey;
use crate::sqlite::Image;

/// Starts the storage of a database of that kind; `file` is where one of [`Storage::TempFile`] goes.
pub(crate) fn start(
    kind: Storage,
    key: &BindKey,
    image: &Arc<Image>,
    faults: &Arc<Faults>,
    file: &dyn Fn() -> Result<PathBuf>,
) -> Result<Arc<dyn Store>> {
    Ok(match kind {
        Storage::Memory => Arc::new(memory::Memory::start(image, faults).map_err(Error::sql(key))?),
        Storage::SharedCache => Arc::new(shared_cache::SharedCache::start()),
        Storage::MemDb => Arc::new(memdb::MemDb::start()),
        Storage::TempFile => Arc::new(file::TempFile::start(file().map_err(Error::of_bind(key))?)),
    })
}
