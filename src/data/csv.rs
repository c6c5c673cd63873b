//! CSV with a header row, after [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180).

use std::rc::Rc;

use csv_core::ReadRecordResult::{End, InputEmpty, OutputEndsFull, OutputFull, Record as Complete};
use rusqlite::types::Value;

use super::{Malformed, Record, Records};
use crate::script::line_at;
use crate::sorted::Sorted;

/// A last record of our own: where it does not come back as one, a quote before it was never closed. The reader alone
/// takes the rest of the file for the quoted field and says nothing.
const LAST: &str = "\nlast record";

pub(super) fn records(text: &str) -> Result<Records, Malformed> {
    let source = format!("{text}{LAST}");
    let mut reader = Reader::of(&source);
    let mut lines = Lines { text, offset: 0, line: 1 };
    let mut header: Option<(Rc<[String]>, usize)> = None;
    let mut records = Vec::new();
    loop {
        let line = lines.of_record(reader.offset);
        let fail = |problem| Err(Malformed { line: Some(line), problem });
        if lines.at_end() {
            break;
        }
        let fields = reader.record();
        if reader.offset > text.len() + 1 {
            return fail("a quoted field of this record is never closed".to_string());
        }
        match &header {
            None => header = Some((column_names(fields, line)?, line)),
            Some((columns, _)) if columns.len() != fields.len() => {
                return fail(format!(
                    "the record has {}, the header row {}",
                    count(fields.len()),
                    count(columns.len())
                ));
            }
            Some((columns, _)) => {
                let values = fields.into_iter().map(value).collect();
                records.push(Record { line, columns: Rc::clone(columns), values });
            }
        }
    }
    match header {
        Some(header) => Ok(Records { header: Some(header), records }),
        None => Err(Malformed { line: None, problem: "the file is empty: its first row names the columns".into() }),
    }
}

/// Reads record by record.
struct Reader<'t> {
    source: &'t str,
    /// How much of it has been read.
    offset: usize,
    core: csv_core::Reader,
    /// The fields of a record one after the other, and where each ends; for each record anew.
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl Reader<'_> {
    fn of(source: &str) -> Reader<'_> {
        Reader { source, offset: 0, core: csv_core::Reader::new(), fields: vec![0; 1024], ends: vec![0; 32] }
    }

    /// The fields of the next record; none where there is none.
    fn record(&mut self) -> Vec<String> {
        let (mut filled, mut ended) = (0, 0);
        loop {
            let input = &self.source.as_bytes()[self.offset..];
            let (fields, ends) = (&mut self.fields[filled..], &mut self.ends[ended..]);
            let (result, read, written, found) = self.core.read_record(input, fields, ends);
            self.offset += read;
            filled += written;
            ended += found;
            match result {
                // Asked again with nothing, it ends the last record.
                InputEmpty => {}
                OutputFull => self.fields.resize(2 * self.fields.len(), 0),
                OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                Complete | End => break,
            }
        }
        let mut record = Vec::with_capacity(ended);
        let mut start = 0;
        for end in &self.ends[..ended] {
            // Text is cut at ASCII characters only, so each piece is UTF-8 as the whole is.
            record.push(String::from_utf8_lossy(&self.fields[start..*end]).into_owned());
            start = *end;
        }
        record
    }
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
        let mut start = text.len().min(offset);
        while matches!(text.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        self.line += line_at(&self.text[self.offset..start], usize::MAX) - 1;
        self.offset = start;
        self.line
    }

    fn at_end(&self) -> bool {
        self.offset == self.text.len()
    }
}

fn column_names(fields: Vec<String>, line: usize) -> Result<Rc<[String]>, Malformed> {
    let fail = |problem| Err(Malformed { line: Some(line), problem });
    let mut seen = Sorted::default();
    for (at, name) in fields.iter().enumerate() {
        if name.is_empty() {
            return fail(format!("column {} of the header row has no name", at + 1));
        }
        if seen.insert(name.to_ascii_lowercase(), ()).is_some() {
            return fail(format!("the header row names column `{name}` twice"));
        }
    }
    Ok(fields.into())
}

fn value(field: String) -> Value {
    match field.is_empty() {
        true => Value::Null,
        false => Value::Text(field),
    }
}

fn count(fields: usize) -> String {
    match fields {
        1 => "1 field".to_string(),
        fields => format!("{fields} fields"),
    }
}
