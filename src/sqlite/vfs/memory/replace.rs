//! Putting other bytes in a database's place, with its connections left open.
//!
//! To them it is as if a checkpoint had brought everything into the database and begun the log anew, which is how
//! SQLite makes its connections forget what they remember. See `walRestartHdr` in its source, and
//! <https://sqlite.org/walformat.html> for where everything is.

use std::sync::atomic::{fence, AtomicU32, Ordering};

use super::contents::Contents;
use super::Memory;
use crate::sqlite::packed::FileBytes;
use crate::sync::lock;

/// The suffix of a database's name that names its log.
const LOG: &str = "-wal";

/// The places of numbers in a database's header, see <https://sqlite.org/fileformat2.html#the_database_header>: the
/// size of a page, 65536 written as 1; the write and read version; the change counter; the size in pages; the number of
/// the schema; and the change counter for which the size in pages is valid.
const PAGE_SIZE: usize = 16;
const VERSIONS: usize = 18;
const CHANGES: usize = 24;
const PAGES: usize = 28;
const SCHEMA: usize = 40;
const VALID_FOR: usize = 92;
const HEADER_END: usize = 100;

/// The write and read version of a database in WAL mode.
const WAL: [u8; 2] = [2, 2];

/// The log begins with a header, and so does each page in it. Both hold the two salts of the log.
const LOG_HEADER: usize = 32;
const LOG_PAGE_SIZE: usize = 8;
const LOG_SALTS: std::ops::Range<usize> = 16..24;
const FRAME_HEADER: usize = 24;
const FRAME_PAGE: usize = 0;
const FRAME_COMMITS: usize = 4;
const FRAME_SALTS: std::ops::Range<usize> = 8..16;

/// The words of the index's header, which is there twice, and of what follows both.
const HEADER: usize = 12;
const INITIALIZED: usize = 3;
const BACKFILLED: usize = 2 * HEADER;
const READ_MARKS: usize = 2 * HEADER + 1;
const READ_MARK_COUNT: usize = 5;
const BACKFILL_ATTEMPTED: usize = 2 * HEADER + 8;
const WORDS: usize = 2 * HEADER + 9;
const NOT_USED: u32 = u32::MAX;

/// The counts of a database after its contents were replaced.
pub(crate) struct Replaced {
    /// SQLite's number for the schema.
    pub(crate) schema: u32,
    /// The number that the next commit changes.
    pub(crate) commits: u64,
}

impl Memory {
    /// Replaces what the database holds by `bytes`, unless a connection has a transaction open or either is not in
    /// WAL mode: then nothing is changed.
    ///
    /// Both counts that connections compare go on from what is committed, as with any other commit: the number of the
    /// schema, and the change counter, which a connection that was idle in a rollback journal compares when it reads
    /// next.
    pub(crate) fn replace(&self, bytes: FileBytes) -> Option<Replaced> {
        self.fill().ok()?;
        // Nobody begins a transaction while these are held.
        let mut locks = lock(&self.locks);
        let index = lock(&self.index);
        let mut contents = lock(&self.contents);
        let log = self.journal(LOG);
        let mut log = log.as_ref().map(|log| lock(log));
        let mut old = [0; HEADER_END];
        let mut new = [0; HEADER_END];
        bytes.read(0, &mut new);
        if locks.is_any_taken_in_wal() || !contents.read(0, &mut old) || !is_wal(&old) || !is_wal(&new) {
            return None;
        }
        let (old_size, page_size) = (page_size(&old), page_size(&new)?);
        let pages = u32::try_from(bytes.len() / page_size).ok()?;
        let committed = log.as_deref().and_then(|log| committed_in(log)).unwrap_or(&old);
        let changes = word(committed, CHANGES)?.wrapping_add(1);
        let schema = word(committed, SCHEMA)?.wrapping_add(1);

        let mut replaced = Contents::new(bytes);
        for (at, number) in [(CHANGES, changes), (PAGES, pages), (SCHEMA, schema), (VALID_FOR, changes)] {
            replaced.write(at, &number.to_be_bytes()).ok()?;
        }
        *contents = replaced;
        if let Some(log) = &mut log {
            **log = Vec::new();
        }
        if let Some(words) = index.first().map(Words).filter(Words::is_initialized) {
            words.restart(pages, page_size);
        }
        if old_size != Some(page_size) {
            locks.change_page_size();
        }
        locks.count_one();
        Some(Replaced { schema, commits: locks.ended() })
    }
}

fn is_wal(header: &[u8]) -> bool {
    header.get(VERSIONS..VERSIONS + WAL.len()) == Some(&WAL)
}

fn page_size(header: &[u8]) -> Option<usize> {
    match u16::from_be_bytes(*header.get(PAGE_SIZE..)?.first_chunk()?) {
        1 => Some(1 << 16),
        size if size >= 512 => Some(size.into()),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the header of the database as the last commit in the log left it, where one in the log wrote it.
///
/// The index is not asked: a connection that has the database to itself keeps its own. What follows the last commit was
/// rolled back, or belongs to an earlier log, whose salts are not those of this one.
fn committed_in(log: &[u8]) -> Option<&[u8]> {
    let salts = log.get(LOG_SALTS)?;
    let page_size = usize::try_from(word(log, LOG_PAGE_SIZE)?).ok()?;
    let frames = log.get(LOG_HEADER..)?.chunks_exact(FRAME_HEADER.checked_add(page_size)?);
    let written = frames.take_while(|frame| frame.get(FRAME_SALTS) == Some(salts)).collect::<Vec<_>>();
    let mut committed = written.into_iter().rev().skip_while(|frame| word(frame, FRAME_COMMITS) == Some(0));
    committed.find(|frame| word(frame, FRAME_PAGE) == Some(1))?.get(FRAME_HEADER..)
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

    /// Returns whether a connection has written the header: its third word begins with a byte that says so.
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

/// Returns the header's third word with another size in its last two bytes, where 65536 is 1.
fn with_page_size(flags: u32, page_size: usize) -> u32 {
    let size = u16::try_from(page_size).unwrap_or(1);
    let ([initialized, big_endian, ..], [first, second]) = (flags.to_ne_bytes(), size.to_ne_bytes());
    u32::from_ne_bytes([initialized, big_endian, first, second])
}

/// Returns the checksum of the index's header, see <https://sqlite.org/walformat.html#checksum_algorithm>.
fn checksum(words: &[u32]) -> (u32, u32) {
    words.chunks_exact(2).fold((0u32, 0u32), |(first, second), pair| {
        let [a, b] = pair else { return (first, second) };
        let first = first.wrapping_add(*a).wrapping_add(second);
        (first, second.wrapping_add(*b).wrapping_add(first))
    })
}
