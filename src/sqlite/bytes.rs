//! Bytes that many share, read from a file or given by SQLite without a second copy.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::pages::Pages;
use super::platform::LargeBlock;

/// A part of some bytes that do not change.
#[derive(Clone)]
pub(crate) struct Bytes {
    block: Arc<Block>,
    range: Range<usize>,
}

enum Block {
    Small(Vec<u8>),
    Large(LargeBlock),
    OfSqlite(Pages),
}

impl Bytes {
    /// Reads a file, which is of about that length, to its end.
    pub(crate) fn read(file: &mut File, length: usize) -> io::Result<Bytes> {
        if let Some(large) = LargeBlock::read(file, length)? {
            return Ok(Bytes::of(Block::Large(large)));
        }
        let mut bytes = Vec::with_capacity(length);
        // Without a bound, it would ask the system for the length once more.
        file.take(u64::MAX).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn of(block: Block) -> Bytes {
        let mut bytes = Bytes { block: Arc::new(block), range: 0..0 };
        bytes.range.end = bytes.block.bytes().len();
        bytes
    }

    /// Returns a part of these; `None` where they are too few.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Bytes> {
        self.get(range.clone())?;
        let range = self.range.start + range.start..self.range.start + range.end;
        Some(Bytes { block: Arc::clone(&self.block), range })
    }
}

impl Block {
    fn bytes(&self) -> &[u8] {
        match self {
            Block::Small(bytes) => bytes,
            Block::Large(large) => large.bytes(),
            Block::OfSqlite(pages) => pages,
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.block.bytes().get(self.range.clone()).unwrap_or_default()
    }
}

impl Default for Bytes {
    fn default() -> Bytes {
        Vec::new().into()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::of(Block::Small(bytes))
    }
}

impl From<Pages> for Bytes {
    fn from(pages: Pages) -> Bytes {
        Bytes::of(Block::OfSqlite(pages))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Seek, Write};

    use rstest::rstest;

    use super::Bytes;

    #[rstest]
    #[case::of_nothing(0, 0)]
    #[case::small(100, 100)]
    #[case::large(3_000_000, 3_000_000)]
    #[case::of_whole_pages(4 << 20, 4 << 20)]
    #[case::longer_than_was_said(100, 50)]
    #[case::shorter_than_was_said(100, 3_000_000)]
    fn a_file_is_read_to_its_end(#[case] length: usize, #[case] said: usize) {
        let bytes = (0..length).map(|at| (at % 251) as u8).collect::<Vec<_>>();
        let mut file: File = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        let read = Bytes::read(&mut file, said).unwrap();
        assert!(*read == bytes[..]);
        assert!(*read.part(length / 2..length).unwrap() == bytes[length / 2..]);
        assert_eq!(read.part(length / 2..length + 1), None);
        let part = read.part(length / 2..length).unwrap();
        assert_eq!(part.part(0..part.len() + 1), None);
    }
}
