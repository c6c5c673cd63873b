//! The names of binds, selections of them, and lists that have one value for each.

mod keys;
mod per_bind;
mod selection;

use std::fmt;
use std::sync::Arc;

use crate::list::has_name;
use crate::url::canonical;
pub(crate) use keys::Keys;
pub(crate) use per_bind::{BindIndex, PerBind};
pub use selection::Selection;

/// The name of a bind: `None` for the default bind, else a non-empty string.
///
/// Everything that takes a key takes `"auth"`, `Some("auth")` or `None`; `"default"` is the default bind too. Any other
/// non-empty string is a key but `main` and `temp`, which are SQLite's names for schemas. SQL compares names without regard
/// to ASCII case, so `Main`, `TEMP` and `Default` are no keys either.
///
/// As in Flask-SQLAlchemy, the default bind has the key `None`. One database of a [dynamic bind](crate::Bind::dynamic) has
/// the key `users[acme]`, which can be given as `("users", "acme")` too. Where the name is a URL, every URL of the same
/// database is the same key: `mysqldb://localhost/t1` and `mysql+pymysql://localhost:3306/t1`.
///
/// ```
/// use multibind::BindKey;
///
/// assert_eq!(BindKey::from("auth").to_string(), "auth");
/// assert_eq!(BindKey::from(None).to_string(), "default");
/// assert_eq!(BindKey::DEFAULT.as_str(), None);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindKey(Option<Arc<str>>);

/// The key of the default bind as text.
const DEFAULT: &str = "default";

/// The keys that are names of SQLite's schemas.
const RESERVED: [&str; 2] = ["main", "temp"];

impl BindKey {
    /// The key of the default bind.
    ///
    /// ```
    /// # use multibind::BindKey;
    /// assert_eq!(BindKey::DEFAULT, BindKey::from(None));
    /// ```
    pub const DEFAULT: BindKey = BindKey(None);

    /// Returns the key as a string, `None` for the default bind.
    ///
    /// ```
    /// assert_eq!(multibind::BindKey::from("auth").as_str(), Some("auth"));
    /// ```
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns whether this is the default bind's key.
    ///
    /// ```
    /// assert!(multibind::BindKey::from(None).is_default());
    /// ```
    pub fn is_default(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the schema name that stands for the bind in SQL: `main` for the default bind, else the key.
    pub(crate) fn schema_name(&self) -> &str {
        self.as_str().unwrap_or("main")
    }

    /// Returns the key of one database of a dynamic bind. URLs of one database are one name.
    pub(crate) fn of_database(bind: &BindKey, name: &str) -> BindKey {
        let url = canonical(name);
        BindKey(Some(format!("{bind}[{}]", url.as_deref().unwrap_or(name)).into()))
    }

    /// Returns the key with this text, which may be the default bind's, or that of a dynamic bind's database.
    fn of_text(text: &str) -> BindKey {
        if text == DEFAULT {
            return BindKey::DEFAULT;
        }
        let of_database = text.strip_suffix(']').and_then(|text| text.split_once('['));
        match of_database.and_then(|(bind, name)| Some((bind, canonical(name)?))) {
            Some((bind, url)) => BindKey(Some(format!("{bind}[{url}]").into())),
            None => BindKey(Some(text.into())),
        }
    }

    /// Returns whether it can be the key of a dynamic bind's database.
    pub(crate) fn is_of_database_of(&self, bind: &BindKey) -> bool {
        self.as_str().is_some_and(|key| bind.is_start_of(key) && key.ends_with(']'))
    }

    /// Returns whether a text begins like the keys of a dynamic bind's databases; ASCII case does not count.
    pub(crate) fn is_start_of(&self, key: &str) -> bool {
        let bind = self.as_str().unwrap_or(DEFAULT);
        let (start, rest) = (key.get(..bind.len()), key.get(bind.len()..));
        start.is_some_and(|start| start.eq_ignore_ascii_case(bind)) && rest.is_some_and(|rest| rest.starts_with('['))
    }

    /// Returns why no bind can have this key, if none can.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let key = self.as_str()?;
        if key.is_empty() {
            return Some("it is empty; the default bind has the key `default`");
        }
        if key.contains('\0') {
            return Some("it has a NUL character, which no SQL name can have");
        }
        if key.eq_ignore_ascii_case(DEFAULT) {
            return Some("it differs from `default` only in case, and SQL compares names without it");
        }
        if has_name(&RESERVED, key) {
            return Some("`main` and `temp` are SQLite's names for schemas; the default bind has the key `default`");
        }
        None
    }
}

impl fmt::Display for BindKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str().unwrap_or(DEFAULT))
    }
}

/// The key as it is shown, `default` for the default bind: no other bind can have that key.
#[cfg(feature = "serde")]
impl serde_core::Serialize for BindKey {
    fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Prints the key in quotes, `"default"` for the default bind.
impl fmt::Debug for BindKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str().unwrap_or(DEFAULT), f)
    }
}

impl From<&str> for BindKey {
    fn from(key: &str) -> Self {
        BindKey::of_text(key)
    }
}

impl From<String> for BindKey {
    fn from(key: String) -> Self {
        BindKey::of_text(&key)
    }
}

impl From<&String> for BindKey {
    fn from(key: &String) -> Self {
        BindKey::of_text(key)
    }
}

// The only `Option` that turns into a key, so that a bare `None` needs no type.
impl From<Option<&str>> for BindKey {
    fn from(key: Option<&str>) -> Self {
        key.map_or(BindKey::DEFAULT, BindKey::of_text)
    }
}

/// One database of a [dynamic bind](crate::Bind::dynamic): `("users", "acme")` is `users[acme]`.
impl From<(&str, &str)> for BindKey {
    fn from((bind, name): (&str, &str)) -> Self {
        BindKey::of_database(&bind.into(), name)
    }
}

impl From<&BindKey> for BindKey {
    fn from(key: &BindKey) -> Self {
        key.clone()
    }
}
