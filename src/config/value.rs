//! Values of a TOML file, and what is said of one that is not what it should be.

use std::ops::Range;

use crate::order::sort_by_key;
use toml::de::{DeString, DeTable, DeValue};
use toml::Spanned;

/// A value that is not what it should be, and where it is.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) span: Range<usize>,
    pub(crate) problem: String,
}

pub(crate) type Fit<T> = Result<T, Misfit>;

/// A value with the place it is at.
pub(crate) type Placed<'t> = Spanned<DeValue<'t>>;

impl Misfit {
    pub(crate) fn new(span: Range<usize>, problem: impl Into<String>) -> Misfit {
        Misfit { span, problem: problem.into() }
    }

    /// Returns the misfit of a value named `name` that should be `wanted`.
    pub(crate) fn wanted(name: &str, wanted: &str, value: &Placed<'_>) -> Misfit {
        // Text is not repeated: it may hold a password.
        let found = match value.get_ref() {
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::String(_) => "a string".to_string(),
            DeValue::Datetime(_) => "a date or time".to_string(),
            DeValue::Array(_) => "a list".to_string(),
            DeValue::Table(_) => "a table".to_string(),
        };
        Misfit::new(value.span(), format!("`{name}` must be {wanted}, not {found}"))
    }
}

/// Returns the entries in the order written; the table itself has them sorted.
pub(crate) fn entries<'a, 't>(table: &'a DeTable<'t>) -> Vec<(&'a Spanned<DeString<'t>>, &'a Placed<'t>)> {
    let mut entries = Vec::with_capacity(table.len());
    for entry in table.iter() {
        entries.push(entry);
    }
    sort_by_key(&mut entries, |(name, _)| name.span().start);
    entries
}

pub(crate) fn table<'a, 't>(name: &str, value: &'a Placed<'t>) -> Fit<&'a DeTable<'t>> {
    value.get_ref().as_table().ok_or_else(|| Misfit::wanted(name, "a table", value))
}

pub(crate) fn string<'a>(name: &str, value: &'a Placed<'_>) -> Fit<&'a str> {
    value.get_ref().as_str().ok_or_else(|| Misfit::wanted(name, "a string", value))
}

pub(crate) fn boolean(name: &str, value: &Placed<'_>) -> Fit<bool> {
    value.get_ref().as_bool().ok_or_else(|| Misfit::wanted(name, "true or false", value))
}

/// Reads an integer; `None` where it is no integer or too large for one.
pub(crate) fn integer(value: &Placed<'_>) -> Option<i64> {
    let number = value.get_ref().as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// Reads an integer or a float; not a number is `None`.
pub(crate) fn number(value: &Placed<'_>) -> Option<f64> {
    match value.get_ref() {
        // Every integer that is near to what a setting may be is exact.
        DeValue::Integer(_) => integer(value).map(|number| number as f64),
        DeValue::Float(number) => number.as_str().parse().ok().filter(|number: &f64| !number.is_nan()),
        _ => None,
    }
}

/// Paths: a string or a list of strings.
pub(crate) fn paths<'a>(name: &str, value: &'a Placed<'_>) -> Fit<Vec<&'a str>> {
    let path = |value: &'a Placed<'_>| {
        let wanted = || Misfit::wanted(name, "a path or a list of paths", value);
        let path = value.get_ref().as_str().ok_or_else(wanted)?;
        if path.is_empty() {
            return Err(Misfit::new(value.span(), format!("`{name}` has an empty path")));
        }
        Ok(path)
    };
    match value.get_ref() {
        DeValue::Array(list) => {
            let mut paths = Vec::with_capacity(list.len());
            for value in list.iter() {
                paths.push(path(value)?);
            }
            Ok(paths)
        }
        _ => Ok(vec![path(value)?]),
    }
}
