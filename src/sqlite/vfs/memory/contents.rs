//! The bytes of a database: those of its image, and what was written over them.

use std::collections::TryReserveError;

use crate::sqlite::packed::FileBytes;

/// The number of bytes that are copied when one of them is written to: SQLite's usual page.
const CHUNK: usize = 4096;

/// The number of chunks in one list, so that a write far beyond the end needs no list of all before it.
const GROUP: usize = 512;

/// Bytes that start as somebody else's and are copied where they are written to.
#[derive(Debug)]
pub(super) struct Contents {
    base: FileBytes,
    /// The number of bytes of `base` that still count: a file that was cut and grew again is zero in between.
    base_end: usize,
    written: Vec<Vec<Option<Box<[u8]>>>>,
    size: usize,
}

impl Contents {
    pub(super) fn new(base: FileBytes) -> Contents {
        Contents { base_end: base.len(), size: base.len(), base, written: Vec::new() }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Fills `into` from `offset` on; what lies beyond the end is zero. Whether all of it was there.
    pub(super) fn read(&self, offset: usize, into: &mut [u8]) -> bool {
        let there = into.len().min(self.size.saturating_sub(offset));
        let (inside, beyond) = into.split_at_mut(there);
        beyond.fill(0);
        let mut at = offset;
        let mut rest = inside;
        while !rest.is_empty() {
            let within = at % CHUNK;
            let (part, left) = rest.split_at_mut(rest.len().min(CHUNK - within));
            match self.written(at / CHUNK) {
                Some(chunk) => copy(chunk.get(within..), part),
                None => self.read_base(at, part),
            }
            at += part.len();
            rest = left;
        }
        beyond.is_empty()
    }

    /// Writes `from` at `offset`, growing as far as needed.
    ///
    /// Where there is no memory for all of it, the beginning is written, as on a disk that fills up.
    pub(super) fn write(&mut self, offset: usize, from: &[u8]) -> Result<(), TryReserveError> {
        let mut at = offset;
        let mut rest = from;
        while !rest.is_empty() {
            let within = at % CHUNK;
            let (part, left) = rest.split_at(rest.len().min(CHUNK - within));
            let chunk = self.chunk(at / CHUNK)?;
            if let Some(place) = chunk.get_mut(within..within + part.len()) {
                place.copy_from_slice(part);
            }
            at += part.len();
            rest = left;
            self.size = self.size.max(at);
        }
        Ok(())
    }

    /// Cuts it to `size` bytes, or adds zeros up to there.
    pub(super) fn set_size(&mut self, size: usize) {
        if size < self.size {
            self.base_end = self.base_end.min(size);
            let chunks = size.div_ceil(CHUNK);
            self.written.truncate(chunks.div_ceil(GROUP));
            if let Some(last) = self.written.get_mut(chunks / GROUP) {
                last.truncate(chunks % GROUP);
            }
            let cut = self.written.get_mut(size / CHUNK / GROUP).and_then(|group| group.get_mut(size / CHUNK % GROUP));
            if let Some(gone) = cut.and_then(Option::as_mut).and_then(|chunk| chunk.get_mut(size % CHUNK..)) {
                gone.fill(0);
            }
        }
        self.size = size;
    }

    /// Fills `into` from the base; what does not count any more is zero.
    fn read_base(&self, at: usize, into: &mut [u8]) {
        let (inside, beyond) = into.split_at_mut(into.len().min(self.base_end.saturating_sub(at)));
        self.base.read(at, inside);
        beyond.fill(0);
    }

    fn written(&self, number: usize) -> Option<&[u8]> {
        self.written.get(number / GROUP)?.get(number % GROUP)?.as_deref()
    }

    /// Returns the chunk of its own, copied from the base when first asked for.
    fn chunk(&mut self, number: usize) -> Result<&mut [u8], TryReserveError> {
        if self.written(number).is_none() {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(CHUNK)?;
            add_zeros(&mut bytes, CHUNK);
            self.read_base(number * CHUNK, &mut bytes);
            let group = place(&mut self.written, number / GROUP, Vec::new)?;
            *place(group, number % GROUP, || None)? = Some(bytes.into_boxed_slice());
        }
        let chunk = self.written.get_mut(number / GROUP).and_then(|group| group.get_mut(number % GROUP));
        Ok(chunk.and_then(Option::as_deref_mut).unwrap_or_default())
    }
}

/// Returns an entry of a list, which grows as far as that.
fn place<T>(list: &mut Vec<T>, at: usize, new: impl FnMut() -> T) -> Result<&mut T, TryReserveError> {
    if list.len() <= at {
        list.try_reserve(at + 1 - list.len())?;
        list.resize_with(at + 1, new);
    }
    // `resize_with` has made the place.
    #[allow(clippy::indexing_slicing)]
    Ok(&mut list[at])
}

/// Adds zeros up to a length, for which there is memory. By copying: in unoptimised code `Vec::resize` takes 15 instructions a byte.
pub(super) fn add_zeros(bytes: &mut Vec<u8>, length: usize) {
    const ZEROS: &[u8] = &[0; CHUNK];
    while let Some(left) = length.checked_sub(bytes.len()).filter(|left| *left > 0) {
        bytes.extend_from_slice(ZEROS.get(..left).unwrap_or(ZEROS));
    }
}

/// Copies as much as there is and fills the rest with zeros.
fn copy(from: Option<&[u8]>, into: &mut [u8]) {
    let from = from.unwrap_or_default();
    let (there, beyond) = into.split_at_mut(from.len().min(into.len()));
    there.copy_from_slice(from.get(..there.len()).unwrap_or_default());
    beyond.fill(0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(usize, Vec<u8>),
        Resize(usize),
    }

    /// Returns places where chunks meet, near the start and where their lists meet.
    fn place() -> impl Strategy<Value = usize> {
        prop_oneof![3 => 0..4 * CHUNK, 1 => GROUP * CHUNK - 2 * CHUNK..GROUP * CHUNK + 2 * CHUNK]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (place(), prop::collection::vec(any::<u8>(), 0..2 * CHUNK)).prop_map(|(at, bytes)| Step::Write(at, bytes)),
            place().prop_map(Step::Resize),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn it_reads_as_a_file_would_whatever_was_written_and_cut(
            base in prop::collection::vec(any::<u8>(), 0..3 * CHUNK),
            steps in prop::collection::vec(step(), 0..8),
            at in place(),
            length in 0..3 * CHUNK,
        ) {
            let (mut file, mut contents) = (base.clone(), Contents::new(base.clone().into()));
            for step in steps {
                match step {
                    Step::Write(at, bytes) => {
                        if !bytes.is_empty() {
                            file.resize(file.len().max(at + bytes.len()), 0);
                            file[at..at + bytes.len()].copy_from_slice(&bytes);
                        }
                        contents.write(at, &bytes).unwrap();
                    }
                    Step::Resize(size) => {
                        file.resize(size, 0);
                        contents.set_size(size);
                    }
                }
            }
            prop_assert_eq!(contents.size(), file.len());
            let mut read = vec![1; length];
            let whole = contents.read(at, &mut read);
            prop_assert_eq!(whole, at + length <= file.len() || length == 0);
            file.resize(file.len().max(at + length), 0);
            prop_assert_eq!(&read, &file[at..at + length]);
        }
    }
}
