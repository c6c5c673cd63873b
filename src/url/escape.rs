//! Percent escapes in a URL, see <https://www.rfc-editor.org/rfc/rfc3986#section-2.1>.

use std::borrow::Cow;

use percent_encoding::{percent_decode_str, percent_encode_byte};

/// Decodes the percent escapes of a text; returns it as it is where that would not be UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

/// Escapes `%` and these ASCII bytes; letters beyond ASCII stay, since people read the text in a bind key.
pub(super) fn percent_encoded(text: &str, escaped: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for letter in text.chars() {
        match u8::try_from(letter) {
            Ok(byte) if byte == b'%' || escaped.contains(&byte) => encoded.push_str(percent_encode_byte(byte)),
            _ => encoded.push(letter),
        }
    }
    encoded
}
