//! The result of a test whose `?` fails it at once, with everything that a panic leaves behind.

use std::fmt::{self, Debug, Display};

use crate::fail::fail;

/// The result of a test that ends with any error as it ends with a panic.
///
/// A harness cannot see that a test returns an error: by then the test has dropped it. With this type `?` panics where it
/// stands, so the databases are [kept](crate::Harness::keep), locks and guards are reported, and a fault that has not
/// triggered leaves the test its error. It takes every error that can be printed: those of this crate, of a driver, a
/// `String`, `Box<dyn Error>`, `anyhow::Error`. Functions that a test calls may return it too; in one that handles an error,
/// use a `Result` of another kind.
///
/// ```rust,test_harness
/// use multibind::{row, Bind, Harness, TestResult};
///
/// #[test]
/// fn a_user_lands_in_auth() -> TestResult {
///     let db = Harness::builder().bind("auth", Bind::memory().schema("CREATE TABLE user (name TEXT)")).start()?;
///     let auth = multibind::rusqlite::Connection::open(db.uri("auth")?)?; // another type of error
///     auth.execute("INSERT INTO user VALUES ('ann')", [])?;
///     db.assert_landed("auth", "user", row! { name: "ann" });
///     Ok(())
/// }
/// ```
pub type TestResult<T = ()> = Result<T, TestError>;

/// The error of a [`TestResult`], of which there is no value: making one panics, at the place of the `?`.
pub enum TestError {}

impl<E: Display + Debug> From<E> for TestError {
    #[track_caller]
    fn from(error: E) -> TestError {
        fail(report(&error, &error))
    }
}

impl Debug for TestError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

/// Prints an error: its message, then what only its other form has, as its causes.
fn report(message: &dyn Display, whole: &dyn Debug) -> String {
    let (message, whole) = (message.to_string(), format!("{whole:?}"));
    if whole.starts_with(&message) {
        return whole;
    }
    if whole == format!("{message:?}") {
        return message;
    }
    format!("{message}\n  {whole}")
}

#[cfg(test)]
mod tests {
    use super::report;

    fn of<E: std::fmt::Display + std::fmt::Debug>(error: E) -> String {
        report(&error, &error)
    }

    #[test]
    fn an_error_is_printed_once_and_with_its_causes() {
        assert_eq!(of("no such user"), "no such user");
        let no_bind = || crate::Error::NoBind { at: None };
        assert_eq!(of(no_bind()), format!("{:?}", no_bind()));
        let boxed: Box<dyn std::error::Error + Send + Sync> = "no such \"user\"".into();
        assert_eq!(of(boxed), "no such \"user\"");
        let parsed = "x".parse::<i32>().unwrap_err();
        assert_eq!(of(parsed), "invalid digit found in string\n  ParseIntError { kind: InvalidDigit }");
    }
}
