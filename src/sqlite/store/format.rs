//! The file of one image: a head, the identity, the notes, the databases.

use super::digest::digest;
use crate::sqlite::bytes::Bytes;
use crate::sqlite::packed::FileBytes;

/// One image as it is stored, or several that belong together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Database files in WAL mode; none of what is not the same twice and is made at each start.
    pub(crate) files: Vec<FileBytes>,
    /// Texts that belong to them.
    pub(crate) notes: Vec<String>,
}

/// The beginning of every file; the number changes with this format.
const MAGIC: [u8; 16] = *b"multibind image4";

/// The numbers after it: the lengths of the three parts, and the digest of the last two. The first is compared byte by byte.
const NUMBERS: usize = 4;
const WORD: usize = size_of::<u64>();
const HEAD: usize = MAGIC.len() + NUMBERS * WORD;

/// Returns the bytes of a file.
pub(super) fn written(identity: &[u8], stored: &Stored) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[0; HEAD - MAGIC.len()]);
    bytes.extend_from_slice(identity);
    let notes_at = bytes.len();
    for note in &stored.notes {
        bytes.extend((note.len() as u64).to_le_bytes());
        bytes.extend_from_slice(note.as_bytes());
    }
    let files_at = bytes.len();
    for file in &stored.files {
        let mut packed = Vec::new();
        file.pack(&mut packed);
        bytes.extend((packed.len() as u64).to_le_bytes());
        bytes.append(&mut packed);
    }
    let lengths = [identity.len(), files_at - notes_at, bytes.len() - files_at].map(|length| length as u64);
    let [of_identity, of_notes, of_files] = lengths;
    let numbers = [of_identity, of_notes, of_files, digest(after(&bytes, identity))];
    for (place, number) in bytes[MAGIC.len()..HEAD].chunks_exact_mut(WORD).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// Reads the bytes of a file, as far as it is whole and of this identity.
pub(super) fn read(bytes: &Bytes, identity: &[u8]) -> Result<Stored, &'static str> {
    const CUT_OFF: &str = "it is cut off";
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or(CUT_OFF)?;
    let numbers = head.strip_prefix(&MAGIC).ok_or("it is no image of this version")?;
    let mut parts = [0; NUMBERS];
    for (part, number) in parts.iter_mut().zip(numbers.as_chunks::<8>().0) {
        *part = u64::from_le_bytes(*number);
    }
    let [of_identity, of_notes, of_files, sum] = parts;
    let (own, rest_of_it) = split(rest, of_identity).ok_or(CUT_OFF)?;
    let (notes, files) = split(rest_of_it, of_notes).ok_or(CUT_OFF)?;
    if files.len() as u64 != of_files {
        return Err(CUT_OFF);
    }
    if own != identity {
        return Err("it is of another schema whose name is the same");
    }
    if digest(after(bytes, identity)) != sum {
        return Err("it is damaged");
    }
    let files = bytes.part(bytes.len() - files.len()..bytes.len()).and_then(|files| files_of(&files));
    let files = files.ok_or("its databases cannot be read")?;
    Ok(Stored { files, notes: notes_of(notes).ok_or("its notes cannot be read")? })
}

/// Returns what comes after the identity, from a whole word of the file on: what is aligned is digested without a copy.
fn after<'b>(bytes: &'b [u8], identity: &[u8]) -> &'b [u8] {
    bytes.get((HEAD + identity.len()) / WORD * WORD..).unwrap_or_default()
}

fn files_of(bytes: &Bytes) -> Option<Vec<FileBytes>> {
    let (mut files, mut at) = (Vec::new(), 0);
    while let Some((length, _)) = bytes.get(at..)?.split_first_chunk() {
        let from = at + length.len();
        at = from.checked_add(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        files.push(FileBytes::unpack(&bytes.part(from..at)?)?);
    }
    (at == bytes.len()).then_some(files)
}

fn notes_of(mut bytes: &[u8]) -> Option<Vec<String>> {
    let mut notes = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (note, rest) = split(rest, u64::from_le_bytes(*length))?;
        notes.push(str::from_utf8(note).ok()?.to_string());
        bytes = rest;
    }
    bytes.is_empty().then_some(notes)
}

fn split(bytes: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{written, Stored};

    fn read(bytes: &[u8], identity: &[u8]) -> Result<Stored, &'static str> {
        super::read(&bytes.to_vec().into(), identity)
    }

    fn stored() -> Stored {
        Stored {
            files: vec![b"SQLite".to_vec().into(), vec![0; 5000].into()],
            notes: vec!["ann".into(), String::new(), "é".into()],
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        for stored in [stored(), Stored { files: Vec::new(), notes: Vec::new() }] {
            assert_eq!(read(&written(b"identity", &stored), b"identity"), Ok(stored));
        }
    }

    #[test]
    fn every_damage_is_noticed() {
        let whole = written(b"identity", &stored());
        for length in 0..whole.len() {
            assert!(read(&whole[..length], b"identity").is_err(), "{length} bytes");
        }
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged, b"identity").is_err(), "bit {bit}");
        }
        assert!(read(&[whole.as_slice(), b"x"].concat(), b"identity").is_err());
        assert!(read(&whole, b"identitx").is_err());
        assert!(read(&whole, b"").is_err());
    }
}
