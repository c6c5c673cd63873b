//! A configuration from TOML: the native form and Flask-SQLAlchemy's names.

mod lists;
mod setting;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::bind::Bind;
use super::environment::Environment;
use super::flask;
use super::options::{EngineOptions, APPLIED, NOT_APPLIED};
use super::origin::Origin;
use super::paths::resolve_path;
use super::suggest::suggest;
use super::value::{boolean, entries, paths, string, table, Fit, Misfit, Placed};
use super::written::{DenyOutside, ImageFolder, Written};
use super::Config;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::say;
use crate::sqlite::script::line_at;
use setting::set;

/// The settings of a bind besides engine options.
const BIND_SETTINGS: [&str; 10] = [
    "url",
    "storage",
    "schema",
    "schema_sql",
    "data",
    "allow_missing_parents",
    "read_only",
    "copy_of",
    "mirror",
    "lag",
];

/// The names at the top of a file.
const TOP: [&str; 13] = [
    "default",
    "binds",
    "engine_options",
    "data",
    "temp_dir",
    "images",
    "deny_outside",
    "references",
    "tables",
    "env",
    "SQLALCHEMY_DATABASE_URI",
    "SQLALCHEMY_BINDS",
    "SQLALCHEMY_ENGINE_OPTIONS",
];

impl Config {
    /// Reads a TOML file.
    ///
    /// A relative path is looked for in the folder of the crate under test; the paths in the file are relative to the
    /// file's own folder. [`Config::from_toml`] has what a file may say.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where the file cannot be read as text, else as for [`Config::from_toml`].
    ///
    /// ```
    /// use multibind::Config;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("binds.toml");
    /// # std::fs::write(&path, "[default]\nurl = 'sqlite:///app.db'\n")?;
    /// let config = Config::from_file(path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Config> {
        let path = path.as_ref();
        let found = resolve_path(path);
        let failed = |error| Error::io("read the configuration", &found)(error);
        let kind = fs::metadata(&found).map_err(failed)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            // A pipe that nobody writes to would be waited for without an end.
            return Err(failed(std::io::Error::other("it is no ordinary file")));
        }
        let text = fs::read_to_string(&found).map_err(failed)?;
        let folder = found.parent().unwrap_or(&found).to_path_buf();
        Reader::new(Some(path.to_path_buf()), &text, folder).read()
    }

    /// Reads TOML text; relative paths in it are looked for in `base_dir`.
    ///
    /// The native form has the default bind in `[default]` and each other in `[binds.KEY]`:
    ///
    /// ```
    /// use multibind::Config;
    ///
    /// let config = Config::from_toml(
    ///     r#"
    ///     data = "data"                        # files whose tables may be in any bind
    ///
    ///     [default]
    ///     schema = "schema/default.sql"        # a file, a folder, or a list of them
    ///
    ///     [binds.auth]
    ///     url = "mysql://db.example/users"     # the stand-in's name; never connected to
    ///     schema_sql = "CREATE TABLE user (id INTEGER PRIMARY KEY, username TEXT UNIQUE)"
    ///     data = ["data/auth/user.csv"]
    ///     pool_size = 5                        # and other engine options
    ///
    ///     [binds.meta]
    ///     storage = "temp_file"                # or "memory", "shared_cache", "memdb"
    ///     allow_missing_parents = true
    ///     pragmas = { journal_mode = "DELETE", foreign_keys = false }
    ///
    ///     [binds.reports]
    ///     copy_of = "reports.db"               # starts as a copy of it, which is only read
    ///     read_only = true                     # the application cannot write
    ///
    ///     [binds.replica]
    ///     mirror = "auth"                      # the database of that bind; "default" for the default one's
    ///     read_only = true
    ///     lag = "manual"                       # follows when `Harness::replicate` says so
    ///     "#,
    ///     "fixtures",
    /// )?;
    /// # Ok::<(), multibind::Error>(())
    /// ```
    ///
    /// `deny_outside = true` at the top refuses connections to what is no bind: see [`Config::deny_outside`].
    ///
    /// `[engine_options]` has engine options for every bind; a bind's own win. They are `pool_size`, `pool_timeout` and `pool_recycle` (in seconds, `-1` for never, as in
    /// SQLAlchemy), `echo`, `busy_timeout` (in milliseconds, as SQLite's pragma), `foreign_keys`, `schema_timeout` (in
    /// seconds) and `pragmas`. One that only a server or SQLAlchemy has (`charset`, `client_encoding`, …) is logged as not applied.
    ///
    /// Flask-SQLAlchemy's names are read too, and can be mixed with the native form as long as nothing is set twice:
    ///
    /// ```
    /// use multibind::Config;
    ///
    /// let config = Config::from_toml(
    ///     r#"
    ///     SQLALCHEMY_DATABASE_URI = "postgresql:///main"
    ///     SQLALCHEMY_ENGINE_OPTIONS = { pool_size = 5 }    # for the default bind, as there
    ///
    ///     [SQLALCHEMY_BINDS]
    ///     meta = "sqlite:////path/to/meta.db"
    ///     auth = { url = "mysql://localhost/users", pool_recycle = 3600 }
    ///
    ///     [default]
    ///     schema = "schema/main"
    ///     "#,
    ///     "fixtures",
    /// )?;
    /// # Ok::<(), multibind::Error>(())
    /// ```
    ///
    /// In `[env.NAME]` stands what differs in an environment: [`Config::environment`] says which one is chosen. `${NAME}`
    /// in a URL stands for the variable of that name, read when the harness starts, `${NAME:-DEFAULT}` for the default
    /// where it is not set or empty; `$${` stands for `${` itself.
    ///
    /// Other names of Flask-SQLAlchemy are accepted without an effect; other names in upper case are the application's
    /// own and passed over.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config), with the line, where the text is not TOML, and for a name that is not
    /// known, a value that is not what it should be, and a setting that is there twice, in every environment. URLs are
    /// read, and keys checked, when the harness starts.
    pub fn from_toml(text: &str, base_dir: impl AsRef<Path>) -> Result<Config> {
        Reader::new(None, text, resolve_path(base_dir.as_ref())).read()
    }
}

