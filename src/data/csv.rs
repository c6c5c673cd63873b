//! CSV with a header row, after [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180). Lines may end in any way, and blank ones
//! are nothing; a quote inside of a field that does not begin with one is a letter like others.

use std::collections::HashSet;
use std::rc::Rc;

use rusqlite::types::Value;

use super::{Malformed, Record, Records};
use crate::script::BYTE_ORDER_MARK;

pub(super) fn records(text: &str) -> Result<Records, Malformed> {
    let mut reader = Reader { rest: text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text), line: 1 };
    let Some((line, names)) = reader.record()? else {
        return Err(Malformed { line: None, problem: "the file is empty: its first row names the columns".into() });
    };
    let columns = column_names(names, line)?;
    let mut records = Vec::new();
    while let Some((line, fields)) = reader.record()? {
        if fields.len() != columns.len() {
            let problem = format!("the record has {}, the header row {}", count(fields.len()), count(columns.len()));
            return Err(Malformed { line: Some(line), problem });
        }
        records.push(Record { line, columns: Rc::clone(&columns), values: fields.into_iter().map(value).collect() });
    }
    Ok(Records { header: Some((columns, line)), records })
}

/// Reads record by record.
struct Reader<'t> {
    rest: &'t str,
    /// The line that the rest starts on, counted from 1.
    line: usize,
}

impl<'t> Reader<'t> {
    /// The next record, with the line it starts on.
    fn record(&mut self) -> Result<Option<(usize, Vec<String>)>, Malformed> {
        let blank = self.rest.len() - self.rest.trim_start_matches(['\r', '\n']).len();
        self.take(blank);
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (line, mut fields) = (self.line, Vec::new());
        loop {
            match self.field() {
                Some(field) => fields.push(field),
                None => {
                    let problem = "a quoted field of this record is never closed".to_string();
                    return Err(Malformed { line: Some(line), problem });
                }
            }
            if !self.rest.starts_with(',') {
                return Ok(Some((line, fields)));
            }
            self.take(1);
        }
    }

    /// A field up to the comma or the end of the line after it; none where its quote is never closed.
    fn field(&mut self) -> Option<String> {
        let mut field = String::new();
        let mut quoted = self.rest.starts_with('"');
        while quoted {
            self.take(1);
            let end = self.rest.find('"')?;
            field.push_str(self.take(end));
            self.take(1);
            // A second one stands for a quote in the field.
            quoted = self.rest.starts_with('"');
            field.push_str(if quoted { "\"" } else { "" });
        }
        let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
        field.push_str(self.take(end));
        Some(field)
    }

    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

fn column_names(fields: Vec<String>, line: usize) -> Result<Rc<[String]>, Malformed> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the crate `csv` reads, which says nothing of quotes that are never closed.
    fn as_csv_reads(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .buffer_capacity(64)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        reader.records().map(|record| record.unwrap().iter().map(str::to_string).collect()).collect()
    }

    fn read(text: &str) -> Option<Vec<Vec<String>>> {
        let mut reader = Reader { rest: text, line: 1 };
        let mut records = Vec::new();
        while let Some((_, fields)) = reader.record().ok()? {
            records.push(fields);
        }
        Some(records)
    }

    #[test]
    fn every_short_text_is_read_as_the_crate_csv_reads_it() {
        const LETTERS: [char; 5] = ['a', ',', '"', '\n', '\r'];
        const LONGEST: u32 = 5;
        let (mut same, mut open) = (0, 0);
        for length in 0..=LONGEST {
            for number in 0..LETTERS.len().pow(length) {
                let letter = |at: u32| LETTERS[number / LETTERS.len().pow(at) % LETTERS.len()];
                let text = (0..length).map(letter).collect::<String>();
                match read(&text) {
                    Some(records) => {
                        assert_eq!(records, as_csv_reads(&text), "{text:?}");
                        same += 1;
                    }
                    // An open quote takes a record after it into the field.
                    None => {
                        let more = as_csv_reads(&format!("{text}\nlast"));
                        assert_ne!(more.last().unwrap(), &["last"], "{text:?}");
                        open += 1;
                    }
                }
            }
        }
        assert!(same > 1_000 && open > 500, "{same} read, {open} open");
    }
}
