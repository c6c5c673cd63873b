//! The start of a harness, with all that comes into play at its end.

use std::path::Path;

use crate::config::Config;
use crate::error::{called, Result};
use crate::harness::{start, Harness, Prepared, Stage};
use crate::instrument::{see_openings, Banning};
use crate::keep;
use crate::report::lock::TRANSACTIONS;
#[cfg(doc)]
use crate::Error;

impl Config {
    /// Starts a database for every bind, with its tables and its data.
    ///
    /// # Errors
    ///
    /// [`Error::Library`] where the linked SQLite lacks something; [`Error::NoBind`], [`Error::BindKey`],
    /// [`Error::DuplicateBind`], [`Error::Url`] and [`Error::Config`] for what is configured; [`Error::Schema`] for tables that
    /// could not be made, [`Error::ForeignParent`] for a foreign key into another bind, [`Error::Data`] for data that could not
    /// be loaded; [`Error::Io`] for a file that could not be
    /// written. Nothing is left of what was started before.
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let error = Harness::builder().default_bind(Bind::memory().schema("CREATE TABLE")).start().unwrap_err();
    /// assert!(error.to_string().starts_with("bind `default`: the schema failed at line 1"));
    /// ```
    #[track_caller]
    pub fn start(self) -> Result<Harness> {
        called(self.start_after(&[]))
    }

    fn start_after(self, stages: &[Stage]) -> Result<Harness> {
        let settled = self.settle()?;
        let outside = settled.deny_outside().map(|by| {
            see_openings();
            Banning::begin(by.to_string())
        });
        Ok(start(&settled, stages, keep::save, TRANSACTIONS)?.with_ban(outside))
    }
}

impl Prepared {
    /// Starts a database for every bind, as the code has left it.
    ///
    /// # Errors
    ///
    /// Those of [`Config::start`]; [`Error::Prepared`] with the name of the state where its code fails, panics, or leaves a
    /// connection, a session or a transaction open.
    ///
    /// ```
    /// use multibind::{Bind, Harness};
    ///
    /// let config = Harness::builder().bind("auth", Bind::memory());
    /// let error = config.prepared("signed-up", |_| Err("no mail server")).start().unwrap_err();
    /// assert_eq!(error.to_string(), "prepared state `signed-up`: its code failed: no mail server");
    /// ```
    #[track_caller]
    pub fn start(self) -> Result<Harness> {
        called(self.config.start_after(&self.stages))
    }
}

impl Harness {
    /// Returns a configuration without binds, to which binds are added from code.
    ///
    /// ```
    /// # use multibind::{Bind, BindKey, Harness};
    /// let db = Harness::builder().bind("auth", Bind::memory()).start()?;
    /// assert_eq!(db.binds(), [BindKey::from("auth")]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    pub fn builder() -> Config {
        Config::new()
    }

    /// Starts the binds of a TOML file, `fixtures/binds.toml` for example, as its environment `test` has them, or the one
    /// that the variable `MULTIBIND_ENV` names: see [`Config::environment`].
    ///
    /// A relative path is looked for in the folder of the crate under test, where `cargo test` runs it; the paths in
    /// the file are relative to the file.
    ///
    /// # Errors
    ///
    /// Those of [`Config::from_file`] and [`Config::start`].
    ///
    /// ```
    /// use multibind::{BindKey, Harness};
    ///
    /// let db = Harness::from_file("fixtures/binds.toml")?;
    /// assert_eq!(db.binds(), [BindKey::DEFAULT, "auth".into(), "meta".into()]);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn from_file(path: impl AsRef<Path>) -> Result<Harness> {
        called(Config::from_file(path))?.start()
    }

    /// Starts the binds of a configuration.
    ///
    /// # Errors
    ///
    /// Those of [`Config::start`].
    ///
    /// ```
    /// use multibind::{Bind, Config, Harness};
    ///
    /// let db = Harness::from_config(Config::new().bind("auth", Bind::memory()))?;
    /// assert_eq!(db.binds().len(), 1);
    /// # Ok::<(), multibind::Error>(())
    /// ```
    #[track_caller]
    pub fn from_config(config: Config) -> Result<Harness> {
        config.start()
    }
}
