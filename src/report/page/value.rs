//! Values, times and numbers as the page shows them.

use std::time::Duration;

use rusqlite::types::Value;

use super::html::Html;
use crate::report::words::cut;
use crate::row::Shown;

/// The shown length of a text, in characters, and of a blob, in bytes.
const TEXT_SHOWN: usize = 200;
const BLOB_SHOWN: usize = 48;

/// Writes a value as SQL does, so that `'1'` differs from `1`, and long ones in part.
pub(super) fn value(html: &mut Html, value: &Value) {
    let (class, shown, rest) = match value {
        Value::Null => ("null", "NULL".to_string(), None),
        Value::Integer(_) | Value::Real(_) => ("number", Shown(value).to_string(), None),
        Value::Text(text) => {
            let characters = text.chars().count();
            let rest = (characters > TEXT_SHOWN).then(|| plural(characters as u64, "character"));
            ("text", Shown(&Value::Text(cut(text, TEXT_SHOWN))).to_string(), rest)
        }
        Value::Blob(bytes) => {
            let part = bytes[..bytes.len().min(BLOB_SHOWN)].to_vec();
            ("blob", Shown(&Value::Blob(part)).to_string(), Some(plural(bytes.len() as u64, "byte")))
        }
    };
    html.element("bdi", &[("class", class)], &shown);
    if let Some(rest) = rest {
        html.markup(" ");
        html.element("small", &[], &rest);
    }
}

/// Writes a time in a unit that fits it.
pub(super) fn time(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// Writes a number of things, with commas between the thousands.
pub(super) fn plural(count: u64, thing: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", number(count))
}

/// Writes a number with commas between the thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Writes hundredths of a percent.
pub(super) fn percent(hundredths: u64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(of: Value) -> String {
        let mut html = Html::default();
        value(&mut html, &of);
        html.finish()
    }

    #[test]
    fn a_value_shows_its_type() {
        assert_eq!(shown(Value::Integer(1)), "<bdi class=\"number\">1</bdi>");
        assert_eq!(shown(Value::Real(1.0)), "<bdi class=\"number\">1.0</bdi>");
        assert_eq!(shown(Value::Text("1".into())), "<bdi class=\"text\">&#39;1&#39;</bdi>");
        assert_eq!(shown(Value::Null), "<bdi class=\"null\">NULL</bdi>");
        assert_eq!(
            shown(Value::Blob(vec![0, 255])),
            "<bdi class=\"blob\">x&#39;00ff&#39;</bdi> <small>2 bytes</small>"
        );
        let long = shown(Value::Text("x".repeat(12_345)));
        assert!(long.ends_with("x…&#39;</bdi> <small>12,345 characters</small>") && long.len() < 400, "{long}");
    }

    #[test]
    fn times_have_a_unit_that_fits() {
        let times = [0, 999, 1_000, 12_345, 999_999, 1_000_000, 61_230_000].map(|at| time(Duration::from_micros(at)));
        assert_eq!(times, ["0 µs", "999 µs", "1.00 ms", "12.34 ms", "999.99 ms", "1.00 s", "61.23 s"]);
    }
}
