//! The statements that SQLite refused to prepare.

use std::sync::Arc;

use super::Account;
use crate::instrument::Unprepared;
use crate::list::retain;
use crate::observe::statements::Statement;

impl Account {
    /// Returns those whose message names a table, the oldest first.
    pub(in crate::observe) fn unprepared_on(&self, table: &str) -> Vec<Arc<Unprepared>> {
        let mut found = self.unprepared.clone();
        retain(&mut found, |one| names(&one.message, table));
        found
    }

    /// Returns all of them, the oldest first.
    pub(in crate::observe) fn unprepared(&self) -> Vec<Arc<Unprepared>> {
        self.unprepared.clone()
    }

    /// Returns the last on the thread of a statement, from the beginning of its transaction to the end of that, or of the
    /// savepoint that it was rolled back with.
    pub(in crate::observe) fn unprepared_with(&self, statement: &Statement) -> Option<Arc<Unprepared>> {
        let transaction = statement.recorded().transaction.as_ref()?;
        let ended = statement.recorded().undone.as_ref().map(|undone| undone.at).or(transaction.ended());
        let is_one = |one: &&Arc<Unprepared>| {
            one.thread.id() == statement.thread().id()
                && one.at >= transaction.at
                && ended.is_none_or(|ended| one.at <= ended)
        };
        self.unprepared.iter().rev().find(is_one).cloned()
    }
}

/// Returns whether a message of SQLite's names a table.
fn names(message: &str, table: &str) -> bool {
    let (message, table) = (message.to_lowercase(), table.to_lowercase());
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    message.match_indices(&table).any(|(at, found)| {
        let (before, after) = (message[..at].chars().next_back(), message[at + found.len()..].chars().next());
        !is_part(before) && !is_part(after)
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_table_is_named_as_a_whole_word() {
        assert!(names("no such table: coupon", "Coupon"));
        assert!(names("no such table: main.coupon", "coupon"));
        assert!(names("table my coupon has no column named percent", "my coupon"));
        assert!(!names("no such table: coupon_log", "coupon"));
        assert!(!names("no such table: old_coupon", "coupon"));
        assert!(!names("near \"INSRT\": syntax error", "coupon"));
    }
}
