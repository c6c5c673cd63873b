//! Any text as HTML shows it, in an element or in an attribute: nothing in it is markup, and nothing in it is invisible.

/// Appends a text. What HTML would take for markup is escaped, and what a reader would not see is shown
/// by its number, `⟨U+202E⟩`. Line breaks and tabs stay.
pub(super) fn escape(text: &str, into: &mut String) {
    for char in text.chars() {
        match char {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            '\n' | '\t' => into.push(char),
            char if is_hidden(char) => number(char, into),
            char => into.push(char),
        }
    }
}

/// Returns whether a reader would not see it, or would see the text around it in another order.
fn is_hidden(char: char) -> bool {
    let number = u32::from(char);
    let is_no_character = number & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&number);
    char.is_control()
        || is_no_character
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}')
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(char, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn number(char: char, into: &mut String) {
    into.push_str("⟨U+");
    let number = u32::from(char);
    let digits = (8 - number.leading_zeros() / 4).max(4);
    for at in (0..digits).rev() {
        into.push(char::from_digit(number >> (4 * at) & 0xf, 16).unwrap_or('0').to_ascii_uppercase());
    }
    into.push('⟩');
}

#[cfg(test)]
mod tests {
    use super::escape;

    fn escaped(text: &str) -> String {
        let mut into = String::new();
        escape(text, &mut into);
        into
    }

    #[test]
    fn nothing_is_markup() {
        assert_eq!(escaped("</script><!--'\"&amp;"), "&lt;/script&gt;&lt;!--&#39;&quot;&amp;amp;");
    }

    #[test]
    fn nothing_is_invisible() {
        assert_eq!(escaped("a\0b\u{1b}[31m\u{7f}\r\n\t"), "a⟨U+0000⟩b⟨U+001B⟩[31m⟨U+007F⟩⟨U+000D⟩\n\t");
        assert_eq!(escaped("\u{202e}evil\u{2066}"), "⟨U+202E⟩evil⟨U+2066⟩");
        assert_eq!(escaped("\u{85}\u{ad}\u{ffff}\u{e0041}\u{10ffff}"), "⟨U+0085⟩⟨U+00AD⟩⟨U+FFFF⟩⟨U+E0041⟩⟨U+10FFFF⟩");
        assert_eq!(escaped("日本 é שלום 😀"), "日本 é שלום 😀");
    }
}
