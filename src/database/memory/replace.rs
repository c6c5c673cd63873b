//! Putting other bytes in a database's place, with its connections left open.
//!
//! To them it is as if a checkpoint had brought everything into the database and begun the log anew, which is how SQLite
//! tells its connections that what they remember is old. See `walRestartHdr` in its source, and
//! <https://sqlite.org/walformat.html> for where everything is.

use std::sync::atomic::{fence, AtomicU32, Ordering};
use std::sync::Arc;

use super::contents::Contents;
use super::Memory;
use crate::sync::lock;

/// Where the log of a database is, by what SQLite appends to its name.
const LOG: &str = "-wal";

/// The file format's place for the number of the schema, see <https://sqlite.org/fileformat2.html#schema_cookie>.
const SCHEMA: usize = 40;
/// Its place for the write and read version, and what they are in WAL mode.
const VERSIONS: usize = 18;
const WAL: [u8; 2] = [2, 2];
/// Its place for the size of a page, which is 65536 where that says 1.
const PAGE_SIZE: usize = 16;

/// The log begins with a header, and each page in it has one.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The words of the index's header, which is there twice, and of what follows both.
const HEADER: usize = 12;
const INITIALIZED: usize = 3;
const LAST_FRAME: usize = 4;
const BACKFILLED: usize = 2 * HEADER;
const READ_MARKS: usize = 2 * HEADER + 1;
const READ_MARK_COUNT: usize = 5;
const BACKFILL_ATTEMPTED: usize = 2 * HEADER + 8;
const WORDS: usize = 2 * HEADER + 9;
const NOT_USED: u32 = u32::MAX;

/// What a database is after something else was put in its place.
pub(crate) struct Replaced {
    /// SQLite's number for the schema.
    pub(crate) schema: u32,
    /// The number that the next commit changes.
    pub(crate) commits: u64,
}

impl Memory {
    /// Puts `bytes` in place of what the database holds, unless somebody is in a transaction on it or it is not in WAL
    /// mode: then nothing is changed.
    ///
    /// `same_schema` is that number as it was when the schema was known to be that of `bytes`: where nobody has changed
    /// it since, the number stays, and no connection has to read its tables again.
    pub(crate) fn replace(&self, bytes: Arc<[u8]>, same_schema: Option<u32>) -> Option<Replaced> {
        self.fill().ok()?;
        // Nobody begins a transaction while these are held.
        let mut locks = lock(&self.locks);
        let index = lock(&self.index);
        let mut contents = lock(&self.contents);
        let log = self.journal(LOG);
        let mut log = log.as_ref().map(|log| lock(log));
        let page_size_in_log = page_size(|offset, into| contents.read(offset, into))?;
        let header = |offset: usize, into: &mut [u8]| match bytes.get(offset..offset + into.len()) {
            Some(found) => {
                into.copy_from_slice(found);
                true
            }
            None => false,
        };
        if locks.is_any_taken() || !is_wal(|offset, into| contents.read(offset, into)) || !is_wal(header) {
            return None;
        }
        let page_size = page_size(header)?;
        let words = index.first().map(Words);
        let frames = words.as_ref().filter(|words| words.is_initialized()).map_or(0, |words| words.get(LAST_FRAME));
        let schema =
            schema(&contents, log.as_deref().map(Vec::as_slice).unwrap_or_default(), frames, page_size_in_log)?;
        let schema = if same_schema == Some(schema) { schema } else { schema.wrapping_add(1) };

        let pages = u32::try_from(bytes.len() / page_size).ok()?;
        *contents = Contents::new(bytes);
        contents.write(SCHEMA, &schema.to_be_bytes());
        if let Some(log) = &mut log {
            log.clear();
        }
        if let Some(words) = words.filter(Words::is_initialized) {
            words.restart(pages, page_size);
        }
        locks.count_one();
        Some(Replaced { schema, commits: locks.ended() })
    }
}

fn is_wal(read: impl Fn(usize, &mut [u8]) -> bool) -> bool {
    let mut versions = [0; 2];
    read(VERSIONS, &mut versions) && versions == WAL
}

