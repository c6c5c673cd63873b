//! A file in a private temporary folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::{percent_encode, AsciiSet, PercentEncode, NON_ALPHANUMERIC};
use rusqlite::Connection;

use super::{open, Store};
use crate::config::Storage;
use crate::error::{Error, Result};
use crate::instrument::{Faults, Found, Watch};
use crate::key::BindKey;
use crate::sqlite::platform::{sqlite_path, HAS_DRIVES};
use crate::sqlite::vfs::disk::{can_have_log, without_gate};
use crate::sqlite::vfs::Opener;
use crate::sqlite::{commits, is_locked_by_log_writer, schema_version, Image};

/// A database in a file.
#[derive(Debug)]
pub(super) struct TempFile {
    path: PathBuf,
}

impl TempFile {
    /// Takes a path, at which nothing is yet.
    pub(super) fn start(path: PathBuf) -> TempFile {
        TempFile { path }
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        std::fs::write(&self.path, bytes).map_err(Error::io("write", &self.path))
    }

    /// Fails if SQLite does not open a file whose path is not of the usual kind: that would be noticed only when a pool
    /// gives no connection.
    fn check_path(&self) -> Result<()> {
        /// SQLite takes 512 bytes on most systems, and on Windows a few less than 260 characters.
        const USUAL: usize = 200;
        // SQLite resolves links before it measures.
        let real = std::fs::canonicalize(&self.path).map_err(Error::io("find", &self.path))?;
        if real.as_os_str().len() <= USUAL && real.to_str().is_some() {
            return Ok(());
        }
        let read = open(self, &self.uri()).and_then(|conn| schema_version(&conn));
        read.map(drop).map_err(std::io::Error::other).map_err(Error::io("open", &self.path))
    }
}

impl Store for TempFile {
    fn kind(&self) -> Storage {
        Storage::TempFile
    }

    fn uri(&self) -> String {
        file_uri(self.path.as_os_str().as_encoded_bytes(), HAS_DRIVES)
    }

    fn find(&self, watch: &Arc<Watch>, read_only: bool) -> rusqlite::Result<Found> {
        Ok(watch.found_on_disk(sqlite_path(&self.path).as_os_str().as_encoded_bytes(), read_only))
    }

    fn uri_for(&self, opener: Opener) -> String {
        if opener == Opener::Harness {
            without_gate(&self.uri())
        } else {
            self.uri()
        }
    }

    fn uri_with(&self, opener: Opener, faults: &Arc<Faults>) -> String {
        if opener == Opener::Harness {
            self.uri_for(opener)
        } else {
            faults.on(self.uri())
        }
    }

    fn file_name(&self) -> Option<String> {
        Some(self.path.to_string_lossy().into_owned())
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn meets_disk_faults(&self) -> bool {
        true
    }

    fn fill(&self, image: &Image, key: &BindKey) -> Result<bool> {
        let sql = || Error::sql(key);
        let write = |bytes: &[u8]| self.write(bytes).map_err(Error::of_bind(key));
        write(&image.file().map_err(sql())?.whole())?;
        self.check_path().map_err(Error::of_bind(key))?;
        if !can_have_log(&self.uri()).map_err(sql())? {
            // As SQLite does there when it is asked for a log: it keeps a rollback journal.
            write(image.bytes().map_err(sql())?)?;
        }
        Ok(true)
    }

    fn commits_beside_readers(
        &self,
        counter: &mut Option<Connection>,
        open: &dyn Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Option<u64>> {
        let conn = match counter {
            Some(conn) => conn,
            none => none.insert(open()?),
        };
        // The count is up to date after a read.
        schema_version(conn)?;
        commits(conn).map(|commits| Some(commits.into()))
    }

    /// Returns `None` where nobody is seen: of a file in WAL mode, other connections than those of the pool and of
    /// sessions are seen on Linux alone.
    fn has_writer_seen(&self, faults: &Faults) -> Option<bool> {
        (faults.has_log_writer() || is_locked_by_log_writer(&self.path)).then_some(true)
    }
}

/// Bytes of a path that could mean something else in a URI.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Returns the SQLite URI of a file, on Windows or elsewhere; `path` is as the system spells it, UTF-8 or not.
fn file_uri(path: &[u8], windows: bool) -> String {
    const VERBATIM: [&[u8]; 2] = [br"\\?\", br"\\.\"];
    if !windows || VERBATIM.iter().any(|prefix| path.starts_with(prefix)) {
        // Windows takes no slash for a backslash in a verbatim path.
        return after_authority(percent_encode(path, ESCAPED));
    }
    let mut slashed = path.to_vec();
    slashed.iter_mut().filter(|byte| **byte == b'\\').for_each(|byte| *byte = b'/');
    if slashed.get(1) == Some(&b':') {
        // SQLite drops the slash before a drive.
        slashed.insert(0, b'/');
    }
    after_authority(percent_encode(&slashed, ESCAPED))
}

/// Returns the URI of an encoded path; where that begins with two slashes, SQLite takes what follows for a host.
fn after_authority(path: PercentEncode<'_>) -> String {
    let path = path.to_string();
    let authority = if path.starts_with("//") { "//" } else { "" };
    format!("file:{authority}{path}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("/tmp/0.db", false, "file:/tmp/0.db")]
    #[case::characters_of_a_uri("/a b/?#%/0.db", false, "file:/a%20b/%3F%23%25/0.db")]
    #[case::two_slashes("//tmp/0.db", false, "file:////tmp/0.db")]
    #[case::a_backslash_in_a_name(r"/tmp/a\b.db", false, "file:/tmp/a%5Cb.db")]
    #[case::drive(r"C:\tmp\0.db", true, "file:/C:/tmp/0.db")]
    #[case::share(r"\\server\share\0.db", true, "file:////server/share/0.db")]
    #[case::verbatim_drive(r"\\?\C:\tmp\a b.db", true, "file:%5C%5C%3F%5CC:%5Ctmp%5Ca%20b.db")]
    #[case::verbatim_share(r"\\?\UNC\server\share\0.db", true, "file:%5C%5C%3F%5CUNC%5Cserver%5Cshare%5C0.db")]
    #[case::device(r"\\.\C:\0.db", true, "file:%5C%5C.%5CC:%5C0.db")]
    #[case::no_ascii("/ü/0.db", false, "file:/%C3%BC/0.db")]
    fn the_uri_of_a_file_leads_to_it(#[case] path: &str, #[case] windows: bool, #[case] uri: &str) {
        assert_eq!(file_uri(path.as_bytes(), windows), uri);
    }

    #[test]
    fn a_uri_keeps_the_bytes_of_its_path() {
        assert_eq!(file_uri(b"/tmp/\xff/0.db", false), "file:/tmp/%FF/0.db");
    }
}
