//! Memory for a file of megabytes.
//!
//! In pages of 4 KiB, of which the system hands out each as it is first written to, a process that reads 8 MB of images
//! spends three times as long on the pages as on what it does with them.

use std::alloc::{alloc, dealloc, Layout};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::slice;

use rustix::io::{read, Errno};
use rustix::mm::{madvise, Advice};

/// The size of a large page, where the system has one and lends it.
const PAGE: usize = 2 << 20;

/// The size from which that is worth it: it is no less memory than so many small pages, doubled.
const LEAST: usize = PAGE / 2;

/// So much memory, the first bytes of which are written.
pub(in super::super::super) struct LargeBlock {
    memory: NonNull<u8>,
    layout: Layout,
    length: usize,
}

// SAFETY: the memory is this value's alone, and nobody writes to it once it is there.
unsafe impl Send for LargeBlock {}
// SAFETY: as above.
unsafe impl Sync for LargeBlock {}

impl LargeBlock {
    /// Reads a file, which is of about that length, to its end; returns `None`, with nothing read, where it is too short to
    /// be worth it.
    pub(in super::super::super) fn read(file: &File, length: usize) -> io::Result<Option<LargeBlock>> {
        if length < LEAST {
            return Ok(None);
        }
        let size = length.checked_next_multiple_of(PAGE).ok_or(ErrorKind::OutOfMemory)?;
        let layout = Layout::from_size_align(size, PAGE).map_err(|_| ErrorKind::OutOfMemory)?;
        // SAFETY: the size is not zero.
        let memory = NonNull::new(unsafe { alloc(layout) }).ok_or(ErrorKind::OutOfMemory)?;
        let mut large = LargeBlock { memory, layout, length: 0 };
        // SAFETY: the memory is this value's, and the advice changes nothing that is in it. Where it is not taken, the
        // pages are small.
        let _ = unsafe { madvise(memory.as_ptr().cast(), size, Advice::LinuxHugepage) };
        while large.length < size {
            let left = size - large.length;
            // SAFETY: so much of the memory is left, and nobody else has it.
            let rest =
                unsafe { slice::from_raw_parts_mut(memory.as_ptr().add(large.length).cast::<MaybeUninit<u8>>(), left) };
            match read(file, rest) {
                Ok(([], _)) => return Ok(Some(large)),
                Ok((read, _)) => large.length += read.len(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // It has grown since its length was asked for, or ends where the memory does.
        let mut one = [0];
        match read(file, &mut one)? {
            0 => Ok(Some(large)),
            _ => Err(io::Error::other("it grows while it is read")),
        }
    }

    pub(in super::super::super) fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are written, and live as long as the value.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.length) }
    }
}

impl Drop for LargeBlock {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}
