//! File names for bind keys and tests, which may have any character.

use percent_encoding::{percent_encode, percent_encode_byte, AsciiSet, NON_ALPHANUMERIC};

/// The length at which a name is shortened; file systems take 255 bytes, ending included.
const LONGEST: usize = 150;
/// The bytes of a longer name that are written out.
const SHOWN: usize = 80;

/// Names that mean a device on Windows, whatever their ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
/// Names that mean one with a digit after them.
const NUMBERED: [&str; 2] = ["com", "lpt"];

/// Bytes that a system could take for something else; every one beyond ASCII is escaped too.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');
/// Bytes that are escaped between the first and the last.
const ESCAPED_INSIDE: &AsciiSet = &ESCAPED.remove(b'.');

/// Returns a file name that any system takes, another one for each text.
///
/// Letters, digits, `_`, `-` and inner dots stand for themselves, as far as they are ASCII: systems disagree on which
/// others are the same. A text that is too long ends in a hash after a `~`.
pub(super) fn file_name(text: &str) -> String {
    let [first, rest @ ..] = text.as_bytes() else { return "%".to_string() };
    let mut name = if is_device(text) {
        percent_encode_byte(*first).to_string()
    } else {
        percent_encode(&[*first], ESCAPED).to_string()
    };
    if let [inner @ .., last] = rest {
        name.extend(percent_encode(inner, ESCAPED_INSIDE));
        name.extend(percent_encode(&[*last], ESCAPED));
    }
    shortened(name, text)
}

/// Returns the name of a test's folder: `--` for `::`.
pub(super) fn of_test(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split("::") {
        let name = file_name(part);
        // What could be taken for that is written out.
        let unclear = name.starts_with('-') || name.ends_with('-') || name.contains("--");
        parts.push(if unclear { name.replace('-', "%2D") } else { name });
    }
    shortened(parts.join("--"), path)
}

fn shortened(mut name: String, text: &str) -> String {
    if name.len() > LONGEST {
        name.truncate(SHOWN);
        name.push_str(&format!("~{:032x}", fnv(text.as_bytes())));
    }
    name
}

fn is_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or(text).trim_end().to_ascii_lowercase();
    let numbered =
        |device: &str| matches!(stem.strip_prefix(device).map(str::as_bytes), Some([digit]) if digit.is_ascii_digit());
    DEVICES.contains(&stem.as_str()) || NUMBERED.iter().any(|device| numbered(device))
}

/// Returns the 128-bit [FNV-1a hash](https://datatracker.ietf.org/doc/html/rfc9923): the same in every build, so that a
/// later run finds what it has to replace.
fn fnv(bytes: &[u8]) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_key_can_have_are_other_file_names_each() {
        let long = "x".repeat(300);
        let other = format!("{long}y");
        let keys = [
            "auth", "me ta", "me%20ta", "a.b", ".", "..", "../up", "a/b", "a\\b", "a:b", "日本", "x';--", "con",
            "NUL.txt", "com1", "%", "~", "-", "default ", &long, &other,
        ];
        let mut names = keys.map(file_name).to_vec();
        assert_eq!(names[..5], ["auth", "me%20ta", "me%2520ta", "a.b", "%2E"]);
        assert_eq!(names[10..15], ["%E6%97%A5%E6%9C%AC", "x%27%3B--", "%63on", "%4EUL.txt", "%63om1"]);
        assert!(names.iter().all(|name| name.len() <= LONGEST && !name.contains(['/', '\\', ':'])));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), keys.len());
    }

    #[test]
    fn a_test_is_one_folder_by_its_path() {
        assert_eq!(of_test("module::a_test::case_1_auth"), "module--a_test--case_1_auth");
        assert_eq!(of_test("a--b::-"), "a%2D%2Db--%2D");
        assert_eq!(of_test(""), "%");
        assert_ne!(of_test(&"a::".repeat(100)), of_test(&"a::".repeat(101)));
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv(b""), 0x6c62272e07bb014262b821756295c58d);
        assert_eq!(fnv(b"a"), 0xd228cb696f1a8caf78912b704e4a8964);
    }
}
