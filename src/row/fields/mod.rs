//! A struct's fields as a row, and a row as a struct, by serde.

mod bytes;
mod columns;
mod read;
mod stored;
mod unfit;

use std::any::type_name;

use serde_core::de::DeserializeOwned;
use serde_core::ser::Serialize;

use super::Row;
use crate::error::{Error, Result};
use columns::Fields;
use read::Columns;
use unfit::Unfit;

/// Makes a row of a struct's fields, or of a map's entries, as serde names and writes them.
///
/// A field is a number, a `bool` (stored as 0 or 1), text, a `char`, an array of bytes or what `serde_bytes` makes of a list
/// of them. It may also be a newtype of one of these, an enum's variant without fields (its name), or an `Option` of them.
/// `#[serde(skip)]`, `rename` and `flatten` do what they say.
///
/// A value that has no fields, and a field that SQLite stores no value for, are reported when the row is used: a list, a
/// struct, an integer past `i64::MAX`.
///
/// ```
/// use multibind::{row, Row};
///
/// #[derive(serde::Serialize)]
/// struct User<'u> {
///     username: &'u str,
///     email: Option<String>,
///     admin: bool,
/// }
///
/// let ann = User { username: "ann", email: None, admin: true };
/// assert_eq!(Row::from(&ann), row! { username: "ann", email: None, admin: 1 });
/// ```
impl<T: Serialize + ?Sized> From<&T> for Row {
    fn from(value: &T) -> Row {
        value.serialize(Fields).unwrap_or_else(|Unfit(problem)| Row::unfit(problem))
    }
}

impl Row {
    /// Reads a struct, or whatever serde makes of named values, from the row's columns.
    ///
    /// - A `bool` is read from 0 and 1, a float from an integer that it holds exactly, bytes from a blob.
    /// - Names are compared as SQL does, without case.
    /// - A column that the struct has no field for is passed over, unless serde denies unknown fields; an `Option` without a
    ///   column is `None`, as serde has it.
    /// - Fields of a `#[serde(flatten)]` see SQLite's types alone: a `bool` there is an integer.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a column that is missing, or not what the field takes.
    ///
    /// ```
    /// use multibind::row;
    ///
    /// #[derive(serde::Deserialize, Debug, PartialEq)]
    /// struct User {
    ///     username: String,
    ///     email: Option<String>,
    ///     admin: bool,
    /// }
    ///
    /// let user: User = row! { id: 1, username: "ann", email: None, admin: 0 }.get_as()?;
    /// assert_eq!(user, User { username: "ann".to_string(), email: None, admin: false });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn get_as<T: DeserializeOwned>(&self) -> Result<T> {
        let read = T::deserialize(Columns(self.checked()?));
        read.map_err(|error| self.unreadable(type_name::<T>(), &error))
    }

    fn unreadable(&self, asked: &str, error: &read::ReadError) -> Error {
        Error::row(format!("the row ({self}) cannot be read as `{asked}`: {error}"))
    }
}
