//! A statement's program, as SQLite's [`EXPLAIN`](https://sqlite.org/opcode.html) lists it.

use std::ffi::{c_int, CStr, CString};

use super::handle::{Handle, Row};

/// The columns of `EXPLAIN` for an instruction, its second number, and its fourth operand.
const OPCODE: c_int = 1;
const SECOND: c_int = 3;
const OPERAND: c_int = 5;

/// SQLite's functions of [time](https://sqlite.org/lang_datefunc.html) and
/// [chance](https://sqlite.org/lang_corefunc.html#random). Of a time that is given, its functions answer alike each time; a
/// program does not show which it will be.
const FLEETING: [&[u8]; 12] = [
    b"current_date",
    b"current_time",
    b"current_timestamp",
    b"date",
    b"datetime",
    b"julianday",
    b"random",
    b"randomblob",
    b"strftime",
    b"time",
    b"timediff",
    b"unixepoch",
];

/// The flag of a function that answers alike each time, in `PRAGMA function_list`.
const DETERMINISTIC: i64 = 0x800;

impl Handle {
    /// Returns the first function of a statement that may answer otherwise each time: called by the statement itself, a
    /// default, a view, a trigger. SQLite's code where it cannot be prepared now.
    pub(super) fn fleeting_function(&self, sql: &CStr) -> Result<Option<String>, c_int> {
        let mut called = Vec::<Vec<u8>>::new();
        self.find_row(&explain(sql), |row| {
            let calls = [c"Function", c"PureFunc", c"AggStep", c"AggStep1"];
            if row.text(OPCODE).is_some_and(|opcode| calls.contains(&opcode))
                && let Some(operand) = row.text(OPERAND)
            {
                // With its number of arguments in brackets.
                let name = operand.to_bytes().split(|byte| *byte == b'(').next().unwrap_or_default();
                called.push(name.to_vec());
            }
            None::<()>
        })?;
        for name in called {
            if FLEETING.contains(&name.as_slice()) || self.is_fleeting_of_the_application(&name)? {
                return Ok(Some(String::from_utf8_lossy(&name).into_owned()));
            }
        }
        Ok(None)
    }

    /// Returns whether the application has registered a function of that name, and did not say that it is deterministic.
    fn is_fleeting_of_the_application(&self, name: &[u8]) -> Result<bool, c_int> {
        let found = self.find_row(c"PRAGMA function_list", |row| {
            let is_one = row.text(0).is_some_and(|known| known.to_bytes().eq_ignore_ascii_case(name));
            (is_one && row.number(1) == 0 && row.number(5) & DETERMINISTIC == 0).then_some(())
        });
        found.map(|found| found.is_some())
    }

    /// Returns whether a `VACUUM` writes a copy, as its program says, and not the database.
    pub(super) fn vacuums_into(&self, sql: &CStr) -> bool {
        let into = |row: &Row| (row.text(OPCODE) == Some(c"Vacuum") && row.number(SECOND) != 0).then_some(());
        matches!(self.find_row(&explain(sql), into), Ok(Some(())))
    }
}

fn explain(sql: &CStr) -> CString {
    let mut text = b"EXPLAIN ".to_vec();
    text.extend_from_slice(sql.to_bytes());
    // A text that ended at its first NUL has no other.
    CString::new(text).unwrap_or_default()
}
