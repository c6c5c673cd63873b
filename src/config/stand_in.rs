//! The stand-in of a URL: which database it names, and the storage that it asks for.

use super::origin::Origin;
use super::redact::UrlText;
use super::storage::Storage;
use crate::error::{Error, Result};
use crate::key::BindKey;
use crate::say;
use crate::url::{misspells_cache, misspelt_scheme, parse, DatabaseUrl, Named, Sharing, WrittenUrl};

/// For the errors; the documentation of `Bind::url` has them all.
const FORMS: &str = "`sqlite:///app.db`, `sqlite:////var/lib/app.db`, `sqlite:///:memory:`, `file:app.db`, \
                     `postgresql://user@host:5432/db`, `mysql://user@host:3306/db`, `mariadb://user@host/db`; a driver \
                     may follow, as in `postgresql+psycopg2://`";

/// Reads the URL of a bind, and logs what in it may not be meant.
///
/// One that names `unset` variables and is no URL without their values, `${DATABASE_URL}` for one, names the database whose
/// URL is written alike.
pub(super) fn read(bind: &BindKey, url: &UrlText, unset: &[String]) -> Result<DatabaseUrl> {
    if !unset.is_empty() {
        let unset = unset.join("`, `");
        say::debug(format_args!("bind `{bind}`: `{unset}` is not set, so the URL is a name as it is written: `{url}`"));
    }
    let parsed = match parse(url.text()) {
        Err(_) if !unset.is_empty() => {
            return Ok(DatabaseUrl { named: Some(Named::Written(WrittenUrl(url.text().to_string()))), sharing: None })
        }
        parsed => parsed,
    };
    let read = parsed.map_err(|problem| {
        let (file, line) = url.origin().place();
        let from = match url.origin() {
            Origin::Variable(name) => format!(" from `{name}`"),
            Origin::Code | Origin::Toml { .. } => String::new(),
        };
        let shown = url.to_string();
        let shown = if shown.trim().is_empty() { String::new() } else { format!(" `{shown}`") };
        let problem = format!("the URL{shown}{from} {problem}\n  forms that work: {FORMS}");
        Error::Url { file, line, bind: bind.clone(), problem, at: None }
    })?;
    if let Some((scheme, near)) = misspelt_scheme(url.text()) {
        say::warn_of(
            bind,
            format_args!(
                "bind `{bind}`: the scheme `{scheme}` of the URL is not known here and only a name; if `{near}` is \
                 meant, other URLs of the same database do not share its stand-in"
            ),
        );
    }
    if misspells_cache(url.text()) {
        say::warn_of(
            bind,
            format_args!(
                "bind `{bind}`: the URL `{url}` has `cached`, which SQLite and the drivers pass over; the parameter is \
                 `cache`, in a `file:` URI. The stand-in has the shared cache that is asked for"
            ),
        );
    }
    Ok(read)
}

/// Returns the storage of a stand-in whose bind sets none, if its URL asks for one.
pub(super) fn storage(url: &DatabaseUrl) -> Option<Storage> {
    Some(match url.sharing? {
        Sharing::Cache => Storage::SharedCache,
        Sharing::MemDb => Storage::MemDb,
    })
}
