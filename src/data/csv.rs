//! CSV with a header row, after [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180).

use std::sync::Arc;

use rusqlite::types::Value;

use super::records::{Malformed, Record, Records};
use crate::sorted::Sorted;

/// Reads records; with `empty_as_text` a field without anything is an empty text, as RFC 4180 has it, else `NULL`.
pub(super) fn records(text: &str, empty_as_text: bool) -> Result<Records, Malformed> {
    let mut reader = Reader { rest: text, line: 1 };
    let Some((line, fields)) = reader.record()? else {
        return Err(Malformed { line: None, problem: "the file is empty: its first row names the columns".into() });
    };
    let columns = column_names(fields, line)?;
    let mut records = Vec::new();
    while let Some((at, fields)) = reader.record()? {
        if columns.len() != fields.len() {
            let (found, wanted) = (count(fields.len()), count(columns.len()));
            return Err(match other_separator(&columns) {
                Some(problem) => Malformed { line: Some(line), problem },
                None => {
                    let problem = format!("the record has {found}, the header row {wanted}");
                    Malformed { line: Some(at), problem }
                }
            });
        }
        let mut values = Vec::with_capacity(fields.len());
        for field in fields {
            values.push(field.value(empty_as_text));
        }
        records.push(Record { line: at, columns: Arc::clone(&columns), values, name: None });
    }
    Ok(Records { header: Some((columns, line)), records })
}

/// A field as it was written.
enum Field {
    Bare(String),
    Quoted(String),
}

impl Field {
    fn value(self, empty_as_text: bool) -> Value {
        match self {
            Field::Bare(text) if text.is_empty() && !empty_as_text => Value::Null,
            Field::Bare(text) | Field::Quoted(text) => Value::Text(text),
        }
    }
}

/// Reads record by record.
struct Reader<'t> {
    rest: &'t str,
    /// The line that the rest starts on, counted from 1.
    line: usize,
}

const LINE_ENDS: [char; 2] = ['\r', '\n'];

impl<'t> Reader<'t> {
    /// Returns the next record and the line it starts on; `None` after the last. Lines without anything are passed over.
    fn record(&mut self) -> Result<Option<(usize, Vec<Field>)>, Malformed> {
        let next = self.rest.trim_start_matches(LINE_ENDS);
        self.pass(self.rest.len() - next.len());
        if self.rest.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        let fail = |problem| Malformed { line: Some(line), problem };
        let mut fields = Vec::new();
        loop {
            fields.push(if self.rest.starts_with('"') { self.quoted() } else { self.bare() }.map_err(fail)?);
            if !self.rest.starts_with(',') {
                return Ok(Some((line, fields)));
            }
            self.pass(1);
        }
    }

    /// Returns the field up to a comma or a line end.
    fn bare(&mut self) -> Result<Field, String> {
        let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
        let field = self.pass(end);
        if field.contains('"') {
            return Err(format!(
                "the field `{field}` has a quote in it and is not quoted: put it in quotes and write `\"\"` for its own"
            ));
        }
        Ok(Field::Bare(field.to_string()))
    }

    /// Returns the field up to its closing quote; two in a row are one of the field's own.
    fn quoted(&mut self) -> Result<Field, String> {
        self.pass(1);
        let mut field = String::new();
        loop {
            let Some(end) = self.rest.find('"') else {
                return Err("a quoted field of this record is never closed".to_string());
            };
            field.push_str(self.pass(end));
            self.pass(1);
            match self.rest.chars().next() {
                Some('"') => field.push_str(self.pass(1)),
                None | Some(',' | '\r' | '\n') => return Ok(Field::Quoted(field)),
                Some(next) => {
                    let problem = format!("after the closing quote of `{field}` comes {}", named(next));
                    return Err(match next {
                        ';' | '\t' | '|' => format!("{problem}: {COMMAS}"),
                        _ => format!("{problem}: write `\"\"` for a quote within a field"),
                    });
                }
            }
        }
    }

    fn pass(&mut self, length: usize) -> &'t str {
        let (passed, rest) = self.rest.split_at(length);
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
        passed
    }
}

const COMMAS: &str = "the fields of CSV are separated by commas, so save the file with commas";

/// Returns the problem of a header row that is one column because no commas separate its names.
pub(super) fn other_separator(columns: &[String]) -> Option<String> {
    let [header] = columns else { return None };
    let separator = [';', '\t', '|'].into_iter().find(|separator| header.contains(*separator))?;
    Some(format!("the names in the header row are separated by {}: {COMMAS}", named(separator)))
}

fn named(character: char) -> String {
    match character {
        '\t' => "a tab".to_string(),
        ' ' => "a space".to_string(),
        other => format!("`{other}`"),
    }
}

fn column_names(fields: Vec<Field>, line: usize) -> Result<Arc<[String]>, Malformed> {
    let fail = |problem| Err(Malformed { line: Some(line), problem });
    let mut seen = Sorted::default();
    let mut names = Vec::with_capacity(fields.len());
    for field in fields {
        let (Field::Bare(name) | Field::Quoted(name)) = field;
        if name.is_empty() {
            return fail(format!("column {} of the header row has no name", names.len() + 1));
        }
        if seen.insert(name.to_ascii_lowercase(), ()).is_some() {
            return fail(format!("the header row names column `{name}` twice"));
        }
        names.push(name);
    }
    Ok(names.into())
}

fn count(fields: usize) -> String {
    match fields {
        1 => "1 field".to_string(),
        fields => format!("{fields} fields"),
    }
}
