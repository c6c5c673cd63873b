//! A configuration from TOML: the native form and Flask-SQLAlchemy's names.

mod lists;
mod section;
mod setting;
mod top;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::Spanned;

use super::bind::Bind;
use super::environment::Environment;
use super::options::{EngineOptions, APPLIED, NOT_APPLIED};
use super::origin::Origin;
use super::paths::{explained, resolve_path};
use super::suggest::suggest;
use super::value::{entries, table, Fit, Misfit, Placed};
use super::written::Written;
use super::Config;
use crate::error::{shown_path, Error, Result};
use crate::key::BindKey;
use crate::list::mapped;
use crate::sqlite::script::line_at;
use setting::{is_of_a_bind, set, BIND_SETTINGS};

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
        let Opened { text, folder } = Opened::at(path.as_ref())?;
        Reader::new(Some(path.as_ref().to_path_buf()), &text, folder).read()
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
    /// `storage` at the top is that of each bind that sets none; `with_env = true` reads the URLs of binds from the environment, as
    /// [`Config::with_env`] does. `deny_outside = true` refuses connections to what is no bind: see [`Config::deny_outside`].
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
    /// where it is not set or empty; `$${` stands for `${` itself. One that is not set and has no default is part of the name.
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

/// A file that has been read.
struct Opened {
    text: String,
    /// The folder that paths in it are relative to.
    folder: PathBuf,
}

impl Opened {
    fn at(path: &Path) -> Result<Opened> {
        let found = resolve_path(path);
        let failed = |error| Error::io("read the configuration", &found)(explained(path, error));
        let kind = fs::metadata(&found).map_err(failed)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            // A pipe that nobody writes to would be waited for without an end.
            return Err(failed(io::Error::other("it is no ordinary file")));
        }
        let text = fs::read_to_string(&found).map_err(failed)?;
        let folder = found.parent().unwrap_or(&found).to_path_buf();
        Ok(Opened { text, folder })
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
    /// The binds outside of the environment that is read.
    binds: Vec<BindKey>,
    /// Set where names that are not ours are the application's.
    passes_over: bool,
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
            binds: Vec::new(),
            passes_over: false,
        }
    }

    fn parsed(&self) -> Result<Spanned<DeTable<'t>>> {
        DeTable::parse(self.text).map_err(|error| {
            // Its `Display` shows the line itself, which may hold a password.
            self.error(None, error.span().unwrap_or_default(), format!("this is not TOML: {}", error.message()))
        })
    }

    fn read(mut self) -> Result<Config> {
        let document = self.parsed()?;
        for (name, value) in entries(document.get_ref()) {
            self.top(name.get_ref(), name.span(), value)?;
        }
        Ok(self.finished())
    }

    fn finished(self) -> Config {
        Config { written: self.written, environments: self.environments, ..Config::default() }
    }

    /// Reads `[env.NAME]`, each with the names that the file itself may have.
    fn environments(&mut self, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
        if self.within.is_some() {
            return Err(self.error(None, span, "`env` cannot be within an environment".to_string()));
        }
        for (name, value) in entries(self.fit(None, table("env", value))?) {
            let name = name.get_ref().to_string();
            let settings = self.fit(None, table(&format!("env.{name}"), value))?;
            let mut reader = self.within(&name);
            for (setting, value) in entries(settings) {
                reader.top(setting.get_ref(), setting.span(), value)?;
            }
            self.add(reader, &name, value.span());
        }
        Ok(())
    }

    /// Returns a reader for an environment of this file.
    fn within(&self, name: &str) -> Reader<'t> {
        let mut reader = Reader::new(self.file.clone(), self.text, self.base.clone());
        reader.within = Some(name.to_string());
        reader.passes_over = self.passes_over;
        reader.binds = mapped(&self.written.binds, |(key, _)| key.clone());
        reader
    }

    /// Adds the environment that a reader has read.
    fn add(&mut self, reader: Reader<'_>, name: &str, span: Range<usize>) {
        let mut set = Vec::with_capacity(reader.seen.len());
        for (key, setting, _) in &reader.seen {
            set.push((key.clone(), setting.clone()));
        }
        let (name, origin) = (name.to_string(), self.origin(span));
        self.environments.push(Environment { name, written: reader.written, set, origin });
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
        if self.passes_over && !is_of_a_bind(name) && !EngineOptions::knows(name) {
            self.pass_over(Some(key), name, &span);
            return Ok(());
        }
        self.once(Some(key), name, span.clone())?;
        if !is_of_a_bind(name) && !EngineOptions::knows(name) {
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

    /// Returns the file with a colon after it, or the word for a line of a text.
    fn shown_file(&self) -> String {
        self.file.as_ref().map_or("line ".to_string(), |file| format!("{}:", shown_path(file)))
    }

    fn line(&self, span: &Range<usize>) -> usize {
        line_at(self.text, span.start)
    }
}