struct Reader<'t> {
    file: Option<PathBuf>,
    text: &'t str,
    base: PathBuf,
    written: Written,
    environments: Vec<Environment>,
    /// Settings so far, each with its line; those for all binds are without one.
    seen: Vec<(Option<BindKey>, String, usize)>,
    /// The environment that is read, `None` for the file itself.
    within: Option<String>,
}

impl<'t> Reader<'t> {
    fn new(file: Option<PathBuf>, text: &'t str, base: PathBuf) -> Reader<'t> {
        Reader {
            file,
            text,
            base,
            written: Written::default(),
            environments: Vec::new(),
            seen: Vec::new(),
            within: None,
        }
    }

    fn read(mut self) -> Result<Config> {
        let document = DeTable::parse(self.text).map_err(|error| {
            // Its `Display` shows the line itself, which may hold a password.
            self.error(None, error.span().unwrap_or_default(), format!("this is not TOML: {}", error.message()))
        })?;
        for (name, value) in entries(document.get_ref()) {
            self.top(name.get_ref(), name.span(), value)?;
        }
        Ok(Config { written: self.written, environments: self.environments, ..Config::default() })
    }

    fn top(&mut self, name: &str, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
        match name {
            "default" => self.bind(BindKey::DEFAULT, span, value),
            "binds" | "SQLALCHEMY_BINDS" => {
                for (key, value) in entries(self.fit(None, table(name, value))?) {
                    self.bind(BindKey::from(key.get_ref().as_ref()), key.span(), value)?;
                }
                Ok(())
            }
            "temp_dir" => {
                self.once(None, name, span)?;
                let path = self.fit(None, string(name, value))?;
                self.written.temp_dir = Some(self.base.join(path));
                Ok(())
            }
            "images" => {
                self.once(None, name, span)?;
                self.written.images = Some(match value.get_ref() {
                    DeValue::Boolean(false) => ImageFolder::Nowhere,
                    _ => {
                        let misfit = || Misfit::wanted(name, "a folder, or `false`", value);
                        let path = self.fit(None, string(name, value).map_err(|_| misfit()))?;
                        ImageFolder::In(self.base.join(path))
                    }
                });
                Ok(())
            }
            "deny_outside" => {
                self.once(None, name, span.clone())?;
                let denies = self.fit(None, boolean(name, value))?;
                let file = self.file.as_ref().map_or("line ".to_string(), |file| format!("{}:", file.display()));
                let by = format!("`deny_outside = true` at {file}{}", self.line(&span));
                self.written.deny_outside = Some(DenyOutside { denies, by });
                Ok(())
            }
            "references" => {
                let tables = value.get_ref().as_array().ok_or_else(|| Misfit::wanted(name, "a list of tables", value));
                for value in self.fit(None, tables)?.iter() {
                    self.reference(value)?;
                }
                Ok(())
            }
            "tables" => {
                let tables = value.get_ref().as_array().ok_or_else(|| Misfit::wanted(name, "a list of tables", value));
                for value in self.fit(None, tables)?.iter() {
                    self.table(value)?;
                }
                Ok(())
            }
            "data" => {
                self.once(None, name, span)?;
                let paths = self.fit(None, paths(name, value))?;
                self.written.data.clear();
                for path in paths {
                    self.written.data.push(self.base.join(path));
                }
                Ok(())
            }
            "SQLALCHEMY_DATABASE_URI" => self.setting(&BindKey::DEFAULT, "url", span, value),
            "SQLALCHEMY_ENGINE_OPTIONS" => {
                for (name, value) in entries(self.fit(None, table(name, value))?) {
                    match name.get_ref().as_ref() {
                        "url" => self.setting(&BindKey::DEFAULT, "url", name.span(), value)?,
                        option => self.option(Some(&BindKey::DEFAULT), option, name.span(), value)?,
                    }
                }
                Ok(())
            }
            "engine_options" => {
                for (name, value) in entries(self.fit(None, table(name, value))?) {
                    self.option(None, name.get_ref(), name.span(), value)?;
                }
                Ok(())
            }
            "env" => self.environments(span, value),
            _ if flask::is_without_effect(name) => {
                say::debug(format_args!("`{name}` has no effect here"));
                Ok(())
            }
            _ => match flask::option(name) {
                Some(option) => self.option(None, option, span, value),
                None if flask::is_the_applications(name, &TOP) => Ok(()),
                None => {
                    let suggestion = suggest(name, &TOP, &flask::names());
                    Err(self.error(None, span, format!("unknown name `{name}`; {suggestion}")))
                }
            },
        }
    }

    /// Reads `[env.NAME]`, each with the names that the file itself may have.
    fn environments(&mut self, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
        if self.within.is_some() {
            return Err(self.error(None, span, "`env` cannot be within an environment".to_string()));
        }
        for (name, value) in entries(self.fit(None, table("env", value))?) {
            let name = name.get_ref().to_string();
            let settings = self.fit(None, table(&format!("env.{name}"), value))?;
            let mut reader = Reader::new(self.file.clone(), self.text, self.base.clone());
            reader.within = Some(name.clone());
            for (setting, value) in entries(settings) {
                reader.top(setting.get_ref(), setting.span(), value)?;
            }
            let mut set = Vec::with_capacity(reader.seen.len());
            for (key, setting, _) in &reader.seen {
                set.push((key.clone(), setting.clone()));
            }
            let origin = self.origin(value.span());
            self.environments.push(Environment { name, written: reader.written, set, origin });
        }
        Ok(())
    }

    /// Reads an engine option for every bind, or for the default bind alone, which it does not configure.
    fn option(&mut self, of: Option<&BindKey>, name: &str, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
        self.once(of, name, span.clone())?;
        if !EngineOptions::knows(name) {
            let suggestion = suggest(name, &APPLIED, &NOT_APPLIED);
            return Err(self.error(None, span, format!("unknown engine option `{name}`; {suggestion}")));
        }
        let options = if of.is_some() { &mut self.written.default_options } else { &mut self.written.options };
        let fit = options.set(name, value);
        self.fit(None, fit)
    }

    /// Reads a bind: its URL, or a table of its settings.
    fn bind(&mut self, key: BindKey, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
        match value.get_ref() {
            DeValue::String(_) => self.setting(&key, "url", span, value),
            DeValue::Table(settings) => {
                self.bind_mut(&key, span);
                for (name, value) in entries(settings) {
                    self.setting(&key, name.get_ref(), name.span(), value)?;
                }
                Ok(())
            }
            _ => {
                let name = key.to_string();
                self.fit(None, Err(Misfit::wanted(&name, "a URL or a table of settings", value)))
            }
        }
    }

    fn setting(&mut self, key: &BindKey, name: &str, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
        self.once(Some(key), name, span.clone())?;
        if !BIND_SETTINGS.contains(&name) && !EngineOptions::knows(name) {
            let listed = [&BIND_SETTINGS[..], &APPLIED].concat();
            let suggestion = suggest(name, &listed, &NOT_APPLIED);
            return Err(self.error(Some(key), span, format!("unknown setting `{name}`; {suggestion}")));
        }
        let origin = self.origin(value.span());
        let base = self.base.clone();
        let bind = self.bind_mut(key, span);
        let fit = set(bind, name, value, origin, &base);
        self.fit(Some(key), fit)
    }

    /// Returns the bind of this key, which it adds if it is new.
    fn bind_mut(&mut self, key: &BindKey, span: Range<usize>) -> &mut Bind {
        let at = match self.written.binds.iter().position(|(known, _)| known == key) {
            Some(at) => at,
            None => {
                let bind = Bind { origin: self.origin(span), ..Bind::default() };
                self.written.binds.push((key.clone(), bind));
                self.written.binds.len() - 1
            }
        };
        &mut self.written.binds[at].1
    }

    /// Refuses a setting that is there already, under another name or in the other form.
    fn once(&mut self, key: Option<&BindKey>, name: &str, span: Range<usize>) -> Result<()> {
        let set = self.seen.iter().find(|(known, setting, _)| known.as_ref() == key && setting == name);
        if let Some((_, _, line)) = set {
            let problem = format!("`{name}` is set twice, here and on line {line}");
            return Err(self.error(key, span, problem));
        }
        self.seen.push((key.cloned(), name.to_string(), self.line(&span)));
        Ok(())
    }

    fn fit<T>(&self, key: Option<&BindKey>, fit: Fit<T>) -> Result<T> {
        fit.map_err(|Misfit { span, problem }| self.error(key, span, problem))
    }

    fn error(&self, key: Option<&BindKey>, span: Range<usize>, problem: String) -> Error {
        let origin = self.origin(span);
        match key {
            Some(key) => origin.error(key, problem),
            None => {
                let (file, line) = origin.place();
                Error::Config { file, line, bind: None, problem, at: None }
            }
        }
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin::Toml { file: self.file.clone(), line: self.line(&span) }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        line_at(self.text, span.start)
    }
}
