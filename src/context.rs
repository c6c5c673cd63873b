//! The subject of a session or request, for the callbacks of dynamic binds.

use std::fmt;

use crate::error::{Error, Result};
use crate::list::mapped;

/// Named values that say what a session or a request is about, its tenant for example; from [`context!`](crate::context!).
///
/// The callback of a [dynamic bind](crate::Bind::dynamic) chooses a database by them.
///
/// ```
/// use multibind::context;
///
/// let context = context! { tenant: "acme", shard: 7 };
/// assert_eq!(context.get("tenant")?, "acme");
/// assert_eq!(context.get("shard")?, "7");
/// # Ok::<(), multibind::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[must_use = "it chooses no database by itself: give it to `session_for`, `pool_for` or `connection_for`"]
pub struct BindContext {
    /// The values in the order set, each name once.
    values: Vec<(String, String)>,
}

impl BindContext {
    /// Creates a context without values.
    ///
    /// ```
    /// assert!(multibind::binds::BindContext::new().get("tenant").is_err());
    /// ```
    pub fn new() -> BindContext {
        BindContext::default()
    }

    /// Sets a value, in place of another of that name.
    ///
    /// ```
    /// use multibind::binds::BindContext;
    /// use multibind::context;
    ///
    /// assert_eq!(BindContext::new().set("tenant", "acme"), context! { tenant: "acme" });
    /// ```
    pub fn set(mut self, name: impl Into<String>, value: impl ToString) -> BindContext {
        self.put(name.into(), value.to_string());
        self
    }

    fn put(&mut self, name: String, value: String) {
        match self.values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.values.push((name, value)),
        }
    }

    /// Returns a value by its name.
    ///
    /// # Errors
    ///
    /// [`Error::Context`] when there is no value of that name.
    ///
    /// ```
    /// use multibind::context;
    ///
    /// let error = context! { tennant: "acme" }.get("tenant").unwrap_err();
    /// assert_eq!(error.to_string(), "the context has no value `tenant`: it has tennant");
    /// ```
    pub fn get(&self, name: &str) -> Result<&str> {
        if let Some((_, value)) = self.values.iter().find(|(known, _)| known == name) {
            return Ok(value);
        }
        let known = mapped(&self.values, |(known, _)| known.clone());
        Err(Error::Context { name: name.to_string(), known, at: None })
    }
}

/// `tenant = acme, shard = 7`.
impl fmt::Display for BindContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.values.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name} = {value}")?;
        }
        Ok(())
    }
}

/// Lets a context be given as it is or by reference.
impl From<&BindContext> for BindContext {
    fn from(context: &BindContext) -> BindContext {
        context.clone()
    }
}

/// A [`BindContext`] from names and values: `context! { tenant: "acme" }`.
///
/// A name is an identifier or a string (`"X-Tenant"`), a value anything that can be printed.
///
/// ```
/// use multibind::context;
///
/// let context = context! { tenant: "acme", "X-Region": String::from("eu"), };
/// assert_eq!(context.to_string(), "tenant = acme, X-Region = eu");
/// ```
#[macro_export]
macro_rules! context {
    (@name $name:ident) => { ::core::stringify!($name).trim_start_matches("r#") };
    (@name $name:literal) => { $name };
    ($($name:tt : $value:expr),* $(,)?) => {
        $crate::binds::BindContext::new()$(.set($crate::context!(@name $name), $value))*
    };
}
