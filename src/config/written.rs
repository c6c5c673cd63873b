//! The binds, tables, data and options of a configuration in one environment.

use std::path::PathBuf;

use super::bind::Bind;
use super::options::EngineOptions;
use super::reference::ReferenceText;
use super::storage::Storage;
use super::table::Table;
use crate::key::BindKey;

/// The place of stored images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageFolder {
    In(PathBuf),
    /// None is stored and none is read.
    Nowhere,
}

/// The choice on connections to what is no bind.
#[derive(Clone, Debug)]
pub(super) struct DenyOutside {
    pub(super) denies: bool,
    /// The words for it, with the place where it is written.
    pub(super) by: String,
}

/// The binds of a configuration and what goes with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    /// The binds in the order configured, the default bind among them.
    pub(super) binds: Vec<(BindKey, Bind)>,
    /// Tables registered one by one, each with its bind key.
    pub(super) tables: Vec<Table>,
    /// Data files whose tables may be in any bind.
    pub(super) data: Vec<PathBuf>,
    /// Engine options for every bind; a bind's own win.
    pub(super) options: EngineOptions,
    /// Engine options for the default bind, if one is configured; its own win.
    pub(super) default_options: EngineOptions,
    /// The folder for files, where the user sets one.
    pub(super) temp_dir: Option<PathBuf>,
    /// The place of stored images, where the user sets one.
    pub(super) images: Option<ImageFolder>,
    /// The storage of binds that set none themselves.
    pub(super) storage: Option<Storage>,
    /// Set if variables of the environment override URLs, where the user says.
    pub(super) with_env: Option<bool>,
    /// Set if connections to what is no bind are refused, and where that is written.
    pub(super) deny_outside: Option<DenyOutside>,
    /// References that cross from one bind into another.
    pub(super) references: Vec<ReferenceText>,
}
