//! JSON files without the feature `json`: an error that says how to turn it on.

use super::records::{Malformed, Records};

pub(super) fn records(_: &str) -> Result<Records, Malformed> {
    let problem = concat!(
        "data in JSON needs the feature `json` of multibind, which is off: write `multibind = { version = \"",
        env!("CARGO_PKG_VERSION_MAJOR"),
        ".",
        env!("CARGO_PKG_VERSION_MINOR"),
        "\", features = [\"json\"] }` in Cargo.toml, or the data as CSV or SQL"
    );
    Err(Malformed { line: None, problem: problem.to_string() })
}
