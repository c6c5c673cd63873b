//! Percent escapes in a URL, see <https://www.rfc-editor.org/rfc/rfc3986#section-2.1>.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with its percent escapes decoded; as it is where that would not be UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits are at most 255.
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// The text with `%` and these ASCII characters escaped.
pub(super) fn percent_encoded(text: &str, escaped: &[char]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '%' || escaped.contains(&letter) {
            // Writing into a string cannot fail.
            let _ = write!(encoded, "%{:02X}", u32::from(letter));
        } else {
            encoded.push(letter);
        }
    }
    encoded
}
