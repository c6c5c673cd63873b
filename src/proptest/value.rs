//! Values of each storage class. Of several kinds of value the simplest stands first: to it a failing one shrinks.

use ::proptest::collection::vec;
use ::proptest::num::f64::{INFINITE, NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
use ::proptest::num::i64::BinarySearch;
use ::proptest::prelude::{any, prop_oneof, Just, Strategy};
use ::proptest::sample::select;
use ::proptest::strategy::{NewTree, ValueTree};
use ::proptest::test_runner::TestRunner;
use rusqlite::types::Value;

const WHOLE: &[i64] = &[
    0,
    1,
    -1,
    i8::MAX as i64 + 1,
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    i32::MIN as i64,
    i32::MIN as i64 - 1,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
    // Where a `REAL` stops to hold every integer.
    1 << 53,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    i64::MAX - 1,
    i64::MAX,
    i64::MIN + 1,
    i64::MIN,
];

const REAL: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    0.1,
    0.5,
    -1.5,
    1e15,
    9_007_199_254_740_992.0,
    // Just past the integers.
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    f64::EPSILON,
    f64::MIN_POSITIVE,
    5e-324,
    f64::MAX,
    f64::MIN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

const TEXT: &[&str] = &[
    "",
    " ",
    "  both ends ",
    "\t",
    "\r\n",
    // Quotes, and what ends a statement where somebody has put it together by hand.
    "'",
    "''",
    "\"",
    "`",
    "]",
    "\\",
    "O'Neil",
    "';--",
    "'); DROP TABLE user; --",
    "/*",
    // Patterns and parameters.
    "%",
    "_",
    "*",
    "?1",
    ":name",
    "$name",
    // Text that looks like another value.
    "NULL",
    "null",
    "0",
    "01",
    "-0",
    "1e3",
    "1.0",
    "0x10",
    "9223372036854775808",
    "true",
    "x'00'",
    "{}",
    // NUL, and the last characters there are.
    "\0",
    "a\0b",
    "\u{7f}",
    "\u{85}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    // Alike but for case, which SQLite folds in ASCII only, or not as in other languages.
    "a",
    "A",
    "é",
    "É",
    "e\u{301}",
    "ß",
    "ẞ",
    "ss",
    "İ",
    "ı",
    "\u{212a}",
    "ς",
    "Σ",
    "ﬀ",
    // Right to left, and more bytes than characters.
    "אב",
    "\u{202e}abc",
    "中文",
    "😀",
    "👩\u{200d}👩\u{200d}👧",
    "𝒜",
];

const BYTES: &[&[u8]] = &[b"", b"\0", b"text", b"1", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"SQLite format 3\0"];

/// Returns an `INTEGER` of SQLite: any of 64 bits, the small ones and the ends of what fewer bits hold more often.
///
/// ```
/// use multibind::proptest::any_integer;
/// use proptest::prelude::*;
///
/// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(
/// # config,
///     |(number in any_integer())| {
///     let text = number.to_string();
///     prop_assert_eq!(text.parse::<i64>()?, number);
/// });
/// ```
pub fn any_integer() -> impl Strategy<Value = i64> + Clone {
    Integers(prop_oneof![3 => -100..=100_i64, 3 => select(WHOLE), 4 => any::<i64>()])
}

/// Integers that shrink towards 0, from wherever they were taken.
#[derive(Clone, Debug)]
struct Integers<S>(S);

impl<S: Strategy<Value = i64>> Strategy for Integers<S> {
    type Tree = BinarySearch;
    type Value = i64;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Integers<S>> {
        Ok(BinarySearch::new(self.0.new_tree(runner)?.current()))
    }
}

/// Returns a `REAL` of SQLite: any number of 64 bits, `-0.0`, infinities and subnormal numbers among them; not NaN, which SQLite
/// stores as `NULL`.
///
/// ```
/// use multibind::proptest::any_real;
/// use proptest::prelude::*;
///
/// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(
/// # config,
///     |(number in any_real())| {
///     prop_assert!(!number.is_nan());
/// });
/// ```
pub fn any_real() -> impl Strategy<Value = f64> + Clone {
    let eighths = (-8000..=8000_i32).prop_map(|eighths| f64::from(eighths) / 8.0);
    prop_oneof![3 => eighths, 3 => select(REAL), 4 => POSITIVE | NEGATIVE | ZERO | SUBNORMAL | NORMAL | INFINITE]
}

/// Returns a `TEXT` of SQLite: short words, characters of any language, and what code forgets: the empty text, NUL characters,
/// quotes, SQL, patterns, text that looks like a number, letters with an uncommon other case, emoji.
///
/// For text of a form, proptest has regular expressions: `"[a-z]{1,8}"` is a strategy.
///
/// ```
/// use multibind::proptest::any_text;
/// use proptest::prelude::*;
///
/// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(
/// # config,
///     |(name in any_text())| {
///     prop_assert!(name.trim().len() <= name.len());
/// });
/// ```
pub fn any_text() -> impl Strategy<Value = String> + Clone {
    let letter = prop_oneof![
        3 => (b'a'..=b'z').prop_map(|letter| char::from(letter).to_string()),
        2 => any::<char>().prop_map(String::from),
        1 => select(TEXT).prop_map(str::to_string),
    ];
    prop_oneof![
        2 => vec(b'a'..=b'z', 0..8).prop_map(|letters| letters.into_iter().map(char::from).collect()),
        4 => select(TEXT).prop_map(str::to_string),
        4 => vec(letter, 0..12).prop_map(|letters| letters.concat()),
    ]
}

/// Returns a `BLOB` of SQLite: bytes, none of them among it, and those that are no UTF-8.
///
/// ```
/// use multibind::proptest::any_blob;
/// use multibind::row;
/// use proptest::prelude::*;
///
/// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(
/// # config,
///     |(bytes in any_blob())| {
///     prop_assert_eq!(row! { key: &bytes }.get::<Vec<u8>>("key")?, bytes);
/// });
/// ```
pub fn any_blob() -> impl Strategy<Value = Vec<u8>> + Clone {
    prop_oneof![1 => select(BYTES).prop_map(<[u8]>::to_vec), 3 => vec(any::<u8>(), 0..32)]
}

/// Returns a value of any of SQLite's [storage classes](https://sqlite.org/datatype3.html), `NULL` among them, which is the
/// simplest.
///
/// ```
/// use multibind::proptest::any_value;
/// use multibind::row;
/// use proptest::prelude::*;
///
/// # let config = ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(8), failure_persistence: None, ..ProptestConfig::default() };
/// proptest!(
/// # config,
///     |(value in any_value())| {
///     let row = row! { x: value.clone() };
///     prop_assert_eq!(row.value("x"), Some(&value));
/// });
/// ```
pub fn any_value() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        Just(Value::Null),
        any_integer().prop_map(Value::Integer),
        any_real().prop_map(Value::Real),
        any_text().prop_map(Value::Text),
        any_blob().prop_map(Value::Blob),
    ]
}
