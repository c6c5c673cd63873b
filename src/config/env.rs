//! URLs from environment variables.

use std::ffi::OsString;
use std::sync::Arc;

use super::origin::Origin;
use super::redact::UrlText;
use super::variables::Variables;
use super::written::Written;
use super::Config;
use crate::error::Result;
use crate::key::BindKey;
use crate::say;
use crate::sorted::Sorted;

/// The default bind's variable; any bind's has `_` and its key after it.
const VARIABLE: &str = "DATABASE_URL";

impl Config {
    /// Lets the environment of the process set the URLs of binds.
    ///
    /// `DATABASE_URL` sets the URL of the default bind, `DATABASE_URL_<KEY>` that of any bind, where `<KEY>` is its
    /// key in upper case with `_` for every character that is not an ASCII letter or digit: `DATABASE_URL_AUTH`,
    /// `DATABASE_URL_ME_TA`, `DATABASE_URL_DEFAULT`. The rest of a bind stays as it was, and no bind is added: a variable that no bind has is
    /// logged as a warning and otherwise ignored. A variable that is empty counts as not set. The variables are read when the
    /// harness starts; without this call none is.
    ///
    /// It is an [`Error::Config`](crate::Error::Config) at start when
    ///
    /// - a variable that is set would be that of two binds, `a.b` and `a-b`;
    /// - `DATABASE_URL` and `DATABASE_URL_DEFAULT` are set to two URLs;
    /// - a value is not UTF-8.
    ///
    /// ```
    /// # use multibind::{Bind, Harness};
    /// # // SAFETY: nothing else runs in the process yet.
    /// # unsafe { std::env::set_var("DATABASE_URL_REPORTS", "postgresql://db.example/app") };
    /// // The environment has DATABASE_URL_REPORTS=postgresql://db.example/app.
    /// let db = Harness::builder()
    ///     .default_bind(Bind::memory())
    ///     .bind("app", Bind::url("postgresql://db.example/app"))
    ///     .bind("reports", Bind::memory())
    ///     .with_env()
    ///     .start()?;
    /// assert_eq!(db.uri("reports")?, db.uri("app")?);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn with_env(mut self) -> Config {
        self.variables = Variables::Process;
        self.urls_from_variables = true;
        self
    }

    /// Lets the given variables set the URLs of binds, as [`Config::with_env`] does those of the process.
    ///
    /// They also take the place of the process's where a URL names one as `${NAME}`, and for `MULTIBIND_ENV`.
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new().default_bind(Bind::memory()).bind("auth", Bind::url("sqlite:///auth.db"));
    /// // Now the same database as in production, so both keys have one here too.
    /// let config = config.with_vars([
    ///     ("DATABASE_URL", "postgresql://db.example/app"),
    ///     ("DATABASE_URL_AUTH", "postgresql://db.example/app"),
    /// ]);
    /// let db = config.start()?;
    /// assert_eq!(db.uri(None)?, db.uri("auth")?);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn with_vars<N, V>(mut self, vars: impl IntoIterator<Item = (N, V)>) -> Config
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let mut given = Sorted::default();
        for (name, value) in vars {
            // A name that is not UTF-8 is nobody's.
            if let Ok(name) = name.into().into_string() {
                given.insert(name, value.into());
            }
        }
        self.variables = Variables::Given(Arc::new(given));
        self.urls_from_variables = true;
        self
    }
}

impl Written {
    /// Sets the URL of each bind whose variable is set.
    pub(super) fn set_urls(&mut self, variables: &Variables) -> Result<()> {
        let named = |name: &str| name.strip_prefix(VARIABLE).is_some_and(|key| key.is_empty() || key.starts_with('_'));
        let names = variables.names(&named);
        let mut owners: Sorted<String, BindKey> = Sorted::default();
        let mut empty = Vec::new();
        for (key, bind) in &mut self.binds {
            // One that is empty sets nothing, as in Python's `os.environ.get(…) or …`.
            let set = |name: &str| variables.get(name).filter(|value| !value.is_empty());
            let mut name = variable(key);
            let mut value = set(&name);
            if key.is_default()
                && let Some(plain) = set(VARIABLE)
            {
                if value.is_some_and(|value| value != plain) {
                    let problem = format!("`{VARIABLE}` and `{name}` are set to two URLs: unset one of them");
                    return Err(Origin::Code.error(key, problem));
                }
                owners.insert(name, key.clone());
                (name, value) = (VARIABLE.to_string(), Some(plain));
            }
            let Some(value) = value else {
                empty.push(name);
                if key.is_default() {
                    empty.push(VARIABLE.to_string());
                }
                continue;
            };
            if let Some(first) = owners.get(&name).filter(|first| *first != key) {
                return Err(Origin::Code.error(
                    key,
                    format!(
                        "`{name}` is set, and would be the variable of bind `{first}` too: rename one of the two, or \
                         set their URLs in the configuration"
                    ),
                ));
            }
            let Some(url) = value.to_str() else {
                return Err(Origin::Code.error(key, format!("the value of `{name}` is not UTF-8, which a URL must be")));
            };
            bind.url = Some(UrlText::new(url, Origin::Variable(name.clone())));
            owners.insert(name, key.clone());
        }
        for name in names.iter().filter(|name| !owners.contains(*name) && !empty.contains(name)) {
            say::warn(format_args!("`{name}` is set, but no bind has this variable: it is ignored"));
        }
        Ok(())
    }
}

/// Returns the variable of a bind.
fn variable(key: &BindKey) -> String {
    let mut name = format!("{VARIABLE}_");
    for letter in key.to_string().chars() {
        name.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' });
    }
    name
}
