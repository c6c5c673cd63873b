//! A struct's fields as a row, and a row as a struct, by serde.

mod columns;
mod read;
mod stored;
mod unfit;

use serde_core::de::value::{Error as ReadError, MapDeserializer};
use serde_core::de::DeserializeOwned;
use serde_core::ser::Serialize;

use super::Row;
use crate::error::{Error, Result};
use columns::Fields;
use read::Cell;
use unfit::Unfit;

impl Row {
    /// Makes a row of a struct's fields, or of a map's entries, as serde names and writes them.
    ///
    /// A field is a number, a `bool` (stored as 0 or 1), text, a `char`, bytes as serde has them, a newtype of one of
    /// these, an enum's variant without fields (its name), or an `Option` of them. `#[serde(skip)]`, `rename` and
    /// `flatten` do what they say.
    ///
    /// # Errors
    ///
    /// [`Error::Row`] for a value that has no fields, and for a field that SQLite stores no value for: a list, a struct, an
    /// integer of more than 64 bits.
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
    /// assert_eq!(Row::from_fields(&ann)?, row! { username: "ann", email: None, admin: 1 });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn from_fields<T: Serialize + ?Sized>(value: &T) -> Result<Row> {
        value.serialize(Fields).map_err(|Unfit(problem)| Error::Row { problem, at: None })
    }

    /// Reads a struct, or whatever serde makes of named values, from the row's columns.
    ///
    /// A `bool` is read from 0 and 1, a float from an integer too; a column that the struct has no field for is passed
    /// over, unless serde denies unknown fields.
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
    /// }
    ///
    /// let user: User = row! { id: 1, username: "ann", email: None }.to_fields()?;
    /// assert_eq!(user, User { username: "ann".to_string(), email: None });
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn to_fields<T: DeserializeOwned>(&self) -> Result<T> {
        let mut columns = Vec::with_capacity(self.cells().len());
        for (name, value) in self.checked()?.cells() {
            columns.push((name.clone(), Cell { column: name.clone(), value: value.clone() }));
        }
        let read = T::deserialize(MapDeserializer::<_, ReadError>::new(columns.into_iter()));
        read.map_err(|error| Error::Row { problem: format!("the row ({self}) cannot be read: {error}"), at: None })
    }
}
