//! The id of a row, from its label.

use crate::key::BindKey;

/// The first and the number of ids: nine digits, which an `i32` takes, far from those that SQLite counts up from 1.
const FIRST: u64 = 100_000_000;
const COUNT: u64 = 900_000_000;

/// Returns the number that is the key of a row: always the same for a bind, a table and a label, and hardly ever that of another row.
pub(super) fn number(bind: &BindKey, table: &str, label: &str) -> i64 {
    // Within the range of an `i64`, by its bounds.
    (FIRST + mixed(bind, table, label) % COUNT).cast_signed()
}

/// Returns the bytes that are the key of a row, in the form of a [UUID of version 8](https://www.rfc-editor.org/rfc/rfc9562#section-5.8).
pub(super) fn bytes(bind: &BindKey, table: &str, label: &str) -> Vec<u8> {
    let high = mixed(bind, table, label);
    let low = mix(high);
    let mut bytes = [high.to_be_bytes(), low.to_be_bytes()].concat();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

fn mixed(bind: &BindKey, table: &str, label: &str) -> u64 {
    // FNV-1a, see <https://www.rfc-editor.org/rfc/rfc9923>: the same in every version of this crate and of Rust.
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    let table = table.to_ascii_lowercase();
    for part in [bind.as_str().unwrap_or_default(), &table, label] {
        for byte in part.bytes().chain([0xff]) {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    mix(sum)
}

/// Spreads the bits, for FNV's low ones differ least.
fn mix(mut sum: u64) -> u64 {
    sum = (sum ^ (sum >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    sum = (sum ^ (sum >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    sum ^ (sum >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_from_bind_table_and_label_and_stays() {
        let auth = BindKey::from("auth");
        let id = number(&auth, "user", "bob");
        assert_eq!(id, 295_418_450);
        assert_eq!(id, number(&auth, "USER", "bob"));
        let others = [
            number(&BindKey::DEFAULT, "user", "bob"),
            number(&auth, "member", "bob"),
            number(&auth, "user", "Bob"),
            number(&"authu".into(), "ser", "bob"),
        ];
        assert!(!others.contains(&id));
        for label in 0..10_000 {
            let id = number(&auth, "user", &label.to_string());
            assert!((100_000_000..1_000_000_000).contains(&id));
        }
    }

    #[test]
    fn bytes_have_the_form_of_a_uuid() {
        let bytes = bytes(&"auth".into(), "user", "bob");
        assert_eq!((bytes.len(), bytes[6] >> 4, bytes[8] >> 6), (16, 8, 2));
    }
}
