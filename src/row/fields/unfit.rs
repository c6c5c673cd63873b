//! The error of what makes no row, and the forms of serde's that are refused.

use std::fmt;

use serde_core::ser;

/// The reason why something is no row, or no value of one.
#[derive(Debug)]
pub(super) struct Unfit(pub(super) String);

impl Unfit {
    pub(super) fn no_value_like(what: &str) -> Unfit {
        Unfit(format!("SQLite stores no value like {what}"))
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl ser::Error for Unfit {
    fn custom<T: fmt::Display>(problem: T) -> Unfit {
        Unfit(problem.to_string())
    }
}

/// Refuses forms of serde's in a serializer, each with what it is called.
macro_rules! refused {
    ($($method:ident($($type:ty),*) $(-> $given:ident)? = $what:literal;)*) => {
        $(fn $method(self, $(_: $type),*) -> std::result::Result<refused!(@ $($given)?), Unfit> {
            Err(Self::unfit($what))
        })*
    };
    (@) => { Self::Ok };
    (@ $given:ident) => { Self::$given };
}

pub(super) use refused;
