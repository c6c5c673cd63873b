//! CSV with a header row, after [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180).

use std::collections::HashSet;
use std::io::Read;
use std::rc::Rc;

use csv::{Position, ReaderBuilder, StringRecord};
use rusqlite::types::Value;

use super::{Malformed, Record, Records};

/// A last record of our own: where it does not come back as one, a quote before it was never closed. The reader alone
/// takes the rest of the file for the quoted field and says nothing.
const LAST: &str = "\nlast record";

pub(super) fn records(text: &str) -> Result<Records, Malformed> {
    let source = text.as_bytes().chain(LAST.as_bytes());
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source);
    let mut lines = Lines { text, offset: 0, line: 1 };
    let mut header: Option<(Rc<[String]>, usize)> = None;
    let mut records = Vec::new();
    let mut fields = StringRecord::new();
    loop {
        let from = offset(reader.position());
        let line = lines.of_record(from);
        let fail = |problem| Err(Malformed { line: Some(line), problem });
        if lines.at_end() {
            break;
        }
        if let Err(error) = reader.read_record(&mut fields) {
            return fail(error.to_string());
        }
        if offset(reader.position()) > text.len() + 1 {
            return fail("a quoted field of this record is never closed".to_string());
        }
        match &header {
            None => header = Some((column_names(&fields, line)?, line)),
            Some((columns, _)) if columns.len() != fields.len() => {
                return fail(format!(
                    "the record has {}, the header row {}",
                    count(fields.len()),
                    count(columns.len())
                ));
            }
            Some((columns, _)) => {
                let values = fields.iter().map(value).collect();
                records.push(Record { line, columns: Rc::clone(columns), values });
            }
        }
    }
    match header {
        Some(header) => Ok(Records { header: Some(header), records }),
        None => Err(Malformed { line: None, problem: "the file is empty: its first row names the columns".into() }),
    }
}

fn offset(position: &Position) -> usize {
    usize::try_from(position.byte()).unwrap_or(usize::MAX)
}

/// Counts lines as far as records have been read.
struct Lines<'t> {
    text: &'t str,
    offset: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line of the record that follows `offset`, past the line ends that the reader skips before it.
    fn of_record(&mut self, offset: usize) -> usize {
        let text = self.text.as_bytes();
        let blank = text.iter().skip(offset).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = text.len().min(offset + blank);
        self.line += text[self.offset..start].iter().filter(|byte| **byte == b'\n').count();
        self.offset = start;
        self.line
    }

    fn at_end(&self) -> bool {
        self.offset == self.text.len()
    }
}

fn column_names(fields: &StringRecord, line: usize) -> Result<Rc<[String]>, Malformed> {
    let fail = |problem| Err(Malformed { line: Some(line), problem });
    let mut seen = HashSet::new();
    for (at, name) in fields.iter().enumerate() {
        if name.is_empty() {
            return fail(format!("column {} of the header row has no name", at + 1));
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            return fail(format!("the header row names column `{name}` twice"));
        }
    }
    Ok(fields.iter().map(str::to_string).collect())
}

fn value(field: &str) -> Value {
    match field {
        "" => Value::Null,
        text => Value::Text(text.to_string()),
    }
}

fn count(fields: usize) -> String {
    match fields {
        1 => "1 field".to_string(),
        fields => format!("{fields} fields"),
    }
}
