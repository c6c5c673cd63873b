//! The top of a file: the binds, and what is for all of them.

use std::ops::Range;

use toml::de::DeValue;

use super::setting::{is_of_a_bind, storage};
use super::Reader;
use crate::config::flask;
use crate::config::suggest::suggest;
use crate::config::value::{boolean, entries, paths, string, table, Misfit, Placed};
use crate::config::written::{DenyOutside, ImageFolder};
use crate::error::Result;
use crate::key::BindKey;
use crate::nearest::nearest;
use crate::say;

/// The names at the top of a file.
const TOP: [&str; 15] = [
    "default",
    "binds",
    "engine_options",
    "data",
    "temp_dir",
    "images",
    "storage",
    "with_env",
    "deny_outside",
    "references",
    "tables",
    "env",
    "SQLALCHEMY_DATABASE_URI",
    "SQLALCHEMY_BINDS",
    "SQLALCHEMY_ENGINE_OPTIONS",
];

impl Reader<'_> {
    /// Reads what one name at the top says.
    pub(super) fn top(&mut self, name: &str, span: Range<usize>, value: &Placed<'_>) -> Result<()> {
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
            "storage" => {
                self.once(None, name, span)?;
                self.written.storage = Some(self.fit(None, storage(name, value))?);
                Ok(())
            }
            "with_env" => {
                self.once(None, name, span)?;
                self.written.with_env = Some(self.fit(None, boolean(name, value))?);
                Ok(())
            }
            "deny_outside" => {
                self.once(None, name, span.clone())?;
                let denies = self.fit(None, boolean(name, value))?;
                let file = self.shown_file();
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
                    let suggestion = match value.get_ref() {
                        DeValue::Table(settings) if settings.iter().any(|(name, _)| is_of_a_bind(name.get_ref())) => {
                            let near =
                                nearest(name, &TOP).map(|near| format!("the nearest known one is `{near}`, and "));
                            format!("{}the bind of this key is `[binds.{name}]`", near.unwrap_or_default())
                        }
                        _ => suggest(name, &TOP, &flask::names()),
                    };
                    Err(self.error(None, span, format!("unknown name `{name}`; {suggestion}")))
                }
            },
        }
    }
}
