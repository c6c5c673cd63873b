//! The bytes of a database file, whole or without the zeros in its pages: an empty table's page has 8 bytes of 4096 that are none.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::bytes::Bytes;

/// The number of bytes of which the longest run of zeros is left out: SQLite's usual page, where that run lies between the list of its
/// rows and the rows.
const CHUNK: usize = 4096;

/// The length up to which a packed file is read: its zeros take no room, and whoever asks for all bytes gets them too.
pub(super) const LONGEST: usize = 1 << 30;

/// The bytes of a database file, shared by many.
#[derive(Clone, Default)]
pub(crate) struct FileBytes {
    /// All bytes, or those that are left.
    bytes: Bytes,
    /// The rest of each chunk; `None` where it is whole.
    chunks: Option<Arc<[Chunk]>>,
    length: usize,
}

/// The rest of a chunk: so many bytes at its front and at its back, one behind the other, from a place on.
#[derive(Clone, Copy)]
struct Chunk {
    place: usize,
    front: usize,
    back: usize,
}

impl FileBytes {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Fills `into` from `at` on; what lies beyond the end is zero.
    pub(crate) fn read(&self, at: usize, into: &mut [u8]) {
        let Some(chunks) = &self.chunks else {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let (covered, beyond) = into.split_at_mut(rest.len().min(into.len()));
            covered.copy_from_slice(&rest[..covered.len()]);
            return beyond.fill(0);
        };
        into.fill(0);
        let first = at / CHUNK;
        let touched = (at + into.len()).div_ceil(CHUNK).saturating_sub(first);
        for (number, chunk) in chunks.iter().enumerate().skip(first).take(touched) {
            let middle = chunk.place + chunk.front;
            let end = ((number + 1) * CHUNK).min(self.length);
            overlay(into, at, self.bytes.get(chunk.place..middle).unwrap_or_default(), number * CHUNK);
            overlay(into, at, self.bytes.get(middle..middle + chunk.back).unwrap_or_default(), end - chunk.back);
        }
    }

    /// Returns all bytes, copied only where zeros were left out.
    pub(crate) fn whole(&self) -> Cow<'_, [u8]> {
        if self.chunks.is_none() {
            return Cow::Borrowed(&self.bytes);
        }
        let mut whole = vec![0; self.length];
        self.read(0, &mut whole);
        Cow::Owned(whole)
    }

    /// Writes it without its zeros: the length, what is left of each chunk, the bytes.
    pub(super) fn pack(&self, into: &mut Vec<u8>) {
        let whole = self.whole();
        into.extend((whole.len() as u64).to_le_bytes());
        let mut left = Vec::new();
        for chunk in whole.chunks(CHUNK) {
            let (front, back) = around_zeros(chunk);
            // Neither is more than a chunk.
            into.extend((front.len() as u16).to_le_bytes());
            into.extend((back.len() as u16).to_le_bytes());
            left.extend_from_slice(front);
            left.extend_from_slice(back);
        }
        into.extend_from_slice(&left);
    }

    /// Reads what [`pack`](FileBytes::pack) has written; `None` where it is not that.
    pub(super) fn unpack(packed: &Bytes) -> Option<FileBytes> {
        const ENTRY: usize = 4;
        let (length, rest) = packed.split_first_chunk()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|length| *length <= LONGEST)?;
        let (entries, left) = rest.split_at_checked(length.div_ceil(CHUNK).checked_mul(ENTRY)?)?;
        let entries = entries.as_chunks::<ENTRY>().0;
        let (mut chunks, mut place, mut rest) = (Vec::with_capacity(entries.len()), 0, length);
        for [front, front_high, back, back_high] in entries {
            let front = usize::from(*front) | usize::from(*front_high) << 8;
            let back = usize::from(*back) | usize::from(*back_high) << 8;
            if front + back > CHUNK.min(rest) {
                return None;
            }
            chunks.push(Chunk { place, front, back });
            place += front + back;
            rest = rest.saturating_sub(CHUNK);
        }
        if place != left.len() {
            return None;
        }
        let bytes = packed.part(packed.len() - left.len()..packed.len())?;
        Some(FileBytes { bytes, chunks: Some(chunks.into()), length })
    }
}

