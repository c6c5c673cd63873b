//! URLs from environment variables.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;

use super::origin::Origin;
use super::redact::UrlText;
use super::Config;
use crate::error::Result;
use crate::key::BindKey;

/// The default bind's variable; a named bind's has `_` and its key after it.
const VARIABLE: &str = "DATABASE_URL";

impl Config {
    /// The configuration with the URLs that the environment of the process sets.
    ///
    /// `DATABASE_URL` sets the URL of the default bind, `DATABASE_URL_<KEY>` that of a named one, where `<KEY>` is its
    /// key in upper case with `_` for every character that is not an ASCII letter or digit: `DATABASE_URL_AUTH`,
    /// `DATABASE_URL_ME_TA`. The rest of a bind stays as it was, and no bind is added: a variable that no bind has is
    /// logged as a warning and otherwise ignored. The environment is read by this call and at no other time.
    ///
    /// # Errors
    ///
    /// As for [`Config::with_vars`].
    ///
    /// ```
    /// use multibind::{Bind, Config};
    ///
    /// let config = Config::new().default_bind(Bind::url("sqlite:///app.db")).with_env()?;
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn with_env(self) -> Result<Config> {
        self.with_vars(env::vars_os())
    }

    /// As [`Config::with_env`], with variables that are given instead of those of the process.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) where a variable that is set would be that of two binds (`a.b` and
    /// `a-b`), and where its value is not UTF-8. What the URL names is checked when the harness starts.
    ///
    /// ```
    /// use multibind::{Bind, Config, Harness};
    ///
    /// let config = Config::new().default_bind(Bind::memory()).bind("auth", Bind::url("sqlite:///auth.db"));
    /// // Now the same database as in production, so both keys have one here too.
    /// let config = config.with_vars([
    ///     ("DATABASE_URL", "postgresql://db.example/app"),
    ///     ("DATABASE_URL_AUTH", "postgresql://db.example/app"),
    /// ])?;
    /// let db = Harness::from_config(config)?;
    /// assert_eq!(db.uri(None)?, db.uri("auth")?);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn with_vars<N, V>(mut self, vars: impl IntoIterator<Item = (N, V)>) -> Result<Config>
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let vars = vars
            .into_iter()
            // A name that is not UTF-8 is no bind's.
            .filter_map(|(name, value)| Some((name.into().into_string().ok()?, value)))
            .filter(|(name, _)| name.strip_prefix(VARIABLE).is_some_and(|key| key.is_empty() || key.starts_with('_')))
            .map(|(name, value)| (name, value.into()))
            .collect::<BTreeMap<String, OsString>>();
        let mut owners: BTreeMap<String, BindKey> = BTreeMap::new();
        for (key, bind) in &mut self.binds {
            let name = variable(key);
            let Some(value) = vars.get(&name) else { continue };
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
        for name in vars.keys().filter(|name| !owners.contains_key(*name)) {
            log::warn!("`{name}` is set, but no bind has this variable: it is ignored");
        }
        Ok(self)
    }
}

/// The variable of a bind.
fn variable(key: &BindKey) -> String {
    let Some(key) = key.as_str() else { return VARIABLE.to_string() };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{VARIABLE}_{}", key.chars().map(plain).collect::<String>())
}
