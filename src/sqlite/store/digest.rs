//! A number that tells bytes apart, fast in unoptimised code too.

/// A prime near the golden ratio of 64 bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The words of one turn of the loop.
const STEP: usize = 4;

/// Returns a number of bytes: it finds damage and names a file, and withstands nobody who seeks two texts of one number.
///
/// Our own, for tests run unoptimised: 2 instructions a byte there, where `std`'s `DefaultHasher`, which is compiled into this
/// crate, takes 15 (`benches/suite/run --counts`).
pub(super) fn digest(bytes: &[u8]) -> u64 {
    // SAFETY: any bytes are a number.
    let (before, words, after) = unsafe { bytes.align_to::<u64>() };
    if !before.is_empty() {
        // Of equal bytes the number is the same wherever they are; a new vector of words is aligned.
        let mut aligned = vec![0_u64; bytes.len().div_ceil(size_of::<u64>())];
        // SAFETY: so many bytes are there, and any bytes are a number.
        let (_, copy, _) = unsafe { aligned.align_to_mut::<u8>() };
        copy[..bytes.len()].copy_from_slice(bytes);
        return digest(&copy[..bytes.len()]);
    }
    let mut sum = (bytes.len() as u64).wrapping_mul(FACTOR);
    let whole = words.len() - words.len() % STEP;
    let mut at = 0;
    while at < whole {
        sum = (sum ^ (sum >> 29) ^ words[at]).wrapping_mul(FACTOR);
        sum = (sum ^ (sum >> 29) ^ words[at + 1]).wrapping_mul(FACTOR);
        sum = (sum ^ (sum >> 29) ^ words[at + 2]).wrapping_mul(FACTOR);
        sum = (sum ^ (sum >> 29) ^ words[at + 3]).wrapping_mul(FACTOR);
        at += STEP;
    }
    for word in &words[whole..] {
        sum = (sum ^ (sum >> 29) ^ word).wrapping_mul(FACTOR);
    }
    for byte in after {
        sum = (sum ^ (sum >> 29) ^ u64::from(*byte)).wrapping_mul(FACTOR);
    }
    sum ^ (sum >> 32)
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn every_changed_bit_changes_it() {
        let bytes = (1..100).collect::<Vec<u8>>();
        let mut seen = vec![digest(&bytes)];
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            seen.push(digest(&changed));
        }
        for length in 0..bytes.len() {
            seen.push(digest(&bytes[..length]));
            seen.push(digest(&vec![0; length]));
        }
        let all = seen.len() - 1;
        seen.sort_unstable();
        seen.dedup();
        // The two of no byte at all are one.
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn it_is_of_the_bytes_wherever_they_are() {
        let bytes = (0..=255).collect::<Vec<u8>>();
        for start in 0..16 {
            let moved = [&vec![0; start], bytes.as_slice()].concat();
            assert_eq!(digest(&moved[start..]), digest(&bytes), "{start}");
        }
    }
}