/// Copies the part of `piece` that falls into `into`; `at` and `place` are where the two lie in the file.
fn overlay(into: &mut [u8], at: usize, piece: &[u8], place: usize) {
    let (from, to) = (at.max(place), (at + into.len()).min(place + piece.len()));
    if from < to
        && let (Some(into), Some(piece)) = (into.get_mut(from - at..to - at), piece.get(from - place..to - place))
    {
        into.copy_from_slice(piece);
    }
}

/// Returns what is before and after the longest run of zeros, in whole words.
fn around_zeros(chunk: &[u8]) -> (&[u8], &[u8]) {
    const WORD: usize = 8;
    let (mut longest, mut run) = (0..0, 0..0);
    for (number, word) in chunk.as_chunks::<WORD>().0.iter().enumerate() {
        let at = number * WORD;
        if *word != [0; WORD] {
            continue;
        }
        run = if run.end == at { run.start..at + WORD } else { at..at + WORD };
        if run.len() > longest.len() {
            longest = run.clone();
        }
    }
    (chunk.get(..longest.start).unwrap_or_default(), chunk.get(longest.end..).unwrap_or_default())
}

impl<B: Into<Bytes>> From<B> for FileBytes {
    fn from(bytes: B) -> FileBytes {
        let bytes = bytes.into();
        FileBytes { length: bytes.len(), bytes, chunks: None }
    }
}

impl PartialEq for FileBytes {
    fn eq(&self, other: &FileBytes) -> bool {
        self.whole() == other.whole()
    }
}

impl Eq for FileBytes {}

impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a file of {} bytes", self.length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FileBytes, CHUNK};

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        FileBytes::from(bytes.to_vec()).pack(&mut packed);
        packed
    }

    /// Returns bytes with runs of zeros in them.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let run = (any::<bool>(), 0..CHUNK).prop_map(|(is_zero, length)| vec![if is_zero { 0 } else { 7 }; length]);
        prop::collection::vec(run, 0..8).prop_map(|runs| runs.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn a_packed_file_is_read_as_the_file(bytes in file(), at in 0..9 * CHUNK, length in 0..3 * CHUNK) {
            let mut expected = bytes.clone();
            expected.resize(at + length, 0);
            for file in [FileBytes::from(bytes.clone()), FileBytes::unpack(&packed(&bytes).into()).unwrap()] {
                prop_assert_eq!(&*file.whole(), &bytes);
                prop_assert_eq!(file.len(), bytes.len());
                let mut read = vec![1; length];
                file.read(at, &mut read);
                prop_assert_eq!(&read, &expected[at..at + length]);
            }
        }
    }

    #[test]
    fn the_zeros_of_a_page_take_no_room() {
        let mut page = vec![0; 4 * CHUNK];
        page[..8].copy_from_slice(&[13, 0, 0, 0, 0, 16, 0, 0]);
        page[CHUNK - 3..CHUNK].copy_from_slice(b"ann");
        assert_eq!(packed(&page).len(), 8 + 4 * 4 + 8 + 8);
    }

    #[test]
    fn what_is_no_packed_file_is_refused() {
        let whole = packed(&[[1; CHUNK].as_slice(), &[2; 10]].concat());
        assert!(FileBytes::unpack(&whole.clone().into()).is_some());
        for length in 0..whole.len() {
            assert!(FileBytes::unpack(&whole[..length].to_vec().into()).is_none(), "{length} bytes");
        }
        assert!(FileBytes::unpack(&[whole.as_slice(), b"x"].concat().into()).is_none());
        // Of what is left of each chunk.
        for at in 8..16 {
            for byte in [0, 1, 255] {
                let mut damaged = whole.clone();
                if std::mem::replace(&mut damaged[at], byte) != byte {
                    assert!(FileBytes::unpack(&damaged.into()).is_none(), "{byte} at {at}");
                }
            }
        }
    }
}
