//! The lists of a file: `[[tables]]` and `[[references]]`.

use super::Reader;
use crate::config::reference::ReferenceText;
use crate::config::suggest::suggest;
use crate::config::table::Table;
use crate::config::value::{entries, string, table, Placed};
use crate::error::Result;
use crate::key::BindKey;

impl Reader<'_> {
    /// Reads one of `[[tables]]`: `sql`, and the `bind_key` that it belongs to.
    pub(super) fn table(&mut self, value: &Placed<'_>) -> Result<()> {
        let (mut sql, mut key) = (None, None);
        for (name, value) in entries(self.fit(None, table("tables", value))?) {
            let set = match name.get_ref().as_ref() {
                "sql" => &mut sql,
                "bind_key" => &mut key,
                other => {
                    let suggestion = suggest(other, &["sql", "bind_key"], &[]);
                    return Err(self.error(
                        None,
                        name.span(),
                        format!("unknown name `{other}` in a table; {suggestion}"),
                    ));
                }
            };
            *set = Some(self.fit(None, string(name.get_ref().as_ref(), value))?);
        }
        let Some(sql) = sql else {
            let problem = "a table has `sql`, the SQL that makes it, and may have a `bind_key`".to_string();
            return Err(self.error(None, value.span(), problem));
        };
        let mut table = Table::new(sql);
        if let Some(key) = key {
            table = table.bind_key(BindKey::from(key));
        }
        self.written.tables.push(table);
        Ok(())
    }

    /// Reads one of `[[references]]`: `from` and `to`, each as `bind.table.column`.
    pub(super) fn reference(&mut self, value: &Placed<'_>) -> Result<()> {
        let (mut from, mut to) = (None, None);
        for (name, value) in entries(self.fit(None, table("references", value))?) {
            let end = match name.get_ref().as_ref() {
                "from" => &mut from,
                "to" => &mut to,
                other => {
                    let suggestion = suggest(other, &["from", "to"], &[]);
                    return Err(self.error(
                        None,
                        name.span(),
                        format!("unknown name `{other}` in a reference; {suggestion}"),
                    ));
                }
            };
            *end = Some(self.fit(None, string(name.get_ref().as_ref(), value))?.to_string());
        }
        match (from, to) {
            (Some(from), Some(to)) => {
                self.written.references.push(ReferenceText { from, to, origin: self.origin(value.span()) });
                Ok(())
            }
            _ => {
                let problem = "a reference has `from` and `to`, each as `bind.table.column`".to_string();
                Err(self.error(None, value.span(), problem))
            }
        }
    }
}
