//! A database among the files of a test.

/// A database that was saved under a name, or the reason why it was not.
pub(super) struct Saved {
    pub(super) label: String,
    pub(super) file: Result<String, String>,
}
