use multibind::{Bind, Error, Harness};

#[test]
fn json_data_without_the_feature_names_it() {
    let auth = Bind::memory().schema_path("fixtures/auth").data("fixtures/user.json");
    let Err(error @ Error::Data { .. }) = Harness::builder().bind("auth", auth).start() else {
        panic!("it was loaded, without the feature");
    };
    let error = error.to_string();
    let (file, problem) = error.split_once(" (bind `auth`): ").unwrap();
    assert!(file.ends_with("user.json"), "{file}");
    assert_eq!(
        problem,
        "data in JSON needs the feature `json` of multibind, which is off: write \
         `multibind = { version = \"0.1\", features = [\"json\"] }` in Cargo.toml, or the data as CSV or SQL; \
         nothing was loaded"
    );
}
