//! The identity of an image: everything that shapes it, byte by byte.

use std::hash::{Hash, Hasher};

use super::digest::digest;

/// Everything that shapes an image, in bytes. Two that are equal make equal databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    digest: u64,
    bytes: Vec<u8>,
}

impl Identity {
    /// Returns the identity of what a value hashes: of each field that `derive(Hash)` knows, none left out.
    pub(crate) fn of(value: &impl Hash) -> Identity {
        let mut all = Bytes(Vec::new());
        value.hash(&mut all);
        Identity { digest: digest(&all.0), bytes: all.0 }
    }

    /// Returns its name in a folder. Two may share one; their bytes tell them apart.
    pub(super) fn name(&self) -> String {
        format!("{:016x}", self.digest)
    }

    /// Returns the bytes, which are a part of another identity where one is made of several.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

/// A hasher that keeps what it is given. Each type in an identity must give different bytes for different values, as those do that
/// derive `Hash`; one that leaves something out would make two databases one.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        digest(&self.0)
    }
}
