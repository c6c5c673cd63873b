//! Every input that a fuzzer was given to start from or has found, given to the function that the fuzzer calls.

use std::fs;
use std::path::Path;

use rstest::rstest;

use crate::targets;

#[rstest]
#[case("url")]
#[case("toml")]
#[case("csv")]
#[case("json")]
#[case("sql_data")]
#[case("sql_schema")]
#[case("sql_session")]
#[case("key")]
#[case("row")]
fn no_input_of_the_corpus_breaks_a_promise(#[case] name: &str) {
    let (_, target) = targets::ALL.into_iter().find(|(known, _)| *known == name).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut inputs = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    inputs.sort();
    assert!(!inputs.is_empty());
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        // Shown where it fails.
        println!("{}", input.display());
        target(&bytes);
    }
}
