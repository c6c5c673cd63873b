//! The files of a folder, in the order a person would list them.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use crate::error;
use crate::order::sort_by;
use crate::sqlite::script::{line_at, BYTE_ORDER_MARK};

/// Returns the files right in the folder, hidden ones left out, in natural order.
pub(crate) fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        // By the path, so that a link counts as what it leads to.
        if path.is_file() && !is_hidden(&path) {
            files.push(path);
        }
    }
    // Without the extension, so that `v2.sql` is before `v2.1.sql`.
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    sort_by(&mut files, |left, right| natural_order(&stem(left), &stem(right)).then_with(|| left.cmp(right)));
    Ok(files)
}

/// Lists everything right in the folder, by path.
pub(super) fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    sort_by(&mut paths, PathBuf::cmp);
    Ok(paths)
}

/// Returns whether the name begins with a dot.
pub(super) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Returns whether the file's name ends in `.extension`, in either case.
pub(crate) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// The reason why a file gives no text.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The line that is not text, counted from 1, where the file could be read at all.
    pub(crate) line: Option<usize>,
    pub(crate) problem: String,
}

/// Returns a file's text, without the byte order mark that some editors put first.
pub(crate) fn text(path: &Path) -> Result<String, Unreadable> {
    let mut text = marked_text(path)?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(text)
}

/// Returns a file's text as it is, with a byte order mark if it has one.
pub(super) fn marked_text(path: &Path) -> Result<String, Unreadable> {
    let unreadable =
        |problem: String| Unreadable { line: None, problem: format!("the file cannot be read: {problem}") };
    let kind = std::fs::metadata(path).map_err(|error| unreadable(error::unreadable(path, &error)))?;
    if !kind.is_file() {
        // A pipe that nobody writes to would be waited for without an end.
        return Err(unreadable("it is no ordinary file".to_string()));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        let problem = format!("the text is not UTF-8 from byte {} on: save the file as UTF-8", valid + 1);
        Unreadable { line: Some(line_at(&before, valid)), problem }
    })
}

/// Numbers in names are compared as numbers, so 2 is before 10; the rest as text.
pub(super) fn natural_order(left: &str, right: &str) -> Ordering {
    let (mut left_rest, mut right_rest) = (left, right);
    loop {
        let (left_part, right_part) = (part(left_rest), part(right_rest));
        if left_part.is_empty() || right_part.is_empty() {
            // `01` and `1` are the same number, so the text decides between names that differ in nothing else.
            return left_part.len().cmp(&right_part.len()).then_with(|| left.cmp(right));
        }
        let order = match (number(left_part), number(right_part)) {
            (Some(left), Some(right)) => by_size(left, right),
            _ => left_part.cmp(right_part),
        };
        if order.is_ne() {
            return order;
        }
        left_rest = &left_rest[left_part.len()..];
        right_rest = &right_rest[right_part.len()..];
    }
}

/// Returns the digits the text starts with, or what is before the first digit.
pub(super) fn part(text: &str) -> &str {
    let digits = starts_with_digit(text);
    match text.bytes().position(|next| next.is_ascii_digit() != digits) {
        Some(end) => &text[..end],
        None => text,
    }
}

pub(super) fn starts_with_digit(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9', ..])
}

/// Compares two numbers in digits: of two without leading zeros the longer is the larger, however many digits they have.
pub(super) fn by_size(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Returns the digits without leading zeros, `None` for other text.
fn number(part: &str) -> Option<&str> {
    starts_with_digit(part).then(|| part.trim_start_matches('0'))
}