fn page_size(read: impl Fn(usize, &mut [u8]) -> bool) -> Option<usize> {
    let mut size = [0; 2];
    match (read(PAGE_SIZE, &mut size), u16::from_be_bytes(size)) {
        (true, 1) => Some(1 << 16),
        (true, size) if size >= 512 => Some(size.into()),
        _ => None,
    }
}

/// The number of the schema as it is committed: in the last copy of the first page in the log, or else in the database.
fn schema(contents: &Contents, log: &[u8], frames: u32, page_size: usize) -> Option<u32> {
    let word = |bytes: &[u8], at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let frames = log.get(LOG_HEADER..).unwrap_or_default().chunks(FRAME_HEADER + page_size).take(frames as usize);
    if let Some(frame) = frames.rev().find(|frame| word(frame, 0) == Some(1)) {
        return word(frame, FRAME_HEADER + SCHEMA);
    }
    let mut number = [0; 4];
    contents.read(SCHEMA, &mut number).then_some(u32::from_be_bytes(number))
}

/// The index's first words.
struct Words(*mut u32);

impl Words {
    fn word(&self, at: usize) -> &AtomicU32 {
        debug_assert!(at < WORDS);
        // SAFETY: the piece is longer than `WORDS`, aligned, and lives as long as the index, which the caller has locked.
        // SQLite reads these words without a lock and compares both headers, as it does beside a writer of its own.
        unsafe { AtomicU32::from_ptr(self.0.add(at)) }
    }

    fn get(&self, at: usize) -> u32 {
        self.word(at).load(Ordering::Relaxed)
    }

    fn set(&self, at: usize, value: u32) {
        self.word(at).store(value, Ordering::Relaxed);
    }

    /// Whether a connection has written the header: its third word begins with a byte that says so.
    fn is_initialized(&self) -> bool {
        self.get(INITIALIZED).to_ne_bytes().first() == Some(&1)
    }

    /// Begins the log anew, over a database of that many pages of that size.
    fn restart(&self, pages: u32, page_size: usize) {
        let [version, unused, change, flags, _, _, sum, other_sum, salt, other_salt, _, _]: [u32; HEADER] =
            std::array::from_fn(|at| self.get(at));
        // One salt is a number in the order of the file format, the other is random; both are new.
        let (salt, other_salt) = (u32::from_be(salt).wrapping_add(1).to_be(), other_salt.wrapping_add(0x9e37_79b9));
        let flags = with_page_size(flags, page_size);
        let summed = [version, unused, change.wrapping_add(1), flags, 0, pages, sum, other_sum, salt, other_salt];
        let (first, second) = checksum(&summed);
        let header = summed.into_iter().chain([first, second]);

        self.set(BACKFILLED, 0);
        self.set(BACKFILL_ATTEMPTED, 0);
        for mark in 0..READ_MARK_COUNT {
            self.set(READ_MARKS + mark, if mark < 2 { 0 } else { NOT_USED });
        }
        // The second copy first: who reads in between sees that they differ, and reads again.
        for copy in [HEADER, 0] {
            for (at, word) in header.clone().enumerate() {
                self.set(copy + at, word);
            }
            fence(Ordering::SeqCst);
        }
    }
}

/// The header's third word with another size in its last two bytes, where 65536 is 1.
fn with_page_size(flags: u32, page_size: usize) -> u32 {
    let size = u16::try_from(page_size).unwrap_or(1);
    let ([initialized, big_endian, ..], [first, second]) = (flags.to_ne_bytes(), size.to_ne_bytes());
    u32::from_ne_bytes([initialized, big_endian, first, second])
}

/// The checksum of the index's header, see <https://sqlite.org/walformat.html#checksum_algorithm>.
fn checksum(words: &[u32]) -> (u32, u32) {
    words.chunks_exact(2).fold((0u32, 0u32), |(first, second), pair| {
        let [a, b] = pair else { return (first, second) };
        let first = first.wrapping_add(*a).wrapping_add(second);
        (first, second.wrapping_add(*b).wrapping_add(first))
    })
}
