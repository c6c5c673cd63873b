//! Ready-made [rstest](https://docs.rs/rstest) fixtures.
//!
//! `use multibind::fixture::harness;` and an argument `harness: Harness` are all that a test needs when the binds of the
//! crate under test are in its file `fixtures/binds.toml`. `#[rstest]` comes from the user's own dependency on rstest, of any
//! version from 0.12 on: written by hand, this is what rstest makes of a `#[fixture]`.

use std::io::ErrorKind;

use crate::error::Error;
use crate::harness::Harness;

/// The file that [`harness`] reads, relative to the folder of the crate under test, where `cargo test` runs its tests.
const BINDS: &str = "fixtures/binds.toml";

/// Returns a started [`Harness`] with the binds of `fixtures/binds.toml` in the crate under test, a new one for each test.
///
/// It is in the environment that `MULTIBIND_ENV` names, `test` unless set; with `with_env = true` in the file, `DATABASE_URL_AUTH` and the
/// like set URLs, see [`Config::with_env`](crate::Config::with_env).
///
/// # Panics
///
/// With the text of the error, when the file is missing, is no configuration or its binds cannot be started:
/// [`Harness::from_file`] returns the same error instead.
///
/// ```rust,test_harness
/// use multibind::fixture::harness;
/// use multibind::{row, Harness};
/// use rstest::rstest;
///
/// #[rstest]
/// fn a_setting_lands_in_meta(harness: Harness) -> multibind::Result<()> {
///     harness.connection("meta")?.execute("INSERT INTO setting VALUES ('theme', 'dark')", []).unwrap();
///     harness.assert_landed("meta", "setting", row! { name: "theme" });
///     Ok(())
/// }
/// ```
#[track_caller]
pub fn harness() -> Harness {
    match Harness::from_file(BINDS) {
        Ok(harness) => harness,
        Err(error) if is_no_file(&error) => panic!(
            "{error}. The fixture `harness` starts the binds of that file: write it, or start with `Harness::builder()` in \
             the test or in a fixture of your own"
        ),
        Err(error) => panic!("{error}"),
    }
}

/// The function that `#[rstest]` calls for an argument of that name.
#[doc(hidden)]
pub mod harness {
    use crate::harness::Harness;

    #[track_caller]
    pub fn default() -> Harness {
        super::harness()
    }
}

/// Returns whether there is no file with the configuration.
fn is_no_file(error: &Error) -> bool {
    matches!(error, Error::Io { path, source, .. } if source.kind() == ErrorKind::NotFound && path.ends_with(BINDS))
}
