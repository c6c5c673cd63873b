//! Names and texts as Mermaid's [entity relationship diagrams](https://mermaid.js.org/syntax/entityRelationshipDiagram.html)
//! take them, whatever they are.

/// Writes a text in quotes. What means something to Mermaid, or to the page it draws on, is written as the number of
/// the character, which is drawn as the character.
pub(super) fn quoted(text: &str) -> String {
    let visible = visible(text);
    // A line that has this word before a space sets the direction of the drawing, also within quotes.
    let directs = visible.to_lowercase().contains("direction");
    let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let is_inner = |at: usize| {
        is_letter(visible[..at].chars().next_back()) && is_letter(visible[at + '_'.len_utf8()..].chars().next())
    };
    let mut quoted = String::from("\"");
    for (at, char) in visible.char_indices() {
        let special = match char {
            // At the edge of a word it would begin or end an emphasis.
            '_' => !is_inner(at),
            // What Mermaid itself puts in the place of a number while it reads.
            'ﬂ' | '¶' => true,
            char if char.is_whitespace() => directs || char != ' ',
            char => "\"%\\#;:<>&`~*[]{}".contains(char),
        };
        if special {
            quoted.push_str(&format!("#{};", u32::from(char)))
        } else {
            quoted.push(char)
        }
    }
    quoted + "\""
}

/// Writes invisible characters as Rust does.
fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            visible.push_str(&char.escape_default().to_string())
        } else {
            visible.push(char)
        }
    }
    visible
}

/// Writes a word for a column or a type, where nothing can be quoted: what it cannot have is `_`.
pub(super) fn word(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for char in text.chars() {
        word.push(if char.is_ascii_alphanumeric() { char } else { '_' });
    }
    let lower = word.to_ascii_lowercase();
    let begins_as_key = lower.starts_with("pk") || lower.starts_with("fk") || lower.starts_with("uk");
    let begins_otherwise = !word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if begins_as_key || begins_otherwise {
        format!("_{word}")
    } else {
        word
    }
}

/// Writes the name of a type, which may have sizes: `VARCHAR(20)`, and `DECIMAL(10_2)` for one that has two.
pub(super) fn type_name(text: &str) -> String {
    let text = if text.is_empty() { "any" } else { text };
    sized(text).unwrap_or_else(|| word(text))
}

/// Writes a type with sizes, which are numbers.
fn sized(text: &str) -> Option<String> {
    let (name, sizes) = text.split_once('(')?;
    let mut numbers = Vec::new();
    for size in sizes.strip_suffix(')')?.split(',') {
        let size = size.trim();
        if !size.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        numbers.push(size);
    }
    Some(format!("{}({})", word(name.trim_end()), numbers.join("_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_mermaid_is_written_by_its_number() {
        assert_eq!(quoted("auth.user_role"), "\"auth.user_role\"");
        assert_eq!(quoted("日本 é"), "\"日本 é\"");
        assert_eq!(quoted("a\"b%c\\d#e;"), "\"a#34;b#37;c#92;d#35;e#59;\"");
        assert_eq!(quoted("_a_b_"), "\"#95;a_b#95;\"");
        assert_eq!(quoted("a\nb\u{a0}"), "\"a#92;nb#160;\"");
        assert_eq!(quoted("a Direction LR"), "\"a#32;Direction#32;LR\"");
    }

    #[test]
    fn words_are_plain_and_never_keys() {
        let words = ["id", "first name", "1st", "PK", "fk_id", "日本", "a-b", ""].map(word);
        assert_eq!(words, ["id", "first_name", "_1st", "_PK", "_fk_id", "__", "a_b", "_"]);
        let types = ["INTEGER", "VARCHAR(20)", "DECIMAL(10, 2)", "UNSIGNED BIG INT", "", "VARCHAR (5)"].map(type_name);
        assert_eq!(types, ["INTEGER", "VARCHAR(20)", "DECIMAL(10_2)", "UNSIGNED_BIG_INT", "any", "VARCHAR(5)"]);
    }
}
