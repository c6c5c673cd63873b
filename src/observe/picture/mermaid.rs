//! Names and texts as Mermaid's [entity relationship diagrams](https://mermaid.js.org/syntax/entityRelationshipDiagram.html)
//! take them, whatever they are.

/// A text in quotes. What means something to Mermaid, or to the page it draws on, is written as the number of the
/// character, which is drawn as the character.
pub(super) fn quoted(text: &str) -> String {
    let text = text.chars().flat_map(visible).collect::<Vec<_>>();
    // A line that has this word before a space sets the direction of the drawing, also within quotes.
    let directs = text.iter().collect::<String>().to_lowercase().contains("direction");
    let is_inner = |at: usize| {
        let is_letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|char| char.is_alphanumeric());
        is_letter(at.checked_sub(1)) && is_letter(at.checked_add(1))
    };
    let mut quoted = String::from("\"");
    for (at, char) in text.iter().enumerate() {
        let special = match char {
            // At the edge of a word it would begin or end an emphasis.
            '_' => !is_inner(at),
            // What Mermaid itself puts in the place of a number while it reads.
            'ﬂ' | '¶' => true,
            char if char.is_whitespace() => directs || *char != ' ',
            char => "\"%\\#;:<>&`~*[]{}".contains(*char),
        };
        match special {
            true => quoted.push_str(&format!("#{};", u32::from(*char))),
            false => quoted.push(*char),
        }
    }
    quoted + "\""
}

/// A character that cannot be seen, as Rust writes it.
fn visible(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let plain = escaped.is_none().then_some(char);
    escaped.into_iter().flatten().chain(plain)
}

/// A word for a column or a type, where nothing can be quoted: what it cannot have is `_`.
pub(super) fn word(text: &str) -> String {
    let word = text.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect::<String>();
    let begins_as_key = ["pk", "fk", "uk"].iter().any(|key| word.to_ascii_lowercase().starts_with(key));
    let begins_otherwise = !word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    match begins_as_key || begins_otherwise {
        true => format!("_{word}"),
        false => word,
    }
}

/// The name of a type, which may have sizes: `VARCHAR(20)`, and `DECIMAL(10_2)` for one that has two.
pub(super) fn type_name(text: &str) -> String {
    let text = if text.is_empty() { "any" } else { text };
    let sized = text.split_once('(').and_then(|(name, sizes)| {
        let sizes = sizes.strip_suffix(')')?.split(',').map(str::trim).collect::<Vec<_>>();
        let are_numbers = sizes.iter().all(|size| size.bytes().all(|byte| byte.is_ascii_digit()));
        are_numbers.then(|| format!("{}({})", word(name.trim_end()), sizes.join("_")))
    });
    sized.unwrap_or_else(|| word(text))
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
    fn a_word_has_letters_digits_and_underscores_and_is_not_taken_for_a_key() {
        let words = ["id", "first name", "1st", "PK", "fk_id", "日本", "a-b", ""].map(word);
        assert_eq!(words, ["id", "first_name", "_1st", "_PK", "_fk_id", "__", "a_b", "_"]);
        let types = ["INTEGER", "VARCHAR(20)", "DECIMAL(10, 2)", "UNSIGNED BIG INT", "", "VARCHAR (5)"].map(type_name);
        assert_eq!(types, ["INTEGER", "VARCHAR(20)", "DECIMAL(10_2)", "UNSIGNED_BIG_INT", "any", "VARCHAR(5)"]);
    }
}
