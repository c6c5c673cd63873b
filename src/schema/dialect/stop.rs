//! The place where SQLite stopped reading a statement, and the words around it.

/// The place where SQLite stopped reading a statement.
pub(super) struct Stop<'s> {
    pub(super) sql: &'s str,
    pub(super) at: usize,
}

impl<'s> Stop<'s> {
    pub(super) fn before(&self) -> &'s str {
        self.sql.get(..self.at).unwrap_or_default()
    }

    pub(super) fn rest(&self) -> &'s str {
        self.sql.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_at_start(&self) -> bool {
        self.before().trim_ascii().is_empty()
    }

    /// Returns where the name begins that ends where SQLite stopped, in quotes or not.
    pub(super) fn name_before(&self) -> usize {
        let before = self.before();
        let opening = match before.as_bytes().last() {
            Some(b'"') => Some('"'),
            Some(b'`') => Some('`'),
            Some(b']') => Some('['),
            _ => None,
        };
        match opening {
            Some(quote) => before.get(..before.len() - 1).and_then(|name| name.rfind(quote)).unwrap_or(self.at),
            None => before
                .rfind(|letter: char| !is_of_name(letter))
                .map_or(0, |at| at + before[at..].chars().next().map_or(0, char::len_utf8)),
        }
    }

    /// Returns the first word of the statement.
    pub(super) fn first_word(&self) -> &'s str {
        let sql = self.sql.trim_ascii_start();
        sql.split(|letter: char| !is_of_name(letter)).next().unwrap_or_default()
    }

    /// Returns the word that ends before the blanks where SQLite stopped.
    pub(super) fn word_before(&self) -> &'s str {
        let before = self.before().trim_ascii_end();
        let stop = Stop { sql: before, at: before.len() };
        before.get(stop.name_before()..).unwrap_or_default()
    }
}

pub(super) fn is_of_name(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}
