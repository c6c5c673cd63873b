//! Settling a configuration: its environment is chosen, and variables have set their URLs.

use super::variables::Variables;
use super::written::Written;
use super::Config;
use crate::error::{list, Error, Result};
use crate::nearest::nearest;

/// The variable that chooses an environment where the code does not.
const VARIABLE: &str = "MULTIBIND_ENV";

/// The environment of a harness unless another is chosen.
const USUAL: &str = "test";

/// A configuration in its environment, with the URLs that variables set.
pub(crate) struct Settled {
    pub(super) written: Written,
    /// The variables for `${NAME}` in a URL.
    pub(super) variables: Variables,
}

impl Config {
    /// Chooses the environment whose `[env.NAME]` is laid over the rest of the file.
    ///
    /// Unless chosen here, it is the one that the variable `MULTIBIND_ENV` names, and `test` where that is not set. A file
    /// need not have `[env.test]`, nor any environment as long as none is chosen here. [`with_env`](Config::with_env) applies
    /// to the result.
    ///
    /// A setting of an environment wins over the same setting outside of it, bind by bind and setting by setting; of
    /// `pragmas`, each pragma is a setting. Lists are replaced as a whole, `references` are added, and a bind that only
    /// the environment has is added. A `mirror` takes the place of what says what the bind's database is (its URL, storage,
    /// schema, data, or what it is a copy of), and each of these but data that of a `mirror`. A bind's own engine option
    /// wins over one for all binds, wherever they are.
    ///
    /// ```
    /// use multibind::{Config, Harness};
    ///
    /// let file = r#"
    ///     [default]
    ///     url = "postgresql://app:${DB_PASSWORD}@db.example/app"
    ///     schema_sql = "CREATE TABLE post (id INTEGER PRIMARY KEY)"
    ///
    ///     [env.test.default]
    ///     url = "sqlite://"
    ///
    ///     [env.files.default]
    ///     url = "sqlite://"
    ///     storage = "temp_file"
    /// "#;
    /// let db = Harness::from_config(Config::from_toml(file, ".")?)?;
    /// assert!(db.path(None)?.is_none());
    /// let db = Harness::from_config(Config::from_toml(file, ".")?.environment("files"))?;
    /// assert!(db.path(None)?.is_some());
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn environment(mut self, name: impl Into<String>) -> Config {
        self.chosen = Some(name.into());
        self
    }

    /// Lays the chosen environment over the rest, makes the changes, then applies the variables of URLs.
    pub(crate) fn settle(self) -> Result<Settled> {
        let mut written = self.written.clone();
        self.lay_environment_over(&mut written)?;
        for change in &self.changes {
            written.change(change)?;
        }
        if self.urls_from_variables || written.with_env == Some(true) {
            written.set_urls(&self.variables)?;
        }
        Ok(Settled { written, variables: self.variables })
    }

    fn lay_environment_over(&self, written: &mut Written) -> Result<()> {
        let (name, chosen) = match &self.chosen {
            Some(name) => (name.clone(), "in the code"),
            None if self.environments.is_empty() => return Ok(()),
            None => match self.named_by_variable()? {
                Some(name) => (name, "by `MULTIBIND_ENV`"),
                None => (USUAL.to_string(), ""),
            },
        };
        if let Some(environment) = self.environments.iter().find(|environment| environment.name == name) {
            written.lay_over(environment);
            return Ok(());
        }
        if chosen.is_empty() {
            return Ok(());
        }
        let mut names = Vec::with_capacity(self.environments.len());
        for environment in &self.environments {
            names.push(environment.name.as_str());
        }
        let known =
            if names.is_empty() { "none is configured".to_string() } else { format!("known are {}", list(&names)) };
        let near = nearest(&name, &names).map(|near| format!("; the nearest is `{near}`")).unwrap_or_default();
        let file = self.environments.first().and_then(|first| first.origin.place().0);
        let problem = format!("no environment `{name}`, which is chosen {chosen}: {known}{near}");
        Err(Error::Config { file, line: None, bind: None, problem, at: None })
    }

    fn named_by_variable(&self) -> Result<Option<String>> {
        let Some(value) = self.variables.get(VARIABLE).filter(|value| !value.is_empty()) else { return Ok(None) };
        value.into_string().map(Some).map_err(|_| {
            let problem = format!("the value of `{VARIABLE}` is not UTF-8: it is the name of an environment");
            Error::Config { file: None, line: None, bind: None, problem, at: None }
        })
    }
}
