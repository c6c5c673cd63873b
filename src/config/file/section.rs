//! A section of the application's own file that has its databases: `Config::from_section`.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::setting::is_of_a_bind;
use super::{Opened, Reader};
use crate::config::options::{EngineOptions, APPLIED};
use crate::config::suggest::suggest;
use crate::config::value::{entries, Placed};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::nearest::nearest;
use crate::say;
use crate::url::is_of_a_database;

impl Config {
    /// Reads the binds of one section of the application's own TOML file: `database` for `[database.auth]`, `app.database` for
    /// `[app.database.auth]`. Nothing else in the file is looked at.
    ///
    /// Of the section,
    ///
    /// - a table with a `url`, or with another setting that only a bind has, is the bind of that key, `default` the default bind;
    /// - a string that is the URL of a database is that of the bind of its key;
    /// - a `url` is that of the default bind, and so are the settings beside it;
    /// - `env.NAME` has what differs in an environment, as [`Config::environment`] chooses it: `[database.env.test.auth]`.
    ///
    /// All else is the application's own and passed over, in a bind's table too: `max_connections` for one. A name that is
    /// nearly a setting's is passed over with a warning. [`change`](Config::change) gives the binds what the application has no
    /// name for. Paths are as for [`Config::from_file`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) where the file cannot be read; [`Error::Config`](crate::Error::Config), with the line, where
    /// it is not TOML, has no such section, or the section has no bind, and for a setting of ours that is not what it should be.
    ///
    /// ```
    /// use multibind::{BindKey, Config, Harness};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.toml");
    /// # std::fs::write(&path, "[server]\nport = 80\n[database.default]\nurl = 'postgres://db/blog'\nmax_connections = 5\n\
    /// #     [database.auth]\nurl = 'mysql://db/accounts'\n")?;
    /// // [server]
    /// // port = 80
    /// // [database.default]
    /// // url = "postgres://db/blog"
    /// // max_connections = 5
    /// // [database.auth]
    /// // url = "mysql://db/accounts"
    /// let config = Config::from_section(path, "database")?
    ///     .change("auth", |auth| auth.schema("CREATE TABLE user (name TEXT)"));
    /// let db = Harness::from_config(config)?;
    /// assert_eq!(db.binds(), [BindKey::DEFAULT, "auth".into()]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_section(path: impl AsRef<Path>, section: &str) -> Result<Config> {
        let Opened { text, folder } = Opened::at(path.as_ref())?;
        Reader::new(Some(path.as_ref().to_path_buf()), &text, folder).of_the_application(section)
    }
}

/// The name of the table of environments.
const ENVIRONMENTS: &str = "env";

/// Returns whether a value has what only a bind has.
fn is_bind(value: &DeValue<'_>) -> bool {
    value.as_table().is_some_and(|settings| settings.iter().any(|(name, _)| is_of_a_bind(name.get_ref())))
}

impl<'t> Reader<'t> {
    fn of_the_application(mut self, section: &str) -> Result<Config> {
        self.passes_over = true;
        let document = self.parsed()?;
        let (mut table, mut span) = (document.get_ref(), 0..0);
        for part in section.split('.') {
            let found = table.iter().find(|(name, _)| name.get_ref() == part);
            let Some((name, DeValue::Table(inner))) = found.map(|(name, value)| (name, value.get_ref())) else {
                return Err(self.no_section(section, part, table, span));
            };
            (table, span) = (inner, name.span());
        }
        // Where the section is the default bind's too, what is beside the URL is its own.
        let is_a_bind = table.iter().any(|(name, _)| name.get_ref() == "url");
        self.section(table, is_a_bind)?;
        if self.written.binds.is_empty() {
            let problem = format!("`[{section}]` has no bind: one is `[{section}.KEY]` with a `url`");
            return Err(self.error(None, span, problem));
        }
        for (name, value) in entries(table) {
            if name.get_ref() == ENVIRONMENTS && !is_bind(value.get_ref()) {
                self.environments_of_the_section(value, is_a_bind)?;
            }
        }
        Ok(self.finished())
    }

    /// Reads the binds of a section, or of an environment in it.
    fn section(&mut self, table: &DeTable<'_>, is_a_bind: bool) -> Result<()> {
        for (name, value) in entries(table) {
            let (key, place) = (name.get_ref().as_ref(), name.span());
            match value.get_ref() {
                DeValue::Table(_) if key == ENVIRONMENTS && !is_bind(value.get_ref()) && self.within.is_none() => {}
                DeValue::Table(_) if is_a_bind && key == "pragmas" => {
                    self.setting(&BindKey::DEFAULT, key, place, value)?;
                }
                settings @ DeValue::Table(_) if is_bind(settings) || self.binds.contains(&BindKey::from(key)) => {
                    self.bind(BindKey::from(key), place, value)?;
                }
                DeValue::Table(_) => self.pass_over(None, key, &place),
                _ if is_a_bind && (is_of_a_bind(key) || EngineOptions::knows(key)) => {
                    self.setting(&BindKey::DEFAULT, key, place, value)?;
                }
                DeValue::String(url) if is_of_a_database(url) => {
                    self.bind(BindKey::from(key), place, value)?;
                }
                _ => self.pass_over(is_a_bind.then_some(&BindKey::DEFAULT), key, &place),
            }
        }
        Ok(())
    }

    /// Reads `[SECTION.env.NAME]`, each with what the section may have. What is no table there is the application's.
    fn environments_of_the_section(&mut self, value: &Placed<'_>, is_a_bind: bool) -> Result<()> {
        let DeValue::Table(environments) = value.get_ref() else { return Ok(()) };
        for (name, value) in entries(environments) {
            let DeValue::Table(settings) = value.get_ref() else {
                self.pass_over(None, name.get_ref(), &name.span());
                continue;
            };
            let mut reader = self.within(name.get_ref());
            reader.section(settings, is_a_bind || settings.iter().any(|(name, _)| name.get_ref() == "url"))?;
            self.add(reader, name.get_ref(), value.span());
        }
        Ok(())
    }

    fn no_section(&self, section: &str, part: &str, table: &DeTable<'_>, span: Range<usize>) -> Error {
        let mut names = Vec::new();
        for (name, value) in entries(table) {
            if value.get_ref().is_table() {
                names.push(name.get_ref().as_ref());
            }
        }
        let there = if names.is_empty() {
            ": there is no table".to_string()
        } else {
            format!("; {}", suggest(part, &names, &[]))
        };
        let problem = format!("no section `[{section}]`{there}");
        // A key that the whole file lacks has no line.
        if span.is_empty() {
            return Error::Config { file: self.file.clone(), line: None, bind: None, problem, at: None };
        }
        self.error(None, span, problem)
    }

    /// Leaves a name to the application, and says so where it is nearly one of a bind's.
    pub(super) fn pass_over(&self, key: Option<&BindKey>, name: &str, span: &Range<usize>) {
        let known = [&super::setting::BIND_SETTINGS[..], &APPLIED].concat();
        let (file, line) = (self.shown_file(), self.line(span));
        match (key, nearest(name, &known)) {
            (Some(key), Some(near)) => say::warn_of(
                key,
                format_args!(
                    "{file}{line}: bind `{key}`: `{name}` is taken for the application's own and passed over; the \
                     setting is `{near}`"
                ),
            ),
            _ => say::debug(format_args!("{file}{line}: `{name}` is the application's own and passed over")),
        }
    }
}
