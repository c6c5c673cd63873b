//! Values of `row!` that rusqlite does not bind in every version and with every feature: `u64`, `usize`.
//!
//! They are bound by rusqlite 0.37, and from 0.38 on by its feature `fallible_uint`, which an application may have or not.
//! The macro wraps each value in a [`Given`] and calls `cell` on a reference to it: Rust takes [`Whole`]'s for an integer,
//! found as it is, [`Bound`]'s for what is found with a reference more, and [`Neither`]'s, which says why not, for the rest.

use std::num::TryFromIntError;

use rusqlite::types::{ToSql, ToSqlOutput};

/// One value of a `row!`.
#[derive(Debug)]
pub struct Given<T>(pub T);

/// Integers, which are stored as SQLite's.
pub trait Integer: Copy {
    /// Returns the number as SQLite stores it.
    ///
    /// # Errors
    ///
    /// SQLite has none that large.
    fn stored(self) -> Result<i64, TryFromIntError>;
}

macro_rules! integers {
    ($($integer:ty)*) => {
        $(impl Integer for $integer {
            fn stored(self) -> Result<i64, TryFromIntError> {
                i64::try_from(self).map_err(TryFromIntError::from)
            }
        })*
    };
}

integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

impl<T: Integer> Integer for &T {
    fn stored(self) -> Result<i64, TryFromIntError> {
        (*self).stored()
    }
}

/// A number as SQLite stores it, or that it does not.
#[derive(Debug)]
pub struct Number(Option<Result<i64, TryFromIntError>>);

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self.0 {
            Some(Ok(number)) => Ok(number.into()),
            Some(Err(error)) => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(error))),
            None => Ok(rusqlite::types::Null.into()),
        }
    }
}

/// An integer, as `Row::set` takes it.
pub trait Whole {
    /// Returns the stored value.
    fn cell(self) -> Number;
}

impl<T: Integer> Whole for &Given<T> {
    fn cell(self) -> Number {
        Number(Some(self.0.stored()))
    }
}

impl<T: Integer> Whole for &Given<Option<T>> {
    fn cell(self) -> Number {
        Number(self.0.map(Integer::stored))
    }
}

/// Any other value that rusqlite binds, as `Row::set` takes it.
pub trait Bound<'g> {
    /// The type that rusqlite binds.
    type Cell: ToSql;

    /// Returns the stored value.
    fn cell(self) -> Self::Cell;
}

impl<'g, T: ToSql> Bound<'g> for &'g &Given<T> {
    type Cell = &'g T;

    fn cell(self) -> &'g T {
        &self.0
    }
}

/// A value that SQLite stores.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value of a row: SQLite stores none like it",
    label = "not what rusqlite binds",
    note = "a value is `None` or what implements `rusqlite::ToSql`: text, a number, a `bool`, bytes, or an `Option` of them"
)]
pub trait Storable {}

#[diagnostic::do_not_recommend]
impl<T: ToSql> Storable for T {}

/// The last resort for a value that is neither, so that the compiler asks for [`Storable`] and reports that it is not.
pub trait Neither<T> {
    /// Is never called: what is stored is found before it.
    fn cell(self) -> Number
    where
        T: Storable;
}

impl<T> Neither<T> for Given<T> {
    fn cell(self) -> Number {
        Number(None)
    }
}
