//! Bytes that many share, read from a file without a second copy.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A part of some bytes that do not change.
#[derive(Clone)]
pub(crate) struct Bytes {
    block: Arc<Block>,
    range: Range<usize>,
}

enum Block {
    Small(Vec<u8>),
    #[cfg(target_os = "linux")]
    Large(large::Large),
}

impl Bytes {
    /// Reads a file, which is of about that length, to its end.
    pub(crate) fn read(file: &mut File, length: usize) -> io::Result<Bytes> {
        #[cfg(target_os = "linux")]
        if length >= large::LEAST {
            return large::Large::read(file, length).map(|large| Bytes::of(Block::Large(large)));
        }
        let mut bytes = Vec::with_capacity(length);
        file.read_to_end(&mut bytes)?;
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
            #[cfg(target_os = "linux")]
            Block::Large(large) => large.bytes(),
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

/// Memory for a file of megabytes. In pages of 4 KiB, of which the system hands out each as it is first written to, a process
/// that reads 8 MB of images spends three times as long on the pages as on what it does with them.
#[cfg(target_os = "linux")]
mod large {
    use std::alloc::{alloc, dealloc, Layout};
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::mem::MaybeUninit;
    use std::ptr::NonNull;
    use std::slice;

    use rustix::mm::{madvise, Advice};

    /// The size of a large page, where the system has one and lends it.
    const PAGE: usize = 2 << 20;

    /// The size from which that is worth it: it is no less memory than so many small pages, doubled.
    pub(super) const LEAST: usize = PAGE / 2;

    /// So much memory, the first bytes of which are written.
    pub(super) struct Large {
        memory: NonNull<u8>,
        layout: Layout,
        length: usize,
    }

    // SAFETY: the memory is this value's alone, and nobody writes to it once it is there.
    unsafe impl Send for Large {}
    // SAFETY: as above.
    unsafe impl Sync for Large {}

    impl Large {
        pub(super) fn read(file: &File, length: usize) -> io::Result<Large> {
            let size = length.checked_next_multiple_of(PAGE).ok_or(ErrorKind::OutOfMemory)?;
            let layout = Layout::from_size_align(size, PAGE).map_err(|_| ErrorKind::OutOfMemory)?;
            // SAFETY: the size is not zero.
            let memory = NonNull::new(unsafe { alloc(layout) }).ok_or(ErrorKind::OutOfMemory)?;
            let mut large = Large { memory, layout, length: 0 };
            // SAFETY: the memory is this value's, and the advice changes nothing that is in it. Where it is not taken, the
            // pages are small.
            let _ = unsafe { madvise(memory.as_ptr().cast(), size, Advice::LinuxHugepage) };
            while large.length < size {
                let left = size - large.length;
                // SAFETY: so much of the memory is left, and nobody else has it.
                let rest = unsafe {
                    slice::from_raw_parts_mut(memory.as_ptr().add(large.length).cast::<MaybeUninit<u8>>(), left)
                };
                match rustix::io::read(file, rest) {
                    Ok(([], _)) => return Ok(large),
                    Ok((read, _)) => large.length += read.len(),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            // It has grown since its length was asked for, or ends where the memory does.
            let mut one = [0];
            match rustix::io::read(file, &mut one)? {
                0 => Ok(large),
                _ => Err(io::Error::other("it grows while it is read")),
            }
        }

        pub(super) fn bytes(&self) -> &[u8] {
            // SAFETY: so many bytes are written, and live as long as the value.
            unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.length) }
        }
    }

    impl Drop for Large {
        fn drop(&mut self) {
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(self.memory.as_ptr(), self.layout) };
        }
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
