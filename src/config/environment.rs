//! Environments of one file: `[env.NAME]` is laid over the rest of it when that environment is chosen.

use super::bind::Bind;
use super::origin::Origin;
use super::source::SchemaSource;
use super::Config;
use crate::error::{list, Error, Result};
use crate::key::BindKey;
use crate::nearest::nearest;

/// The variable that chooses an environment where the code does not.
const VARIABLE: &str = "MULTIBIND_ENV";

/// The environment of a harness unless another is chosen.
const USUAL: &str = "test";

/// What `[env.NAME]` says.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) name: String,
    pub(super) config: Config,
    /// What it sets: the bind, none for what is for all, and the setting.
    pub(super) set: Vec<(Option<BindKey>, String)>,
    pub(super) origin: Origin,
}

/// What the code said of the environment.
#[derive(Clone, Debug, Default)]
pub(super) enum Choice {
    #[default]
    Open,
    Made(String),
    /// It was made, by the code or not, when variables were applied.
    Closed,
    /// The code named one after that.
    TooLate(String),
}

impl Config {
    /// Chooses the environment whose `[env.NAME]` is laid over the rest of the file.
    ///
    /// Unless chosen here, it is the one that the variable `MULTIBIND_ENV` names, and `test` where that is not set. A file
    /// need not have `[env.test]`, nor any environment as long as none is chosen here. It is chosen before
    /// [`with_env`](Config::with_env), which applies to the result.
    ///
    /// What an environment sets wins over the same setting outside of it, bind by bind and setting by setting; of
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
        self.choice = match self.choice {
            Choice::Open | Choice::Made(_) => Choice::Made(name.into()),
            Choice::Closed | Choice::TooLate(_) => Choice::TooLate(name.into()),
        };
        self
    }

    /// The configuration in its environment, in which no other can be chosen any more.
    pub(crate) fn settled(mut self) -> Result<Config> {
        let environments = std::mem::take(&mut self.environments);
        let refuse = |problem: String| {
            let file = environments.first().and_then(|first| first.origin.place().0);
            Err(Error::Config { file, line: None, bind: None, problem })
        };
        let (name, chosen) = match std::mem::replace(&mut self.choice, Choice::Closed) {
            Choice::Closed => return Ok(self),
            Choice::TooLate(name) => {
                return refuse(format!(
                    "the environment `{name}` is chosen too late: call `environment` before `with_env` or `with_vars`"
                ));
            }
            Choice::Made(name) => (name, "in the code".to_string()),
            Choice::Open if environments.is_empty() => return Ok(self),
            Choice::Open => match self.named_by_variable()? {
                Some(name) => (name, format!("by `{VARIABLE}`")),
                None => (USUAL.to_string(), String::new()),
            },
        };
        match environments.iter().find(|environment| environment.name == name) {
            Some(environment) => self.lay_over(environment),
            None if chosen.is_empty() => {}
            None => {
                let mut names = Vec::with_capacity(environments.len());
                for environment in &environments {
                    names.push(environment.name.as_str());
                }
                let there = list(&names);
                let near = match nearest(&name, &names) {
                    Some(near) => format!("; the nearest is `{near}`"),
                    None => String::new(),
                };
                return refuse(format!("no environment `{name}`, which is chosen {chosen}: there are {there}{near}"));
            }
        }
        Ok(self)
    }

    fn named_by_variable(&self) -> Result<Option<String>> {
        let Some(value) = self.variables.get(VARIABLE).filter(|value| !value.is_empty()) else { return Ok(None) };
        value.into_string().map(Some).map_err(|_| {
            let problem = format!("the value of `{VARIABLE}` is not UTF-8: it is the name of an environment");
            Error::Config { file: None, line: None, bind: None, problem }
        })
    }

    fn lay_over(&mut self, environment: &Environment) {
        let Environment { config, set, .. } = environment;
        // Environments are none of what a file can say within an environment.
        let Config {
            binds,
            tables,
            data,
            options,
            default_options,
            temp_dir,
            references,
            environments: _,
            choice: _,
            variables: _,
        } = config;
        let sets = |key: Option<&BindKey>, name: &str| set.iter().any(|(of, set)| of.as_ref() == key && set == name);
        for (key, over) in binds {
            match self.binds.iter_mut().find(|(known, _)| known == key) {
                Some((_, bind)) => lay(bind, over.clone(), &|name| sets(Some(key), name)),
                None => self.binds.push((key.clone(), over.clone())),
            }
        }
        // They win over what the bind has outside of the environment, and not over what it has within.
        match self.binds.iter_mut().find(|(key, _)| key.is_default()) {
            Some((key, bind)) => {
                let within = binds.iter().find(|(over, _)| over == key).map(|(_, bind)| bind.options.clone());
                bind.options = within.unwrap_or_default().or(default_options).or(&bind.options);
            }
            None => self.default_options = default_options.clone().or(&self.default_options),
        }
        if sets(None, "data") {
            self.data.clone_from(data);
        }
        self.options = options.clone().or(&self.options);
        if temp_dir.is_some() {
            self.temp_dir.clone_from(temp_dir);
        }
        self.references.extend_from_slice(references);
        self.tables.extend_from_slice(tables);
    }
}

/// Lays what an environment says of a bind over what the bind has.
fn lay(bind: &mut Bind, over: Bind, sets: &dyn Fn(&str) -> bool) {
    // No file has a callback.
    let Bind {
        url,
        storage,
        schema,
        data,
        options,
        allow_missing_parents,
        read_only,
        copy_of,
        mirror,
        lag,
        dynamic: _,
        origin: _,
    } = over;
    // What says whose database it is takes the place of what said so outside.
    if mirror.is_some() {
        (bind.url, bind.storage, bind.copy_of) = (None, None, None);
        bind.schema.clear();
        bind.data.clear();
    } else if url.is_some() || storage.is_some() || copy_of.is_some() || !schema.is_empty() {
        (bind.mirror, bind.lag) = (None, None);
    }
    bind.mirror = mirror.or(bind.mirror.take());
    bind.lag = lag.or(bind.lag.take());
    bind.read_only = read_only.or(bind.read_only);
    bind.copy_of = copy_of.or(bind.copy_of.take());
    bind.url = url.or(bind.url.take());
    bind.storage = storage.or(bind.storage);
    let is_path = |source: &SchemaSource| matches!(source, SchemaSource::Path(_));
    let is_text = |source: &SchemaSource| matches!(source, SchemaSource::Sql(_));
    if sets("schema") {
        replace(&mut bind.schema, &schema, &is_path);
    }
    if sets("schema_sql") {
        replace(&mut bind.schema, &schema, &is_text);
    }
    if sets("data") {
        bind.data = data;
    }
    bind.options = options.or(&bind.options);
    if sets("allow_missing_parents") {
        bind.allow_missing_parents = allow_missing_parents;
    }
}

/// Puts others where the sources of a kind are, or last where there are none.
fn replace(sources: &mut Vec<SchemaSource>, by: &[SchemaSource], is_of_kind: &dyn Fn(&SchemaSource) -> bool) {
    let first = sources.iter().position(is_of_kind);
    sources.retain(|source| !is_of_kind(source));
    let mut place = first.unwrap_or(sources.len());
    for source in by {
        if is_of_kind(source) {
            sources.insert(place, source.clone());
            place += 1;
        }
    }
}
